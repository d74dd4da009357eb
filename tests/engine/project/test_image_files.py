"""Image files that are gone or changed are noticed and found again by their content."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from engine.errors import MaskwrightError
from engine.project import FileProblem, Project
from engine.project.image_files import find_moved

WriteImage = Callable[..., Path]


def test_missing_and_changed_files_are_noticed(project: Project, write_image: WriteImage) -> None:
    paths = [write_image(project.root / f"{seed}.png", seed) for seed in range(4)]
    images = project.add_images(paths).added
    assert project.files.check(images) == []
    paths[0].unlink()
    write_image(paths[1], seed=77)
    os.utime(paths[2], (1, 1))  # touched, but the same
    problems = {finding.image.id: finding.problem for finding in project.files.check(images)}
    assert problems == {images[0].id: FileProblem.MISSING, images[1].id: FileProblem.CHANGED}


def test_a_file_that_was_not_touched_is_not_read_again(project: Project, write_image: WriteImage) -> None:
    """Size and time tell; that is the point of keeping them. So a forged time hides a change of equal size."""
    path = write_image(project.root / "a.png")
    (image,) = project.add_images([path]).added
    facts = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert project.files.check([image]) == []
    os.utime(path)
    assert [finding.problem for finding in project.files.check([image])] == [FileProblem.CHANGED]


def test_moved_and_renamed_files_are_found_by_content(
    project: Project, write_image: WriteImage, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    paths = [write_image(outside / f"{seed}.png", seed) for seed in range(3)]
    images = project.add_images(paths).added
    moved = tmp_path / "moved" / "deep"
    moved.parent.mkdir()
    shutil.move(outside, moved)
    (moved / "1.png").rename(moved / "another name.png")
    write_image(moved / "2.png", seed=9)  # the name of an image, but not its content
    lost = [finding.image for finding in project.files.check(images)]
    assert lost == images
    found = find_moved(lost, tmp_path / "moved")
    assert found == {images[0].id: moved / "0.png", images[1].id: moved / "another name.png"}
    project.files.relink(found)
    assert [finding.image.id for finding in project.files.check(project.images())] == [images[2].id]
    assert project.image_path(project.image(images[1].id)) == moved / "another name.png"


def test_a_project_folder_that_moves_as_a_whole_needs_nothing(
    project: Project, write_image: WriteImage, tmp_path: Path
) -> None:
    project.add_images([write_image(project.root / "pictures" / "a.png")])
    project.close()
    elsewhere = tmp_path.parent / f"{tmp_path.name} moved"
    shutil.copytree(tmp_path, elsewhere)
    shutil.rmtree(tmp_path / "pictures")
    with Project.open(elsewhere / project.path.name) as moved:
        assert moved.files.check(moved.images()) == []


def test_a_file_changed_on_purpose_is_taken_as_it_is_unless_its_size_differs(
    project: Project, write_image: WriteImage
) -> None:
    path = write_image(project.root / "a.png", seed=1)
    (image,) = project.add_images([path]).added
    write_image(path, seed=2)
    project.files.take_as_it_is(image)
    after = project.image(image.id)
    assert project.files.check([after]) == []
    assert after.content_hash != image.content_hash
    assert after.hold_out == image.hold_out
    PillowImage.new("RGB", (5, 5)).save(path)
    with pytest.raises(MaskwrightError, match="5 x 5 pixels now"):
        project.files.take_as_it_is(after)
    assert project.image(image.id) == after
