"""A small language that says which instances to list: `score<0.5 category:nucleus status:proposal area>200`.

    filter      = group { "or" group }          any group
    group       = term { term }                 every term
    term        = [ "-" | "not" ] ( comparison | property | name )
    comparison  = number-key ( "<" | "<=" | ">" | ">=" | "=" | "!=" | ":" ) number
    property    = word-key ":" value            status:accepted, category:"cell wall", is:edited
    name        = word                          the category's name contains it

Case does not matter. A name with spaces or signs stands in double quotes, inside of which a backslash keeps the next
character as it is. An instance without a score is in no comparison of scores. See `NUMBERS` and `FLAGS` for the keys.
"""

import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.project.commands import is_shown
from engine.records import Instance, InstanceState, Origin


class InvalidFilter(MaskwrightError):
    """A text that is no filter. `start` and `end` say which of its characters are meant."""

    def __init__(self, message: str, *, remedy: str, start: int, end: int) -> None:
        super().__init__(message, remedy=remedy)
        self.start, self.end = start, end


@dataclass(frozen=True, slots=True)
class Scene:
    """What an instance is seen in: the names of the categories by id, and the threshold."""

    categories: Mapping[int, str]
    threshold: float

    def name(self, instance: Instance) -> str:
        return self.categories.get(instance.category_id, "")


