"""Keymaps as files: the person's own, and those that are handed from one to another."""

import json
from pathlib import Path

from app.key_profiles import PROFILES_BY_ID, Keymap, canonical
from app.translation import tr
from engine.errors import MaskwrightError
from engine.files import atomic_write, explain

VERSION = 1


def write_keymap(path: Path, keymap: Keymap) -> None:
    """Write a keymap; a crash leaves the old file or the new one. Raises MaskwrightError where the disk refuses."""
    document = {"version": VERSION, "profile": keymap.profile.id, "keys": keymap.changes}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_keymap(path: Path) -> Keymap:
    """A keymap that `write_keymap` wrote. Raises MaskwrightError, in words, for any other file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = tr("{name} cannot be read: {why}.", name=path.name, why=error.strerror)
        raise explain(error, path) or MaskwrightError(why) from error
    except (ValueError, RecursionError) as error:
        raise MaskwrightError(tr("{name} is not a file of keys.", name=path.name)) from error
    return _keymap_of(document, path.name)


def _keymap_of(document: object, name: str) -> Keymap:
    """What a file says. Commands that this version does not have are kept for the one that has them."""
    if not isinstance(document, dict) or not isinstance(document.get("keys"), dict):
        raise MaskwrightError(tr("{name} is not a file of keys.", name=name))
    if document.get("version") != VERSION:
        raise MaskwrightError(tr("{name} was made by another version of Maskwright.", name=name))
    profile = PROFILES_BY_ID.get(str(document.get("profile")))
    if profile is None:
        raise MaskwrightError(tr("{name} names a profile of keys that is not known.", name=name))
    changes = {}
    for command_id, keys in document["keys"].items():
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise MaskwrightError(tr("{name} does not list the keys of “{command}”.", name=name, command=command_id))
        changes[command_id] = tuple(canonical(key) for key in keys)
    return Keymap(profile, changes)
