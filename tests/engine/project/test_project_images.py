"""Adding images to a project, and what it remembers about each."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.geometry.mask import Mask
from engine.project import Action, Edit, Project, commands, is_held_out
from engine.records import Detection, Image, ImageStatus, Review

WriteImage = Callable[..., Path]


def test_images_inside_the_folder_are_named_relative_and_others_absolute(
    project: Project, tmp_path_factory: pytest.TempPathFactory, write_image: WriteImage
) -> None:
    inside = write_image(project.root / "plate 1" / "a.png", 1)
    outside = write_image(tmp_path_factory.mktemp("elsewhere") / "b.png", 2)
    added = project.add_images([inside, outside]).added
    assert [image.path for image in added] == ["plate 1/a.png", outside.as_posix()]
    assert [project.image_path(image) for image in added] == [inside, outside]
    assert [(image.width, image.height) for image in added] == [(64, 48), (64, 48)]
    assert project.images() == added


def test_a_project_finds_its_images_after_its_folder_moved(tmp_path: Path, write_image: WriteImage) -> None:
    file = write_image(tmp_path / "old" / "images" / "a.png")
    with Project.create(tmp_path / "old" / "p.maskwright") as project:
        project.add_images([file])
    (tmp_path / "old").rename(tmp_path / "new")
    with Project.open(tmp_path / "new" / "p.maskwright") as project:
        assert project.image_path(project.images()[0]) == tmp_path / "new" / "images" / "a.png"
        assert project.image_path(project.images()[0]).is_file()


def test_bad_files_are_skipped_with_their_reason_and_the_rest_is_added(
    project: Project, write_image: WriteImage
) -> None:
    good = write_image(project.root / "good.png", 1)
    empty, words, missing = (project.root / name for name in ("empty.png", "words.png", "missing.png"))
    empty.touch()
    words.write_text("not a picture")
    report = project.add_images([empty, good, words, missing])
    assert [image.path for image in report.added] == ["good.png"]
    assert [path for path, _ in report.skipped] == [empty, words, missing]
    assert all(len(reason) > 10 for _, reason in report.skipped)
    assert [image.path for image in project.images()] == ["good.png"]


def test_the_same_file_and_the_same_content_are_added_once(project: Project, write_image: WriteImage) -> None:
    original = write_image(project.root / "a.png", 1)
    twin = write_image(project.root / "twin.png", 1)
    first = project.add_images([original, twin, original])
    assert [image.path for image in first.added] == ["a.png"]
    assert [reason for _, reason in first.skipped] == [
        "It has the same content as a.png, which is already in the project.",
        "It is already in the project.",
    ]
    again = project.add_images([project.root / "." / "a.png", twin])
    assert again.added == []
    assert len(again.skipped) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows names are always text")
def test_a_file_whose_name_is_no_text_is_skipped(project: Project, write_image: WriteImage) -> None:
    image = write_image(project.root / "a.png", 1)
    odd = image.rename(project.root / os.fsdecode(b"caf\xe9.png"))
    assert project.add_images([odd]).skipped == [(odd, "Its name is not valid UTF-8.")]


def test_hold_out_is_one_in_five_and_follows_from_content_alone(
    project: Project, tmp_path_factory: pytest.TempPathFactory, write_image: WriteImage
) -> None:
    files = [write_image(project.root / f"{seed}.png", seed) for seed in range(40)]
    added = project.add_images(files).added
    assert [image.content_hash for image in added] == [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    assert [image.hold_out for image in added] == [int(image.content_hash[:8], 16) % 5 == 0 for image in added]
    with Project.create(tmp_path_factory.mktemp("other") / "p") as other:
        again = other.add_images(reversed(files)).added
    assert {image.content_hash: image.hold_out for image in again} == {i.content_hash: i.hold_out for i in added}
    held_out = sum(is_held_out(hashlib.sha256(str(n).encode()).hexdigest()) for n in range(5000))
    assert 900 < held_out < 1100


def test_progress_is_told_after_each_file_and_may_give_up(project: Project, write_image: WriteImage) -> None:
    files = [write_image(project.root / f"{seed}.png", seed) for seed in range(3)]
    told: list[tuple[int, int]] = []

    def give_up(done: int, total: int) -> None:
        told.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project.add_images(files, give_up)
    assert told == [(1, 3), (2, 3)]
    assert project.images() == []


def test_imported_records_stay_with_their_images(project: Project, write_image: WriteImage) -> None:
    first, second = (write_image(project.root / f"{seed}.png", seed) for seed in range(2))
    found = project.read_images([first, second], sources={(second, 0): '{"license": 4}'}).added
    assert project.images() == []
    project.import_edit(Edit(Action.IMPORT, None, ()), found, {"licenses": []})
    assert project.images() == found
    assert [image.source for image in found] == [None, '{"license": 4}']
    assert project.dataset_source == {"licenses": []}


def test_the_status_follows_what_happens_to_the_image(
    project: Project, image: Image, disc: Callable[..., Mask], detection: Callable[..., Detection]
) -> None:
    def status() -> ImageStatus:
        return project.image(image.id).status

    assert status() is ImageStatus.TODO
    project.set_proposals(image.id, [detection(disc(5, 5))], "base")
    assert status() is ImageStatus.PREDICTED
    project.apply(commands.accept(project.instances(image.id)))
    assert status() is ImageStatus.EDITED
    for command, expected in (
        (commands.accept_image(image, project.instances(image.id), 0.5), ImageStatus.ACCEPTED),
        (commands.reopen_image(replace(image, review=Review.ACCEPTED)), ImageStatus.EDITED),
        (commands.skip(image), ImageStatus.SKIPPED),
    ):
        project.apply(command)
        assert status() is expected
        assert project.counts() == {known: int(known is expected) for known in ImageStatus}
    for _ in range(4):
        project.undo()
    assert status() is ImageStatus.PREDICTED
