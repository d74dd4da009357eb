"""Makes a large project within seconds, past everything that a person would do: rows straight into its tables.

Image files are hard links to a few pictures, so that every file is there and thumbnails can be made. All
instances are accepted; half are imported ones that hold their COCO record, the others are what a model proposed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from engine.geometry import polygons, rle
from engine.geometry.mask import Mask
from engine.project.database import create_empty
from engine.records import ImageStatus, InstanceState, Origin, Review

WIDTH, HEIGHT = 640, 480
CATEGORIES = ("cell", "nucleus", "debris")
PICTURES = 16  # different files that the links lead to
LINKS = 1000  # images a folder; a file system allows some 65,000 links to one file
VERTICES = 32
SHAPES = 500  # different masks
EDITS = 2000  # in the history
CHECKPOINT = "checkpoint"  # that proposed, and looked at every image
VECTOR = 192  # numbers that say what an image looks like to the bundled model

# Status, review, and the checkpoint of the proposals, image after image.
_STATES = (
    (ImageStatus.ACCEPTED, Review.ACCEPTED, None),
    (ImageStatus.EDITED, Review.OPEN, CHECKPOINT),
    (ImageStatus.EDITED, Review.OPEN, None),
    (ImageStatus.ACCEPTED, Review.ACCEPTED, CHECKPOINT),
)


def outline(random: np.random.Generator) -> list[float]:
    """A polygon of 32 vertices as a person draws it: a wobbly disc of 20 to 80 pixels that lies in the image."""
    radius = random.uniform(10, 40)
    angles = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    distances = radius * (0.85 + 0.15 * np.sin(angles * random.integers(2, 6)))
    x, y = random.uniform(radius, WIDTH - radius), random.uniform(radius, HEIGHT - radius)
    points = np.stack([x + distances * np.cos(angles), y + distances * np.sin(angles)], axis=1)
    return np.round(points, 2).ravel().tolist()


def drawn(polygon: list[float]) -> Mask:
    """The pixels inside a polygon."""
    return polygons.from_coco_polygons([polygon], HEIGHT, WIDTH)


def coco_record(
    number: int, image_id: int, category_id: int, polygon: list[float], *, as_polygon: bool
) -> dict[str, object]:
    """An annotation as COCO files hold it."""
    mask = drawn(polygon)
    return {
        "id": number,
        "image_id": image_id,
        "category_id": category_id,
        "segmentation": [polygon] if as_polygon else rle.to_coco(mask, HEIGHT, WIDTH),
        "area": mask.area,
        "bbox": [mask.x, mask.y, mask.width, mask.height],
        "iscrowd": 0,
    }


def make_project(folder: Path, images: int, instances: int) -> Path:
    """The path of a project of so many images and instances, in a folder that exists."""
    path = folder / "large.maskwright"
    create_empty(path)
    facts = _link_images(folder, images)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        _insert(connection, "categories", _category_rows())
        _insert(connection, "images", _image_rows(images, facts))
        _insert(connection, "instances", _instance_rows(images, instances))
        _insert(connection, "image_scores", _score_rows(images))
        _insert(connection, "journal", _journal_rows(images))
        connection.execute("INSERT INTO meta (key, value) VALUES ('cursor', ?)", (str(EDITS),))
    connection.close()
    return path


def image_path(index: int) -> str:
    """The path of an image in the project's folder."""
    return f"images/batch {index // LINKS:03}/field {index:06}.png"


def _link_images(folder: Path, count: int) -> list[os.stat_result]:
    pictures = []
    for index in range(PICTURES):
        pictures.append(folder / f"picture {index}.png")
        pixels = np.random.default_rng(index).integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
        Picture.fromarray(pixels).resize((WIDTH, HEIGHT)).save(pictures[-1], compress_level=1)
    for first in range(0, count, LINKS):
        (folder / image_path(first)).parent.mkdir(parents=True)
    for index in range(count):
        os.link(pictures[index % PICTURES], folder / image_path(index))
    return [picture.stat() for picture in pictures]


