"""What each command promises about the records it makes, whatever the mask looks like."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.geometry.polygons import from_coco_polygons
from engine.project import Action, CategoryChange, Edit, ImageChange, InstanceChange, commands
from engine.records import Category, Detection, Image, ImageStatus, Instance, InstanceState, Origin, Review

WIDTH, HEIGHT = 24, 16
IMAGE = Image(1, "a.png", WIDTH, HEIGHT, "00" * 32, False, Review.OPEN, ImageStatus.TODO, None)

# Noise: most such masks have holes and several parts.
bitmaps = arrays.arrays(np.bool_, (HEIGHT, WIDTH))
masks = bitmaps.map(Mask.from_full)


def an_instance(
    mask: Mask, state: InstanceState = InstanceState.PROPOSAL, origin: Origin = Origin.PREDICTED
) -> Instance:
    return Instance(7, IMAGE.id, 1, mask, state=state, origin=origin, score=0.4)


def only_change(edit: Edit) -> InstanceChange:
    (change,) = edit.changes
    assert isinstance(change, InstanceChange)
    return change


SQUARE = Mask.from_crop(np.ones((4, 4), dtype=np.bool_), 2, 2)


@given(bitmaps, bitmaps)
def test_painting_adds_exactly_the_strokes_pixels(bitmap: np.ndarray, stroke: np.ndarray) -> None:
    if not bitmap.any():
        return
    edit = commands.paint(an_instance(Mask.from_full(bitmap)), Mask.from_full(stroke), (WIDTH, HEIGHT))
    after = only_change(edit).after
    assert after is not None
    assert np.array_equal(after.mask.to_full(HEIGHT, WIDTH), bitmap | stroke)
    assert after.state is InstanceState.ACCEPTED


@given(bitmaps, bitmaps)
def test_erasing_takes_exactly_the_strokes_pixels_and_the_instance_with_the_last_one(
    bitmap: np.ndarray, stroke: np.ndarray
) -> None:
    if not bitmap.any():
        return
    drawn = an_instance(Mask.from_full(bitmap), InstanceState.ACCEPTED, Origin.DRAWN)
    edit = commands.erase(drawn, Mask.from_full(stroke), (WIDTH, HEIGHT))
    left = bitmap & ~stroke
    if np.array_equal(left, bitmap):
        assert edit.changes == ()
    elif left.any():
        after = only_change(edit).after
        assert after is not None
        assert np.array_equal(after.mask.to_full(HEIGHT, WIDTH), left)
    else:
        assert only_change(edit).after is None


@given(masks)
def test_no_decision_touches_the_mask(mask: Mask) -> None:
    proposal = an_instance(mask)
    for edit in (
        commands.accept([proposal]),
        commands.reject([proposal]),
        commands.delete([proposal]),
        commands.hide([proposal]),
        commands.recategorise([proposal], 2),
        commands.accept_image(IMAGE, [proposal], 0.5),
    ):
        changed = [change for change in edit.changes if isinstance(change, InstanceChange)]
        assert [change.after.mask for change in changed if change.after] == [mask]


@given(masks, masks)
def test_the_inverse_of_the_inverse_is_the_edit(before: Mask, after: Mask) -> None:
    change = InstanceChange(an_instance(before), an_instance(after).with_mask(after))
    edit = Edit(Action.BRUSH, 1, (change, ImageChange(1, Review.OPEN, Review.ACCEPTED)))
    assert edit.inverse().inverse() == edit
    assert edit.inverse().changes[1] == InstanceChange(change.after, change.before)


def test_strokes_end_at_the_images_border() -> None:
    stroke = Mask.from_crop(np.ones((40, 60), dtype=np.bool_), -10, -10)
    after = only_change(commands.paint(an_instance(SQUARE), stroke, (WIDTH, HEIGHT))).after
    assert after is not None
    assert after.mask.bounds == (0, 0, WIDTH, HEIGHT)


def test_a_stroke_that_adds_nothing_leaves_an_accepted_instance_alone_and_accepts_a_proposal() -> None:
    accepted = an_instance(SQUARE, InstanceState.ACCEPTED)
    assert commands.paint(accepted, SQUARE, (WIDTH, HEIGHT)).changes == ()
    after = only_change(commands.paint(an_instance(SQUARE), SQUARE, (WIDTH, HEIGHT))).after
    assert after is not None
    assert (after.state, after.edited) == (InstanceState.ACCEPTED, False)


def test_painting_drops_what_the_imported_record_says_about_the_mask_and_keeps_the_rest() -> None:
    source = json.dumps({"segmentation": [[2, 2, 6, 2, 6, 6, 2, 6]], "area": 16, "bbox": [2, 2, 4, 4], "note": "x"})
    imported = replace(an_instance(SQUARE, InstanceState.ACCEPTED, Origin.IMPORTED), source=source)
    after = only_change(commands.erase(imported, Mask.from_crop(np.ones((1, 1)), 2, 2), (WIDTH, HEIGHT))).after
    assert after is not None
    assert after.source is not None
    assert json.loads(after.source) == {"note": "x"}


def test_a_deleted_prediction_is_remembered_as_rejected_and_anything_else_is_gone() -> None:
    predicted = an_instance(SQUARE)
    drawn = replace(an_instance(SQUARE, InstanceState.ACCEPTED, Origin.DRAWN), id=8)
    edit = commands.delete([predicted, drawn])
    assert edit.changes == (
        InstanceChange(predicted, replace(predicted, state=InstanceState.REJECTED)),
        InstanceChange(drawn, None),
    )


def test_erasing_a_prediction_away_rejects_it_with_the_mask_that_it_had() -> None:
    after = only_change(commands.erase(an_instance(SQUARE), SQUARE, (WIDTH, HEIGHT))).after
    assert after == replace(an_instance(SQUARE), state=InstanceState.REJECTED)


def test_accepting_an_image_accepts_from_the_threshold_on_and_makes_ghosts_of_the_rest() -> None:
    scores = {1: 0.49, 2: 0.5, 3: 0.9, 4: None}
    proposals = [replace(an_instance(SQUARE), id=number, score=score) for number, score in scores.items()]
    rejected = replace(an_instance(SQUARE, InstanceState.REJECTED), id=5)
    edit = commands.accept_image(IMAGE, [*proposals, rejected], 0.5)
    *decisions, review = edit.changes
    assert review == ImageChange(IMAGE.id, Review.OPEN, Review.ACCEPTED)
    states = {change.after.id: change.after.state for change in decisions}  # type: ignore[union-attr]
    assert states == {
        1: InstanceState.GHOST,
        2: InstanceState.ACCEPTED,
        3: InstanceState.ACCEPTED,
        4: InstanceState.ACCEPTED,
    }


def test_an_image_with_an_accepted_instance_is_not_empty() -> None:
    with pytest.raises(MaskwrightError, match="an accepted instance"):
        commands.verify_empty(IMAGE, [an_instance(SQUARE, InstanceState.ACCEPTED)])


def test_verifying_an_image_empty_rejects_the_proposals_left() -> None:
    edit = commands.verify_empty(IMAGE, [an_instance(SQUARE)])
    assert edit.changes == (
        InstanceChange(an_instance(SQUARE), an_instance(SQUARE, InstanceState.REJECTED)),
        ImageChange(IMAGE.id, Review.OPEN, Review.VERIFIED_EMPTY),
    )


def test_reopening_an_image_brings_its_ghosts_back_as_proposals() -> None:
    accepted_image = replace(IMAGE, review=Review.ACCEPTED)
    ghost, accepted = an_instance(SQUARE, InstanceState.GHOST), an_instance(SQUARE, InstanceState.ACCEPTED)
    edit = commands.reopen_image(accepted_image, [ghost, replace(accepted, id=8)])
    assert edit.changes == (
        InstanceChange(ghost, an_instance(SQUARE, InstanceState.PROPOSAL)),
        ImageChange(IMAGE.id, Review.ACCEPTED, Review.OPEN),
    )


def test_reopening_makes_a_proposal_of_an_untouched_prediction_only() -> None:
    untouched = an_instance(SQUARE, InstanceState.REJECTED)
    edited = replace(untouched, id=8, edited=True)
    states = [change.after.state for change in commands.reopen([untouched, edited]).changes]  # type: ignore[union-attr]
    assert states == [InstanceState.PROPOSAL, InstanceState.ACCEPTED]


def test_nothing_selected_means_nothing_to_do() -> None:
    assert commands.delete([]) == Edit(Action.DELETE, None, ())


def test_drawing_nothing_is_refused() -> None:
    with pytest.raises(MaskwrightError, match="nothing to add"):
        commands.draw(1, 1, 1, Mask.empty())


def test_dirty_bounds_hold_every_pixel_before_and_after() -> None:
    moved = Mask.from_crop(np.ones((2, 2)), 15, 10)
    edit = commands.replace_mask(an_instance(SQUARE), moved)
    assert edit.dirty_bounds() == (2, 2, 17, 12)
    assert commands.skip(IMAGE).dirty_bounds() is None


POLYGONS = [[2.0, 2.0, 9.5, 2.0, 9.5, 8.0]]


def test_reshaping_keeps_the_vertices_and_drops_what_the_record_said_of_the_old_mask() -> None:
    source = json.dumps({"note": "kept", "segmentation": [[1, 1, 2, 1, 2, 2]], "area": 0.5, "bbox": [1, 1, 1, 1]})
    instance = replace(an_instance(SQUARE), source=source)
    mask = from_coco_polygons(POLYGONS, HEIGHT, WIDTH)
    after = only_change(commands.reshape(instance, mask, POLYGONS)).after
    assert after is not None
    assert json.loads(after.source or "") == {"note": "kept", "segmentation": POLYGONS}
    assert (after.mask, after.state, after.edited) == (mask, InstanceState.ACCEPTED, True)


def test_reshaping_without_vertices_drops_those_there_were_and_without_pixels_deletes() -> None:
    drawn = replace(an_instance(SQUARE, origin=Origin.DRAWN), source=json.dumps({"segmentation": POLYGONS}))
    edit = commands.reshape(drawn, Mask.from_crop(np.ones((3, 3)), 5, 5))
    after = only_change(edit).after
    assert after is not None
    assert json.loads(after.source or "") == {}
    assert edit.action is Action.VERTEX
    assert only_change(commands.reshape(drawn, Mask.empty(), [])).after is None


def test_a_vertex_more_on_a_polygon_is_an_edit_even_where_no_pixel_changes() -> None:
    instance = replace(an_instance(SQUARE), source=json.dumps({"segmentation": POLYGONS}))
    finer = [[2.0, 2.0, 5.0, 2.0, *POLYGONS[0][2:]]]
    after = only_change(commands.reshape(instance, SQUARE, finer)).after
    assert after is not None
    assert json.loads(after.source or "") == {"segmentation": finer}


NUCLEUS = Category(3, "nucleus", "#56b4e9")


def test_what_a_box_holds_is_drawn_by_a_person_and_filled_by_a_model() -> None:
    found = only_change(commands.prompt(9, IMAGE.id, NUCLEUS, SQUARE, 0.8, "abc"))
    after = found.after
    assert found.before is None and after is not None
    assert (after.id, after.category_id, after.state, after.origin) == (9, 3, InstanceState.ACCEPTED, Origin.DRAWN)
    assert (after.mask, after.score, after.predicted_by, after.edited) == (SQUARE, 0.8, "abc", False)


def test_what_a_box_holds_may_take_a_proposals_place_and_bring_its_category() -> None:
    proposal = an_instance(SQUARE)
    larger = Mask.from_crop(np.ones((5, 5), dtype=np.bool_), 2, 2)
    edit = commands.prompt(9, IMAGE.id, NUCLEUS, larger, 0.8, "abc", new_category=True, instead=proposal)
    added, changed = edit.changes
    assert added == CategoryChange(None, NUCLEUS)
    assert isinstance(changed, InstanceChange) and changed.after is not None
    assert (changed.before, changed.after.id, changed.after.mask) == (proposal, proposal.id, larger)
    assert changed.after.origin is Origin.PREDICTED
    with pytest.raises(MaskwrightError, match="sees nothing"):
        commands.prompt(9, IMAGE.id, NUCLEUS, Mask.empty(), 0.8, "abc")


def test_a_category_brings_its_mask_only_where_the_category_changes() -> None:
    larger = Mask.from_crop(np.ones((5, 5), dtype=np.bool_), 2, 2)
    one, other = an_instance(SQUARE), replace(an_instance(SQUARE), id=8, category_id=2)
    edit = commands.recategorise([one, other], 2, {one.id: larger, other.id: larger})
    after = only_change(edit).after
    assert after is not None
    assert (after.id, after.mask, after.category_id, after.edited) == (one.id, larger, 2, True)


def test_instances_of_several_images_are_accepted_as_one_category_at_once() -> None:
    here, there = an_instance(SQUARE), replace(an_instance(SQUARE), id=8, image_id=2)
    edit = commands.accept_as([here, there], 2)
    assert edit.image_id is None and edit.spans_images
    after = [change.after for change in edit.changes if isinstance(change, InstanceChange)]
    assert [(each.category_id, each.state) for each in after if each] == [(2, InstanceState.ACCEPTED)] * 2
    assert commands.accept_as([here], 1).image_id == here.image_id
    with pytest.raises(MaskwrightError, match="locked"):
        commands.accept_as([replace(here, locked=True)], 2)


def test_what_is_found_again_is_proposed() -> None:
    found = Detection(0, "cell", 0.7, (2.0, 2.0, 6.0, 6.0), SQUARE)
    after = only_change(commands.propose(IMAGE.id, [(9, 3, found)], "abc")).after
    assert after is not None
    assert (after.state, after.origin, after.score) == (InstanceState.PROPOSAL, Origin.PREDICTED, 0.7)
