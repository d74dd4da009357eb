"""What a model made of each image is kept with the project, outside of its history."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event

from engine.project import Project, commands
from engine.project.scores import ImageScore, Part, ScoreTable
from engine.records import Review
from tests.engine.project.conftest import Disc, WriteImage


@pytest.fixture
def two(project: Project, write_image: WriteImage, tmp_path: Path) -> Project:
    """The project with two images, 1 and 2."""
    project.add_images([write_image(tmp_path / f"{seed}.png", seed) for seed in range(2)])
    return project


def score(content: str, differences: Part | None = None) -> ImageScore:
    vector = np.linspace(-2, 2, 8).astype(np.float16)
    return ImageScore(content, vector, Part(1.5, 2), Part(0.25, 1), Part(3.0, 3), differences)


def test_scores_come_back_as_they_were(two: Project) -> None:
    contents = [image.content_hash for image in two.images()]
    given = [score(contents[0]), score(contents[1], Part(6.5, 7))]
    for image_id, each in enumerate(given, start=1):
        two.set_score(image_id, "a", each)
    with Project.open(two.path, read_only=True) as reader:
        found = reader.scores("a")
    assert len(found.accepted) == 0
    expected = ScoreTable.of(dict(enumerate(given, start=1)))
    for name in ("ids", "contents", "vectors", "amounts", "places"):
        assert np.array_equal(getattr(found.open, name), getattr(expected, name)), name
    assert found.open.vectors.dtype == np.float16
    assert found.open.amounts.tolist() == [[1.5, 0.25, 3, 0], [1.5, 0.25, 3, 6.5]]
    assert found.open.places.tolist() == [[2, 1, 3, 0], [2, 1, 3, 7]]


def test_scores_of_another_checkpoint_do_not_count(two: Project) -> None:
    two.set_score(1, "a", score("x"))
    assert (two.unscored("a"), two.unscored("b")) == ([2], [1, 2])
    assert len(two.scores("b").open) == 0
    two.set_score(1, "b", score("x"))
    assert (two.unscored("a"), two.unscored("b")) == ([1, 2], [2])


def test_another_category_map_outdates_the_scores_of_its_checkpoint(two: Project) -> None:
    two.set_score(1, "a", score("x"))
    two.set_score(2, "b", score("x"))
    two.set_category_map("a", {"person": None})
    assert two.unscored("a") == [1, 2]
    assert two.unscored("b") == [1]


def test_an_edit_outdates_the_score_of_its_image_alone_and_so_does_undo(two: Project, disc: Disc) -> None:
    for image_id in (1, 2):
        two.set_score(image_id, "a", score("x"))
    two.apply(commands.draw(two.new_instance_id(), 1, 1, disc(5, 5)))
    assert two.unscored("a") == [1]
    assert two.scores("a").open.ids.tolist() == [1, 2], "the old score places the image until there is a new one"
    two.set_score(1, "a", score("x"))
    two.undo()
    assert two.unscored("a") == [1]


def test_of_an_accepted_image_what_it_looks_like_is_enough(two: Project, disc: Disc) -> None:
    two.set_score(1, "a", score("x"))
    two.apply(commands.draw(two.new_instance_id(), 1, 1, disc(5, 5)))
    two.apply(commands.accept_image(two.image(1), two.instances(1), 0.5))
    assert two.image(1).review is Review.ACCEPTED
    assert two.unscored("a") == [2]
    assert len(two.scores("a").accepted) == 1
    assert two.unscored("b") == [1, 2]
    two.set_image_vector(1, "b", np.ones(4, np.float16))
    assert two.scores("b").accepted.tolist() == [[1, 1, 1, 1]]
    two.apply(commands.reopen_image(two.image(1), two.instances(1)))
    assert two.unscored("b") == [1, 2]
    assert len(two.scores("b").open) == 0, "nothing but its vector is known"


def test_a_skipped_image_is_of_no_interest(two: Project) -> None:
    two.set_score(1, "a", score("x"))
    two.apply(commands.skip(two.image(1)))
    assert (len(two.scores("a").open), two.unscored("a")) == (0, [2])


def test_scores_are_no_part_of_the_history(two: Project) -> None:
    before = two.history_position
    two.set_score(1, "a", score("x"))
    assert two.history_position == before
    assert not [entry for entry in two.history() if entry.image_id == 1]


def test_with_an_image_its_score_goes(two: Project) -> None:
    two.set_score(1, "a", score("x"))
    path = two.path
    two.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("DELETE FROM images WHERE id = 1")
    assert connection.execute("SELECT count(*) FROM image_scores").fetchone() == (0,)


def test_any_number_of_scores_is_read_in_one_query(two: Project) -> None:
    two.set_score(1, "a", score("x"))
    two.set_score(2, "a", score("y"))
    queries: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        queries.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert len(two.scores("a").open) == 2
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len([query for query in queries if query.startswith("SELECT")]) == 1
