"""Profiles of keys: our own, and those that labelers know from elsewhere. A keymap lays a person's changes over one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from PySide6.QtGui import QKeySequence

from app.keymap import BOUND_COMMANDS, CANVAS_HELP, CONTROL_KEYS, Command, Scope
from app.translation import tr
from engine.errors import MaskwrightError

Keys = tuple[str, ...]
RETURN, ENTER = "Return", "Enter"  # as Qt calls the key of the letters and that of the number pad
COMMANDS_BY_ID = {command.id: command for command in BOUND_COMMANDS}


@dataclass(frozen=True)
class Profile:
    """Keys that replace the default ones of the commands it names. It may name commands that this version has not."""

    id: str
    name: str
    about: str
    keys: Mapping[str, Keys]


PROFILES = (
    Profile("maskwright", "Maskwright", tr("Our own keys: left hand on the letters, right hand on the mouse."), {}),
    # As in the shortcuts of labelme's default_config.yaml, 5.x and later.
    Profile(
        "labelme",
        "labelme",
        tr("The keys of labelme; our own for what labelme does not have."),
        {
            "open_folder": ("Ctrl+U",),
            "tool_polygon": ("Ctrl+N", "P"),
            "tool_select": ("Ctrl+J", "V"),
            "tool_vertices": ("Ctrl+Shift+P",),
            "choose_category": ("Ctrl+E", "C"),
            "fit": ("Ctrl+F", "F"),
            "hide_masks": ("T",),
        },
    ),
    # As in the defaults of CVAT 2.x; Shift+H stands for its sequence T, H. What they displace has a key close by.
    Profile(
        "cvat",
        "CVAT",
        tr("The keys of CVAT; our own for what CVAT does not have."),
        {
            "previous_image": ("D", "PgUp"),
            "next_image": ("F", "PgDown"),
            "fit": ("A",),
            "tool_polygon": ("N", "P"),
            "new_instance": ("Shift+N",),
            "delete": ("Del", "Shift+Del"),
            "hide_masks": ("Shift+H",),
            "hide_selected": ("H",),
            "lock": ("L",),
            "tool_lasso": ("Shift+L",),
            "merge": ("J", "M"),
            "tool_cut": ("Alt+J", "K"),
            **{f"category_{number}": (f"Ctrl+{number}",) for number in range(1, 10)},
        },
    ),
)
PROFILES_BY_ID = {profile.id: profile for profile in PROFILES}


@cache
def canonical(key: str) -> str:
    """A key as keymaps hold it: Qt's portable text, and the Enter of the number pad as the other one.

    Raises MaskwrightError for a text that names no key, or a sequence of several.
    """
    sequence = QKeySequence(key)
    text = sequence.toString(QKeySequence.SequenceFormat.PortableText)
    if sequence.count() != 1 or not text:
        raise MaskwrightError(tr("“{key}” is no key.", key=key))
    if text in ("Backtab", "Shift+Backtab"):
        return "Shift+Tab"
    return text.removesuffix(ENTER) + RETURN if text.endswith(ENTER) else text


def written(key: str) -> str:
    """A canonical key as people of this system say it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText).replace(RETURN, ENTER)


def sequences(key: str) -> list[QKeySequence]:
    """What Qt is to listen for: to people the two Enter keys are one."""
    twins = [key, key.removesuffix(RETURN) + ENTER] if key.endswith(RETURN) else [key]
    return [QKeySequence(twin) for twin in twins]


def refusal(command: Command, key: str) -> str:
    """Why a command cannot have a canonical key, in words; empty where it can."""
    for fixed, use in CANVAS_HELP:
        if key == fixed:
            return tr("The canvas keeps {key} for itself: {use}.", key=written(fixed), use=use.lower())
    if key in CONTROL_KEYS and command.scope is not Scope.CANVAS:
        return tr(
            "{key} moves through controls and lists, so only commands of the canvas can have it.", key=written(key)
        )
    return ""


@dataclass(frozen=True)
class Keymap:
    """A profile and what a person changed of it, by command id. No key has two owners: changes come before the profile,
    the profile before the defaults, and among equals the first command of the table keeps it."""

    profile: Profile = PROFILES[0]
    changes: Mapping[str, Keys] = field(default_factory=dict)

    @cached_property
    def keys(self) -> dict[str, Keys]:
        """The canonical keys of every command."""
        return _without_doubles(self.changes, self.profile.keys)

    @cached_property
    def owners(self) -> dict[str, str]:
        """The command id of every key that has a command."""
        return {key: command_id for command_id, keys in self.keys.items() for key in keys}

    def original(self, command_id: str) -> Keys:
        """The keys that the profile alone gives a command."""
        return _original_keys(self.profile.id)[command_id]

    def is_changed(self, command_id: str) -> bool:
        """Whether a command has other keys than the profile gives it."""
        return self.keys[command_id] != self.original(command_id)

    def with_key(self, command_id: str, key: str) -> "Keymap":
        """A command has a canonical key besides those it has; whoever had it has it no more.

        A profile's owner has it back as soon as no change claims it.
        """
        changes = {each: tuple(one for one in keys if one != key) for each, keys in self.changes.items()}
        changes[command_id] = (*(one for one in self.keys[command_id] if one != key), key)
        return replace(self, changes=changes)

    def without_key(self, command_id: str, key: str) -> "Keymap":
        """A command has that key no more."""
        kept = tuple(one for one in self.keys[command_id] if one != key)
        return replace(self, changes={**self.changes, command_id: kept})

    def without_keys(self, command_id: str) -> "Keymap":
        """A command has no key any more."""
        return replace(self, changes={**self.changes, command_id: ()})

    def reset(self, command_id: str) -> "Keymap":
        """A command has the keys of the profile again; other commands lose them."""
        result = replace(self, changes={key: keys for key, keys in self.changes.items() if key != command_id})
        for key in self.original(command_id):
            owner = result.owners.get(key)
            if owner not in (None, command_id):
                result = result.with_key(command_id, key)
        return result


@cache
def _original_keys(profile_id: str) -> dict[str, Keys]:
    return Keymap(PROFILES_BY_ID[profile_id]).keys


def _without_doubles(*layers: Mapping[str, Keys]) -> dict[str, Keys]:
    """The keys of every command from the first of `layers` that names it, else its default ones."""
    defaults = {command.id: command.keys for command in BOUND_COMMANDS}
    result: dict[str, Keys] = {}
    taken: set[str] = set()
    for layer in (*layers, defaults):
        for command in BOUND_COMMANDS:
            if command.id not in layer or command.id in result:
                continue
            wanted = _free(map(canonical, layer[command.id]), command, taken)
            result[command.id] = wanted
            taken.update(wanted)
    return {command.id: result[command.id] for command in BOUND_COMMANDS}


def _free(keys: Iterable[str], command: Command, taken: set[str]) -> Keys:
    return tuple(key for key in dict.fromkeys(keys) if key not in taken and not refusal(command, key))
