"""Label maps: each value is an instance, both layouts are read, and what cannot be held is counted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as PillowImage

from engine.errors import InvalidDataset
from engine.formats.coco import import_coco
from engine.formats.exporting import Split
from engine.formats.importing import import_dataset
from engine.formats.label_image import masks_in
from engine.formats.label_map import read_label_map
from engine.geometry.mask import Mask
from engine.project.project import Project

WIDTH, HEIGHT = 40, 30


def write(path: Path, values: Any, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        PillowImage.fromarray(np.asarray(values)).save(path)
    else:
        tifffile.imwrite(path, np.asarray(values), **options)
    return path


def picture(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.new("RGB", (WIDTH, HEIGHT), (shade, 0, 0)).save(path)


def labels(dtype: Any = np.uint16) -> Any:
    values = np.zeros((HEIGHT, WIDTH), dtype=dtype)
    values[3:9, 2:12] = 1
    values[5:20, 20:40] = 7
    return values


EXPECTED = [("object", Mask.from_crop(np.ones((6, 10)), 2, 3)), ("object", Mask.from_crop(np.ones((15, 20)), 20, 5))]


@given(hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 5)))
def test_the_masks_put_together_are_the_picture(values: Any) -> None:
    again = np.zeros_like(values)
    for value, mask in masks_in(values, "a"):
        assert not again[mask.to_full(*values.shape)].any()
        again[mask.to_full(*values.shape)] = value
    assert np.array_equal(again, values)


@pytest.mark.parametrize(
    ("name", "values", "options"),
    [
        ("a_masks.png", labels(np.uint8), {}),
        ("a_cp_masks.png", labels(), {}),
        ("a_masks.tif", labels(), {}),
        ("a_cp_masks.tiff", labels(np.uint32), {"compression": "zlib"}),
        ("a_masks.tif", labels(np.int32)[None], {"bigtiff": True}),
        ("a_masks.TIF", labels(np.int64), {"byteorder": ">"}),
    ],
)
def test_cellpose_masks_beside_the_images_are_read(
    project: Project, tmp_path: Path, drawn: Any, name: str, values: Any, options: Any
) -> None:
    picture(tmp_path / "data" / "a.jpg")
    picture(tmp_path / "data" / "other.png", 9)
    write(tmp_path / "data" / name, values, **options)
    dataset = read_label_map(tmp_path / "data")
    assert drawn(dataset, WIDTH, HEIGHT) == EXPECTED
    report = import_dataset(project, dataset, tmp_path / "data", accept_images=True)
    assert (report.images, report.instances) == (1, 2)
    assert report.notes == ("Images without a label map, which were left out: 1 (other.png).",)
    assert drawn(read_label_map(tmp_path / "data" / name), WIDTH, HEIGHT) == EXPECTED


@pytest.mark.parametrize("named", ["", "images", "masks", "masks/a.tif"])
def test_stardist_folders_are_read_whichever_is_named(project: Project, tmp_path: Path, drawn: Any, named: str) -> None:
    picture(tmp_path / "data" / "images" / "a.tif")
    write(tmp_path / "data" / "masks" / "a.tif", labels())
    dataset = read_label_map(tmp_path / "data" / named)
    assert drawn(dataset, WIDTH, HEIGHT) == EXPECTED
    assert [image.file_name for image in dataset.images] == ["images/a.tif"]
    assert import_dataset(project, dataset, tmp_path / "data" / "images").instances == 2


def test_parts_with_folders_of_their_own_are_read_together(project: Project, tmp_path: Path) -> None:
    for number, part in enumerate(("train", "test")):
        picture(tmp_path / "data" / part / "images" / "a.png", number)
        write(tmp_path / "data" / part / "masks" / "a.tif", labels())
    dataset = read_label_map(tmp_path / "data")
    assert [image.file_name for image in dataset.images] == ["test/images/a", "train/images/a"]
    report = import_dataset(project, dataset, tmp_path / "data")
    assert (report.images, report.instances) == (2, 4)


@pytest.mark.parametrize("seed", range(5))
def test_masks_that_do_not_overlap_come_back_identical(
    holding: Any, there_and_back: Any, contents: Any, random_masks: Callable[..., Any], seed: int
) -> None:
    masks = {}
    for number in range(8):
        free = Mask.from_full(np.ones((HEIGHT, WIDTH)))
        masks[f"{number}.png"] = []
        for category, mask in random_masks(10 * seed + number, WIDTH, HEIGHT):
            if not (rest := mask.intersect(free)).is_empty:
                masks[f"{number}.png"].append((category, rest))
                free = free.subtract(rest)
    project = holding({**masks, "empty.png": []}, (WIDTH, HEIGHT))
    again, report, _ = there_and_back(project, "label-map")
    assert contents(again) == contents(project)
    assert report.losses == ()
    assert report.annotations == sum(map(len, masks.values()))
    assert [image.status for image in again.images()] == [image.status for image in project.images()]


def test_overlaps_are_counted_and_the_later_instance_wins(holding: Any, there_and_back: Any, contents: Any) -> None:
    under, over = Mask.from_crop(np.ones((6, 10)), 2, 3), Mask.from_crop(np.ones((6, 10)), 8, 5)
    hidden = Mask.from_crop(np.ones((2, 2)), 9, 6)
    again, report, _ = there_and_back(
        holding({"a.png": [("a", under), ("b", hidden), ("c", over)]}, (WIDTH, HEIGHT)), "label-map"
    )
    assert contents(again) == {"a.png": [("a", under.subtract(over)), ("c", over)]}
    assert report.annotations == 2
    assert report.losses == (
        "Pixels of several instances, which went to the last of them: 20 (a.png).",
        "Instances that others cover wholly, which are lost: 1 (a.png).",
    )


def test_many_instances_need_32_bits_and_one_category_no_file(
    holding: Any, there_and_back: Any, tmp_path: Path
) -> None:
    single = [("object", Mask.from_crop(np.ones((1, 1)), number, 0)) for number in range(3)]
    there_and_back(holding({"a.png": single}, (WIDTH, HEIGHT)), "label-map")
    values = tifffile.imread(tmp_path / "exported0" / "masks" / "a.tif")
    assert values.dtype == np.uint16
    assert values[0, :4].tolist() == [1, 2, 3, 0]
    assert not (tmp_path / "exported0" / "categories.json").exists()


def test_parts_of_a_split_are_folders_and_keep_their_categories(
    holding: Any, there_and_back: Any, contents: Any, tmp_path: Path
) -> None:
    mask = Mask.from_crop(np.ones((2, 2)), 3, 3)
    project = holding({f"{number}.png": [("ab"[number % 2], mask)] for number in range(10)}, (WIDTH, HEIGHT))
    split = Split((("train", 0.5), ("val", 0.5)))
    again, _, dataset = there_and_back(project, "label-map", split=split)
    assert contents(again) == contents(project)
    assert dataset.notes == ()
    assert len(list((tmp_path / "exported0" / "val" / "masks").iterdir())) == 5


def test_a_label_of_several_parts_stays_one_instance_and_is_noted(tmp_path: Path, drawn: Any) -> None:
    values = labels()
    values[25, 0] = 7
    values[9, 12] = 1  # touches at a corner
    dataset = read_label_map(write(tmp_path / "a_masks.tif", values))
    assert len(drawn(dataset, WIDTH, HEIGHT)) == 2
    assert dataset.notes == (
        "Labels of several separate parts, each of which is one instance: 1 (a_masks.tif, label 7).",
    )


def test_a_label_map_of_another_size_is_named(project: Project, tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    write(tmp_path / "a_masks.tif", labels()[:20])
    with pytest.raises(InvalidDataset, match=r"a_masks\.tif, label 1, it has 40 x 20 pixels, its image 40 x 30"):
        import_dataset(project, read_label_map(tmp_path), tmp_path)
    assert project.images() == []


NOISE = np.random.default_rng(0).integers(0, 65536, (900, 900), dtype=np.uint16)


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (labels(np.float32), {}, "holds float32 values; a label map has whole numbers"),
        (labels(np.int16) - 1, {}, "has values that are no numbers of objects"),
        (labels(np.uint64) << np.uint64(40), {}, "has values that are no numbers of objects"),
        (np.stack([labels()] * 3), {"photometric": "minisblack"}, "has 3 pages; a label map has one"),
        (np.stack([labels(np.uint8)] * 3, axis=2), {"photometric": "rgb"}, "has several channels"),
        (NOISE, {}, "scattered all over it, so it is no label map"),
    ],
)
def test_a_tiff_that_is_no_label_map_is_named(tmp_path: Path, values: Any, options: Any, words: str) -> None:
    with pytest.raises(InvalidDataset, match=rf"a_masks\.tif.*{words}"):
        read_label_map(write(tmp_path / "a_masks.tif", values, **options))


def test_damaged_and_coloured_and_huge_files_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a_masks.tif", labels(), compression="zlib")
    whole = path.read_bytes()
    for content in (b"", b"no image", whole[:9], whole[:-100], b"\x89PNG\r\n\x1a\n"):
        path.write_bytes(content)
        with pytest.raises(InvalidDataset, match=r"a_masks\.tif is (no PNG or TIFF image, or is damaged|cut short)"):
            read_label_map(path)
    picture(tmp_path / "b_masks.png")
    with pytest.raises(InvalidDataset, match=r"b_masks\.png is a colour picture"):
        read_label_map(tmp_path / "b_masks.png")
    PillowImage.new("1", (40_000, 10_001)).save(tmp_path / "c_masks.png")
    with pytest.raises(InvalidDataset, match=r"c_masks\.png has 40000 x 10001 pixels; at most 400 million"):
        read_label_map(tmp_path / "c_masks.png")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "key 'categories': it is missing"),
        ({"categories": [""]}, "key 'categories': it is missing or is no list of names"),
        ({"categories": ["a"]}, "key 'masks': it is missing"),
        ({"categories": ["a"], "masks": {"masks/a.tif": 3}}, "key 'masks/a.tif': it is no list"),
        ({"categories": ["a"], "masks": {"masks/a.tif": [1]}}, "key 'masks/a.tif': 1 is the place of no category"),
        (
            {"categories": ["a"], "masks": {"masks/a.tif": [0]}},
            "label 7: categories.json names categories for 1 labels",
        ),
    ],
)
def test_what_is_wrong_with_the_categories_is_named(tmp_path: Path, document: Any, words: str) -> None:
    picture(tmp_path / "images" / "a.png")
    write(tmp_path / "masks" / "a.tif", labels())
    (tmp_path / "categories.json").write_text(json.dumps(document))
    with pytest.raises(InvalidDataset, match=words):
        read_label_map(tmp_path)


def test_a_folder_without_label_maps_two_for_one_image_and_links_that_lead_out_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "data" / "a.png", labels(np.uint8))
    with pytest.raises(InvalidDataset, match="data holds no label maps"):
        read_label_map(tmp_path / "data")
    with pytest.raises(InvalidDataset, match="There is no file or folder"):
        read_label_map(tmp_path / "nowhere")
    for name in ("a_masks.tif", "a_cp_masks.png"):
        write(tmp_path / "data" / name, labels())
    with pytest.raises(InvalidDataset, match=r"a_cp_masks\.png and a_masks\.tif are for the same image"):
        read_label_map(tmp_path / "data")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "b_masks.tif").symlink_to(tmp_path / "data" / "a_masks.tif")
    with pytest.raises(InvalidDataset, match=r"b_masks\.tif is a link that leads out"):
        read_label_map(tmp_path / "links")


def test_the_real_nuclei_come_back_but_for_the_pixels_that_they_share(
    tmp_path: Path, data_root: Path, there_and_back: Any, contents: Any
) -> None:
    source = json.loads((data_root / "nuclei" / "annotations" / "instances_val.json").read_text())
    source["images"] = source["images"][:6]
    known = {image["id"] for image in source["images"]}
    source["annotations"] = [each for each in source["annotations"] if each["image_id"] in known]
    (tmp_path / "few.json").write_text(json.dumps(source))
    with Project.create(tmp_path / "nuclei.maskwright") as project:
        import_coco(project, tmp_path / "few.json", data_root / "nuclei" / "images", accept_images=True)
        again, report, _ = there_and_back(project, "label-map")
        before, after = contents(project), contents(again)
    assert report.annotations == len(source["annotations"])
    for name, instances in before.items():
        total = sum(mask.area for _, mask in instances)
        assert sum(mask.area for _, mask in after[name]) >= 0.995 * total
