"""Promises of the statistics: every figure is what a journal made by hand says, and what is undone never happened."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from engine import verbs
from engine.geometry.mask import Mask
from engine.project import Action, Edit, InstanceChange, Project, commands, statistics
from engine.project.schema import journal
from engine.records import Detection, Image, ImageStatus, Instance, InstanceState, Origin

Disc = Callable[..., Mask]
Detect = Callable[..., Detection]
WriteImage = Callable[..., Path]


@pytest.fixture
def second(project: Project, write_image: WriteImage) -> Image:
    """The second image of the project."""
    return project.add_images([write_image(project.root / "second.png", 1)]).added[0]


def propose(project: Project, image: Image, detection: Detect, disc: Disc, count: int) -> list[Instance]:
    """Let a model propose some discs beside each other."""
    return project.set_proposals(image.id, [detection(disc(13 * place, 0)) for place in range(count)], "model")


def draw(project: Project, image: Image, disc: Disc, seconds: float = 0.0) -> Instance:
    number = project.new_instance_id()
    project.apply(commands.draw(number, image.id, project.categories()[0].id, disc(20, 20)), seconds)
    return project.instance(number)


def date_edits(project: Project, *moments: datetime) -> None:
    """Say that the last edits of the journal were made at those moments."""
    entries = project.history()[: len(moments)]
    for entry, moment in zip(reversed(entries), moments, strict=True):
        with project._database.write() as connection:
            connection.execute(update(journal).where(journal.c.id == entry.id).values(at=moment.timestamp()))


def test_an_empty_project_has_no_shares_and_nothing_to_divide_by(project: Project) -> None:
    found = project.statistics()
    assert (found.accepted, found.days, found.authors[1:], found.categories) == (0, (), (), ())
    assert (found.median_seconds, found.unedited_share, found.corrections_each) == (None, None, None)


def test_figures_of_a_journal_made_by_hand(
    project: Project, image: Image, second: Image, detection: Detect, disc: Disc
) -> None:
    first, other, third = propose(project, image, detection, disc, 3)
    project.apply(commands.accept([first]), 2.0)
    project.apply(commands.paint(other, disc(14, 2), (64, 48)), 6.0)  # a correction, which accepts
    project.apply(commands.reject([third]), 1.0)
    draw(project, second, disc, 30.0)
    found = project.statistics()
    assert (found.accepted, found.unedited, found.corrections) == (3, 1, 2)
    assert found.unedited_share == pytest.approx(1 / 3)
    assert found.corrections_each == pytest.approx(2 / 3)
    assert found.seconds == 39.0
    assert found.median_seconds == median([4.5, 4.5, 30.0])
    assert [(each.name, each.accepted, each.unedited) for each in found.categories] == [("cell", 3, 1)]
    assert found.images[ImageStatus.EDITED] == 2


def test_what_is_undone_never_happened_and_what_is_redone_did(
    project: Project, image: Image, detection: Detect, disc: Disc
) -> None:
    first, other = propose(project, image, detection, disc, 2)
    project.apply(commands.accept([first]), 4.0)
    before = project.statistics(UTC)
    project.apply(commands.accept([other]), 20.0)
    after = project.statistics(UTC)
    assert (before.accepted, after.accepted) == (1, 2)
    project.undo()
    assert project.statistics(UTC) == before
    project.redo()
    assert project.statistics(UTC) == after


def test_an_instance_counts_on_the_local_day_on_which_it_was_accepted_last(
    project: Project, image: Image, detection: Detect, disc: Disc
) -> None:
    first, other = propose(project, image, detection, disc, 2)
    project.apply(commands.accept([first]))
    project.apply(commands.accept([other]))
    project.apply(commands.reject([project.instance(first.id)]))
    project.apply(commands.accept([project.instance(first.id)]))
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    late = datetime(2026, 3, 2, 23, 40, tzinfo=UTC)
    date_edits(project, noon, noon, late, late)
    assert project.statistics(UTC).days == ((date(2026, 3, 1), 1), (date(2026, 3, 2), 1))
    east = timezone(timedelta(hours=5, minutes=45))
    assert project.statistics(east).days == ((date(2026, 3, 1), 1), (date(2026, 3, 3), 1))
    assert project.statistics(UTC).accepted_on(date(2026, 3, 2)) == 1
    assert project.statistics(UTC).accepted_on(date(2026, 3, 3)) == 0


def test_accepting_an_image_accepts_its_instances_by_whoever_did_it(
    project: Project, image: Image, second: Image, detection: Detect, disc: Disc
) -> None:
    project.author = "ann"
    found = propose(project, image, detection, disc, 3)
    project.apply(commands.accept_image(image, found, 0.5), 9.0)
    project.author = "ben"
    draw(project, second, disc, 5.0)
    figures = {each.name: each for each in project.statistics().authors}
    assert (figures["ann"].accepted, figures["ann"].seconds, figures["ann"].corrections) == (3, 9.0, 0)
    assert (figures["ben"].accepted, figures["ben"].seconds, figures["ben"].corrections) == (1, 5.0, 1)
    assert project.statistics().images[ImageStatus.ACCEPTED] == 1


def test_what_a_dataset_brought_along_does_not_count(project: Project, image: Image, disc: Disc) -> None:
    number, category = project.new_instance_id(), project.categories()[0].id
    brought = Instance(
        number, image.id, category, disc(3, 3), state=InstanceState.ACCEPTED, origin=Origin.IMPORTED, source="{}"
    )
    project.apply(Edit(Action.IMPORT, None, (InstanceChange(None, brought),)))
    draw(project, image, disc)
    found = project.statistics()
    assert (found.accepted, sum(count for _, count in found.days), found.corrections) == (1, 1, 1)


def test_seconds_that_were_never_taken_make_no_median(project: Project, image: Image, disc: Disc) -> None:
    draw(project, image, disc)
    assert project.statistics().median_seconds is None


@given(st.lists(st.tuples(st.integers(0, 50).map(float), st.integers(1, 5)), max_size=12))
def test_the_median_is_that_of_every_instance_by_itself(weighted: list[tuple[float, int]]) -> None:
    each = [value for value, count in weighted for _ in range(count)]
    assert statistics._median(weighted) == (median(each) if each else None)


@pytest.fixture
def worked(project: Project, image: Image, disc: Disc) -> Project:
    """A project with one drawn instance."""
    draw(project, image, disc, 3.0)
    return project


def test_json_and_csv_tell_the_same(worked: Project) -> None:
    found = worked.statistics()
    document = json.loads(json.dumps(found.document()))
    text = io.StringIO()
    csv.writer(text).writerows(found.table())
    rows = {tuple(row[:3]): row[3] for row in csv.reader(io.StringIO(text.getvalue()))}
    assert rows["project", "", "accepted"] == str(document["accepted"]) == "1"
    assert rows["project", "", "median_seconds"] == str(document["median_seconds"]) == "3.0"
    assert rows["category", "cell", "accepted"] == "1"
    assert rows["day", next(iter(document["days"])), "accepted"] == "1"


def test_another_window_reads_the_figures_while_one_is_working(worked: Project, tmp_path: Path) -> None:
    with Project.open(worked.path, read_only=True) as beside:
        assert beside.statistics() == worked.statistics()


def test_the_verb_prints_one_document_and_nothing_else(worked: Project, capsys: pytest.CaptureFixture[str]) -> None:
    expected = worked.statistics().document()
    worked.close()
    assert verbs.main(["statistics", str(worked.path), "--json"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == json.loads(json.dumps(expected))
    assert printed.count("\n") == 1
    assert verbs.main(["statistics", str(worked.path)]) == 0
    assert capsys.readouterr().out == ""
    assert verbs.main(["statistics", str(worked.path.with_name("missing.maskwright"))]) == 2
