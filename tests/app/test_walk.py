"""The whole window in a language made up for the test: whatever is left in English was never translated."""

import json
import os
import re
import runpy
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
UPDATE = runpy.run_path(str(ROOT / "resources" / "translations" / "update.py"))
# Around what is translated, and around what is put into it.
TEXT, VALUE = "⟦{}⟧", "⟨{}⟩"

NAMES = ["Maskwright"]
# Where Tab leads, and the tool that has nothing to be set.
PARTS, BARE_TOOL = ["ReviewBar", "OptionBar", "QToolBar", "CanvasView", "docks"], "cut"


def _pseudo(text: str) -> str:
    return TEXT.format(re.sub(r"(\{\w+\})", VALUE.format(r"\1"), text))


@pytest.fixture(scope="session")
def walk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of tests/app/walk.py in that language."""
    folder = tmp_path_factory.mktemp("walk")
    catalogue = {text: "\0".join(map(_pseudo, text.split("\0"))) for text in UPDATE["collect"]()}
    place = folder / "translations" / "xx" / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "maskwright.mo").write_bytes(UPDATE["compiled"]({"": UPDATE["HEADER"].format(language="xx"), **catalogue}))
    environment = os.environ | {
        "MASKWRIGHT_LANGUAGE": "xx",
        "MASKWRIGHT_TRANSLATIONS": str(folder / "translations"),
        "MASKWRIGHT_HOME": str(folder / "home"),
    }
    program = [sys.executable, str(Path(__file__).with_name("walk.py")), str(folder / "report.json")]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return dict(json.loads((folder / "report.json").read_text()))


def left_in_english(text: str, names: re.Pattern[str]) -> str:
    """What of a text is neither translated nor one of the names, with its signs; "" where nothing is."""
    checked = ""
    while True:
        inner = re.search(r"⟨([^⟦⟧⟨⟩]*)⟩|⟦[^⟦⟧⟨⟩]*⟧", text)
        if inner is None:
            break
        checked += f" {inner[1] or ''}"
        text = text[: inner.start()] + text[inner.end() :]
    rest = names.sub("", f"{text} {checked}").strip()
    return rest if re.search("[A-Za-z]", rest) else ""


def test_everything_that_the_window_says_is_translated(walk: dict[str, Any]) -> None:
    names = sorted({*walk["names"], *NAMES} - {""}, key=len, reverse=True)
    pattern = re.compile(f"(?<![A-Za-z])({'|'.join(map(re.escape, names))})(?![A-Za-z])")
    left = {(where, text) for where, text in map(tuple, walk["texts"]) if left_in_english(text, pattern)}
    assert len(walk["texts"]) > 1000
    assert sorted(left) == []


def test_every_control_has_a_name_and_says_what_it_does(walk: dict[str, Any]) -> None:
    assert len(walk["controls"]) > 100
    bare = {
        (each["where"], each["name"], each["tip"]) for each in walk["controls"] if not (each["name"] and each["tip"])
    }
    assert sorted(bare) == []


def test_every_control_is_reached_by_tab(walk: dict[str, Any]) -> None:
    lost = {(each["where"], each["name"]) for each in walk["controls"] if not each["by_keyboard"]}
    assert sorted(lost) == []


def test_labels_belong_to_their_controls(walk: dict[str, Any]) -> None:
    assert walk["unattached"] == []


def test_tab_leads_from_the_review_bar_over_the_tools_to_the_canvas_and_the_docks(walk: dict[str, Any]) -> None:
    assert len(walk["order"]) > 5
    for tool, order in walk["order"].items():
        wanted = [part for part in PARTS if part != "OptionBar" or tool != BARE_TOOL]
        assert [region for region, _ in groupby(order)][: len(wanted)] == wanted, tool


def test_the_walk_comes_to_every_widget_of_the_app(walk: dict[str, Any]) -> None:
    assert walk["unseen"] == []
