"""Why an image is next, in the few words of a row and in the sentence of its tooltip."""

from collections.abc import Callable
from dataclasses import dataclass

from app.translation import tr, trn
from engine.learning.queue import Place, Reason


@dataclass(frozen=True)
class ReasonWords:
    """`short` and `long` are told the reason's figure as a whole number."""

    icon: str
    token: str
    short: Callable[[int], str]
    long: Callable[[int], str]


WORDS = {
    Reason.DOUBT: ReasonWords(
        "help-circle-outline",
        "proposal",
        lambda count: trn("{count} unsure proposal", "{count} unsure proposals", count),
        lambda count: trn(
            "The model is unsure of {count} proposal: its score is near the threshold.",
            "The model is unsure of {count} proposals: their scores are near the threshold.",
            count,
        ),
    ),
    Reason.INSTABILITY: ReasonWords(
        "vector-polyline",
        "proposal",
        lambda count: trn("{count} unsure outline", "{count} unsure outlines", count),
        lambda count: trn(
            "The model is unsure where {count} outline runs.", "The model is unsure where {count} outlines run.", count
        ),
    ),
    Reason.MIRROR: ReasonWords(
        "flip-horizontal",
        "proposal",
        lambda count: trn("{count} unsteady object", "{count} unsteady objects", count),
        lambda count: trn(
            "The model sees {count} object otherwise in the mirror image.",
            "The model sees {count} objects otherwise in the mirror image.",
            count,
        ),
    ),
    Reason.DIVERSITY: ReasonWords(
        "star-four-points-outline",
        "accent",
        lambda _: tr("Unlike the rest"),
        lambda _: tr("It looks unlike what was accepted and unlike what comes before it."),
    ),
    Reason.DISAGREEMENT: ReasonWords(
        "not-equal-variant",
        "warning",
        lambda count: trn("{count} difference", "{count} differences", count),
        lambda count: trn(
            "The model and the annotations differ in {count} place.",
            "The model and the annotations differ in {count} places.",
            count,
        ),
    ),
    Reason.CONTROL: ReasonWords(
        "dice-5-outline",
        "muted",
        lambda _: tr("Random control"),
        lambda _: tr("Drawn by chance. Such images show whether the queue helps, and keep the hold-out fair."),
    ),
    Reason.NOTHING: ReasonWords(
        "check",
        "faint",
        lambda _: tr("Little to learn"),
        lambda _: tr("The model is as sure here as anywhere, and the image is like others."),
    ),
}


def short_words(place: Place) -> str:
    """Fits into a row."""
    return WORDS[place.reason].short(round(place.figure))


def long_words(place: Place) -> str:
    """A sentence."""
    return tr("Next because: {why}", why=WORDS[place.reason].long(round(place.figure)))
