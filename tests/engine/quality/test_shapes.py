"""Promises of the checks of single masks: what is found, what is left alone, and that only what is meant is named."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.geometry.mask import Mask
from engine.quality.checks import Check
from engine.quality.findings import Finding, FixKind
from engine.records import Instance, InstanceState

Run = Callable[..., list[Finding]]
Make = Callable[..., Instance]
SIZE = 200


def block(x: int, y: int, width: int, height: int | None = None) -> Mask:
    return Mask.from_crop(np.ones((height or width, width), dtype=bool), x, y)


def with_hole(side: int, hole: int) -> Mask:
    return block(20, 20, side).subtract(block(20 + side // 2, 20 + side // 2, hole))


def test_an_instance_without_pixels_is_empty_and_one_with_a_pixel_is_not(found: Run, instance: Make) -> None:
    (finding,) = found(Check.EMPTY, instance(4, Mask.empty()), instance(5, block(1, 1, 1)))
    assert finding.instance_ids == (4,)
    assert finding.bounds is None
    assert finding.fix is not None and finding.fix.kind is FixKind.DELETE and finding.fix.safe


@pytest.mark.parametrize("x", [-3, SIZE - 7])
def test_a_mask_over_the_border_is_outside_and_one_that_touches_it_is_not(found: Run, x: int, instance: Make) -> None:
    (finding,) = found(Check.OUTSIDE, instance(1, block(x, 5, 10)), instance(2, block(SIZE - 10, SIZE - 10, 10)))
    assert finding.instance_ids == (1,)
    assert "30 of 100 pixels" in finding.message


def test_a_few_stray_pixels_are_a_speck_and_their_bounds_are_its_own(found: Run, instance: Make) -> None:
    speck = block(80, 80, 2)
    (finding,) = found(Check.SPECK, instance(1, block(20, 20, 40).union(speck)))
    assert finding.bounds == speck.bounds
    assert finding.fix is not None and finding.fix.pixels == speck


@pytest.mark.parametrize(
    "mask",
    [
        block(20, 20, 40).union(block(60, 60, 2)),  # touches at a corner: one part
        block(20, 20, 40).union(block(80, 80, 5)),  # 25 pixels may be meant
        block(20, 20, 10).union(block(80, 80, 2)),  # 4 % of the main part may be meant
    ],
)
def test_what_may_be_meant_is_no_speck(found: Run, mask: Mask, instance: Make) -> None:
    assert not found(Check.SPECK, instance(1, mask))


def test_a_part_farther_away_than_it_is_large_is_far_and_one_behind_an_occluder_is_not(
    found: Run, instance: Make
) -> None:
    main, part = block(20, 20, 40), block(71, 20, 10)  # columns 60 to 70 lie between: 11 pixels
    (finding,) = found(Check.FAR_PART, instance(1, main.union(part)))
    assert finding.bounds == part.bounds
    assert ", 11 pixels from" in finding.message
    assert finding.fix is not None and not finding.fix.safe
    assert not found(Check.FAR_PART, instance(1, main.union(block(70, 20, 10))))


def test_the_gap_is_measured_to_the_pixels_and_not_to_the_box(found: Run, instance: Make) -> None:
    ell = block(0, 0, 100, 5).union(block(0, 0, 5, 100))
    (finding,) = found(Check.FAR_PART, instance(1, ell.union(block(60, 60, 8))))
    assert ", 55 pixels from" in finding.message


def test_a_speck_is_not_a_far_part_as_well(found: Run, instance: Make) -> None:
    assert not found(Check.FAR_PART, instance(1, block(20, 20, 40).union(block(90, 90, 2))))


def test_a_gap_between_strokes_is_a_hole_and_a_ring_is_meant(found: Run, instance: Make) -> None:
    (finding,) = found(Check.HOLE, instance(1, with_hole(40, 3)), instance(2, with_hole(40, 10)))
    assert finding.instance_ids == (1,)
    assert finding.fix is not None and finding.fix.pixels.area == 9 and finding.fix.safe


def test_a_hole_that_one_limit_only_speaks_for_is_not_filled_unasked(found: Run, instance: Make) -> None:
    # 9 of 64 pixels are few, but much of the object; 36 of 3,600 are many, but little of it.
    findings = found(Check.HOLE, instance(1, with_hole(8, 3)), instance(2, with_hole(60, 6)))
    assert [finding.fix is not None and finding.fix.safe for finding in findings] == [False, False]


def test_four_pixels_are_tiny_and_five_are_not(found: Run, instance: Make) -> None:
    (finding,) = found(Check.TINY, instance(1, block(0, 0, 2)), instance(2, block(9, 9, 5, 1)))
    assert finding.instance_ids == (1,)


@pytest.mark.parametrize("check", [Check.SPECK, Check.HOLE, Check.FAR_PART, Check.TINY])
def test_crowds_and_what_nobody_accepted_are_not_judged(found: Run, check: Check, instance: Make) -> None:
    bad = with_hole(40, 2).union(block(80, 80, 2)).union(block(150, 20, 12))
    for mask in (bad, block(0, 0, 1)):
        assert not found(check, instance(1, mask, crowd=True))
        for state in set(InstanceState) - {InstanceState.ACCEPTED}:
            assert not found(check, instance(1, mask, state=state))
