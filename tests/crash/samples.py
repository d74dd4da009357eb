"""Small projects, datasets and checkpoints for the scenarios to start from."""

import contextlib
import io
import json
import os
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from safetensors.numpy import save_file

from engine import verbs
from engine.checkpoints import ModelCard, read_card
from engine.checkpoints.card import CARD_KEY
from engine.geometry.mask import Mask
from engine.project import Project, commands
from engine.resources import BUNDLED_WEIGHTS

PROJECT = "p.maskwright"
IMAGES = 6
WIDTH, HEIGHT = 40, 30


def run_verb(*arguments: object) -> None:
    """As `python main.py VERB ...`, silently. Raises where it fails."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = verbs.main([str(argument) for argument in arguments])
    if code:
        raise RuntimeError(said.getvalue())


def accepted_project(folder: Path) -> Path:
    """A closed project of six accepted images with a square and a ring each, and its file."""
    (folder / "pictures").mkdir(parents=True)
    ring = np.ones((9, 9), dtype=bool)
    ring[3:6, 3:6] = False
    with Project.create(folder / PROJECT, author="ada") as project:
        project.add_images(_pictures(folder / "pictures", 10))
        project.apply(commands.add_category(project.new_category_id(), "cell", "#112233"))
        for image in project.images():
            for mask in (Mask.from_crop(np.ones((6, 5)), 2, 3), Mask.from_crop(ring, 20, 10)):
                project.apply(commands.draw(project.new_instance_id(), image.id, 1, mask))
            project.apply(commands.accept_image(image, project.instances(image.id), 0.5))
        return project.path


def coco_dataset(folder: Path) -> None:
    """Six images and four annotations on each, as `coco.json` beside `images`."""
    (folder / "images").mkdir(parents=True)
    names = [path.name for path in _pictures(folder / "images", 100)]
    images = [{"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT} for number, name in enumerate(names)]
    annotations = [
        {
            "id": 1 + 4 * image["id"] + place,
            "image_id": image["id"],
            "category_id": 1 + place % 2,
            "segmentation": [[place * 9, 3, place * 9 + 7, 3, place * 9 + 7, 12, place * 9, 12]],
            "area": 63,
            "bbox": [place * 9, 3, 7, 9],
            "iscrowd": 0,
        }
        for image in images
        for place in range(4)
    ]
    categories = [{"id": 1, "name": "cell"}, {"id": 2, "name": "debris"}]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "coco.json").write_text(json.dumps(document))


def labelme_dataset(folder: Path) -> None:
    """Six images, each with its LabelMe file beside it."""
    folder.mkdir(parents=True)
    for path in _pictures(folder, 200):
        points = [[4, 5], [15, 5], [15, 20], [4, 20]]
        shapes = [{"label": "cell", "points": points, "shape_type": "polygon", "group_id": None, "flags": {}}]
        document = {"version": "5.0", "flags": {}, "shapes": shapes, "imagePath": path.name, "imageData": None}
        path.with_suffix(".json").write_text(json.dumps({**document, "imageHeight": HEIGHT, "imageWidth": WIDTH}))


def open_session(path: Path) -> None:
    """Edit a project in a process that dies without closing it, so that a log stays."""
    number = os.fork()
    if number == 0:
        project = Project.open(path, author="ada")
        for image in project.images()[:3]:
            project.apply(commands.skip(image))
        os._exit(0)
    os.waitpid(number, 0)


def small_checkpoint(path: Path, number: int) -> None:
    """A checkpoint as far as a project looks into it, with a megabyte of weights."""
    card = ModelCard(name="tuned", spec=read_card(BUNDLED_WEIGHTS).spec, parent="0123456789ab")
    save_file({"weight": np.full(250_000, number, dtype=np.float32)}, path, {CARD_KEY: card.to_json()})


def _pictures(folder: Path, first: int) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(first, first + IMAGES)]
    for path in paths:
        pixels = np.random.default_rng(int(path.stem)).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Picture.fromarray(pixels).save(path)
    return paths
