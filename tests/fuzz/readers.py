"""Feeds damaged and hostile datasets to every reader.

    python tests/fuzz/readers.py --cases 10000 [--format NAME] [--seed N]

Each case damages a small valid dataset, reads it, draws every mask and imports it into a fresh project. It must end in
an error of this program's own, with the project and the folder as they were, or in an import that is right; within
ten seconds and two gigabytes. Failures are printed with the case's number, and kept where --keep says.
"""

import argparse
import base64
import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image as Pillow

from engine.errors import MaskwrightError
from engine.formats.coco_results import import_results
from engine.formats.importing import import_dataset
from engine.formats.registry import FORMATS, export_to_folder
from engine.project.project import Project

WIDTH, HEIGHT = 24, 16
SECONDS = 10
BYTES = 2 << 30

Files = dict[str, bytes]

NUMBERS = [0, -1, 1, 2, 0.5, -0.0, 1e9, 10**9, 10**12, 2**31, 2**63, 10**30, 10**400, -(10**400), 1e308, 1e-320]
NAMES = [
    "../out.png",
    "/etc/passwd",
    "C:\\x.png",
    "..\\..\\x",
    "a\0b",
    "",
    ".",
    "..",
    "a" * 300,
    "\ud800",
    "é\n\u202e",
    "//h/s",
    "CON",
]
VALUES = [
    *NUMBERS,
    *NAMES,
    None,
    True,
    [],
    {},
    [[]],
    [None],
    [1, "a"],
    {"a": 1},
    [10**9, 10**9],
    float("nan"),
    float("inf"),
    [0] * 7,
]
TOKENS = [
    *(b"nan", b"-inf", b"1e999", b"1" * 5000, b"[" * 2000, b"{" * 500, b"0.5 " * 99, b"-", b":", b"#", b",", b" "),
    *(b"../", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b'"', b"'", b"\n", b"\r", b"<!DOCTYPE a>", b"&a;"),
]


