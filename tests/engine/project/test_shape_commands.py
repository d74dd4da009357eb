"""What each command on the shape of a selection promises, and that locks hold against all of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from engine.errors import MaskwrightError
from engine.geometry import shaping
from engine.geometry.mask import Mask
from engine.geometry.splitting import split_by_line, split_by_watershed
from engine.project import Action, Edit, InstanceChange, Project, commands, shape_commands
from engine.records import Image, ImageStatus, Instance, InstanceState, Origin, Review

SIZE = WIDTH, HEIGHT = 24, 16
IMAGE = Image(1, "a.png", WIDTH, HEIGHT, "00" * 32, False, Review.OPEN, ImageStatus.TODO, None)
bitmaps = arrays.arrays(np.bool_, (HEIGHT, WIDTH))
Command = Callable[[Sequence[Instance]], Edit]


def square(x: int, y: int, side: int) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), x, y)


def ragged() -> Mask:
    """A square with a hole, a notch and a speck beside it."""
    bitmap = np.zeros((HEIGHT, WIDTH), dtype=bool)
    bitmap[2:12, 2:12] = True
    bitmap[5:7, 5:7] = bitmap[2:5, 8] = False
    bitmap[14, 20] = True
    return Mask.from_full(bitmap)


def instance(number: int, mask: Mask, **fields: object) -> Instance:
    made = Instance(number, IMAGE.id, 1, mask, state=InstanceState.ACCEPTED, origin=Origin.DRAWN)
    return replace(made, **fields)  # type: ignore[arg-type]


def proposal(number: int, mask: Mask) -> Instance:
    return instance(number, mask, state=InstanceState.PROPOSAL, origin=Origin.PREDICTED, score=0.6)


def after(edit: Edit) -> dict[int, Instance | None]:
    """What each changed instance has become, by its id."""
    changes = [change for change in edit.changes if isinstance(change, InstanceChange)]
    return {(change.before or change.after).id: change.after for change in changes}  # type: ignore[union-attr]


SHAPES: dict[Action, tuple[Command, Callable[[Mask], Mask]]] = {
    Action.FILL_HOLES: (shape_commands.fill_holes, shaping.fill_holes),
    Action.REMOVE_SPECKS: (
        lambda chosen: shape_commands.remove_specks(chosen, 3),
        lambda mask: shaping.remove_specks(mask, 3),
    ),
    Action.KEEP_LARGEST: (shape_commands.keep_largest, shaping.keep_largest),
    Action.GROW: (lambda chosen: shape_commands.grow(chosen, 2, SIZE), lambda mask: shaping.grow(mask, 2, SIZE)),
    Action.SHRINK: (
        lambda chosen: shape_commands.shrink(chosen, 1, SIZE),
        lambda mask: shaping.shrink(mask, 1, SIZE),
    ),
    Action.SMOOTH: (lambda chosen: shape_commands.smooth(chosen, 2, SIZE), lambda mask: shaping.smooth(mask, 2, SIZE)),
    Action.NUDGE: (
        lambda chosen: shape_commands.nudge(chosen, 1, -2, SIZE),
        lambda mask: Mask(mask.x + 1, mask.y - 2, mask.bitmap),
    ),
}
COMBINATIONS: dict[Action, tuple[Command, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    Action.UNION: (shape_commands.union, np.logical_or),
    Action.SUBTRACT: (shape_commands.subtract, lambda one, other: one & ~other),
    Action.INTERSECT: (shape_commands.intersect, np.logical_and),
}


@pytest.mark.parametrize("action", SHAPES)
def test_the_whole_selection_is_one_edit_that_accepts_what_it_changes(action: Action) -> None:
    command, shape = SHAPES[action]
    chosen = [proposal(1, ragged()), instance(2, Mask.from_crop(ragged().bitmap, 3, 2))]
    edit = command(chosen)
    assert (edit.action, edit.image_id) == (action, IMAGE.id)
    changed = after(edit)
    for one in chosen:
        expected = shape(one.mask)
        result = changed[one.id]
        assert result is not None
        assert (result.mask, result.state, result.edited) == (expected, InstanceState.ACCEPTED, True)


@pytest.mark.parametrize("action", sorted(set(SHAPES) - {Action.GROW, Action.SHRINK, Action.NUDGE}))
def test_what_is_tidy_already_is_left_alone(action: Action) -> None:
    everything = proposal(1, Mask.from_full(np.ones((HEIGHT, WIDTH))))
    assert SHAPES[action][0]([everything]).changes == ()


@pytest.mark.parametrize("action", COMBINATIONS)
@given(one=bitmaps, other=bitmaps)
def test_only_the_first_is_combined_with_the_others(action: Action, one: np.ndarray, other: np.ndarray) -> None:
    command, combine = COMBINATIONS[action]
    chosen = [instance(1, Mask.from_full(one)), instance(2, Mask.from_full(other))]
    expected = combine(one, other)
    if not expected.any():
        with pytest.raises(MaskwrightError, match="No pixel"):
            command(chosen)
        return
    changed = after(command(chosen))
    if np.array_equal(expected, one):
        assert not changed
        return
    result = changed.pop(1)
    assert not changed
    assert result is not None
    assert np.array_equal(result.mask.to_full(HEIGHT, WIDTH), expected)


def test_merging_leaves_the_first_with_all_pixels() -> None:
    chosen = [proposal(3, square(2, 2, 4)), instance(1, square(5, 5, 4)), proposal(2, square(12, 2, 3))]
    changed = after(shape_commands.merge(chosen))
    first, second = changed[3], changed[2]
    assert first is not None
    assert second is not None
    assert first.mask == chosen[0].mask.union(chosen[1].mask).union(chosen[2].mask)
    assert first.state is InstanceState.ACCEPTED
    assert changed[1] is None
    assert (second.state, second.mask) == (InstanceState.REJECTED, chosen[2].mask)  # no model proposes it again


@pytest.mark.parametrize("command", [shape_commands.merge, *(command for command, _ in COMBINATIONS.values())])
def test_what_takes_several_says_so(command: Command) -> None:
    with pytest.raises(MaskwrightError, match="several"):
        command([instance(1, ragged())])


@pytest.mark.parametrize("cut", [split_by_watershed, lambda mask: split_by_line(mask, [(6.5, 0), (6.5, 16)])])
def test_of_what_is_split_the_largest_piece_stays_itself(cut: Callable[[Mask], list[Mask]]) -> None:
    mask = square(1, 1, 10).union(square(14, 2, 8))
    pieces = cut(mask)
    assert len(pieces) == 2
    whole, tidy = instance(1, mask, category_id=2, crowd=True), instance(2, square(0, 0, 2))
    edit = shape_commands.split([(whole, pieces), (tidy, [tidy.mask])], [7])
    changed = after(edit)
    assert edit.action is Action.SPLIT
    assert list(changed) == [1, 7]
    assert [one.mask for one in changed.values() if one] == pieces
    assert {(one.category_id, one.state, one.crowd) for one in changed.values() if one} == {
        (2, InstanceState.ACCEPTED, True)
    }


def test_nothing_is_split_off_nothing() -> None:
    whole = instance(1, ragged())
    assert shape_commands.split([(whole, [whole.mask])], []).changes == ()


def test_duplicates_lie_where_their_originals_do() -> None:
    locked = instance(1, ragged(), category_id=2, locked=True, hidden=True, source='{"a": 1}')
    changed = after(shape_commands.duplicate([locked, proposal(2, square(0, 0, 3))], [8, 9]))
    assert list(changed) == [8, 9]
    copy = changed[8]
    assert copy == instance(8, ragged(), category_id=2)


def test_pasting_leaves_out_what_is_outside() -> None:
    copies = [
        shape_commands.Copy(2, square(20, 10, 9), crowd=True),
        shape_commands.Copy(1, square(90, 90, 4)),
    ]
    changed = after(shape_commands.paste(copies, IMAGE, [8, 9]))
    assert list(changed) == [8]
    copy = changed[8]
    assert copy is not None
    assert (copy.mask.bounds, copy.category_id, copy.crowd) == ((20, 10, 24, 16), 2, True)
    with pytest.raises(MaskwrightError, match="24 x 16"):
        shape_commands.paste(copies[1:], IMAGE, [9])
    assert shape_commands.paste([], IMAGE, []).changes == ()


def test_nothing_is_moved_out_of_the_image() -> None:
    corner = instance(1, square(0, 0, 3))
    for dx, dy in ((-1, 0), (0, -1), (WIDTH - 2, 0), (0, HEIGHT)):
        with pytest.raises(MaskwrightError, match="leave the image"):
            shape_commands.nudge([corner], dx, dy, SIZE)
    moved = after(shape_commands.nudge([corner], WIDTH - 3, HEIGHT - 3, SIZE))[1]
    assert moved is not None
    assert moved.mask == square(WIDTH - 3, HEIGHT - 3, 3)


def test_keypoints_move_with_their_instance() -> None:
    source = '{"keypoints": [3, 4, 2, 0, 0, 0, 5, 6, 1], "num_keypoints": 2}'
    changed = after(shape_commands.nudge([instance(1, square(2, 2, 5), source=source)], 3, -1, SIZE))[1]
    assert changed is not None
    assert json.loads(changed.source or "") == {"keypoints": [6, 3, 2, 0, 0, 0, 8, 5, 1], "num_keypoints": 2}


def test_an_instance_is_not_shrunk_away() -> None:
    with pytest.raises(MaskwrightError, match="Nothing of 1 of the 2 instances"):
        shape_commands.shrink([instance(1, square(2, 2, 3)), instance(2, square(8, 2, 9))], 2, SIZE)


REFUSED: dict[str, Command] = {
    **{action.value: command for action, (command, _) in {**SHAPES, **COMBINATIONS}.items()},
    "merge": shape_commands.merge,
    "split": lambda chosen: shape_commands.split([(chosen[0], split_by_watershed(chosen[0].mask))], [70]),
    "paint": lambda chosen: commands.paint(chosen[0], square(0, 0, 5), SIZE),
    "erase": lambda chosen: commands.erase(chosen[0], square(0, 0, 5), SIZE),
    "replace": lambda chosen: commands.replace_mask(chosen[0], square(0, 0, 5)),
    "delete": commands.delete,
    "reject": commands.reject,
    "category": lambda chosen: commands.recategorise(chosen, 2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_locked_instance_is_refused_in_words(name: str) -> None:
    chosen = [instance(1, ragged(), locked=True), instance(2, square(3, 3, 8))]
    with pytest.raises(MaskwrightError, match=r"locked\. Unlock"):
        REFUSED[name](chosen)
    REFUSED[name]([replace(chosen[0], locked=False), chosen[1]])


def test_a_locked_instance_may_lend_its_pixels() -> None:
    chosen = [instance(1, square(3, 3, 8)), instance(2, ragged(), locked=True)]
    for command, _ in COMBINATIONS.values():
        assert list(after(command(chosen))) == [1]


def test_locking_accepts_and_nothing_else_of_a_decision_is_refused() -> None:
    locked = after(commands.lock([proposal(1, ragged())]))[1]
    assert locked == replace(proposal(1, ragged()), state=InstanceState.ACCEPTED, locked=True)
    assert commands.lock([locked]).changes == ()
    assert commands.accept([locked]).changes == ()
    assert commands.reopen([locked]).changes == ()
    assert after(commands.hide([locked]))[1] == replace(locked, hidden=True)
    assert after(commands.unlock([locked]))[1] == replace(locked, locked=False)


def test_a_locked_instance_stays_where_it_is_when_its_image_is_accepted_and_opened_again() -> None:
    locked = after(commands.lock([proposal(1, ragged())]))[1]
    assert locked is not None
    assert 1 not in after(commands.accept_image(IMAGE, [locked, proposal(2, ragged())], 0.9))
    assert commands.reopen_image(replace(IMAGE, review=Review.ACCEPTED), [locked]).changes[:-1] == ()


def test_a_lock_is_stored_undone_and_outlives_another_prediction(
    project: Project, image: Image, detection: Callable[..., object], disc: Callable[..., Mask]
) -> None:
    found = [detection(disc(4, 4), 0.3), detection(disc(30, 20), 0.8)]
    project.set_proposals(image.id, found, "first")  # type: ignore[arg-type]
    low, _ = project.instances(image.id)
    project.apply(commands.lock([low]))
    project.set_proposals(image.id, [detection(disc(5, 4), 0.9)], "second")  # type: ignore[list-item]
    assert project.instances(image.id) == [replace(low, locked=True, state=InstanceState.ACCEPTED)]
    project.undo()
    assert not project.instance(low.id).locked
    project.redo()
    assert project.instance(low.id).locked
