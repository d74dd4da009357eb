"""English texts that know what they were made of, so that a window can say them in another language."""

from __future__ import annotations

from collections.abc import Mapping


class Words(str):
    """A text of `template`, in which each `{name}` was replaced by one of `values`.

    Values are texts, other words, whole numbers, whose thousands are grouped, and other numbers, which have two
    decimals. Where a number of things decides between "one" and many, `many` is the template for the other numbers, and
    `quantity` that number.
    """

    __slots__ = ("many", "quantity", "template", "values")
    template: str
    values: Mapping[str, object]
    many: str | None
    quantity: int

    @classmethod
    def of(cls, template: str, values: Mapping[str, object], many: str | None = None, count: int = 1) -> Words:
        chosen = template if many is None or count == 1 else many
        made = cls(chosen.format(**{name: _text(value) for name, value in values.items()}))
        made.template, made.values, made.many, made.quantity = template, values, many, count
        return made


def words(template: str, /, **values: object) -> Words:
    """`template` with its values."""
    return Words.of(template, values)


def counted_words(one: str, many: str, count: int, /) -> Words:
    """`one` or `many`, as English has it for `count`, which replaces `{count}` in it."""
    return Words.of(one, {"count": count}, many, count)


def _text(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
