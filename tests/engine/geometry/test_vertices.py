"""Vertices pull their own stretches and nothing else: masks are those of the changed rings, pixel by pixel."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as oracle

from engine.geometry import polygons
from engine.geometry.even_odd import Points, filled
from engine.geometry.mask import Bitmap, Mask
from engine.geometry.outline import Outline, outline_of, outline_of_source
from engine.geometry.vertices import Insertion, Move, Removal, differing

WIDTH, HEIGHT = 28, 22
SIZE = WIDTH, HEIGHT
masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)).map(
    lambda bitmap: Mask.from_crop(bitmap, 5, 4)
)
tolerances = st.sampled_from([0.5, 1.0, 2.5, 8.0])
steps = st.floats(-30, 30)


def rule(rings: list[Points]) -> Bitmap:
    """The oracle: even-odd at pixel centres (H, W), by comparing every centre with every edge."""
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    inside = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True):
            if y1 != y2:
                inside ^= ((y1 > rows) != (y2 > rows)) & (columns >= x1 + (rows - y1) * (x2 - x1) / (y2 - y1))
    return inside


def full(mask: Mask) -> Bitmap:
    return mask.to_full(HEIGHT, WIDTH)


def after(mask: Mask, flipped: list[Mask]) -> Mask:
    """The mask with pixels turned into their opposite."""
    for part in flipped:
        mask = differing(mask, part)
    return mask


def blob() -> Mask:
    """A disc of 18 pixels across with a hole, and a part apart."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    disc = (np.hypot(x - 11, y - 11) <= 9) & (np.hypot(x - 11, y - 11) > 4)
    disc[3:7, 23:27] = True
    return Mask.from_full(disc)


def ring_of(outline: Outline, number: int) -> int:
    return int(np.searchsorted(outline.first_handles, number, side="right")) - 1


def pulled(outline: Outline, number: int, to: tuple[float, float] | None) -> list[Points]:
    """The oracle: the rings with the stretches around one handle replaced, written out point by point."""
    rings = outline.rings()
    index = ring_of(outline, number)
    handles = outline.handles[outline.first_handles[index] : outline.first_handles[index + 1]].tolist()
    place = handles.index(outline.handles[number])
    before, after = handles[place - 1], handles[(place + 1) % len(handles)]
    start, stop = outline.starts[index], outline.starts[index + 1]
    kept, at = [], after
    while at != before:
        kept.append(outline.points[at])
        at = at + 1 if at + 1 < stop else start
    rings[index] = np.array([*kept, outline.points[before], *([] if to is None else [to])])
    return rings


@given(masks, tolerances)
def test_an_outline_fills_its_mask_and_its_handles_are_on_it(mask: Mask, tolerance: float) -> None:
    outline = outline_of(mask, tolerance)
    assert filled(outline.rings()) == mask
    assert (np.diff(outline.first_handles) >= 3).all()
    assert (np.diff(outline.handles) > 0).all()
    exact = sorted(tuple(point) for ring in polygons.outlines(mask) for point in ring.tolist())
    assert sorted(map(tuple, outline.points.tolist())) == exact


