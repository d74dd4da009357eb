"""Promises of the checks of pairs: which share pixels, which one goes, and that none goes for one that goes itself."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.mask import Mask
from engine.quality.checks import Check
from engine.quality.findings import Finding
from engine.quality.pairs import overlaps
from engine.records import Instance, Origin

Run = Callable[..., list[Finding]]
Make = Callable[..., Instance]
SIZE = 200


def block(x: int, y: int, width: int, height: int | None = None) -> Mask:
    return Mask.from_crop(np.ones((height or width, width), dtype=bool), x, y)


BLOCKS = st.builds(block, st.integers(0, 40), st.integers(0, 40), st.integers(1, 20), st.integers(1, 20))


def test_the_same_pixels_are_a_duplicate_and_the_older_one_stays(found: Run, instance: Make) -> None:
    mask = block(10, 10, 30)
    (finding,) = found(Check.DUPLICATE, instance(7, mask), instance(3, mask))
    assert finding.instance_ids == (7, 3)
    assert finding.fix is not None and finding.fix.instance_id == 7 and finding.fix.safe


def test_what_a_person_worked_on_stays(found: Run, instance: Make) -> None:
    mask = block(10, 10, 30)
    for worked_on in ({"edited": True}, {"origin": Origin.DRAWN}):
        (finding,) = found(Check.DUPLICATE, instance(3, mask), instance(7, mask, **worked_on))
        assert finding.fix is not None and finding.fix.instance_id == 3


def test_of_three_copies_one_stays(found: Run, instance: Make) -> None:
    findings = found(Check.DUPLICATE, *(instance(number, block(10, 10, 30)) for number in (1, 2, 3)))
    assert [finding.instance_ids for finding in findings] == [(2, 1), (3, 1)]


def test_none_is_deleted_for_one_that_is_deleted_itself(found: Run, instance: Make) -> None:
    """The third resembles the second, which goes, but not the first, which stays."""
    chain = [block(0, 0, 40), block(1, 0, 40), block(2, 0, 40)]
    findings = found(Check.DUPLICATE, *(instance(number, mask) for number, mask in enumerate(chain)))
    assert [finding.instance_ids for finding in findings] == [(1, 0)]


@pytest.mark.parametrize(
    ("shift", "check"), [(1, Check.DUPLICATE), (3, Check.NEAR_DUPLICATE), (8, Check.OVERLAP), (30, None)]
)
def test_a_pair_is_found_by_one_check_at_most(found: Run, shift: int, check: Check | None, instance: Make) -> None:
    pair = instance(1, block(10, 10, 40)), instance(2, block(10 + shift, 10, 40))
    checks = (Check.DUPLICATE, Check.NEAR_DUPLICATE, Check.OVERLAP)
    assert [each for each in checks if found(each, *pair)] == ([check] if check else [])


def test_two_categories_for_one_object_are_told_and_left_to_a_person(found: Run, instance: Make) -> None:
    pair = instance(1, block(10, 10, 40)), instance(2, block(11, 10, 40), category_id=2)
    (finding,) = found(Check.TWO_CATEGORIES, *pair)
    assert finding.fix is None
    for other in (Check.DUPLICATE, Check.NEAR_DUPLICATE, Check.OVERLAP):
        assert not found(other, *pair)
    assert not found(Check.TWO_CATEGORIES, pair[0], instance(2, block(25, 10, 40), category_id=2))


def test_an_overlap_is_cut_from_the_newer_one_and_seen_where_it_is(found: Run, instance: Make) -> None:
    (finding,) = found(Check.OVERLAP, instance(1, block(0, 0, 40)), instance(2, block(24, 0, 40)))
    assert finding.bounds == (24, 0, 40, 40)
    assert finding.fix is not None and finding.fix.instance_id == 2 and not finding.fix.safe
    assert finding.fix.pixels == block(24, 0, 16, 40)


def test_an_instance_within_another_is_left_to_a_person(found: Run, instance: Make) -> None:
    (finding,) = found(Check.OVERLAP, instance(1, block(0, 0, 40)), instance(2, block(10, 10, 10)))
    assert finding.fix is None


def test_cuts_from_several_sides_leave_half_of_an_instance(found: Run, instance: Make) -> None:
    around = [block(0, 0, 40, 14), block(0, 26, 40, 14)]
    findings = found(Check.OVERLAP, *map(instance, (1, 2), around), instance(3, block(0, 0, 40)))
    assert [finding.fix is not None for finding in findings] == [True, False]


def test_a_crowd_overlaps_nothing(found: Run, instance: Make) -> None:
    pair = instance(1, block(10, 10, 40)), instance(2, block(10, 10, 40), crowd=True)
    assert not found(Check.DUPLICATE, *pair)


@given(st.lists(st.one_of(BLOCKS, st.just(Mask.empty())), max_size=12))
def test_the_sweep_finds_every_pair_that_shares_a_pixel(masks: list[Mask]) -> None:
    expected = [
        (first, second, masks[first].intersection_area(masks[second]), masks[first].iou(masks[second]))
        for first in range(len(masks))
        for second in range(first + 1, len(masks))
        if masks[first].overlaps(masks[second])
    ]
    assert [pair[:4] for pair in overlaps(masks)] == expected
    for pair in overlaps(masks):
        smaller = min(masks[pair.first].area, masks[pair.second].area)
        assert np.isclose(pair.of_smaller * smaller, pair.shared)
