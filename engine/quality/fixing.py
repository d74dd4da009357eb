"""The fixes of findings as one edit, which undo takes back as a whole."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.project import Action, Edit, InstanceChange, Project, commands
from engine.quality.checks import USUAL_LIMITS, Limits
from engine.quality.examination import examine_image
from engine.quality.findings import Finding, Fix, FixKind, Subject
from engine.records import Image, Instance


@dataclass(frozen=True, slots=True)
class Fixed:
    """An edit that is still to be applied, the findings that it mends, and those that are not so any more."""

    edit: Edit
    mended: tuple[Finding, ...]
    stale: tuple[Finding, ...]


def fix(
    project: Project,
    findings: Iterable[Finding],
    limits: Limits = USUAL_LIMITS,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Fixed:
    """One edit that mends those of the findings, all of one check, that have a fix and are still so.

    Instances are read and checked again first, so a finding about something that was edited since is stale and changes
    nothing. `progress(done, total)` counts images and may raise to give up. Raises ValueError where the findings are
    of several checks.
    """
    by_image: dict[int, list[Finding]] = {}
    checks = set()
    for finding in findings:
        checks.add(finding.check)
        if finding.fix is not None and finding.image_id is not None:
            by_image.setdefault(finding.image_id, []).append(finding)
    if len(checks) > 1:
        raise ValueError(f"one edit mends the findings of one check, not of {len(checks)}")
    names = {category.id: category.name for category in project.categories()}
    changes: list[InstanceChange] = []
    valid: list[Finding] = []
    stale: list[Finding] = []
    for done, (image_id, wanted) in enumerate(by_image.items()):
        progress(done, len(by_image))
        subject = Subject(project.image(image_id), project.instances(image_id), names, limits)
        current = set(examine_image(subject, checks))
        still = [finding for finding in wanted if finding in current]
        valid += still
        stale += [finding for finding in wanted if finding not in current]
        changes += mended(subject, still)
    only_image = next(iter(by_image)) if len(by_image) == 1 else None
    return Fixed(Edit(Action.FIX, only_image, tuple(changes)), tuple(valid), tuple(stale))


def mended(subject: Subject, findings: Iterable[Finding]) -> list[InstanceChange]:
    """The instances of an image before and after the fixes of its findings, several of which may concern one."""
    before = {instance.id: instance for instance in subject.instances}
    after: dict[int, Instance | None] = {}
    for finding in findings:
        step = finding.fix
        if step is not None:
            instance = after.get(step.instance_id, before[step.instance_id])
            after[step.instance_id] = instance and _applied(step, instance, subject.image)
    return [InstanceChange(before[number], instance) for number, instance in after.items()]


def _applied(step: Fix, instance: Instance, image: Image) -> Instance | None:
    match step.kind:
        case FixKind.ACCEPT:
            return _only(commands.accept([instance]))
        case FixKind.DELETE:
            return _only(commands.delete([instance]))
        case FixKind.FORGET:
            return instance.with_mask(instance.mask)
        case FixKind.TAKE:
            mask = instance.mask.subtract(step.pixels)
        case FixKind.FILL:
            mask = instance.mask.union(step.pixels)
        case FixKind.CLIP:
            mask = instance.mask.clip(image.width, image.height)
    return _only(commands.delete([instance])) if mask.is_empty else instance.with_mask(mask)


def _only(edit: Edit) -> Instance | None:
    (change,) = edit.changes
    assert isinstance(change, InstanceChange)
    return change.after