def _category_rows() -> Iterator[dict[str, object]]:
    for number, name in enumerate(CATEGORIES, start=1):
        yield {"id": number, "name": name, "color": f"#{number * 0x303030:06x}", "source": None, "removed": False}


def _image_rows(count: int, facts: list[os.stat_result]) -> Iterator[dict[str, object]]:
    for index in range(count):
        status, review, predicted_by = _STATES[index % len(_STATES)]
        content = hashlib.sha256(str(index).encode()).hexdigest()
        file = facts[index % PICTURES]
        record = {
            "id": index,
            "file_name": Path(image_path(index)).name,
            "width": WIDTH,
            "height": HEIGHT,
            "license": 3,
        }
        yield {
            "id": index + 1,
            "path": image_path(index),
            "page": 0,
            "width": WIDTH,
            "height": HEIGHT,
            "content_hash": content,
            "file_size": file.st_size,
            "modified_ns": file.st_mtime_ns,
            "hold_out": int(content[:8], 16) % 5 == 0,
            "review": review.value,
            "status": status.value,
            "predicted_by": predicted_by,
            "source": json.dumps(record) if predicted_by is None else None,
        }


def _instance_rows(images: int, count: int) -> Iterator[dict[str, object]]:
    random = np.random.default_rng(0)
    outlines = [outline(random) for _ in range(SHAPES)]
    encoded = [(mask, rle.encode_crop(mask)) for mask in map(drawn, outlines)]
    records = [coco_record(0, 0, 1, polygon, as_polygon=index % 2 == 0) for index, polygon in enumerate(outlines)]
    sources = [json.dumps(record) for record in records]
    for index in range(count):
        image = index * images // count
        _, _, predicted_by = _STATES[image % len(_STATES)]
        imported = predicted_by is None
        mask, counts = encoded[index % SHAPES]
        yield {
            "id": index + 1,
            "image_id": image + 1,
            "category_id": index % len(CATEGORIES) + 1,
            "state": InstanceState.ACCEPTED.value,
            "origin": (Origin.IMPORTED if imported else Origin.PREDICTED).value,
            "score": None if imported else 0.5 + index % 50 / 100,
            "edited": False,
            "crowd": False,
            "hidden": False,
            "locked": False,
            "predicted_by": predicted_by,
            "in_history": True,
            "mask_x": mask.x,
            "mask_y": mask.y,
            "mask_w": mask.width,
            "mask_h": mask.height,
            "mask_counts": counts,
            "source": sources[index % SHAPES].replace('"id": 0', f'"id": {index + 1}', 1) if imported else None,
        }


def _score_rows(images: int) -> Iterator[dict[str, object]]:
    random = np.random.default_rng(2)
    for index in range(images):
        yield {
            "image_id": index + 1,
            "checkpoint_id": CHECKPOINT,
            "outdated": False,
            **{part: random.random() for part in ("doubt", "instability", "mirror", "differences")},
            **{f"{part}_places": 3 for part in ("doubt", "instability", "mirror", "differences")},
            "vector": random.normal(size=VECTOR).astype(np.float16).tobytes(),
        }


def _journal_rows(images: int) -> Iterator[dict[str, object]]:
    for index in range(EDITS):
        payload = f'[["m",{index % images + 1},{{"review":"open"}},{{"review":"accepted"}}]]'
        facts = {"at": 1.7e9 + 30 * index, "action": "accept-image", "image_id": index % images + 1}
        yield {"id": index + 1, **facts, "author": "somebody", "seconds": 3.0, "payload": payload}


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[dict[str, object]]) -> None:
    first = next(rows)
    places = ", ".join(f":{column}" for column in first)
    statement = f"INSERT INTO {table} ({', '.join(first)}) VALUES ({places})"
    connection.execute(statement, first)
    connection.executemany(statement, rows)
