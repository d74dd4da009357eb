"""The figures of a round before and after, read from what it left, and in words. Rounds of old may lack some."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.translation import number, tr, trn
from engine.project import Round

DASH = "–"
_PRECISIONS = {
    "AP": (tr("AP"), tr("Average precision, the mean over overlaps from 0.50 to 0.95")),
    "AP50": (tr("AP50"), tr("Average precision where an overlap of 0.50 counts as found")),
    "AP75": (tr("AP75"), tr("Average precision where only an overlap of 0.75 counts as found")),
}


def fraction_text(value: float) -> str:
    return number(value, 3)


def share_text(value: float) -> str:
    return tr("{percent} %", percent=number(100 * value))


def points_text(value: float) -> str:
    return trn("{count} point", "{count} points", round(100 * value))


def seconds_text(value: float) -> str:
    return tr("{seconds} s", seconds=number(value, 1))


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both models; None where it is not known. `tip` says what it means."""

    name: str
    tip: str
    before: float | None
    after: float | None
    text: Callable[[float], str] = fraction_text
    less_is_better: bool = False

    @property
    def before_text(self) -> str:
        return DASH if self.before is None else self.text(self.before)

    @property
    def after_text(self) -> str:
        return DASH if self.after is None else self.text(self.after)

    @property
    def is_better(self) -> bool | None:
        """Whether the new model is better here; None where both read the same or one is not known."""
        if self.before is None or self.after is None or self.before_text == self.after_text:
            return None
        return (self.after > self.before) is not self.less_is_better

    @property
    def change_text(self) -> str:
        """The change with its sign, and in words whether that is good."""
        if self.before is None or self.after is None:
            return ""
        if self.is_better is None:
            return tr("no change")
        change = self.after - self.before
        text = points_text if self.text is share_text else self.text
        signed = f"{'+' if change > 0 else '−'}{text(abs(change))}"
        return tr("{change} better", change=signed) if self.is_better else tr("{change} worse", change=signed)


@dataclass(frozen=True, slots=True)
class Group:
    """Figures that belong together below a `heading`; one that speaks for all is the `lead`, in the heading's row."""

    heading: str
    figures: tuple[Figure, ...]
    lead: Figure | None = None


def labeler_group(entry: Round) -> Group:
    """What a labeler feels of both models."""

    def figure(
        name: str, tip: str, key: str, text: Callable[[float], str] = share_text, less_is_better: bool = False
    ) -> Figure:
        return Figure(name, tip, *_both(entry, "labeler", key), text, less_is_better)

    return Group(
        tr("For the labeler"),
        (
            figure(
                tr("Accepted unedited"),
                tr("Of the proposals shown, those whose mask is good as it is. Masks that nobody edited are left out."),
                "accepted_unedited",
            ),
            figure(tr("Instances found"), tr("Of all instances, those that a shown proposal covers"), "found"),
            figure(
                tr("Time per instance"),
                tr("Estimated from published times for a decision, a box and a stroke"),
                "seconds_an_instance",
                seconds_text,
                less_is_better=True,
            ),
        ),
    )


def precision_groups(entry: Round) -> list[Group]:
    """Masks and boxes over all categories, then each category alone where there are several."""
    masks, boxes = tr("Masks"), tr("Boxes")
    groups = [Group(masks, _precisions(entry, "mask")), Group(boxes, _precisions(entry, "box"))]
    names = list({**_part(entry.before, "categories"), **_part(entry.after, "categories")})
    if len(names) > 1:
        groups += [_category(entry, name) for name in names]
    return groups


def calibration_figure(entry: Round) -> Figure:
    """By how much scores are off."""
    return Figure(
        tr("Calibration error"),
        tr("How far scores lie from the share of proposals that are right; 0 is best"),
        *_both(entry, "calibration", "error"),
        less_is_better=True,
    )


def ap50(entry: Round) -> Figure:
    """The figure that the verdict rests on."""
    return _precision(entry, "AP50", "mask")


def reliability(figures: Mapping[str, Any] | None) -> list[tuple[float, float]]:
    """Mean score and share of hits of each bin that holds a detection."""
    bins = _part(figures, "calibration").get("bins")
    found = []
    for one in bins if isinstance(bins, list) else []:
        score, hits = _value(one, "score"), _value(one, "hits")
        if score is not None and hits is not None and _value(one, "detections"):
            found.append((score, hits))
    return found


def is_compared(entry: Round) -> bool:
    """Whether there was a held-out image to compare on."""
    return bool(entry.after and entry.after.get("images") != 0)


def _category(entry: Round, name: str) -> Group:
    place = ("categories", name, "mask")
    lead, *others = (_precision(entry, key, *place) for key in ("AP50", "AP", "AP75"))
    return Group(tr("{name}, mask AP50", name=name), tuple(others), lead)


def _precisions(entry: Round, *place: str) -> tuple[Figure, ...]:
    return tuple(_precision(entry, key, *place) for key in _PRECISIONS)


def _precision(entry: Round, key: str, *place: str) -> Figure:
    name, tip = _PRECISIONS[key]
    return Figure(name, tip, *_both(entry, *place, key))


def _both(entry: Round, *place: str) -> tuple[float | None, float | None]:
    before, after = (_at(figures, *place) for figures in (entry.before, entry.after))
    return before, after


def _at(figures: Mapping[str, Any] | None, *place: str) -> float | None:
    part: Any = figures
    for name in place[:-1]:
        part = _part(part, name)
    return _value(part, place[-1])


def _part(figures: object, name: str) -> Mapping[str, Any]:
    found = figures.get(name) if isinstance(figures, dict) else None
    return found if isinstance(found, dict) else {}


def _value(figures: object, name: str) -> float | None:
    """A figure, None where there is none: missing, or negative, which says that there was no instance to find."""
    value = figures.get(name) if isinstance(figures, dict) else None
    return float(value) if isinstance(value, int | float) and value >= 0 else None
