"""Promises of fixes: they mend what they name and nothing else, as one edit, and undo brings every bit back."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Picture

from engine.geometry.mask import Mask
from engine.project import Action, Edit, InstanceChange, Project, commands
from engine.quality.checks import ABOUT, FILE_CHECKS, Check
from engine.quality.examination import examine, examine_image
from engine.quality.findings import Finding, FixKind, Subject
from engine.quality.fixing import fix, mended
from engine.records import Detection, Image, Instance, InstanceState, Origin

Make = Callable[..., Instance]
SHAPE_CHECKS = (Check.SPECK, Check.FAR_PART, Check.HOLE, Check.OUTSIDE, Check.TINY)
PAIR_CHECKS = (Check.DUPLICATE, Check.NEAR_DUPLICATE)


def block(x: int, y: int, width: int, height: int | None = None) -> Mask:
    return Mask.from_crop(np.ones((height or width, width), dtype=bool), x, y)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two images of 200 x 200 with one category."""
    for number in range(2):
        Picture.new("RGB", (200, 200), (number, 0, 0)).save(tmp_path / f"{number}.png")
    with Project.create(tmp_path / "project") as opened:
        opened.add_images(sorted(tmp_path.glob("*.png")))
        yield opened


@pytest.fixture
def fill(project: Project, instance: Make) -> Callable[..., list[Instance]]:
    """fill(image index, *masks, **fields): accepted instances with those masks, of the only category."""

    def add(index: int, *masks: Mask, **fields: object) -> list[Instance]:
        if not project.categories():
            project.apply(commands.add_category(project.new_category_id(), "cell", "#000000"))
        ids = project.new_instance_ids(len(masks))
        image_id = project.images()[index].id
        added = [
            replace(instance(number, mask, project.categories()[0].id, **fields), image_id=image_id)
            for number, mask in zip(ids, masks, strict=True)
        ]
        project.apply(Edit(Action.IMPORT, None, tuple(InstanceChange(None, each) for each in added)))
        return added

    return add


def state(project: Project) -> list[list[Instance]]:
    return [project.instances(image.id) for image in project.images()]


def findings_of(project: Project, check: Check) -> list[Finding]:
    return [finding for examined in examine(project, {check}) for finding in examined.findings]


BAD = {
    Check.EMPTY: [Mask.empty()],
    Check.OUTSIDE: [block(-5, 10, 20), block(190, 190, 30), block(300, 300, 5)],
    Check.DUPLICATE: [block(0, 0, 20), block(0, 0, 20), block(50, 0, 20), block(50, 0, 20)],
    Check.NEAR_DUPLICATE: [block(0, 0, 20), block(1, 0, 20), block(50, 0, 20), block(50, 2, 20)],
    Check.OVERLAP: [block(0, 0, 40), block(25, 0, 40)],
    Check.SPECK: [block(0, 0, 50).union(block(70, 70, 2)).union(block(80, 20, 3))],
    Check.FAR_PART: [block(0, 0, 50).union(block(90, 90, 10))],
    Check.HOLE: [block(0, 0, 50).subtract(block(4, 4, 2)).subtract(block(14, 14, 3))],
    Check.TINY: [block(3, 3, 2)],
}


@pytest.mark.parametrize("check", BAD)
def test_one_edit_over_the_project_mends_every_finding_and_undo_restores_every_bit(
    project: Project, fill: Callable[..., list[Instance]], check: Check
) -> None:
    for index in range(2):
        fill(index, *BAD[check])
    before, entries = state(project), len(project.history())
    outcome = fix(project, findings_of(project, check))
    project.apply(outcome.edit)
    assert len(outcome.mended) >= 2 and not outcome.stale
    assert outcome.edit.image_id is None
    assert len(project.history()) == entries + 1
    assert project.history()[0].action is Action.FIX
    assert findings_of(project, check) == []
    project.undo()
    assert state(project) == before


def test_the_mask_of_a_mismatch_stays_and_its_record_forgets_what_is_wrong(
    project: Project, fill: Callable[..., list[Instance]]
) -> None:
    source = {"bbox": [0, 0, 1, 1], "area": 3, "segmentation": [[0, 0, 1, 0, 1, 1]], "note": "kept"}
    (added,) = fill(0, block(10, 10, 30), source=json.dumps(source))
    project.apply(fix(project, findings_of(project, Check.BOX_AREA)).edit)
    stored = project.instance(added.id)
    assert stored.mask == added.mask
    assert stored.source is not None and json.loads(stored.source) == {"note": "kept"}
    project.undo()
    assert project.instance(added.id) == added


def test_what_the_model_predicted_is_kept_as_rejected(project: Project, fill: Callable[..., list[Instance]]) -> None:
    first, second = fill(0, *[block(0, 0, 20)] * 2, origin=Origin.PREDICTED, score=0.9)
    project.apply(fix(project, findings_of(project, Check.DUPLICATE)).edit)
    assert project.instance(first.id).state is InstanceState.ACCEPTED
    assert project.instance(second.id).state is InstanceState.REJECTED


