"""Why a round's verdict is what it is, in the window's language."""

from app.panels.round_figures import fraction_text, share_text
from app.translation import number, tr
from engine.project import Round

FEWEST_HELD_OUT, FEWEST_INSTANCES = 5, 100  # engine.learning.promotion: below either nothing can be told


def reason_text(entry: Round) -> str:
    """What the verdict rests on. Rounds of earlier versions say it in English alone."""
    after = entry.after or {}
    change, images, instances = after.get("change"), after.get("images"), after.get("instances")
    if change is None or images is None or instances is None:
        return entry.reason
    share = after.get("unedited_share")
    favoured = tr(
        "{share} of the hold-out instances were accepted unedited, which favours the old model.",
        share=share_text(share or 0.0),
    )
    low, high = change
    return " ".join([_interval(low, high, images, instances), *([favoured] if share else [])])


def _interval(low: float, high: float, images: int, instances: int) -> str:
    if images < FEWEST_HELD_OUT or instances < FEWEST_INSTANCES:
        return tr(
            "Accepted images of the hold-out: {images}, instances on them: {instances}; a verdict needs at least "
            "{fewest_images} images and {fewest_instances} instances.",
            images=number(images),
            instances=number(instances),
            fewest_images=number(FEWEST_HELD_OUT),
            fewest_instances=number(FEWEST_INSTANCES),
        )
    told = {"images": number(images), "low": _signed(low), "high": _signed(high)}
    if low <= 0 <= high:
        return tr(
            "On {images} held-out images the change in mask AP50 lies between {low} and {high} (95 % of resamples), "
            "which includes no change.",
            **told,
        )
    return tr(
        "On {images} held-out images the change in mask AP50 lies between {low} and {high} (95 % of resamples).", **told
    )


def _signed(value: float) -> str:
    text = fraction_text(abs(value))
    return text if text == fraction_text(0.0) else f"{'+' if value > 0 else '−'}{text}"
