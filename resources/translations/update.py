"""Brings the translations in step with the code.

    python resources/translations/update.py         updates and compiles every language
    python resources/translations/update.py fr      begins one: fill in fr/LC_MESSAGES/maskwright.po and run it again

A text that nobody has translated yet is shown in English, and one that the code no longer has is dropped. To try a
language, start the window with `MASKWRIGHT_LANGUAGE=fr`.
"""

import ast
import re
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TRANSLATES_THE_ENGINE = Path("app/panels/finding_words.py")  # what it translates stands in engine.quality
PLACE = Path("LC_MESSAGES", "maskwright.po")
HEADER = (
    "Language: {language}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
)
_QUOTED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
Catalogue = dict[str, str]  # English to translation; the forms of a plural stand in one string, with NULs between


def collect(root: Path = ROOT) -> dict[str, list[str]]:
    """Every English text of the app with the files that say it; those of `trn` are "one\\0many".

    Raises ValueError where a text is not written out in the call, because nobody could find it to translate it.
    """
    found: dict[str, list[str]] = {}
    for path in sorted((root / "app").rglob("*.py")):
        relative = path.relative_to(root)
        for text in _engine_texts() if relative == TRANSLATES_THE_ENGINE else _texts(path):
            places = found.setdefault(text, [])
            if relative.as_posix() not in places:
                places.append(relative.as_posix())
    return found


def compiled(catalogue: Mapping[str, str]) -> bytes:
    """A catalogue in GNU gettext's binary form (its manual, section 10.3); texts without a translation are left out."""
    entries = sorted((key.encode(), value.encode()) for key, value in catalogue.items() if value.strip("\0"))
    start = 28 + 16 * len(entries)
    tables, block = [b"", b""], b""
    for side in (0, 1):
        for entry in entries:
            tables[side] += struct.pack("<2I", len(entry[side]), start + len(block))
            block += entry[side] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(entries), 28, 28 + 8 * len(entries), 0, start)
    return head + tables[0] + tables[1] + block


def read(path: Path) -> Catalogue:
    """The entries of a .po file; its header is that of the empty text."""
    result: Catalogue = {}
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        parts: dict[str, str] = {}
        keyword = ""
        for line in block.splitlines():
            match = re.match(r'(?:([a-z_]+(?:\[\d\])?) )?(".*")$', line)
            if match:
                keyword = match[1] or keyword
                parts[keyword] = parts.get(keyword, "") + ast.literal_eval(match[2])
        if "msgid" in parts:
            key = "\0".join(parts[name] for name in ("msgid", "msgid_plural") if name in parts)
            result[key] = "\0".join(value for name, value in sorted(parts.items()) if name.startswith("msgstr"))
    return result


def write(path: Path, texts: Mapping[str, list[str]], translations: Catalogue) -> None:
    """Write a .po file of `texts`, with the translations that there are."""
    blocks = [f'msgid ""\nmsgstr {_quoted(translations[""])}']
    for text, places in texts.items():
        one, *many = text.split("\0")
        lines = [f"#: {' '.join(places)}", f"msgid {_quoted(one)}"]
        translated = translations.get(text, "")
        if many:
            forms = translated.split("\0") if translated else ["", ""]
            lines += [f"msgid_plural {_quoted(many[0])}"]
            lines += [f"msgstr[{place}] {_quoted(form)}" for place, form in enumerate(forms)]
        else:
            lines += [f"msgstr {_quoted(translated)}"]
        blocks.append("\n".join(lines))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _texts(path: Path, one: str = "tr", many: str = "trn") -> Iterator[str]:
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""
        if isinstance(call, ast.Call) and name in (one, many):
            texts = call.args[: 2 if name == many else 1]
            if not all(isinstance(text, ast.Constant) and isinstance(text.value, str) for text in texts):
                raise ValueError(f"{path}:{call.lineno}: what is translated must be written out in the call")
            yield "\0".join(text.value for text in texts if isinstance(text, ast.Constant))


def _engine_texts() -> Iterator[str]:
    from engine.quality.checks import ABOUT

    for about in ABOUT.values():
        yield from filter(None, (about.title, about.why, about.fix))
    for path in sorted((ROOT / "engine" / "quality").glob("*.py")):
        yield from _texts(path, one="words", many="counted_words")


def _quoted(text: str) -> str:
    """A text as .po files have it; each of its lines on one of its own."""
    lines = ["".join(_QUOTED.get(character, character) for character in line) for line in text.splitlines(True)]
    quoted = [f'"{line}"' for line in lines] or ['""']
    return quoted[0] if len(quoted) == 1 else "\n".join(['""', *quoted])


def main() -> None:
    """Update the languages that are named, else all that there are."""
    texts = collect()
    for language in sys.argv[1:] or sorted(path.parent.parent.name for path in HERE.glob(f"*/{PLACE.as_posix()}")):
        path = HERE / language / PLACE
        translations = read(path) if path.is_file() else {"": HEADER.format(language=language)}
        write(path, texts, translations)
        kept = {text: translations.get(text, "") for text in ("", *texts)}
        path.with_suffix(".mo").write_bytes(compiled(kept))
        missing = sum(not translation.strip("\0") for translation in kept.values())
        print(f"{language}: {len(texts) - missing} of {len(texts)} texts translated")


if __name__ == "__main__":
    main()