def test_handles_are_few_where_the_outline_is_straight_and_stay_within_the_tolerance() -> None:
    square = outline_of(Mask.from_crop(np.ones((9, 12)), 3, 4), 1.0)
    assert sorted(map(tuple, square.places.tolist())) == [(3, 4), (3, 13), (15, 4), (15, 13)]
    fine, coarse = (outline_of(blob(), tolerance) for tolerance in (0.75, 3.0))
    assert len(coarse.handles) < len(fine.handles) < len(fine.points)
    for outline, tolerance in ((fine, 0.75), (coarse, 3.0)):
        for number, following in enumerate(outline.next_handles):
            a, b = outline.places[number], outline.places[following]
            for point in outline.points[outline.stretches == number]:
                along = np.clip((point - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
                assert np.hypot(*(point - a - along * (b - a))) <= tolerance * 1.5 + 1e-6


@given(masks, tolerances, st.integers(0, 1000), steps, steps)
def test_moving_a_handle_gives_the_fill_of_the_ring_with_its_two_stretches_straight(
    mask: Mask, tolerance: float, which: int, dx: float, dy: float
) -> None:
    if mask.is_empty:
        return
    outline = outline_of(mask, tolerance)
    number = which % len(outline.handles)
    move = Move(outline, mask, SIZE, [number])
    move.to(dx, dy)
    target = move.outline.places[number]
    assert (target >= 0).all()
    assert (target <= SIZE).all()
    if (target == outline.places[number]).all():
        assert move.mask == mask
        return
    expected = pulled(outline, number, tuple(target))
    np.testing.assert_array_equal(full(move.mask), rule(expected))
    swept = rule(expected) != rule(outline.rings())
    np.testing.assert_array_equal(full(move.mask)[~swept], full(mask)[~swept])
    assert filled(move.outline.rings()) == move.mask


@given(masks, tolerances, st.sets(st.integers(0, 1000), min_size=1), st.lists(st.tuples(steps, steps), max_size=4))
def test_what_a_move_tells_step_by_step_adds_up_to_what_it_gives(
    mask: Mask, tolerance: float, which: set[int], way: list[tuple[float, float]]
) -> None:
    if mask.is_empty:
        return
    outline = outline_of(mask, tolerance)
    move = Move(outline, mask, SIZE, {one % len(outline.handles) for one in which})
    shown = mask
    for dx, dy in way:
        shown = after(shown, move.to(dx, dy))
        assert shown == move.mask
        np.testing.assert_array_equal(full(shown), rule(move.outline.rings()))
    assert after(shown, move.to(0, 0)) == mask
    assert move.mask == mask
    assert move.outline is outline


@given(masks, tolerances, st.integers(-4, 4), st.integers(-3, 3))
def test_moving_all_handles_moves_the_mask_as_it_is(mask: Mask, tolerance: float, dx: int, dy: int) -> None:
    if mask.is_empty:
        return
    outline = outline_of(mask, tolerance)
    move = Move(outline, mask, SIZE, range(len(outline.handles)))
    move.to(dx, dy)
    assert move.mask == Mask(mask.x + dx, mask.y + dy, mask.bitmap)


def test_several_handles_keep_the_exact_stretch_between_them() -> None:
    outline = outline_of(blob(), 1.0)
    move = Move(outline, blob(), SIZE, [0, 1])
    move.to(2, -1)
    between = outline.points[outline.handles[0] : outline.handles[1] + 1] + (2, -1)
    first = move.outline.handles[0]
    np.testing.assert_array_equal(move.outline.points[first : first + len(between)], between)


@given(masks, tolerances, st.integers(0, 1000))
def test_removing_a_handle_puts_a_straight_line_in_the_place_of_its_two_stretches(
    mask: Mask, tolerance: float, which: int
) -> None:
    if mask.is_empty:
        return
    outline = outline_of(mask, tolerance)
    number = which % len(outline.handles)
    if np.diff(outline.first_handles)[ring_of(outline, number)] <= 3:
        return
    removal = Removal(outline, mask, SIZE, [number])
    np.testing.assert_array_equal(full(removal.mask), rule(pulled(outline, number, None)))
    assert len(removal.outline.handles) == len(outline.handles) - 1
    assert filled(removal.outline.rings()) == removal.mask


@given(masks, tolerances, st.integers(0, 1000), st.floats(0, 1), steps, steps)
def test_a_new_handle_changes_nothing_until_it_is_moved_between_its_neighbours(
    mask: Mask, tolerance: float, which: int, share: float, dx: float, dy: float
) -> None:
    if mask.is_empty:
        return
    outline = outline_of(mask, tolerance)
    edge = which % len(outline.points)
    a, b = outline.points[edge], outline.points[outline.next_points[edge]]
    insertion = Insertion(outline, mask, SIZE, edge, tuple(a + share * (b - a)))
    assert after(mask, insertion.to(0, 0)) == mask
    assert insertion.mask == mask
    grown = insertion.outline
    insertion.to(dx, dy)
    target = insertion.outline.places[insertion.number]
    if (target != grown.places[insertion.number]).any():
        np.testing.assert_array_equal(full(insertion.mask), rule(pulled(grown, insertion.number, tuple(target))))


def test_where_a_handle_is_already_none_is_added() -> None:
    for outline in (outline_of(blob(), 1.0), outline_of_source(*sourced([[2.0, 2.0, 9.5, 2.0, 9.5, 8.0]]), SIZE)):
        assert outline is not None
        insertion = Insertion(outline, blob(), SIZE, int(outline.handles[1]), tuple(outline.places[1]))
        assert insertion.number == 1
        assert insertion.outline is outline


@given(masks, st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1000), steps, steps), max_size=6))
def test_an_outline_outlives_any_number_of_changes(mask: Mask, gestures: list[tuple[int, int, float, float]]) -> None:
    outline = outline_of(mask, 1.0)
    for kind, which, dx, dy in gestures:
        if not len(outline.handles):
            break
        change: Move | Removal
        if kind == 0:
            change = Removal(outline, mask, SIZE, [which % len(outline.handles)])
        else:
            edge = which % len(outline.points)
            middle = (outline.points[edge] + outline.points[outline.next_points[edge]]) / 2
            change = Move(outline, mask, SIZE, [which % len(outline.handles)])
            if kind == 2:
                change = Insertion(outline, mask, SIZE, edge, tuple(middle))
            change.to(dx, dy)
        outline, mask = change.outline, change.mask
        np.testing.assert_array_equal(full(mask), rule(outline.rings()))


