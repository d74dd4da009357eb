"""Figures about the work that went into a project, read from its journal and its instances alone.

What counts. An instance counts where it is accepted at present and did not come with an imported dataset. It counts on
the local day of the last edit that accepted it. It is unedited where a model predicted it and nobody changed its mask
or category. Edits that are undone never count.

Seconds. The journal says how long each edit took, from the one before it or from opening the image, pauses capped. The
seconds of all edits on an image, rejections and looking included, are shared equally by its instances; images without
any recorded second are left out. The median is over instances, so that a crowded image weighs as much as it holds.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, Integer, and_, case, cast, false, func, select, true

from engine.project import history
from engine.project.changes import Kind
from engine.project.edit import Action
from engine.project.schema import categories, images, instances, journal
from engine.records import ImageStatus, InstanceState, Origin

# Edits that decide or look; every other one is work on masks and categories.
_DECISIONS = {
    *(Action.ACCEPT, Action.REJECT, Action.REOPEN, Action.ACCEPT_IMAGE, Action.VERIFY_EMPTY, Action.SKIP),
    *(Action.REOPEN_IMAGE, Action.HIDE, Action.SHOW, Action.LOCK, Action.UNLOCK, Action.IMPORT),
}
_CORRECTIONS = [action.value for action in Action if action not in _DECISIONS]
# Every time zone is a multiple of it away from UTC: what lies in one quarter lies on one day, wherever that is.
_QUARTER = 900  # seconds
_ACCEPTED = InstanceState.ACCEPTED.value
_OURS = and_(instances.c.state == _ACCEPTED, instances.c.origin != Origin.IMPORTED.value)


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """The instances of one category that are accepted, and how many of them unedited."""

    name: str
    accepted: int
    unedited: int


@dataclass(frozen=True, slots=True)
class AuthorFigures:
    """What one person accepted and corrected, and for how many seconds; None is whoever left no name."""

    name: str | None
    accepted: int
    corrections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """See the module. `days` are the days with an accepted instance, oldest first, `median_seconds` is None without any
    recorded second, `images` has every status, categories and authors are sorted by what is accepted, most first."""

    accepted: int
    unedited: int
    corrections: int
    seconds: float
    median_seconds: float | None
    days: tuple[tuple[date, int], ...]
    images: Mapping[ImageStatus, int]
    categories: tuple[CategoryFigures, ...]
    authors: tuple[AuthorFigures, ...]

    @property
    def unedited_share(self) -> float | None:
        """The share of accepted instances that are unedited, from 0 to 1; None without any."""
        return self.unedited / self.accepted if self.accepted else None

    @property
    def corrections_each(self) -> float | None:
        """Edits of masks and categories for each accepted instance; None without any."""
        return self.corrections / self.accepted if self.accepted else None

    def accepted_on(self, day: date) -> int:
        """How many instances were accepted on a day."""
        return dict(self.days).get(day, 0)

    def document(self) -> dict[str, Any]:
        """The same as plain values for JSON; shares from 0 to 1, days as in ISO 8601."""
        return {
            "accepted": self.accepted,
            "unedited": self.unedited,
            "unedited_share": self.unedited_share,
            "corrections": self.corrections,
            "corrections_each": self.corrections_each,
            "seconds": self.seconds,
            "median_seconds": self.median_seconds,
            "days": {day.isoformat(): count for day, count in self.days},
            "images": {status.value: count for status, count in self.images.items()},
            "categories": [
                {"name": each.name, "accepted": each.accepted, "unedited": each.unedited} for each in self.categories
            ],
            "authors": [
                {
                    "name": each.name,
                    "accepted": each.accepted,
                    "corrections": each.corrections,
                    "seconds": each.seconds,
                }
                for each in self.authors
            ],
        }

    def table(self) -> list[tuple[str, str, str, float | int | str]]:
        """The same as rows for CSV: section, name, figure, value; what is not known is left empty."""
        document = self.document()
        single = [name for name, value in document.items() if not isinstance(value, dict | list)]
        rows = [("project", "", name, _or_empty(document[name])) for name in single]
        rows += [("day", day, "accepted", count) for day, count in document["days"].items()]
        rows += [("image", status, "count", count) for status, count in document["images"].items()]
        for section, key in (("category", "categories"), ("author", "authors")):
            for each in document[key]:
                figures = [(name, value) for name, value in each.items() if name != "name"]
                rows += [(section, each["name"] or "", name, value) for name, value in figures]
        return rows


def read(connection: Connection, zone: tzinfo | None = None) -> Statistics:
    """The figures of a project; days are those of a time zone, None for the system's."""
    done = history.cursor(connection)
    per_image, by_category, unedited_of = _accepted(connection)
    efforts = _efforts(connection, done)
    days, accepted_by = _days_and_authors(connection, done, zone)
    seconds_on: dict[int, float] = defaultdict(float)
    for image_id, _, seconds, _ in efforts:
        seconds_on[image_id] += seconds
    means = [(seconds_on[image_id] / count, count) for image_id, count in per_image.items() if seconds_on[image_id] > 0]
    return Statistics(
        accepted=per_image.total(),
        unedited=unedited_of.total(),
        corrections=sum(corrections for *_, corrections in efforts),
        seconds=sum(seconds for _, _, seconds, _ in efforts),
        median_seconds=_median(means),
        days=tuple(sorted(days.items())),
        images=_images(connection),
        categories=tuple(CategoryFigures(name, n, unedited_of[name]) for name, n in by_category.most_common()),
        authors=_authors(efforts, accepted_by),
    )


