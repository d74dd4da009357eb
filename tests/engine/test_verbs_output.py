"""What a verb writes never costs what was there: inputs, devices, and what a stopped verb began."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import verbs
from engine.files import sha256_of
from engine.project import Project
from engine.resources import BUNDLED_WEIGHTS, SAMPLE_IMAGES
from engine.synthetic import write_dataset

ROOT = Path(__file__).resolve().parents[2]
MAIN = [sys.executable, str(ROOT / "main.py")]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """The COCO file of three small drawn images, which lie in `images` beside it."""
    return write_dataset(tmp_path / "drawn", 3, seed=40, size=(128, 96))


@pytest.fixture
def project(dataset: Path, tmp_path: Path) -> Path:
    """A project of the data set, all accepted."""
    path, images = tmp_path / "p.maskwright", dataset.parent / "images"
    assert verb("import", "--project", path, "--coco", dataset, "--images", images, "--accept") == 0
    return path


def verb(*arguments: str | Path) -> int:
    return verbs.main([str(argument) for argument in arguments])


def contents(folder: Path) -> dict[Path, str]:
    """Every file below a folder with the hash of its content, but for SQLite's own beside an opened project."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm")))
    return {path: sha256_of(path) for path in files}


def test_what_is_read_is_never_written_over(
    project: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, linked = sorted((dataset.parent / "images").iterdir())[0], tmp_path / "linked.png"
    linked.symlink_to(image)
    before = contents(tmp_path)
    for command in (
        ("export", "--project", project, "--out", project),
        ("export", "--project", project, "--out", image),
        ("predict", image, "--out", image),
        ("predict", image.parent, "--out", linked),
    ):
        capsys.readouterr()
        assert verb(*command) == 2
        error = capsys.readouterr().err
        assert "it is not replaced" in error
        assert error.count("\n") == 1
        assert contents(tmp_path) == before


def test_a_fine_tune_replaces_neither_its_own_base_nor_another_model(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "own" / "model.safetensors"
    base.parent.mkdir()
    shutil.copy(BUNDLED_WEIGHTS, base)
    before, data = contents(tmp_path), ("--coco", dataset, "--images", dataset.parent / "images")
    assert verb("finetune", *data, "--weights", base, "--out", base.parent, "--steps", "1") == 2
    assert "is not empty. Choose a new or an empty folder." in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_a_folder_that_cannot_be_is_told_before_the_work(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, before = ("--coco", dataset, "--images", dataset.parent / "images"), contents(tmp_path)
    training = ("train", *data, "--hold-out-coco", dataset, "--name", "x", "--steps", "1")
    for command in (
        ("finetune", *data, "--out", dataset, "--steps", "1"),
        ("demo", "--out", dataset),
        (*training, "--out", dataset / "x.safetensors"),
    ):
        assert verb(*command) == 2
        assert capsys.readouterr().err == f"Error: {dataset} is a file, not a folder. Choose another folder.\n"
    assert verb(*training, "--out", tmp_path) == 2
    assert "is a folder" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_a_pipe_is_not_replaced_by_a_file(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert verb("export", "--project", project, "--out", pipe) == 2
    assert "is a device or a pipe" in capsys.readouterr().err
    assert pipe.is_fifo()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert verb("export", "--project", project, "--out", closed / "o.json") == 2
    assert "There is no permission to write" in capsys.readouterr().err


def test_an_image_that_is_named_twice_is_predicted_once(tmp_path: Path) -> None:
    image = shutil.copy(SAMPLE_IMAGES / "stained-031.png", tmp_path / "a.png")
    assert verb("predict", image, image, tmp_path, "--out", tmp_path / "o.json") == 0
    assert [each["file_name"] for each in json.loads((tmp_path / "o.json").read_text())["images"]] == ["a.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no file names beside Unicode")
def test_a_file_name_that_no_json_can_hold_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(SAMPLE_IMAGES / "stained-031.png", tmp_path / "good.png")
    shutil.copy(SAMPLE_IMAGES / "stained-031.png", tmp_path / os.fsdecode(b"odd\xff.png"))
    assert verb("predict", tmp_path, "--out", tmp_path / "o.json") == 0
    said = capsys.readouterr().err
    assert "Left out: The name of" in said
    assert r"odd\xff.png is not valid UTF-8" in said
    assert [each["file_name"] for each in json.loads((tmp_path / "o.json").read_text())["images"]] == ["good.png"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_prediction_that_is_stopped_leaves_the_project_whole(project: Path, stop: signal.Signals) -> None:
    with Project.open(project) as opened:
        opened.add_images(sorted(SAMPLE_IMAGES.iterdir()))
    program = [*MAIN, "predict", "--project", str(project)]
    # What a shell starts in the background ignores Ctrl+C, and so does what that starts, unless it is told otherwise.
    listen = functools.partial(signal.signal, stop, signal.SIG_DFL)
    process = subprocess.Popen(program, stderr=subprocess.PIPE, text=True, preexec_fn=listen)
    lock = project.with_name(f".{project.name}.lock")
    deadline = time.monotonic() + 60
    while not lock.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(stop)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == verbs.STOPPED, errors
    assert "Traceback" not in errors
    assert not lock.exists()
    with Project.open(project) as opened:
        assert len(opened.images()) == 3 + len(list(SAMPLE_IMAGES.iterdir()))


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no /dev/full")
def test_a_document_that_cannot_be_printed_is_told_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*MAIN, "doctor", "--json"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: There is no space left on the disk to write the output. Free some space, then try again.\n"
    )


def test_a_reader_that_is_gone_ends_the_verb_without_a_word() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*MAIN, "doctor", "--json"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)
    assert done.returncode == 1
    assert done.stderr == ""
