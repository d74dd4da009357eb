"""Reading the instances of many images at once, as they are asked for: an export must not hold them all."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from engine.project.changes import in_chunks
from engine.project.rows import instances_of
from engine.project.schema import instances
from engine.records import Instance, InstanceState

_INSTANCES_OF = select(instances).where(instances.c.image_id == bindparam("image")).order_by(instances.c.id)
_INSTANCES_AFTER = _INSTANCES_OF.where(instances.c.id > bindparam("last")).limit(bindparam("count"))
_OF_THESE = (
    instances.c.image_id.in_(bindparam("ids", expanding=True)),
    instances.c.state == InstanceState.ACCEPTED.value,
)
# Images whose instances are in memory together: crowded ones hold hundreds.
_IMAGES_AT_ONCE = 50
_ORDER = (instances.c.image_id, instances.c.id)
_ACCEPTED = select(instances).where(*_OF_THESE).order_by(*_ORDER)
_SOURCE_IDS = (
    select(instances.c.image_id, func.json_extract(instances.c.source, "$.id")).where(*_OF_THESE).order_by(*_ORDER)
)


def read_instances(connection: Connection, image_id: int) -> list[Instance]:
    """Every instance of an image, by id."""
    rows = connection.execute(_INSTANCES_OF, {"image": image_id}).mappings().all()
    return instances_of(rows)


def instances_after(connection: Connection, image_id: int, last: int, count: int) -> list[Instance]:
    """At most `count` instances of an image by id, from the first after the id `last` on."""
    wanted = {"image": image_id, "last": last, "count": count}
    return instances_of(connection.execute(_INSTANCES_AFTER, wanted).mappings().all())


def accepted_instances(connection: Connection, image_ids: Sequence[int]) -> Iterator[tuple[int, list[Instance]]]:
    """Each image id, in the order given, with the accepted instances there, by id."""
    for start in range(0, len(image_ids), _IMAGES_AT_ONCE):
        chunk = image_ids[start : start + _IMAGES_AT_ONCE]
        rows = connection.execute(_ACCEPTED, {"ids": chunk}).mappings()
        by_image = {image_id: instances_of(list(own)) for image_id, own in groupby(rows, lambda row: row["image_id"])}
        yield from ((image_id, by_image.get(image_id, [])) for image_id in chunk)


def annotation_ids(connection: Connection, image_ids: Sequence[int]) -> list[Any]:
    """What the imported records call their ids, None for none, for each instance in the order of
    `accepted_instances`."""
    found = []
    for chunk in in_chunks(image_ids):
        rows = connection.execute(_SOURCE_IDS, {"ids": chunk})
        by_image = {image_id: [row[1] for row in own] for image_id, own in groupby(rows, lambda row: row[0])}
        found += [number for image_id in chunk for number in by_image.get(image_id, [])]
    return found