def _accepted(connection: Connection) -> tuple[Counter[int], Counter[str], Counter[str]]:
    """How many accepted instances there are by image and by category, and how many unedited ones by category."""
    untouched = case((and_(instances.c.origin == Origin.PREDICTED.value, instances.c.edited == false()), 1), else_=0)
    statement = (
        select(instances.c.image_id, categories.c.name, func.count(), func.sum(untouched))
        .join_from(instances, categories, instances.c.category_id == categories.c.id)
        .where(_OURS)
        .group_by(instances.c.image_id, instances.c.category_id)
    )
    per_image: Counter[int] = Counter()
    by_category: Counter[str] = Counter()
    unedited: Counter[str] = Counter()
    for image_id, name, count, unedited_count in connection.execute(statement):
        per_image[image_id] += count
        by_category[name] += count
        unedited[name] += unedited_count
    return per_image, by_category, unedited


def _efforts(connection: Connection, done: int) -> list[tuple[int, str | None, float, int]]:
    """Image id, author, seconds and corrections of what each author did on each image."""
    correction = case((journal.c.action.in_(_CORRECTIONS), 1), else_=0)
    statement = (
        select(journal.c.image_id, journal.c.author, func.sum(journal.c.seconds), func.sum(correction))
        .where(journal.c.id <= done, journal.c.image_id.is_not(None))
        .group_by(journal.c.image_id, journal.c.author)
    )
    return [(image_id, author, seconds, count) for image_id, author, seconds, count in connection.execute(statement)]


def _days_and_authors(
    connection: Connection, done: int, zone: tzinfo | None
) -> tuple[Counter[date], Counter[str | None]]:
    """On which day, and by whom, each accepted instance was accepted last."""
    change = func.json_each(journal.c.payload).table_valued("value")
    kind, number, state = (func.json_extract(change.c.value, path) for path in ("$[0]", "$[1]", "$[3].state"))
    last = (
        select(number.label("instance"), func.max(journal.c.id).label("entry"))
        .select_from(journal.join(change, true()))
        # The text tells quickly where no instance can have been accepted: in most edits of a mask.
        .where(journal.c.id <= done, func.instr(journal.c.payload, f'"state":"{_ACCEPTED}"') > 0)
        .where(kind == Kind.INSTANCE.value, state == _ACCEPTED)
        .group_by(number)
        .subquery()
    )
    quarter = cast(journal.c.at / _QUARTER, Integer)
    statement = (
        select(quarter, journal.c.author, func.count())
        .select_from(last)
        .join(journal, journal.c.id == last.c.entry)
        .join(instances, instances.c.id == last.c.instance)
        .where(_OURS)
        .group_by(quarter, journal.c.author)
    )
    days: Counter[date] = Counter()
    authors: Counter[str | None] = Counter()
    for number_of_quarter, author, count in connection.execute(statement):
        days[datetime.fromtimestamp(number_of_quarter * _QUARTER, zone).date()] += count
        authors[author] += count
    return days, authors


def _images(connection: Connection) -> dict[ImageStatus, int]:
    counts = select(images.c.status, func.count()).group_by(images.c.status)
    found = {row[0]: row[1] for row in connection.execute(counts)}
    return {status: found.get(status.value, 0) for status in ImageStatus}


def _authors(
    efforts: Iterable[tuple[int, str | None, float, int]], accepted: Counter[str | None]
) -> tuple[AuthorFigures, ...]:
    seconds: dict[str | None, float] = defaultdict(float)
    corrections: Counter[str | None] = Counter()
    for _, author, spent, count in efforts:
        seconds[author] += spent
        corrections[author] += count
    names = sorted({*seconds, *corrections, *accepted}, key=lambda name: (-accepted[name], name or ""))
    return tuple(AuthorFigures(name, accepted[name], corrections[name], seconds[name]) for name in names)


def _median(weighted: Iterable[tuple[float, int]]) -> float | None:
    """The median of values that each stand for so many; None without any."""
    ordered = sorted(weighted)
    total = sum(count for _, count in ordered)
    if not total:
        return None
    return (_at(ordered, (total - 1) // 2) + _at(ordered, total // 2)) / 2


def _at(ordered: Iterable[tuple[float, int]], place: int) -> float:
    for value, count in ordered:
        if place < count:
            return value
        place -= count
    raise IndexError(place)


def _or_empty(value: float | None) -> float | str:
    return "" if value is None else value
