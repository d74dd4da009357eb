"""What the categories of a model are called in a project, and which of them are left out there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.geometry.boxes import mask_iou_matrix
from engine.project.proposals import SAME_OBJECT_IOU
from engine.records import Detection

# COCO's ids have gaps, which torchvision's models call so: no object is of that category.
PLACEHOLDER = "N/A"


@dataclass(frozen=True)
class CategoryMap:
    """The name in the project of each of a model's categories, in the order of its labels; None for one left out."""

    targets: Mapping[str, str | None]

    @property
    def left_out(self) -> list[str]:
        """The model's categories whose detections are dropped."""
        return [name for name, target in self.targets.items() if target is None and name != PLACEHOLDER]

    def to_model(self, name: str) -> str | None:
        """The model's category that is called so in the project, the first of several; None where there is none."""
        return next((model for model, target in self.targets.items() if target == name), None)

    def sources(self, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The model's categories that become each of the project's, given by name."""
        return {name: tuple(model for model, target in self.targets.items() if target == name) for name in names}

    def renamed(self, detections: Sequence[Detection]) -> list[Detection]:
        """Detections under the project's names, those of categories that are left out dropped.

        Where several categories of the model become one, an object that was found as two of them stays once, as what
        the model is surest of.
        """
        found = [(each, self.targets.get(each.category, each.category)) for each in detections]
        kept = [replace(each, category=name) for each, name in found if name is not None]
        targets = [target for target in self.targets.values() if target is not None]
        merged = {target for target in targets if targets.count(target) > 1}
        doubles: set[int] = set()
        for name in merged:
            doubles |= _doubles([each for each in kept if each.category == name])
        return [each for each in kept if id(each) not in doubles]


def category_map(
    chosen: Mapping[str, str | None] | None,
    model: Sequence[str],
    project: Sequence[str],
    renamed: Mapping[str, str] | None = None,
) -> CategoryMap:
    """What a person chose, and for the model's other categories what goes without saying.

    A category of the same name, in whatever case, is the same; `renamed` says what categories that had another name are
    called now. The only category of a model is the only one of a project, whatever either is called. One that the
    project lacks is left out, unless the project has no categories at all, or the model has this one only: else nothing
    would be found.
    """
    same = {name.casefold(): name for name in project}
    real = [name for name in dict.fromkeys(model) if name != PLACEHOLDER]
    passes = not project or len(real) == 1
    only = project[0] if len(real) == len(project) == 1 else None
    targets: dict[str, str | None] = {PLACEHOLDER: None} if PLACEHOLDER in model else {}
    for name in real:
        now = (renamed or {}).get(name, name)
        targets[name] = same.get(name.casefold()) or same.get(now.casefold()) or only or (name if passes else None)
    return CategoryMap(targets | {name: target for name, target in (chosen or {}).items() if name in targets})


def _doubles(detections: Sequence[Detection]) -> set[int]:
    """Which of them, by `id`, are the same object as a surer one of another label of the model."""
    if len({each.label for each in detections}) < 2:
        return set()
    surest_first = sorted(detections, key=lambda each: -each.score)
    masks = [each.mask for each in surest_first]
    overlap = mask_iou_matrix(masks, masks)
    kept: list[int] = []
    doubles = set()
    for at, each in enumerate(surest_first):
        if any(overlap[at, before] >= SAME_OBJECT_IOU and surest_first[before].label != each.label for before in kept):
            doubles.add(id(each))
        else:
            kept.append(at)
    return doubles
