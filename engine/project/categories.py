"""Which categories there are, and that no two of them share a name, whatever is undone or predicted in between."""

import colorsys
from collections.abc import Callable, Iterable

from sqlalchemy import ColumnElement, Connection, and_, func, insert, literal, or_, select, update

from engine.errors import MaskwrightError
from engine.project.changes import Kind, RowChange
from engine.project.rows import category_of, category_row
from engine.project.schema import categories, instances
from engine.records import Category

# Told apart by people of any colour vision: seven of Okabe and Ito (2008), in an order in which the first ones also
# stand out on dark fluorescence and on pink stains alike, and then each time the colour that is farthest from those
# before it to people who see red and green alike (simulated after Machado, Oliveira and Fernandes 2009, section 4).
_PALETTE = (
    *("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#7d26ff"),
    *("#26ff9a", "#bf1d32", "#5985ff", "#59f4ff", "#7ee6c3", "#ff9c59", "#00736b", "#28733c"),
)
# The golden ratio's fraction: hues that follow each other in these steps stay far apart however many there are.
_HUE_STEP = 0.618033988749895
_VALUES = (0.95, 0.6, 0.8)  # light and dark in turn: what hues say is lost on some people

_IN_USE = select(literal(1)).where(instances.c.category_id == categories.c.id).correlate(categories).exists()
_LISTED = or_(~categories.c.removed, _IN_USE)


def category_color(category_id: int) -> str:
    """A color "#rrggbb" for a category that nobody chose one for, unlike those of the ids around it."""
    if 1 <= category_id <= len(_PALETTE):
        return _PALETTE[category_id - 1]
    value = _VALUES[category_id % len(_VALUES)]
    red, green, blue = colorsys.hsv_to_rgb((category_id * _HUE_STEP) % 1.0, 0.75, value)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def listed(connection: Connection) -> list[Category]:
    """The categories, by id: those that nobody removed, and those that an instance is of all the same."""
    rows = connection.execute(select(categories).where(_LISTED).order_by(categories.c.id)).mappings()
    return [category_of(row) for row in rows]


def category_named(connection: Connection, name: str, new_id: Callable[[], int]) -> int:
    """The id of the category of that name, created where there is none; a removed one is used before that."""
    named = select(categories.c.id).where(categories.c.name == name).order_by(categories.c.removed, categories.c.id)
    found = connection.execute(named.limit(1)).scalar()
    if found is not None:
        return int(found)
    number = new_id()
    created = category_row(Category(number, name, category_color(number)))
    connection.execute(insert(categories), {**created, "removed": False})
    return number


def check(connection: Connection, changes: Iterable[RowChange]) -> None:
    """Raise MaskwrightError where a person's edit takes a name twice, or removes a category that instances are of."""
    for change in changes:
        if change.kind is Kind.CATEGORY and change.after is not None:
            name = change.after["name"]
            if connection.execute(select(categories.c.id).where(_is_namesake(change.id, name), _LISTED)).first():
                raise MaskwrightError(f"There is already a category {name!r}.", remedy="Choose another name.")
        elif change.kind is Kind.CATEGORY and change.before is not None:
            used = select(func.count()).where(instances.c.category_id == change.id)
            count = connection.execute(used).scalar_one()
            if count:
                objects = "1 instance is" if count == 1 else f"{count} instances are"
                raise MaskwrightError(
                    f"{objects} of the category {change.before['name']!r}.", remedy="Choose another category for them."
                )


def fold_namesakes(connection: Connection, changes: Iterable[RowChange]) -> None:
    """Make room for the names that undo or redo brings back.

    While a rename stood, a model that knows the old name only may have brought a new category of that name. Its
    untouched proposals go over to the category that the name belonged to; instances that a person touched keep theirs.
    """
    for change in changes:
        if change.kind is Kind.CATEGORY and change.after is not None and "name" in change.after:
            namesakes = select(categories.c.id).where(
                _is_namesake(change.id, change.after["name"]), ~categories.c.removed
            )
            for number in connection.execute(namesakes).scalars().all():
                moved = update(instances).where(instances.c.category_id == number, ~instances.c.in_history)
                connection.execute(moved.values(category_id=change.id))
                connection.execute(update(categories).where(categories.c.id == number).values(removed=True))


def unfold_namesakes(
    connection: Connection, changes: Iterable[RowChange], next_change: Callable[[int], int | None]
) -> None:
    """Bring the category back whose namesake just got another name again, where an edit that can be redone changes it.

    `next_change` says which edit that is; of several namesakes the one of the first edit had the name at this time. The
    proposals that went over stay where they are; any prediction replaces them.
    """
    for change in changes:
        if change.kind is Kind.CATEGORY and change.before is not None and "name" in change.before:
            named = _is_namesake(change.id, change.before["name"])
            namesakes = connection.execute(select(categories.c.id, categories.c.removed).where(named)).all()
            edits = {edit: number for number, _ in namesakes if (edit := next_change(number)) is not None}
            if edits and all(removed for _, removed in namesakes):
                first = edits[min(edits)]
                connection.execute(update(categories).where(categories.c.id == first).values(removed=False))


def _is_namesake(category_id: int, name: str) -> ColumnElement[bool]:
    return and_(categories.c.name == name, categories.c.id != category_id)
