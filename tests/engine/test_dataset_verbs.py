"""The verbs import and export: every format in and out, parts, results, pages, and errors that change nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from engine import verbs
from engine.formats.registry import FORMATS
from engine.geometry.mask import Mask
from engine.project import Project, commands
from engine.records import InstanceState

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """run(arguments...): exit code, stdout and stderr of a verb."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = verbs.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def project_file(tmp_path: Path) -> Path:
    """Ten accepted images with a square and a ring each."""
    (tmp_path / "pictures").mkdir()
    ring = np.ones((9, 9), dtype=bool)
    ring[3:6, 3:6] = False
    for number in range(10):
        Picture.new("RGB", (40, 30), (20 * number, 9, 9)).save(tmp_path / "pictures" / f"{number}.png")
    with Project.create(tmp_path / "p.maskwright") as project:
        project.add_images(sorted((tmp_path / "pictures").iterdir()))
        project.apply(commands.add_category(project.new_category_id(), "cell", "#112233"))
        for image in project.images():
            for mask in (Mask.from_crop(np.ones((6, 5)), 2, 3), Mask.from_crop(ring, 20, 10)):
                project.apply(commands.draw(project.new_instance_id(), image.id, 1, mask))
            project.apply(commands.accept_image(image, project.instances(image.id), 0.5))
        return project.path


def masks(path: Path) -> list[set[Mask]]:
    with Project.open(path, read_only=True) as project:
        return [{one.mask for one in project.instances(image.id)} for image in project.images()]


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_goes_out_and_comes_back_the_same(run: Run, tmp_path: Path, project_file: Path, name: str) -> None:
    """Squares and rings that do not overlap: nothing that any of the formats would have to lose."""
    out = tmp_path / "out"
    code, text, said = run(
        "export", "--project", project_file, "--out", out, "--format", name, "--image-files", "copy", "--json"
    )
    assert code == 0, said
    told = json.loads(text)
    # Nothing is lost; YOLO's file of the dataset needs two parts, and says where it has one.
    losses = [loss for loss in told.pop("losses") if "Without a split" not in loss]
    assert (told, losses) == ({"path": str(out), "images": 10, "annotations": 20}, [])
    kind = FORMATS[name]
    data = out / "annotations" / "instances.json" if name == "coco" else out
    again = tmp_path / "again.maskwright"
    images = out / kind.image_folder("")
    code, _, said = run("import", "--project", again, "--data", data, "--format", name, "--images", images)
    assert code == 0, said
    assert "20 annotations and 10 new images" in said
    assert masks(again) == masks(project_file)


def test_parts_and_statuses_are_chosen(run: Run, tmp_path: Path, project_file: Path) -> None:
    arguments = ("export", "--project", project_file, "--out", tmp_path / "out", "--split", "train=0.8,val=0.2")
    assert run(*arguments)[0] == 0
    counts = {
        part: len(json.loads((tmp_path / "out" / "annotations" / f"instances_{part}.json").read_text())["images"])
        for part in ("train", "val")
    }
    assert counts == {"train": 8, "val": 2}
    code, text, _ = run(
        "export", "--project", project_file, "--out", tmp_path / "none.json", "--status", "todo", "--json"
    )
    assert (code, json.loads(text)["images"]) == (0, 0)
    held = [
        run("export", "--project", project_file, "--out", tmp_path / "x.json", flag, "--json")[1]
        for flag in ("--hold-out", "--no-hold-out")
    ]
    assert sum(json.loads(text)["images"] for text in held) == 10