def test_a_missed_proposal_is_accepted(project: Project, fill: Callable[..., list[Instance]]) -> None:
    found = Detection(0, "cell", 0.9, (0.0, 0.0, 20.0, 20.0), block(0, 0, 20))
    image = project.images()[0]
    (proposal,) = project.set_proposals(image.id, [found], "model")
    project.apply(commands.accept_image(image, [proposal], threshold=0.95))
    (finding,) = findings_of(project, Check.MISSED)
    project.apply(fix(project, [finding]).edit)
    assert project.instance(proposal.id).state is InstanceState.ACCEPTED
    assert findings_of(project, Check.MISSED) == []


def test_a_finding_about_what_was_edited_since_is_stale_and_changes_nothing(
    project: Project, fill: Callable[..., list[Instance]]
) -> None:
    (added,) = fill(0, *BAD[Check.SPECK])
    fill(1, *BAD[Check.SPECK])
    findings = findings_of(project, Check.SPECK)
    smaller = added.with_mask(block(0, 0, 50).union(block(70, 70, 2)))
    project.apply(Edit(Action.ERASER, added.image_id, (InstanceChange(added, smaller),)))
    outcome = fix(project, findings)
    assert len(findings) == 4 and len(outcome.mended) == 3
    assert outcome.stale == (findings[0],)


def test_findings_of_two_checks_are_not_one_edit(project: Project, fill: Callable[..., list[Instance]]) -> None:
    fill(0, *BAD[Check.SPECK], *BAD[Check.HOLE])
    findings = findings_of(project, Check.SPECK) + findings_of(project, Check.HOLE)
    with pytest.raises(ValueError, match="of one check"):
        fix(project, findings)


def test_a_category_renamed_since_makes_no_finding_stale(project: Project, fill: Callable[..., list[Instance]]) -> None:
    fill(0, *BAD[Check.HOLE])
    findings = findings_of(project, Check.HOLE)
    project.apply(commands.rename_category(project.categories()[0], "nucleus"))
    assert len(fix(project, findings).mended) == len(findings)


MASKS = st.builds(
    lambda base, crumbs, gaps, x, y: Mask.from_crop((np.pad(base, 14) | crumbs) & ~gaps, x, y),
    arrays(np.bool_, (24, 24), elements=st.just(True)),
    arrays(np.bool_, (52, 52), fill=st.just(False), elements=st.booleans()),
    arrays(np.bool_, (52, 52), fill=st.just(False), elements=st.booleans()),
    st.integers(-10, 170),
    st.integers(-10, 170),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MASKS, min_size=1, max_size=3), st.sampled_from(SHAPE_CHECKS + PAIR_CHECKS))
def test_a_fix_takes_its_finding_away_brings_no_other_and_touches_named_pixels_only(
    instance: Make, image: Callable[..., Image], masks: list[Mask], check: Check
) -> None:
    instances = [instance(number, mask) for number, mask in enumerate(masks)]
    subject = Subject(image(), instances, {1: "cell"})
    findings = examine_image(subject, {check})
    after = {change.before.id: change.after for change in mended(subject, findings) if change.before is not None}
    left = [after.get(each.id, each) for each in instances]
    rest = [each for each in left if each is not None]
    assert examine_image(replace(subject, instances=rest), {check}) == []
    for before, now in zip(instances, left, strict=True):
        fixes = [finding.fix for finding in findings if finding.fix and finding.fix.instance_id == before.id]
        if now is None:
            continue
        added, taken = now.mask.subtract(before.mask), before.mask.subtract(now.mask)
        for named in fixes:
            if named.kind is FixKind.FILL:
                added = added.subtract(named.pixels)
            elif named.kind is FixKind.TAKE:
                taken = taken.subtract(named.pixels)
        assert added.is_empty
        assert taken.clip(200, 200).is_empty


def test_every_check_explains_itself() -> None:
    assert set(ABOUT) == set(Check)
    assert all(about.title and about.why.endswith(".") for about in ABOUT.values())
    assert not any(ABOUT[check].fix for check in FILE_CHECKS)


def test_what_is_wrong_with_a_locked_instance_is_told_but_not_mended(
    project: Project, fill: Callable[..., list[Instance]]
) -> None:
    speck = block(10, 10, 60).union(block(100, 100, 1))
    locked, loose = fill(0, speck, Mask(speck.x + 1, speck.y + 90, speck.bitmap))
    before = findings_of(project, Check.SPECK)
    project.apply(commands.lock([locked]))
    findings = findings_of(project, Check.SPECK)
    assert {one.instance_ids: one.fix is None for one in findings} == {(locked.id,): True, (loose.id,): False}
    fixed = fix(project, before)
    assert [one.instance_ids for one in fixed.stale] == [(locked.id,)]
    project.apply(fixed.edit)
    assert project.instance(locked.id).mask == speck
    assert project.instance(loose.id).mask != loose.mask