# Lengths and places are in image pixels; x and y are the left and upper edge of the mask.
NUMBERS: dict[str, Callable[[Instance], float | None]] = {
    "score": lambda each: each.score,
    "area": lambda each: each.mask.area,
    "width": lambda each: each.mask.width,
    "height": lambda each: each.mask.height,
    "x": lambda each: each.mask.x,
    "y": lambda each: each.mask.y,
    "parts": lambda each: count_parts(each.mask),
    "holes": lambda each: count_holes(each.mask),
    "id": lambda each: each.id,
}
FLAGS: dict[str, Callable[[Instance], bool]] = {
    "edited": lambda each: each.edited,
    "hidden": lambda each: each.hidden,
    "crowd": lambda each: each.crowd,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
# The values that a word-key can have; those of a category are the project's.
WORDS: dict[str, tuple[str, ...]] = {
    "category": (),
    "status": tuple(state.value for state in InstanceState),
    "origin": tuple(origin.value for origin in Origin),
    "is": tuple(FLAGS),
}
KEYS = (*NUMBERS, *WORDS)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number of an instance beside a given one."""

    key: str
    sign: str
    number: float

    def matches(self, instance: Instance, scene: Scene) -> bool:
        value = NUMBERS[self.key](instance)
        return value is not None and COMPARISONS[self.sign](value, self.number)

    def __str__(self) -> str:
        return f"{self.key}{self.sign}{self.number!r}"


@dataclass(frozen=True, slots=True)
class Property:
    """A word-key and its value, in lower case."""

    key: str
    value: str

    def matches(self, instance: Instance, scene: Scene) -> bool:
        match self.key:
            case "category":
                return scene.name(instance).casefold() == self.value
            case "status":
                ghost = self.value == InstanceState.GHOST and is_ghost(instance, scene.threshold)
                return ghost or instance.state == self.value
            case "origin":
                return instance.origin == self.value
        return FLAGS[self.value](instance)

    def __str__(self) -> str:
        return f"{self.key}:{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Name:
    """Part of a category's name, in lower case."""

    part: str

    def matches(self, instance: Instance, scene: Scene) -> bool:
        return self.part in scene.name(instance).casefold()

    def __str__(self) -> str:
        return quoted(self.part)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition, or that it does not hold."""

    condition: Comparison | Property | Name
    negated: bool = False

    def matches(self, instance: Instance, scene: Scene) -> bool:
        return self.condition.matches(instance, scene) != self.negated

    def __str__(self) -> str:
        return f"{'-' if self.negated else ''}{self.condition}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Groups of terms: every term of any group has to hold. Without groups it lets everything through."""

    groups: tuple[tuple[Term, ...], ...] = ()

    def matches(self, instance: Instance, scene: Scene) -> bool:
        if not self.groups:
            return True
        return any(all(term.matches(instance, scene) for term in group) for group in self.groups)

    def names(self, key: str) -> bool:
        """Whether a term is about that key, such as "status"."""
        conditions = [term.condition for group in self.groups for term in group]
        return any(not isinstance(each, Name) and each.key == key for each in conditions)

    def __str__(self) -> str:
        return " or ".join(" ".join(map(str, group)) for group in self.groups)


def parse(text: str, categories: Collection[str] | None = None) -> Filter:
    """The filter that a text says; an empty text is the empty filter.

    With `categories` a `category:` of another name is an error too. Raises InvalidFilter.
    """
    groups: list[tuple[Term, ...]] = []
    terms: list[Term] = []
    place = 0
    while (place := _skip_spaces(text, place)) < len(text):
        start = place
        word = _WORD.match(text, place)
        if word is not None and word[0].lower() == "or":
            if not terms:
                raise _error("“or” stands between two terms.", "Write something before it.", start, word.end())
            groups.append(tuple(terms))
            terms, place = [], word.end()
            continue
        term, place = _term(text, place, categories)
        terms.append(term)
    if groups and not terms:
        raise _error("“or” stands between two terms.", "Write something after it.", len(text.rstrip()) - 2, len(text))
    return Filter((*groups, tuple(terms)) if terms else ())


def suggestions(text: str, place: int, categories: Collection[str]) -> tuple[int, list[str]]:
    """What could stand where a person is typing, at character `place`: the start of what it would replace, and texts.

    None where nothing was begun, and none that only repeats what stands there.
    """
    found = _BEGUN.search(text[:place])
    assert found is not None  # it matches the empty text
    begun, start = found[0], found.start()
    key, colon, value = begun.partition(":")
    if colon and key.lower() in WORDS:
        values = categories if key.lower() == "category" else WORDS[key.lower()]
        typed = value.strip('"').casefold()
        options = [f"{key}:{quoted(one)}" for one in sorted(values) if one.casefold().startswith(typed)]
    else:
        typed = begun.strip('"').casefold()
        keys = [f"{one}:" if one in WORDS else one for one in sorted(KEYS) if one.startswith(typed)]
        names = [quoted(one) for one in sorted(categories) if one.casefold().startswith(typed)]
        options = [*names, *keys] if typed else []
    return start, [one for one in options if one != begun]


def is_ghost(instance: Instance, threshold: float) -> bool:
    """Whether an instance is a proposal below the threshold, or was one when its image was accepted."""
    if instance.state is InstanceState.PROPOSAL:
        return not is_shown(instance, threshold)
    return instance.state is InstanceState.GHOST


def quoted(name: str) -> str:
    """A name as it stands in a filter: in quotes where it would read as something else."""
    plain = _WORD.fullmatch(name) is not None and name.lower() not in _RESERVED and not name.startswith("-")
    return name if plain else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def count_parts(mask: Mask) -> int:
    """How many parts a mask has that touch nowhere, not even at a corner."""
    return 0 if mask.is_empty else _components(mask.bitmap, 8)


def count_holes(mask: Mask) -> int:
    """How many holes a mask has: unset pixels from which no way along edges leads outside."""
    return 0 if mask.is_empty else _components(np.pad(~mask.bitmap, 1, constant_values=True), 4) - 1


def _components(bitmap: np.ndarray, connectivity: int) -> int:
    return int(cv2.connectedComponents(bitmap.view(np.uint8), connectivity=connectivity)[0]) - 1


_WORD = re.compile(r'[^\s<>=!:"]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SIGN = re.compile(r"\s*(<=|>=|!=|<|>|=|:)\s*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_BEGUN = re.compile(r'(?:[^\s"<>=!-][^\s"<>=!]*)?(?:"[^"]*)?$')
_RESERVED = ("or", "not")


def _term(text: str, start: int, categories: Collection[str] | None) -> tuple[Term, int]:
    """The term that begins there, and where it ends."""
    place, negated = start, False
    while (found := _negation(text, place)) is not None:
        place, negated = found, not negated
    if place >= len(text):
        raise _error(f"Nothing follows “{text[start:].strip()}”.", "Write what not to list.", start, len(text))
    name, end = _word(text, place)
    sign = None if text[place] == '"' else _SIGN.match(text, end)
    if sign is None:
        return Term(Name(name.casefold()), negated), end
    key = name.lower()
    if key in NUMBERS:
        condition: Comparison | Property
        condition, end = _comparison(text, place, key, sign)
    elif key in WORDS:
        condition, end = _property(text, place, key, sign, categories)
    else:
        raise _error(f"“{name}” is nothing to filter by.", f"Possible are {_listing(KEYS)}.", place, end)
    return Term(condition, negated), end


def _comparison(text: str, start: int, key: str, sign: re.Match[str]) -> tuple[Comparison, int]:
    number = _NUMBER.match(text, sign.end())
    ends = number is not None and (number.end() == len(text) or text[number.end()].isspace())
    if number is None or not ends or not np.isfinite(float(number[0])):
        end = _end_of_word(text, sign.end())
        raise _error(
            f"“{text[start:end]}” lacks a number.", f"Write it like {key}{sign[1]}{_EXAMPLES[key]}.", start, end
        )
    return Comparison(key, "=" if sign[1] == ":" else sign[1], float(number[0])), number.end()


def _property(
    text: str, start: int, key: str, sign: re.Match[str], categories: Collection[str] | None
) -> tuple[Property, int]:
    known = WORDS[key] if key != "category" else None if categories is None else tuple(sorted(categories))
    possible = f"Possible are {_listing(tuple(map(quoted, known)))}." if known else "There are no categories yet."
    if sign[1] not in (":", "="):
        end = _end_of_word(text, sign.end())
        raise _error(f"“{key}” is no number.", f"Write it like {key}:{_EXAMPLES[key]}.", start, end)
    if sign.end() >= len(text):
        remedy = "Write a name." if known is None else possible
        raise _error(f"“{text[start:].strip()}” lacks a value.", remedy, start, len(text))
    value, end = _word(text, sign.end())
    if known is not None and value.casefold() not in {one.casefold() for one in known}:
        raise _error(f"“{value}” is no {_MEANINGS.get(key, key)}.", possible, sign.end(), end)
    return Property(key, value.casefold()), end


_EXAMPLES = {
    **dict.fromkeys(NUMBERS, "100"),
    "score": "0.5",
    "parts": "1",
    "holes": "0",
    "id": "12",
    "category": "name",
    "status": "proposal",
    "origin": "drawn",
    "is": "edited",
}
_MEANINGS = {"is": "property"}


def _negation(text: str, place: int) -> int | None:
    """Where what is negated begins, None where nothing is."""
    if text[place : place + 1] == "-":
        return _skip_spaces(text, place + 1)
    word = _WORD.match(text, place)
    # Before a sign it is a key that does not exist, and said to be so.
    negates = word is not None and word[0].lower() == "not" and _SIGN.match(text, word.end()) is None
    return _skip_spaces(text, word.end()) if word is not None and negates else None


def _word(text: str, place: int) -> tuple[str, int]:
    """A plain or a quoted word, and where it ends."""
    found = _QUOTED.match(text, place)
    if found is not None and found[1]:
        return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL), found.end()
    if text[place] == '"':
        end = found.end() if found is not None else len(text)
        raise _error("A name in quotes is empty or not closed.", "Write a name and a quote after it.", place, end)
    plain = _WORD.match(text, place)
    if plain is None:
        end = _end_of_word(text, place)
        raise _error(f"“{text[place:end]}” has nothing before it.", f"Possible are {_listing(KEYS)}.", place, end)
    return plain[0], plain.end()


def _skip_spaces(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _end_of_word(text: str, place: int) -> int:
    while place < len(text) and not text[place].isspace():
        place += 1
    return place


def _listing(words: Collection[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _error(message: str, remedy: str, start: int, end: int) -> InvalidFilter:
    return InvalidFilter(f"At character {start + 1}: {message}", remedy=remedy, start=start, end=end)