def test_results_become_proposals(run: Run, tmp_path: Path, project_file: Path) -> None:
    run("export", "--project", project_file, "--out", tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    results = [{**record, "score": 0.5} for record in document["annotations"]]
    (tmp_path / "results.json").write_text(json.dumps(results))
    again = tmp_path / "again.maskwright"
    assert run("import", "--project", again, "--images", tmp_path / "pictures")[0] == 0
    code, _, said = run(
        "import", "--project", again, "--results", tmp_path / "results.json", "--coco", tmp_path / "out.json"
    )
    assert code == 0, said
    assert "20 proposals on 10 images" in said
    with Project.open(again, read_only=True) as project:
        states = {one.state for image in project.images() for one in project.instances(image.id)}
    assert states == {InstanceState.PROPOSAL}


@pytest.mark.parametrize(("pages", "expected"), [("first", [0]), ("all", [0, 1, 2]), ("2-3,9", [1, 2])])
def test_pages_of_a_stack_become_images(run: Run, tmp_path: Path, pages: str, expected: list[int]) -> None:
    (tmp_path / "stacks").mkdir()
    stack = np.random.default_rng(0).integers(0, 255, (3, 12, 16), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "stacks" / "s.tif", stack, photometric="minisblack")
    path = tmp_path / "p.maskwright"
    assert run("import", "--project", path, "--images", tmp_path / "stacks", "--pages", pages)[0] == 0
    with Project.open(path) as project:
        images = project.images()
        assert [image.page for image in images] == expected
        assert len({image.content_hash for image in images}) == len(expected)
        project.apply(commands.add_category(project.new_category_id(), "cell", "#112233"))
        for image in images:
            mask = Mask.from_crop(np.ones((2 + image.page, 3)), 1, 1)
            project.apply(commands.draw(project.new_instance_id(), image.id, 1, mask))
    assert run("export", "--project", path, "--out", tmp_path / "out.json", "--all")[0] == 0
    again = tmp_path / "again.maskwright"
    assert run("import", "--project", again, "--coco", tmp_path / "out.json", "--images", tmp_path / "stacks")[0] == 0
    assert masks(again) == masks(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", "--coco", "a", "--data", "b"), "either --coco or --data"),
        (("import",), "takes a dataset"),
        (("import", "--results", "a", "--accept"), "--results takes only"),
        (("import", "--data", "a", "--format", "excel"), "no format 'excel'"),
        (("import", "--images", "a", "--pages", "0"), "says no pages"),
        (("import", "--images", "nowhere"), "is no folder"),
        (("import", "--data", "nowhere", "--format", "yolo"), "nowhere"),
        (("export", "--out", "x", "--split", "train"), "--split is parts"),
        (("export", "--out", "x", "--split", "train=0"), "shares of a split"),
        (("export", "--out", "x", "--all", "--status", "todo"), "either --all or --status"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    run: Run, tmp_path: Path, project_file: Path, arguments: tuple[str, ...], words: str
) -> None:
    target = project_file if arguments[0] == "export" else tmp_path / "new.maskwright"
    code, out, said = run(*arguments, "--project", target)
    assert (code, out) == (2, "")
    assert said.startswith("Error: ") and words in said
    assert not (tmp_path / "new.maskwright").exists()
    assert not Path("x").exists()


@pytest.mark.parametrize("split", ["train=nan,val=1", "train=inf,val=1", "train=1e308,val=1e308", "train=1,val=0"])
def test_shares_are_finite_and_above_nought(run: Run, tmp_path: Path, project_file: Path, split: str) -> None:
    code, _, said = run("export", "--project", project_file, "--out", tmp_path / "out", "--split", split)
    assert (code, "shares of a split" in said) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_page_number_beyond_every_file_costs_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Picture.new("RGB", (9, 9)).save(tmp_path / "images" / "a.png")
    arguments = ("import", "--project", tmp_path / "p.maskwright", "--images", tmp_path / "images", "--pages")
    assert run(*arguments, f"1-{10**15}")[0] == 0
    assert run(*arguments, f"{10**15}")[2].startswith("Error: There is nothing to add")


def test_a_write_protected_file_is_not_replaced(run: Run, tmp_path: Path, project_file: Path) -> None:
    (tmp_path / "mine.json").write_text("mine")
    (tmp_path / "mine.json").chmod(0o444)
    code, _, said = run("export", "--project", project_file, "--out", tmp_path / "mine.json")
    assert (code, "write-protected" in said) == (2, True)
    assert (tmp_path / "mine.json").read_text() == "mine"


def test_a_folder_above_the_images_is_told_with_the_one_that_was_meant(
    run: Run, tmp_path: Path, project_file: Path
) -> None:
    run("export", "--project", project_file, "--out", tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    for record in document["images"]:
        record["file_name"] = Path(record["file_name"]).name
    (tmp_path / "out.json").write_text(json.dumps(document))
    new = tmp_path / "new.maskwright"
    code, _, said = run("import", "--project", new, "--coco", tmp_path / "out.json", "--images", tmp_path)
    assert (code, f"Choose {tmp_path / 'pictures'}." in said) == (2, True), said


def test_progress_is_told_as_json_lines(run: Run, tmp_path: Path, project_file: Path) -> None:
    code, out, _ = run("export", "--project", project_file, "--out", tmp_path / "told.json", "--progress-json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and lines
    assert all(line["event"] == "progress" and 0 <= line["done"] <= line["total"] for line in lines)
