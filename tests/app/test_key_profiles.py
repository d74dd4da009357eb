"""Promises of keymaps: a key has one owner in every profile and under every change, and files keep what was chosen."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence

from app.key_bindings import KeyBindings
from app.key_file import read_keymap, write_keymap
from app.key_profiles import (
    COMMANDS_BY_ID,
    PROFILES,
    PROFILES_BY_ID,
    Keymap,
    Profile,
    canonical,
    refusal,
    sequences,
    written,
)
from app.keymap import BOUND_COMMANDS
from engine.errors import MaskwrightError

KEYS = ["A", "D", "Q", "7", "Ctrl+Z", "Ctrl+J", "[", "Return", "Shift+F9", "Space", "Tab", "Left"]
ids = st.sampled_from([command.id for command in BOUND_COMMANDS])
changes = st.dictionaries(ids, st.lists(st.sampled_from(KEYS), max_size=3).map(tuple), max_size=6)
keymaps = st.builds(Keymap, st.sampled_from(PROFILES), changes)


def owners_of_each(keymap: Keymap) -> Counter[str]:
    return Counter(key for keys in keymap.keys.values() for key in keys)


def test_the_table_gives_no_key_twice_and_none_that_a_command_cannot_have() -> None:
    claimed = Counter(canonical(key) for command in BOUND_COMMANDS for key in {canonical(one) for one in command.keys})
    assert [key for key, count in claimed.items() if count > 1] == []
    for command in BOUND_COMMANDS:
        for key in command.keys:
            assert refusal(command, canonical(key)) == ""
    assert Keymap().keys == {each.id: tuple(dict.fromkeys(map(canonical, each.keys))) for each in BOUND_COMMANDS}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
def test_a_profile_has_its_keys_and_whoever_had_them_has_them_no_more(profile: Profile) -> None:
    keymap = Keymap(profile)
    assert max(owners_of_each(keymap).values()) == 1
    for command_id, keys in profile.keys.items():
        if command_id in COMMANDS_BY_ID:
            assert keymap.keys[command_id] == tuple(map(canonical, keys))
    assert not any(keymap.is_changed(command_id) for command_id in keymap.keys)


def test_profiles_are_those_of_labelme_and_cvat() -> None:
    labelme, cvat = (Keymap(PROFILES_BY_ID[name]) for name in ("labelme", "cvat"))
    assert [labelme.owners[key] for key in ("A", "D", "Ctrl+J", "Ctrl+F", "Ctrl+U", "T")] == [
        *("previous_image", "next_image", "tool_select", "fit", "open_folder", "hide_masks")
    ]
    assert [cvat.owners[key] for key in ("D", "F", "Tab", "H", "Ctrl+1", "Ctrl+Y")] == [
        *("previous_image", "next_image", "next_instance", "hide_selected", "category_1", "redo")
    ]
    assert "1" not in cvat.owners


@given(keymaps)
def test_no_change_ever_gives_a_key_two_owners(keymap: Keymap) -> None:
    assert max(owners_of_each(keymap).values()) == 1
    assert set(keymap.keys) == set(COMMANDS_BY_ID)


@given(keymaps, ids, st.sampled_from(["Q", "D", "Ctrl+J", "7"]))
def test_a_key_that_is_taken_is_the_takers_alone_and_nobody_else_loses_any(
    keymap: Keymap, taker: str, key: str
) -> None:
    after = keymap.with_key(taker, key)
    assert after.owners[key] == taker
    for command_id, keys in keymap.keys.items():
        if command_id != taker:
            assert after.keys[command_id] == tuple(one for one in keys if one != key)
    assert set(after.keys[taker]) == {*keymap.keys[taker], key}
    assert key not in after.without_key(taker, key).keys[taker]


@given(st.builds(Keymap, st.sampled_from(PROFILES)), ids, st.sampled_from(["Q", "D", "Ctrl+J", "7"]))
def test_a_key_that_its_taker_gives_up_is_again_who_had_it_in_the_profile(keymap: Keymap, taker: str, key: str) -> None:
    if key not in keymap.keys[taker]:
        assert keymap.with_key(taker, key).without_key(taker, key).keys == keymap.keys


@given(keymaps, ids)
def test_a_command_that_is_reset_has_the_keys_of_its_profile(keymap: Keymap, command_id: str) -> None:
    after = keymap.reset(command_id)
    assert set(after.keys[command_id]) == set(after.original(command_id))
    assert after.without_keys(command_id).keys[command_id] == ()


def test_the_two_enter_keys_are_one_to_people_and_both_to_qt() -> None:
    assert canonical("Enter") == canonical("Return") == "Return"
    assert written("Ctrl+Return") == "Ctrl+Enter"
    assert sequences("Ctrl+Return") == [QKeySequence("Ctrl+Return"), QKeySequence("Ctrl+Enter")]
    assert sequences("Q") == [QKeySequence(Qt.Key.Key_Q)]


@pytest.mark.parametrize("text", ["", "Ctrl+", "bogus", "T, H"])
def test_what_names_no_single_key_is_refused_in_words(text: str) -> None:
    with pytest.raises(MaskwrightError, match="is no key"):
        canonical(text)


@given(keymaps)
def test_a_file_gives_back_the_keymap_that_was_written(
    tmp_path_factory: pytest.TempPathFactory, keymap: Keymap
) -> None:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    write_keymap(path, keymap)
    assert read_keymap(path) == keymap


def test_keys_of_a_command_that_is_unknown_here_are_kept_and_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"version": 1, "profile": "cvat", "keys": {"tool_of_tomorrow": ["B"]}}))
    keymap = read_keymap(path)
    assert keymap.owners["B"] == "tool_brush"
    write_keymap(path, keymap.with_key("fit", "Q"))
    assert json.loads(path.read_text())["keys"]["tool_of_tomorrow"] == ["B"]


BROKEN = [
    "",
    "[]",
    "{",
    '{"version": 1, "profile": "cvat"}',
    '{"version": 2, "profile": "cvat", "keys": {}}',
    '{"version": 1, "profile": "vim", "keys": {}}',
    '{"version": 1, "profile": "cvat", "keys": {"fit": "F"}}',
    '{"version": 1, "profile": "cvat", "keys": {"fit": [1]}}',
    '{"version": 1, "profile": "cvat", "keys": {"fit": ["bogus"]}}',
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_is_told_once_kept_aside_and_the_defaults_apply(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    bindings = KeyBindings()
    problem = bindings.load(tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.name in problem
    assert kept.read_text() == text
    assert bindings.keymap == Keymap()
    assert bindings.load(tmp_path) == ""


def test_a_change_is_told_and_there_after_the_next_start(tmp_path: Path) -> None:
    bindings = KeyBindings()
    assert bindings.load(tmp_path) == ""
    told: list[Keymap] = []
    bindings.changed.connect(lambda: told.append(bindings.keymap))
    changed = Keymap(PROFILES_BY_ID["labelme"]).with_key("accept", "Q")
    bindings.change(changed)
    assert told == [changed]
    again = KeyBindings()
    assert again.load(tmp_path) == ""
    assert again.keymap == changed
    assert again.sequences("accept") == [QKeySequence("Return"), QKeySequence("Enter"), QKeySequence("Q")]


def test_a_change_that_cannot_be_kept_applies_all_the_same(tmp_path: Path) -> None:
    bindings = KeyBindings()
    bindings.load(tmp_path / "missing")
    with pytest.raises(MaskwrightError):
        bindings.change(Keymap().with_key("fit", "Q"))
    assert bindings.keymap.owners["Q"] == "fit"
