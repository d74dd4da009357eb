"""Every text that a person reads goes through `tr` or `trn`, and every catalogue fits the code."""

import ast
import gettext
import io
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

ROOT = Path(__file__).parents[2]
APP = ROOT / "app"
UPDATE = runpy.run_path(str(ROOT / "resources" / "translations" / "update.py"))
CATALOGUES = sorted((ROOT / "resources" / "translations").glob("*/LC_MESSAGES/maskwright.po"))

# Which arguments of what is called are read by a person.
READ = {
    **dict.fromkeys(("setText", "setToolTip", "setStatusTip", "setWhatsThis", "setWindowTitle", "setTitle"), (0,)),
    **dict.fromkeys(("setAccessibleName", "setAccessibleDescription", "setPlaceholderText"), (0,)),
    **dict.fromkeys(("setPrefix", "setSuffix", "addMenu", "addAction", "addItem", "addRow", "setTabText"), (0,)),
    **dict.fromkeys(("QLabel", "QPushButton", "QToolButton", "QCheckBox", "QRadioButton", "QGroupBox"), (0,)),
    **dict.fromkeys(("QAction", "QMenu", "QToolBar", "QDockWidget", "QListWidgetItem", "label", "TextField"), (0, 1)),
    **dict.fromkeys(("show_notice", "show_next", "show_problem", "set_busy"), (0,)),
    **dict.fromkeys(("question", "about", "warning", "information"), (1, 2)),
    "button": (0, 3),
    "IconButton": (1,),
    "EmptyState": (1, 2),
    "say": (1, 2),
    "addTab": (1,),
    "Toggle": (0, 1),
    "Choice": (0, 1),
    "Number": (0, 1, 6),
}
KEYWORDS = ("action", "tip", "text", "prefix", "suffix", "placeholder", "title")
# The second argument of `label` is its style, of `QLabel` its parent ... and these are words of no language.
NAMES = {"Maskwright", "heading", "title", "display", "lead", "muted", "small", "number", "key", "danger", "success"}
NAMES |= {"warning", "alert", "quiet", "primary", "link"}
# Prose: begins like a sentence or a title, or has several words.
PROSE = re.compile(r"^[A-Z][a-z]+( |$|…|:)|[a-z]{2,} [a-z]{2,}")
NOT_PROSE = {
    "Maskwright",
    "Fusion",
    "cannot tell",  # the engine's verdict, of which a table makes a word
    "Python",  # what a report of a fault needs is read by those who mend it
    "not installed",
    "Instances copied from Maskwright",  # by which the clipboard's text is known in every language
    "the tool is not active",  # an assertion
    "Error:",  # which the command line puts before what went wrong
    "Nuclei sample",  # the name of a file
    "No log file:",  # on the terminal, among other programs' lines
}
# As Qt calls keys, in whose words a program writes them. Alone each may also be a word: only keys of a tuple are meant.
KEYS = {"Return", "Enter", "Backspace", "Del", "Tab", "Backtab", "Space", "Esc", "Left", "Right", "Up", "Down"}
KEYS |= {"Home", "End"}


def _files() -> list[Path]:
    return [path.relative_to(APP) for path in sorted(APP.rglob("*.py"))]


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _bare(node: ast.AST) -> Iterator[str]:
    """Texts below a node that are not translated; a nested call is judged by itself."""
    if isinstance(node, ast.Call | ast.Subscript | ast.Compare):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search("[A-Za-z]", node.value):
        yield node.value
    elif not isinstance(node, ast.FormattedValue):
        for child in ast.iter_child_nodes(node):
            yield from _bare(child)


def _handed_over(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for call in ast.walk(tree):
        name = _called(call)
        if isinstance(call, ast.Call) and name in READ and not _is_logging(call):
            read = [argument for place, argument in enumerate(call.args) if place in READ[name]]
            read += [keyword.value for keyword in call.keywords if keyword.arg in KEYWORDS]
            yield from ((call.lineno, text) for argument in read for text in _bare(argument))


def _is_logging(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "log"


def _prose(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Everything that reads like a text and is neither translated, logged, a docstring, an annotation nor a key."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)  # a docstring
        if isinstance(node, ast.Call) and (_called(node) in ("tr", "trn", "TypeVar") or _is_logging(node)):
            skipped.update(ast.walk(node))
        if isinstance(node, ast.Tuple):
            skipped.update(each for each in node.elts if isinstance(each, ast.Constant) and each.value in KEYS)
        for part in ("annotation", "returns"):
            annotation = getattr(node, part, None)
            if annotation is not None:
                skipped.update(ast.walk(annotation))
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped
        if is_text and PROSE.search(node.value):
            yield node.lineno, node.value


@pytest.mark.parametrize("path", _files(), ids=str)
def test_no_text_that_a_person_reads_is_written_bare(path: Path) -> None:
    tree = ast.parse((APP / path).read_text(encoding="utf-8"))
    assert [(line, text) for line, text in _handed_over(tree) if text.strip() not in NAMES] == []
    assert [(line, text) for line, text in _prose(tree) if text.strip() not in NOT_PROSE] == []


def test_every_text_can_be_collected_and_is_either_a_singular_or_a_plural() -> None:
    texts = UPDATE["collect"]()
    singular = {text for text in texts if "\0" not in text}
    assert len(texts) > 300
    assert singular.isdisjoint(text.split("\0")[0] for text in texts if "\0" in text)
    assert [text for text in texts if "\0" in text and "{count}" not in text.split("\0")[1]] == []


def test_a_catalogue_survives_being_written_and_compiled(tmp_path: Path) -> None:
    english = {'A "quoted" text\nof two lines': ["app/a.py"], "{count} image\0{count} images": ["app/b.py"]}
    catalogue = {text: "\0".join(f"Ü {form}" for form in text.split("\0")) for text in english}
    catalogue[""] = UPDATE["HEADER"].format(language="xx")
    UPDATE["write"](tmp_path / "xx.po", english, catalogue)
    assert UPDATE["read"](tmp_path / "xx.po") == catalogue
    found = gettext.GNUTranslations(io.BytesIO(UPDATE["compiled"](catalogue)))
    assert found.gettext('A "quoted" text\nof two lines') == 'Ü A "quoted" text\nof two lines'
    assert [found.ngettext("{count} image", "{count} images", n) for n in (1, 2)] == [
        "Ü {count} image",
        "Ü {count} images",
    ]
    assert found.gettext("nobody translated this") == "nobody translated this"


def test_every_translation_fits_the_code() -> None:
    """Nothing that the code no longer says, the same placeholders in each text, and compiled as it is written."""
    texts = UPDATE["collect"]()
    for path in CATALOGUES:
        catalogue = UPDATE["read"](path)
        assert catalogue.keys() - {""} <= texts.keys()
        for english, translated in catalogue.items():
            if english and translated.strip("\0"):
                wanted = [_placeholders(form) for form in english.split("\0")]
                assert [form for form in translated.split("\0") if _placeholders(form) not in wanted] == [], english
        assert path.with_suffix(".mo").read_bytes() == UPDATE["compiled"](catalogue)


def _placeholders(text: str) -> set[str]:
    """What is put into a text, but for the count, which a language may leave out of its singular."""
    return {name for _, name, _, _ in Formatter().parse(text) if name and name != "count"}
