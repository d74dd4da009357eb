"""The data.yaml of a YOLO dataset: the few keys that matter, in the part of YAML that such files are written in."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from engine.errors import InvalidDataset
from engine.formats.reading import read_text, shown

PARTS = ("train", "val", "test")
Value = str | list[str] | dict[str, str]


@dataclass(frozen=True, slots=True)
class DataFile:
    """What a data.yaml says: `name` is its own, `root` the folder that the parts are relative to, or None."""

    name: str
    root: str | None
    parts: tuple[str, ...]
    names: Mapping[int, str]


@dataclass(slots=True)
class _Entry:
    """A key at the left margin, its value on the same line, and the lines below that belong to it."""

    key: str
    where: str
    inline: str
    block: list[tuple[str, str]]


def read_data_file(path: Path) -> DataFile:
    """Reads a data.yaml. Raises InvalidDataset naming the line or key that is wrong, or beyond this reader."""
    name = path.name
    values: dict[str, Value] = {}
    for entry in _entries(read_text(path, name), name):
        # Whatever else such a file says (scripts, licences, training settings) is not looked at.
        if entry.key in ("path", "names", "nc", *PARTS):
            if entry.key in values:
                raise InvalidDataset(f"{entry.where}: key {entry.key!r} comes twice.")
            values[entry.key] = _value(entry)
    root = values.get("path", "")
    if not isinstance(root, str):
        raise InvalidDataset(f"{name}: key 'path' is no text.")
    parts: list[str] = []
    for key in PARTS:
        stated = values.get(key, "")
        if isinstance(stated, dict):
            raise InvalidDataset(f"{name}: key {key!r} is neither a path nor a list of paths.")
        parts += [each for each in ([stated] if isinstance(stated, str) else stated) if each]
    if not parts:
        raise InvalidDataset(f"{name}: none of train, val and test names images.")
    names = _names(values.get("names"), name)
    count = values.get("nc")
    if count is not None and count != str(len(names)):
        raise InvalidDataset(f"{name}: key 'nc' is {shown(str(count))}, but {len(names)} categories are named.")
    return DataFile(name, root or None, tuple(dict.fromkeys(parts)), names)


def _entries(text: str, name: str) -> Iterator[_Entry]:
    entry: _Entry | None = None
    # Not splitlines: that also breaks lines at characters that YAML takes for text.
    for number, raw in enumerate(text.split("\n"), start=1):
        where = f"{name}, line {number}"
        line = _uncommented(raw).rstrip()
        if not line or line == "---" or raw.startswith("%"):
            continue
        if line[0].isspace() or line.startswith("-") or line in ("]", "}"):
            if entry is None:
                raise InvalidDataset(f"{where}: {shown(line)[:60]!r} belongs to no key.")
            entry.block.append((where, line.strip()))
            continue
        if entry is not None:
            yield entry
        key, inline = _key_and_rest(line, where)
        entry = _Entry(key, where, inline, [])
    if entry is not None:
        yield entry


def _value(entry: _Entry) -> Value:
    if entry.inline[:1] in ("[", "{"):
        text = " ".join([entry.inline, *(line for _, line in entry.block)])
        return _flow(text, entry.where)
    if entry.inline:
        if entry.block:
            raise InvalidDataset(f"{entry.block[0][0]}: a value of several lines cannot be read here.")
        return _scalar(entry.inline, entry.where)
    if all(line.startswith("- ") for _, line in entry.block):
        return [_scalar(line[2:].strip(), where) for where, line in entry.block]
    return dict(_pair(line, where) for where, line in entry.block)


def _flow(text: str, where: str) -> Value:
    """[a, b] or {0: a, 1: b}, on however many lines."""
    closing = {"[": "]", "{": "}"}[text[0]]
    if not text.endswith(closing):
        raise InvalidDataset(f"{where}: {text[0]} is not closed.")
    inner = text[1:-1].strip().removesuffix(",")
    outside = list(_outside_quotes(inner))
    if any(character in "[]{}" for _, character in outside):
        raise InvalidDataset(f"{where}: a list within a list cannot be read here.")
    commas = [-1, *(index for index, character in outside if character == ","), len(inner)]
    pieces = [inner[start + 1 : end].strip() for start, end in pairwise(commas)] if inner else []
    return (
        [_scalar(piece, where) for piece in pieces] if closing == "]" else dict(_pair(piece, where) for piece in pieces)
    )


def _pair(text: str, where: str) -> tuple[str, str]:
    key, rest = _key_and_rest(text, where)
    return key, _scalar(rest, where)


def _key_and_rest(text: str, where: str) -> tuple[str, str]:
    """The key before the first colon that ends a word, and what follows it."""
    for index, character in _outside_quotes(text):
        if character == ":" and (index + 1 == len(text) or text[index + 1].isspace()):
            return _scalar(text[:index].strip(), where), text[index + 1 :].strip()
    raise InvalidDataset(f"{where}: {shown(text)[:60]!r} is no key with a value.")


def _uncommented(line: str) -> str:
    for index, character in _outside_quotes(line):
        if character == "#" and (index == 0 or line[index - 1].isspace()):
            return line[:index]
    return line


def _outside_quotes(text: str) -> Iterator[tuple[int, str]]:
    """The characters that are in no quotes, with their places. Quotes open where a value begins, not in a word."""
    quote = ""
    escaped = False
    before = " "
    for index, character in enumerate(text):
        if quote:
            if not escaped and character == quote:
                quote = ""
            escaped = character == "\\" and quote == '"' and not escaped
        elif character in "\"'" and (before.isspace() or before in "[{,:"):
            quote = character
        else:
            yield index, character
        before = character


def _scalar(text: str, where: str) -> str:
    """A value of one line as text: plain, in single or in double quotes."""
    if text.startswith('"'):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise InvalidDataset(f"{where}: {shown(text)[:60]!r} is not closed, or has an unknown escape.") from error
        return str(value)
    if text.startswith("'"):
        if len(text) < 2 or not text.endswith("'") or "'" in text[1:-1].replace("''", ""):
            raise InvalidDataset(f"{where}: {shown(text)[:60]!r} is not closed.")
        return text[1:-1].replace("''", "'")
    if text[:1] in ("&", "*", "!", "|", ">", "%", "@", "`", "[", "{"):
        raise InvalidDataset(f"{where}: {shown(text)[:60]!r} is YAML that cannot be read here.")
    return "" if text in ("~", "null") else text


def _names(value: Value | None, name: str) -> dict[int, str]:
    if value is None or isinstance(value, str):
        raise InvalidDataset(f"{name}: key 'names' is missing, or is no list of categories.")
    numbered = dict(enumerate(value)) if isinstance(value, list) else {}
    if isinstance(value, dict):
        for key, category in value.items():
            if not key.isascii() or not key.isdigit() or len(key) > 6:
                raise InvalidDataset(f"{name}: key 'names': {shown(key)!r} is no category number.")
            numbered[int(key)] = category
    if not all(category.strip() for category in numbered.values()):
        raise InvalidDataset(f"{name}: key 'names': a category has no name.")
    return {number: category.strip() for number, category in sorted(numbered.items())}