def nested() -> Mask:
    """A square with a hole, in which an island with a hole of its own lies."""
    bitmap = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for margin in (1, 4, 6, 9):
        bitmap[margin : HEIGHT - margin, margin : HEIGHT - margin] ^= True
    return Mask.from_full(bitmap)


def handles_at(outline: Outline, corner: tuple[int, int]) -> list[int]:
    """All but two handles of the ring that has a corner."""
    number = int(np.flatnonzero((outline.places == corner).all(axis=1))[0])
    ring = ring_of(outline, number)
    return list(range(outline.first_handles[ring], outline.first_handles[ring + 1] - 2))


@pytest.mark.parametrize(("corner", "left"), [(1, (6, 9)), (4, (1, 9)), (6, (1, 4)), (9, (1, 4, 6))])
def test_a_ring_that_goes_makes_what_it_enclosed_like_its_surroundings(corner: int, left: tuple[int, ...]) -> None:
    outline = outline_of(nested(), 1.0)
    removal = Removal(outline, nested(), SIZE, handles_at(outline, (corner, corner)))
    expected = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for margin in left:
        expected[margin : HEIGHT - margin, margin : HEIGHT - margin] ^= True
    np.testing.assert_array_equal(full(removal.mask), expected)
    assert len(removal.outline.starts) == len(left) + 1


def test_a_part_that_goes_together_with_its_hole_leaves_the_island_in_it() -> None:
    outline = outline_of(nested(), 1.0)
    both = handles_at(outline, (1, 1)) + handles_at(outline, (4, 4))
    removal = Removal(outline, nested(), SIZE, both)
    expected = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for margin in (6, 9):
        expected[margin : HEIGHT - margin, margin : HEIGHT - margin] ^= True
    np.testing.assert_array_equal(full(removal.mask), expected)


def test_the_last_ring_that_goes_leaves_nothing() -> None:
    mask = Mask.from_crop(np.ones((4, 4)), 3, 3)
    removal = Removal(outline_of(mask, 1.0), mask, SIZE, [0, 1])
    assert removal.mask.is_empty
    assert len(removal.outline.points) == 0


