"""Undo and redo take every edit back and forth bit by bit, whatever a model proposes in between."""

import contextlib
import json
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from PIL import Image as PillowImage

from engine.errors import EditConflict, MaskwrightError
from engine.geometry.mask import Mask
from engine.project import Action, CategoryChange, Edit, ImageChange, Project, commands
from engine.records import Category, Detection, Image, ImageStatus, Instance, InstanceState, Review

SIZE = (40, 30)
Disc = Callable[..., Mask]
Detect = Callable[..., Detection]

strokes = st.builds(Mask.from_crop, arrays.arrays(np.bool_, (9, 9)), st.integers(-2, 35), st.integers(-2, 25))
nonempty = strokes.map(lambda mask: mask.clip(*SIZE)).filter(lambda mask: not mask.is_empty)


class Timeline(RuleBasedStateMachine):
    """The project beside a plain model: a list of edits, and how many of them are done.

    What a record must be follows from the list alone: the `after` of the last done edit that names it, else the
    `before` of the first undone one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "p.maskwright"
        self.project = Project.create(self.path)
        self.edits: list[Edit] = []
        self.done = 0

    @initialize()
    def begin(self) -> None:
        for seed in range(2):
            pixels = np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
            PillowImage.fromarray(pixels).save(self.path.with_name(f"{seed}.png"))
        self.project.add_images([self.path.with_name(f"{seed}.png") for seed in range(2)])
        self.apply(commands.add_category(self.project.new_category_id(), "cell", "#102030"))

    def teardown(self) -> None:
        while self.project.undo() is not None:
            self.done -= 1
        assert self.done == 0
        self.check_every_record()
        while self.project.redo() is not None:
            self.done += 1
        assert self.done == len(self.edits)
        self.check_every_record()
        self.project.close()
        self.folder.cleanup()

    def apply(self, edit: Edit) -> None:
        self.project.apply(edit)
        if edit.changes:
            self.edits = [*self.edits[: self.done], edit]
            self.done += 1

    def pick(self, data: st.DataObject, image: Image) -> list[Instance]:
        instances = self.project.instances(image.id)
        return data.draw(st.lists(st.sampled_from(instances), unique_by=lambda i: i.id)) if instances else []

    def image(self, data: st.DataObject) -> Image:
        return data.draw(st.sampled_from(self.project.images()))

    @rule(data=st.data(), masks=st.lists(strokes, max_size=4), name=st.sampled_from(["cell", "dust", "debris"]))
    def predict(self, data: st.DataObject, masks: list[Mask], name: str) -> None:
        found = [Detection(0, name, 0.5 + n / 10, (0.0, 0.0, 1.0, 1.0), mask) for n, mask in enumerate(masks)]
        self.project.set_proposals(self.image(data).id, found, "base")

    @precondition(lambda self: self.project.categories())
    @rule(data=st.data(), mask=nonempty)
    def draw(self, data: st.DataObject, mask: Mask) -> None:
        category = data.draw(st.sampled_from(self.project.categories()))
        self.apply(commands.draw(self.project.new_instance_id(), self.image(data).id, category.id, mask))

    @rule(data=st.data(), stroke=strokes, command=st.sampled_from([commands.paint, commands.erase]))
    def stroke(self, data: st.DataObject, stroke: Mask, command: Callable[..., Edit]) -> None:
        for instance in self.pick(data, self.image(data))[:1]:
            self.apply(command(instance, stroke, SIZE))

    @rule(
        data=st.data(),
        command=st.sampled_from([commands.delete, commands.accept, commands.reject, commands.reopen, commands.hide]),
    )
    def decide(self, data: st.DataObject, command: Callable[..., Edit]) -> None:
        self.apply(command(self.pick(data, self.image(data))))

    @precondition(lambda self: self.project.categories())
    @rule(data=st.data())
    def recategorise(self, data: st.DataObject) -> None:
        category = data.draw(st.sampled_from(self.project.categories()))
        self.apply(commands.recategorise(self.pick(data, self.image(data)), category.id))

    @rule(data=st.data(), command=st.sampled_from(["accept", "empty", "skip", "reopen"]))
    def review(self, data: st.DataObject, command: str) -> None:
        image = self.image(data)
        instances = self.project.instances(image.id)
        if command == "empty" and any(instance.state is InstanceState.ACCEPTED for instance in instances):
            return
        self.apply(
            {
                "accept": lambda: commands.accept_image(image, instances, 0.65),
                "empty": lambda: commands.verify_empty(image, instances),
                "skip": lambda: commands.skip(image),
                "reopen": lambda: commands.reopen_image(image, instances),
            }[command]()
        )

    @rule(data=st.data(), name=st.sampled_from(["cell", "dust", "debris"]), command=st.sampled_from("arx"))
    def change_categories(self, data: st.DataObject, name: str, command: str) -> None:
        categories = self.project.categories()
        # A name that is taken and a category in use are refused in words; nothing else may be.
        with contextlib.suppress(MaskwrightError):
            if command == "a":
                self.apply(commands.add_category(self.project.new_category_id(), name, "#405060"))
            elif categories:
                category = data.draw(st.sampled_from(categories))
                rename = command == "r"
                self.apply(commands.rename_category(category, name) if rename else commands.remove_category(category))

    @rule(steps=st.integers(1, 5))
    def undo(self, steps: int) -> None:
        for _ in range(steps):
            edit = self.project.undo()
            assert (edit is None) == (self.done == 0)
            if edit is not None:
                self.done -= 1
                assert same(edit, self.edits[self.done].inverse())

    @rule(steps=st.integers(1, 5))
    def redo(self, steps: int) -> None:
        for _ in range(steps):
            edit = self.project.redo()
            assert (edit is None) == (self.done == len(self.edits))
            if edit is not None:
                assert same(edit, self.edits[self.done])
                self.done += 1

    @rule(data=st.data())
    def travel(self, data: st.DataObject) -> None:
        """To any edit of the timeline, or before the first, in one step."""
        entries = [0, *(entry.id for entry in reversed(self.project.history(None)))]
        target = data.draw(st.integers(0, len(self.edits)))
        steps = self.project.travel(entries[target])
        assert len(steps) == abs(target - self.done)
        self.done = target

    @rule()
    def reopen(self) -> None:
        self.project.close()
        self.project = Project.open(self.path)

    @invariant()
    def check_every_record(self) -> None:
        assert (self.project.can_undo, self.project.can_redo) == (self.done > 0, self.done < len(self.edits))
        expected: dict[tuple[str, int], Any] = {}
        for change in (change for edit in self.edits[: self.done] for change in edit.changes):
            expected[key(change)] = change.after
        for change in (change for edit in self.edits[self.done :] for change in edit.changes):
            expected.setdefault(key(change), change.before)
        stored: dict[tuple[str, int], Any] = {}
        for image in self.project.images():
            stored["image", image.id] = image.review
            stored |= {("instance", instance.id): instance for instance in self.project.instances(image.id)}
        stored |= {("category", category.id): category for category in self.project.categories()}
        used = {value.category_id for value in stored.values() if isinstance(value, Instance)}
        names = {value.name for value in stored.values() if isinstance(value, Category)}
        for name, value in expected.items():
            # A category whose creation is undone stays as long as a model's proposals are of it; and one that a model
            # brought gives way where an undone rename gives its name back to another.
            stays = name[0] == "category" and value is None and name[1] in used
            gives_way = isinstance(value, Category) and name not in stored and value.name in names
            assert stays or gives_way or stored.get(name) == value


def key(change: Any) -> tuple[str, int]:
    if isinstance(change, ImageChange):
        return "image", change.image_id
    record = change.before or change.after
    return ("category" if isinstance(change, CategoryChange) else "instance"), record.id


def same(edit: Edit, other: Edit) -> bool:
    """Equal, in whatever order the changes are listed."""
    changes = [{key(change): change for change in each.changes} for each in (edit, other)]
    return (edit.action, edit.image_id) == (other.action, other.image_id) and changes[0] == changes[1]


TestTimeline = Timeline.TestCase
TestTimeline.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture
def proposal(project: Project, image: Image, disc: Disc, detection: Detect) -> Instance:
    project.set_proposals(image.id, [detection(disc(5, 5))], "base")
    return project.instances(image.id)[0]


def test_history_survives_reopening(project: Project, image: Image, proposal: Instance, disc: Disc) -> None:
    project.apply(commands.paint(proposal, disc(12, 12), SIZE))
    project.apply(commands.skip(image))
    project.undo()
    project.close()
    with Project.open(project.path) as again:
        assert [(entry.action, entry.undone) for entry in again.history()] == [
            (Action.SKIP, True),
            (Action.BRUSH, False),
            (Action.ADD_CATEGORY, False),
        ]
        again.undo()
        assert again.instances(image.id) == [proposal]


def test_an_edit_after_undo_cuts_off_what_was_undone(project: Project, image: Image, proposal: Instance) -> None:
    project.apply(commands.reject([proposal]))
    project.undo()
    project.apply(commands.skip(image))
    assert not project.can_redo
    assert project.redo() is None
    assert [entry.action for entry in project.history()] == [Action.SKIP, Action.ADD_CATEGORY]


def test_renamed_categories_that_gave_way_come_back_with_redo(
    project: Project, image: Image, disc: Disc, detection: Detect
) -> None:
    """Each time a model brings a category again that was just renamed."""
    states = [[category.name for category in project.categories()]]
    for number, name in enumerate(("debris", "dust", "dirt")):
        newest = project.categories()[-1]
        project.apply(commands.rename_category(newest, name))
        states.append([category.name for category in project.categories()])
        if number < 2:
            project.set_proposals(image.id, [detection(disc(5, 5), category="cell")], "base")
    assert states[-1] == ["debris", "dust", "dirt"]
    for _ in range(3):
        project.undo()
    assert [category.name for category in project.categories()] == ["cell"]
    for expected in (["debris", "cell"], ["debris", "dust", "cell"], states[-1]):
        project.redo()
        assert [category.name for category in project.categories()] == expected


def test_one_edit_over_several_images_travels_as_one(
    project: Project, image: Image, disc: Disc, write_image: Callable[..., Path]
) -> None:
    second = project.add_images([write_image(project.root / "second.png", seed=1)]).added[0]
    category = project.categories()[0].id
    drawn = [commands.draw(project.new_instance_id(), each.id, category, disc(3, 4)) for each in (image, second)]
    reviews = [ImageChange(each.id, Review.OPEN, Review.ACCEPTED) for each in (image, second)]
    project.apply(Edit(Action.IMPORT, None, (*(change for edit in drawn for change in edit.changes), *reviews)))
    assert [each.status for each in project.images()] == [ImageStatus.ACCEPTED] * 2
    project.undo()
    assert [each.status for each in project.images()] == [ImageStatus.TODO] * 2
    assert not project.instances(image.id) and not project.instances(second.id)
    project.redo()
    assert [len(project.instances(each.id)) for each in (image, second)] == [1, 1]


def test_undo_tells_where_to_look(project: Project, image: Image, proposal: Instance, disc: Disc) -> None:
    edit = commands.paint(proposal, disc(12, 12), SIZE)
    project.apply(edit)
    assert project.undo() == edit.inverse()
    assert project.redo() == edit


def test_undoing_back_to_an_imported_mask_brings_its_record_back_verbatim(
    project: Project, image: Image, disc: Disc
) -> None:
    source = '{"segmentation": [[1.5, 2, 3, 4.25, 5, 6]], "area": 7.125, "bbox": [1, 2, 3, 4], "mine": [1,  2]}'
    drawn = commands.draw(project.new_instance_id(), image.id, 1, disc(5, 5), source)
    project.apply(drawn)
    (instance,) = project.instances(image.id)
    project.apply(commands.paint(instance, disc(10, 10), SIZE))
    assert project.instance(instance.id).source == '{"mine": [1, 2]}'
    project.undo()
    assert project.instance(instance.id).source == source


def test_an_edit_that_starts_from_something_else_is_refused_and_changes_nothing(
    project: Project, image: Image, proposal: Instance, disc: Disc
) -> None:
    project.apply(commands.hide([proposal]))
    before = project.instances(image.id), project.history()
    stale = commands.paint(proposal, disc(12, 12), SIZE)
    missing = commands.hide([replace(proposal, id=99)])
    taken = commands.draw(proposal.id, image.id, 1, disc(1, 1))
    foreign = commands.draw(project.new_instance_id(), 77, 1, disc(1, 1))
    uncategorised = commands.draw(project.new_instance_id(), image.id, 77, disc(1, 1))
    for edit in (stale, missing, taken, foreign, uncategorised):
        with pytest.raises(EditConflict):
            project.apply(edit)
    assert (project.instances(image.id), project.history()) == before
    project.apply(commands.show(project.instances(image.id)))


def test_an_edit_that_changes_nothing_leaves_no_trace(project: Project, image: Image, proposal: Instance) -> None:
    project.apply(commands.hide([proposal]))
    project.undo()
    project.apply(commands.show([proposal]))
    project.apply(commands.delete([]))
    assert project.can_redo


def test_the_journal_holds_deltas_not_copies(project: Project, proposal: Instance, disc: Disc) -> None:
    project.apply(commands.hide([proposal]))
    project.apply(commands.paint(project.instance(proposal.id), disc(5, 5, 14), SIZE))
    with contextlib.closing(sqlite3.connect(f"{project.path.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT payload FROM journal ORDER BY id DESC LIMIT 2").fetchall()
    painted, hide = (json.loads(payload) for (payload,) in rows)
    assert hide == [["i", proposal.id, {"hidden": False}, {"hidden": True}]]
    ((_, _, before, after),) = painted
    assert set(before) == set(after) == {"state", "edited", "mask_w", "mask_h", "mask_counts"}


def test_ids_are_never_given_out_twice(project: Project, image: Image, disc: Disc, detection: Detect) -> None:
    given = []
    for place in range(3):
        given.append(project.new_instance_id())
        project.apply(commands.draw(given[-1], image.id, 1, disc(place, place)))
        project.undo()
        project.set_proposals(image.id, [detection(disc(20 + place, 5))], "base")
        given.extend(instance.id for instance in project.instances(image.id))
    project.close()
    with Project.open(project.path) as again:
        given.append(again.new_instance_id())
    assert len(set(given)) == len(given)