def picture(shade: int) -> bytes:
    file = io.BytesIO()
    Pillow.new("RGB", (WIDTH, HEIGHT), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def indexed(values: Any, palette: bool = False) -> bytes:
    file = io.BytesIO()
    image = Pillow.fromarray(np.asarray(values, dtype=np.uint8))
    if palette:
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    image.save(file, "PNG")
    return file.getvalue()


def labels() -> Any:
    values = np.zeros((HEIGHT, WIDTH), dtype=np.uint16)
    values[2:8, 3:9], values[9:14, 12:20] = 1, 2
    return values


def coco() -> Files:
    runs = {"size": [HEIGHT, WIDTH], "counts": [20, 5, 11, 5, HEIGHT * WIDTH - 41]}
    ring = [[2, 2, 9.5, 2, 9, 9, 2.25, 8]]
    text = {"size": [HEIGHT, WIDTH], "counts": "d13=N2M4L3N2N000000001O001O1N2N3Ma3"}
    annotations = [
        {
            "id": n,
            "image_id": n % 2 + 1,
            "category_id": 1,
            "iscrowd": int(n == 3),
            "bbox": [1, 2, 3, 4],
            "segmentation": value,
        }
        for n, value in enumerate((ring, runs, ring * 2, runs, text), start=1)
    ]
    images = [{"id": n, "file_name": f"{n}.png", "width": WIDTH, "height": HEIGHT} for n in (1, 2)]
    document = {
        "info": {"x": 1},
        "images": images,
        "annotations": annotations[:4],
        "categories": [{"id": 1, "name": "a"}],
    }
    return {"data.json": json.dumps(document).encode(), "1.png": picture(1), "2.png": picture(2)}


def results() -> Files:
    """Detections, and the dataset whose ids they use."""
    dataset = coco()
    document = json.loads(dataset["data.json"])
    entries = [
        {"image_id": one["image_id"], "category_id": 1, "score": 0.5, "segmentation": one["segmentation"]}
        for one in document["annotations"]
    ]
    empty = json.dumps({**document, "annotations": []}).encode()
    return {**dataset, "data.json": empty, "results.json": json.dumps(entries).encode()}


def labelme() -> Files:
    bitmap = base64.b64encode(indexed(np.eye(4) * 255)).decode()
    shapes = [
        {"label": "a", "points": [[1, 1], [8.5, 2], [4, 9]], "shape_type": "polygon", "group_id": 1, "flags": {}},
        {"label": "a", "points": [[12, 1], [18, 6]], "shape_type": "rectangle", "group_id": 1},
        {"label": "b", "points": [[12, 9], [14, 9]], "shape_type": "circle", "group_id": None, "description": "x"},
        {"label": "b", "points": [[2, 10], [5, 13]], "shape_type": "mask", "mask": bitmap},
        {"label": "b", "points": [[2, 10], [5, 13]], "shape_type": "line"},
    ]
    files = {}
    for n in (1, 2):
        document = {"imagePath": f"{n}.png", "imageHeight": HEIGHT, "imageWidth": WIDTH, "shapes": shapes, "flags": {}}
        files |= {f"{n}.json": json.dumps(document).encode(), f"{n}.png": picture(n)}
    return files


def yolo() -> Files:
    line = b"0 0.1 0.1 0.5 0.1 0.5 0.6 0.1 0.5\n1 0.6 0.6 0.9 0.6 0.8 0.95\n1 0.5 0.5 0.1 0.1\n"
    data = b"path: .  # root\ntrain: images/train\nval:\n  - list.txt\nnc: 2\nnames: {0: a, 1: 'b c'}\n"
    return {
        "data.yaml": data,
        "list.txt": b"./images/val/2.png\n",
        "images/train/1.png": picture(1),
        "labels/train/1.txt": line,
        "images/val/2.png": picture(2),
        "labels/val/2.txt": line,
    }


def voc() -> Files:
    objects = b"<object><name>aeroplane</name></object><object><name>b</name></object>"
    xml = b"<annotation><filename>1.png</filename>" + objects + b"</annotation>"
    return {
        "JPEGImages/1.png": picture(1),
        "SegmentationObject/1.png": indexed(labels(), palette=True),
        "SegmentationClass/1.png": indexed(labels(), palette=True),
        "Annotations/1.xml": xml,
        "JPEGImages/2.png": picture(2),
        "SegmentationObject/2.png": indexed(labels(), palette=True),
        "Annotations/2.xml": xml,
        "ImageSets/Segmentation/train.txt": b"1\n2\n",
        "labelmap.txt": b"# label:color_rgb:parts:actions\nbackground:0,0,0::\na:128,0,0::\nb:0,128,0::\n",
    }


def label_map() -> Files:
    file = io.BytesIO()
    tifffile.imwrite(file, labels(), compression="zlib")
    document = {"categories": ["a", "b"], "masks": {"masks/1.tif": [0, 1], "masks/2.png": [1, 1]}}
    return {
        "images/1.png": picture(1),
        "masks/1.tif": file.getvalue(),
        "images/2.png": picture(2),
        "masks/2.png": indexed(labels()),
        "categories.json": json.dumps(document).encode(),
        "beside/3.png": picture(3),
        "beside/3_masks.png": indexed(labels()),
    }


# What a person names, and a valid dataset.
SAMPLES: dict[str, tuple[str, Callable[[], Files]]] = {
    "coco": ("data.json", coco),
    "labelme": ("", labelme),
    "yolo": ("", yolo),
    "voc": ("", voc),
    "label-map": ("", label_map),
    "results": ("results.json", results),
}


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    at, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return chance.choice(
        [
            lambda: data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :],
            lambda: data[:at] + chance.choice(TOKENS) + data[at:],
            lambda: data[:at] + chance.choice(TOKENS) + data[at + 1 :],
            lambda: data[:at] + data[end:],
            lambda: data[:end] + data[at:],
            lambda: data[:at],
            lambda: data[:at] + str(chance.choice(NUMBERS)).encode() + data[at + 1 :],
        ]
    )()