# -- vertices of COCO polygons


def decoded(coco: list[list[float]]) -> Bitmap:
    drawable = [polygon for polygon in coco if len(polygon) >= 6]
    if not drawable:
        return np.zeros((HEIGHT, WIDTH), dtype=bool)
    return oracle.decode(oracle.merge(oracle.frPyObjects(drawable, HEIGHT, WIDTH))).astype(bool)


coco_polygons = st.lists(
    st.lists(st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT)), min_size=3, max_size=7).map(
        lambda ring: [value for point in ring for value in point]
    ),
    min_size=1,
    max_size=3,
)


def sourced(coco: list[list[float]]) -> tuple[str, Mask]:
    return json.dumps({"segmentation": coco}), polygons.from_coco_polygons(coco, HEIGHT, WIDTH)


@given(coco_polygons)
def test_the_vertices_of_a_polygon_are_its_handles(coco: list[list[float]]) -> None:
    outline = outline_of_source(*sourced(coco), SIZE)
    assert outline is not None
    assert outline.to_coco() == coco
    np.testing.assert_array_equal(outline.places.ravel(), np.concatenate(coco))


@given(coco_polygons, st.sets(st.integers(0, 1000), min_size=1), st.lists(st.tuples(steps, steps), min_size=1))
def test_moved_vertices_of_polygons_are_drawn_as_pycocotools_draws_them(
    coco: list[list[float]], which: set[int], way: list[tuple[float, float]]
) -> None:
    source, mask = sourced(coco)
    outline = outline_of_source(source, mask, SIZE)
    assert outline is not None
    chosen = {one % len(outline.handles) for one in which}
    move = Move(outline, mask, SIZE, chosen)
    shown = mask
    for dx, dy in way:
        shown = after(shown, move.to(dx, dy))
    assert move.polygons is not None
    assert shown == move.mask == differing(mask, move.flipped)
    np.testing.assert_array_equal(full(shown), decoded(move.polygons))
    moved = np.concatenate(move.polygons).reshape(-1, 2)
    still = [number for number in range(len(moved)) if number not in chosen]
    np.testing.assert_array_equal(moved[still], outline.places[still])


@given(coco_polygons, st.sets(st.integers(0, 1000), min_size=1))
def test_removed_vertices_leave_the_others_and_too_few_leave_none(coco: list[list[float]], which: set[int]) -> None:
    source, mask = sourced(coco)
    outline = outline_of_source(source, mask, SIZE)
    assert outline is not None
    chosen = {one % len(outline.handles) for one in which}
    removal = Removal(outline, mask, SIZE, chosen)
    expected, number = [], 0
    for polygon in coco:
        count = len(polygon) // 2
        left = [polygon[2 * i : 2 * i + 2] for i in range(count) if number + i not in chosen]
        number += count
        if len(left) >= 3:
            expected.append([value for point in left for value in point])
    assert removal.polygons == expected
    np.testing.assert_array_equal(full(removal.mask), decoded(expected))


@pytest.mark.parametrize(
    "source",
    [
        json.dumps({"segmentation": {"size": [HEIGHT, WIDTH], "counts": "00"}}),
        json.dumps({"segmentation": [[4.0, 4.0, 14.0, 4.0, 14.0, 14.0]]}),
        json.dumps({"segmentation": [[1.0, 2.0, 3.0]]}),
        json.dumps({"segmentation": []}),
        "{}",
        None,
    ],
)
def test_a_source_that_does_not_repeat_the_mask_gives_no_vertices(source: str | None) -> None:
    mask = polygons.from_coco_polygons([[2.0, 2.0, 12.0, 2.0, 12.0, 12.0]], HEIGHT, WIDTH)
    assert outline_of_source(source, mask, SIZE) is None
