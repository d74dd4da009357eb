"""What a project holds, for everybody who only looks: images, instances, history, rounds and single facts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, func, select

from engine.project import categories, history, originals, reading, rounds, scores, settings, statistics
from engine.project.category_maps import CategoryMap, category_map
from engine.project.database import Database
from engine.project.history import HistoryEntry
from engine.project.paths import located
from engine.project.rounds import CheckpointReference, Round
from engine.project.rows import IMAGE_COLUMNS, category_of, image_of, instance_of
from engine.project.schema import categories as categories_table
from engine.project.schema import images, instances
from engine.project.scores import Scores
from engine.project.settings import BASE_CHECKPOINT, CATEGORY_MAPS, CURRENT_CHECKPOINT, RENAMED, Fact
from engine.project.statistics import Statistics
from engine.records import Category, Image, ImageStatus, Instance, InstanceState, Review

Answer = TypeVar("Answer")
Found = TypeVar("Found")

_IMAGE = select(*IMAGE_COLUMNS).where(images.c.id == bindparam("number"))


class ProjectContents:
    """The reading half of `Project`. Relative paths start from `root`."""

    # What the project is called; None where the file's name does.
    name = Fact[str]("name")
    # The imported dataset's own keys (COCO's info, licenses), for export to repeat.
    dataset_source = Fact[dict[str, Any]]("dataset_source")
    # The image that was open last.
    last_image_id = Fact[int]("last_image_id")
    # The score from which on proposals were shown last.
    threshold = Fact[float]("threshold")
    # What counts for a place in the queue, as `engine.learning.queue.QueueMix` has it.
    queue_mix = Fact[dict[str, float]]("queue_mix")
    # Whether the images were looked at in the queue's order.
    queue_order = Fact[bool]("queue_order")
    # How images were looked at last: id, zoom, and the image point in the middle, x and y.
    views = Fact[list[tuple[int, float, float, float]]]("views")
    # Whether rounds train one mask for all categories.
    class_agnostic_masks = Fact[bool]("class_agnostic_masks")
    # By checkpoint id: what a person chose to call the model's categories, None for those left out.
    category_maps = Fact[dict[str, dict[str, str | None]]](CATEGORY_MAPS)

    def __init__(self, database: Database) -> None:
        self._database = database
        self.path = database.path
        with database.read() as connection:
            root = settings.get(connection, settings.ROOT)
        self.root = Path(root) if root else self.path.parent

    @property
    def read_only(self) -> bool:
        """Whether every change is refused."""
        return self._database.read_only

    @property
    def network(self) -> str | None:
        """The kind of network file system that the project lies on, such as "nfs4"; None on a local disk."""
        return self._database.network

    @property
    def rounds_folder(self) -> Path:
        """The folder `NAME.rounds` beside the project, for the checkpoints of its rounds. It may not exist yet."""
        return self.path.with_suffix(".rounds")

    @contextmanager
    def consistent(self) -> Iterator[None]:
        """While the block runs everything is read from one state of the project, whoever else is writing to it."""
        with self._database.read():
            yield

    def images(self) -> list[Image]:
        """Every image, in the order in which they were added."""
        with self._database.read() as connection:
            return [image_of(row) for row in connection.execute(select(*IMAGE_COLUMNS).order_by(images.c.id)).all()]

    def image(self, image_id: int) -> Image:
        """One image. Raises KeyError where there is none of that id."""
        with self._database.read() as connection:
            row = connection.execute(_IMAGE, {"number": image_id}).first()
        return image_of(found(row, image_id))

    def image_path(self, image: Image) -> Path:
        """Where the image's file lies."""
        return located(image.path, self.root)

    def categories(self) -> list[Category]:
        """Every category, by id."""
        with self._database.read() as connection:
            return categories.listed(connection)

    def category(self, category_id: int) -> Category:
        """One category. Raises KeyError where there is none of that id."""
        query = select(categories_table).where(categories_table.c.id == category_id)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return category_of(found(row, category_id))

    def instances(self, image_id: int) -> list[Instance]:
        """Every instance of an image in whatever state, by id."""
        return self._ask(lambda connection: reading.read_instances(connection, image_id))

    def instances_in_parts(self, image_id: int, count: int) -> Iterator[list[Instance]]:
        """The same, at most `count` at a time; between two parts the project may be written."""
        part = self._ask(lambda connection: reading.instances_after(connection, image_id, 0, count))
        while part:
            yield part
            last = part[-1].id
            part = self._ask(lambda connection: reading.instances_after(connection, image_id, last, count))  # noqa: B023

    def accepted_instances(self, image_ids: Sequence[int]) -> Iterator[tuple[int, list[Instance]]]:
        """Each image id, in the order given, with the accepted instances there, read as they are asked for; nothing may
        be written before the last was."""
        with self._database.read() as connection:
            yield from reading.accepted_instances(connection, image_ids)

    def annotation_ids(self, image_ids: Sequence[int]) -> list[Any]:
        """The ids in the imported records of `accepted_instances`, None for an instance without one."""
        return self._ask(lambda connection: reading.annotation_ids(connection, image_ids))

    def instance(self, instance_id: int) -> Instance:
        """One instance. Raises KeyError where there is none of that id."""
        with self._database.read() as connection:
            row = connection.execute(select(instances).where(instances.c.id == instance_id)).mappings().first()
        return instance_of(found(row, instance_id))

    def original(self, instance_id: int) -> Instance | None:
        """An instance as the model proposed it, whatever a person changed since; None where no model did. Raises
        KeyError where there is none of that id."""
        return self._ask(lambda connection: originals.original(connection, instance_id))

    def counts(self) -> dict[ImageStatus, int]:
        """How many images have each status."""
        query = select(images.c.status, func.count()).group_by(images.c.status)
        with self._database.read() as connection:
            found = {row[0]: int(row[1]) for row in connection.execute(query)}
        return {status: found.get(status.value, 0) for status in ImageStatus}

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back, and the project may be written."""
        return self.steps.back

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone edit, and the project may be written."""
        return self.steps.forward

    @property
    def steps(self) -> history.Reach:
        """Both of these at once."""
        return history.Reach(False, False) if self.read_only else self._ask(history.reach)

    def size_of_step(self, *, forward: bool) -> int:
        """How many records the next redo changes, or else the next undo; 0 where there is none."""
        return self._ask(partial(history.size_of_step, forward=forward))

    def history(
        self, limit: int | None = 100, *, before: int | None = None, instance_id: int | None = None
    ) -> list[HistoryEntry]:
        """The newest edits of the timeline, newest first; all of them for None. Only those before the edit of an id,
        or those that touched an instance, where given."""
        return self._ask(lambda connection: history.entries(connection, limit, before, instance_id))

    @property
    def history_position(self) -> int:
        """A number that any edit, undo or redo changes; the id of the last edit that is done, or one after it."""
        return self._ask(history.cursor)

    def history_bounds(self, entry_id: int) -> tuple[int, int, int, int] | None:
        """x1 y1 x2 y2 in image pixels around the instances that an edit changed; None where it changed none."""
        return self._ask(lambda connection: history.bounds_of(connection, entry_id))

    def statistics(self, zone: tzinfo | None = None) -> Statistics:
        """What has been done so far, and how quickly; days are those of a time zone, None for the system's."""
        return self._ask(lambda connection: statistics.read(connection, zone))

    def stale_images(self, checkpoint_id: str) -> list[Image]:
        """The images under review whose proposals are not that checkpoint's: of another one, or of none yet."""
        return [image for image in self.images() if image.review is Review.OPEN and image.predicted_by != checkpoint_id]

    def held_out_instances(self) -> int:
        """How many accepted instances there are on accepted images of the hold-out."""
        # Not by a join, for which SQLite would go through all instances.
        accepted = select(images.c.id).where(images.c.hold_out, images.c.review == Review.ACCEPTED.value)
        counted = select(func.count()).where(
            instances.c.image_id.in_(accepted), instances.c.state == InstanceState.ACCEPTED.value
        )
        return self._ask(lambda connection: connection.execute(counted).scalar_one())

    def scores(self, checkpoint_id: str) -> Scores:
        """What a checkpoint made of the images, as far as it looked at them."""
        return self._ask(lambda connection: scores.read(connection, checkpoint_id))

    def unscored(self, checkpoint_id: str) -> list[int]:
        """The images that a checkpoint has to look at, again where an edit touched them since, in list order."""
        return self._ask(lambda connection: scores.unscored(connection, checkpoint_id))

    def is_scored(self, image_id: int, checkpoint_id: str) -> bool:
        """Whether that checkpoint need not look at an image."""
        return self._ask(lambda connection: scores.is_scored(connection, image_id, checkpoint_id))

    def rounds(self) -> list[Round]:
        """Every round, oldest first."""
        return self._ask(lambda connection: rounds.read_all(connection, self.root))

    def current_checkpoint(self) -> CheckpointReference | None:
        """The checkpoint that predicts for this project; None where none was ever chosen."""
        return self._checkpoint(CURRENT_CHECKPOINT)

    def base_checkpoint(self) -> CheckpointReference | None:
        """The checkpoint that rounds train from; None where none was ever chosen."""
        return self._checkpoint(BASE_CHECKPOINT)

    def fact(self, key: str) -> Any:
        """The single fact kept under a key; for `settings.Fact`."""
        return self._ask(lambda connection: settings.get(connection, key))

    def category_map(self, checkpoint_id: str, model_categories: Sequence[str]) -> CategoryMap:
        """What the categories of a checkpoint are called here, as a person chose or as their names say."""
        chosen = (self.fact(CATEGORY_MAPS) or {}).get(checkpoint_id)
        names = [category.name for category in self.categories()]
        return category_map(chosen, model_categories, names, self.fact(RENAMED))

    # -- inside

    def _checkpoint(self, key: str) -> CheckpointReference | None:
        stored = self.fact(key)
        if stored is None:
            return None
        return CheckpointReference(stored["id"], None if stored["path"] is None else located(stored["path"], self.root))

    def _ask(self, question: Callable[[Connection], Answer]) -> Answer:
        with self._database.read() as connection:
            return question(connection)


def found(value: Found | None, number: int) -> Found:
    """A row that was asked for by its id. Raises KeyError where there is none."""
    if value is None:
        raise KeyError(number)
    return value