def mutate_json(data: bytes, chance: random.Random) -> bytes:
    """Changes one value somewhere; gives up on what is no JSON any more."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return data
    places: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            places.append((holder, key))
            waiting.append(holder[key])
    if not places:
        return data
    holder, key = chance.choice(places)
    kind = chance.randrange(6)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, json.loads(json.dumps(holder[key])))
    elif kind == 2:
        deep: Any = holder[key]
        for _ in range(chance.choice([1, 50, 150, 400])):
            deep = [deep]
        holder[key] = deep
    elif kind == 3:
        other, place = chance.choice(places)
        holder[key] = json.loads(json.dumps(other[place]))
    else:
        holder[key] = chance.choice(VALUES)
    return json.dumps(document).encode()


def mutate_words(data: bytes, chance: random.Random) -> bytes:
    """Replaces a word of a text file by another value."""
    words = data.split(b" ")
    index = chance.randrange(len(words))
    words[index] = str(chance.choice(VALUES)).encode("utf-8", "replace")
    return b" ".join(words)


def mutate_png_header(data: bytes, chance: random.Random) -> bytes:
    """Another size, depth or kind, with the right checksum."""
    if data[:4] != b"\x89PNG" or len(data) < 33:
        return mutate_bytes(data, chance)
    header = list(struct.unpack(">IIBBBBB", data[16:29]))
    header[chance.randrange(5)] = chance.choice([0, 1, 2, 3, 4, 6, 8, 16, 17, 23, 255, 65535, 10**5, 2**31 - 1])
    try:
        packed = struct.pack(">IIBBBBB", *header)
    except struct.error:
        return data
    return data[:16] + packed + struct.pack(">I", zlib.crc32(b"IHDR" + packed)) + data[33:]


def mutate_tiff(data: bytes, chance: random.Random) -> bytes:
    """A value of a tag."""
    if len(data) < 200 or data[:2] not in (b"II", b"MM"):
        return mutate_bytes(data, chance)
    (start,) = struct.unpack("<I", data[4:8])
    at = start + 2 + 12 * chance.randrange(16) + chance.choice([0, 2, 4, 8])
    value = struct.pack("<I", chance.choice([0, 1, 2, 3, 5, 8, 64, 259, 65535, 2**31, 2**32 - 1]))
    size = 4 if chance.random() < 0.7 else 2
    return data[:at] + value[:size] + data[at + size :]


def mutate(files: Files, chance: random.Random) -> None:
    """One damage to a dataset."""
    name = chance.choice(sorted(files))
    kind = chance.random()
    if kind < 0.04:
        del files[name]
    elif kind < 0.08:
        files[chance.choice(sorted(files))] = files[name]
    elif kind < 0.12:
        folder = name.rpartition("/")[0]
        new = chance.choice(
            ["é\n.png", "x" * 250 + ".txt", "-.json", "masks", "a b.yaml", ".hidden", "1.PNG", "1_masks.tif"]
        )
        files[f"{folder}/{new}" if folder else new] = files.pop(name)
    elif name.endswith(".json") and kind < 0.8:
        files[name] = mutate_json(files[name], chance)
    elif name.endswith(".png") and kind < 0.5:
        files[name] = mutate_png_header(files[name], chance)
    elif name.endswith(".tif") and kind < 0.6:
        files[name] = mutate_tiff(files[name], chance)
    elif name.endswith((".txt", ".yaml")) and kind < 0.5:
        files[name] = mutate_words(files[name], chance)
    else:
        files[name] = mutate_bytes(files[name], chance)


def write(folder: Path, files: Files, chance: random.Random) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if chance.random() < 0.03:
        path = folder / chance.choice(sorted(files))
        path.unlink()
        path.symlink_to(chance.choice(["/etc/passwd", "/dev/zero", folder.parent, path.name, "/nowhere"]))


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class Bench:
    """A fresh project for each case; one that a case left as it was serves the next."""

    def __init__(self, place: Path) -> None:
        self._empty, self._path = place / "empty.maskwright", place / "case.maskwright"
        Project.create(self._empty, author="fuzz").close()
        self._project: Project | None = None

    def fresh(self) -> Project:
        if self._project is None:
            shutil.copyfile(self._empty, self._path)
            self._project = Project.open(self._path, author="fuzz")
        return self._project

    def reopened(self) -> Project:
        assert self._project is not None
        self._project.close()
        self._project = Project.open(self._path, author="fuzz")
        return self._project

    def clear(self) -> None:
        if self._project is not None:
            self._project.close()
            self._project = None
            Project.discard(self._path)


def check(kind: str, folder: Path, bench: Bench, chance: random.Random) -> str:
    """Reads and imports the dataset in `folder`; returns how it ended. Raises where that is wrong."""
    if kind == "results":
        return check_results(folder, bench)
    before = listing(folder)
    project = bench.fresh()
    try:
        dataset = FORMATS[kind].read(folder / "data" / SAMPLES[kind][0])
        images = dataset.images_folder or folder / "data"
        report = import_dataset(project, dataset, images, accept_images=chance.random() < 0.5)
    except MaskwrightError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert listing(folder) == before, "files were left behind"
    if refusal:
        assert refusal.encode("utf-8") and len(refusal) < 5000, "the message is not fit to be shown"
        assert (project.images(), project.categories(), project.can_undo) == ([], [], False), "the project changed"
        return "refused"
    assert (report.instances, report.images) == check_masks(project), f"{report} but {check_masks(project)}"
    if chance.random() < 0.2:
        export_to_folder(project, FORMATS[chance.choice(sorted(FORMATS))], folder / "out")
        assert (report.instances, report.images) == check_masks(bench.reopened()), "reopened, it is another project"
    bench.clear()
    return "imported"


def check_results(folder: Path, bench: Bench) -> str:
    """Imports the dataset, then the results that name its ids; what they leave is proposals, or nothing at all."""
    project = bench.fresh()
    try:
        import_dataset(project, FORMATS["coco"].read(folder / "data" / "data.json"), folder / "data")
    except MaskwrightError:
        return "refused"
    before = check_masks(project)
    try:
        most = import_results(project, folder / "data" / "results.json").proposals
        outcome = "imported"
    except MaskwrightError as error:
        most, outcome = 0, "refused"
        refusal = str(error)
        shown = bool(refusal.encode("utf-8")) and len(refusal) < 5000
    else:
        shown = True
    assert shown, "the message is not fit to be shown"
    assert check_masks(project)[0] - before[0] in range(most + 1), "the project changed otherwise than was said"
    bench.clear()
    return outcome


def check_masks(project: Project) -> tuple[int, int]:
    instances = 0
    for image in project.images():
        for instance in project.instances(image.id):
            x1, y1, x2, y2 = instance.mask.bounds
            assert 0 <= x1 < x2 <= image.width and 0 <= y1 < y2 <= image.height, "a mask leaves its image"
            instances += 1
    return instances, len(project.images())


def run(kind: str, cases: int, seed: int, first: int, keep: Path | None) -> int:
    """Runs the cases of one reader; returns how many failed."""
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=shared) as place:
        bench = Bench(Path(place))
        for number in range(first, first + cases):
            chance = random.Random(f"{kind} {seed} {number}")
            folder = Path(place, str(number))
            files = SAMPLES[kind][1]()
            for _ in range(chance.choice([0, 1, 1, 2, 3, 6])):
                if files:
                    mutate(files, chance)
            started = time.monotonic()
            signal.alarm(SECONDS)
            try:
                write_case(folder, files, chance)
                outcomes[check(kind, folder, bench, chance)] += 1
            except (Exception, TooSlow):  # noqa: BLE001 - whatever it is, it is what this looks for
                outcomes["failed"] += 1
                bench.clear()
                print(f"-- {kind}, seed {seed}, case {number}", file=sys.stderr)
                traceback.print_exc()
                if keep is not None:
                    shutil.copytree(folder, keep / f"{kind}-{seed}-{number}", symlinks=True, dirs_exist_ok=True)
            finally:
                signal.alarm(0)
                shutil.rmtree(folder, ignore_errors=True)
            slowest = max(slowest, time.monotonic() - started)
        bench.clear()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{kind}: {cases} cases, {counts}; slowest {slowest:.2f} s, peak memory {peak:.0f} MB")
    return outcomes["failed"]


def write_case(folder: Path, files: Files, chance: random.Random) -> None:
    (folder / "data").mkdir(parents=True)
    # A name that was damaged into a folder's, or that this disk does not hold: the case goes without that file.
    with contextlib.suppress(OSError, ValueError):
        if files:
            write(folder / "data", files, chance)


class TooSlow(BaseException):
    """No Exception, because readers turn those of decoders into words."""


def too_slow(*_: object) -> None:
    raise TooSlow(f"more than {SECONDS} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000, help="cases a reader")
    parser.add_argument("--format", choices=sorted(SAMPLES), action="append", help="one reader, instead of all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case, to repeat one")
    parser.add_argument("--keep", type=Path, help="folder for the datasets that failed")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, too_slow)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + BYTES, resource.RLIM_INFINITY))
    failed = sum(
        run(kind, options.cases, options.seed, options.first, options.keep) for kind in options.format or SAMPLES
    )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
