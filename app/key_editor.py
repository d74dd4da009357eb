"""The dialog that changes keys: a profile to begin with, and any key of any command over it."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QDialog, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.key_bindings import key_bindings
from app.key_details import KeyDetails
from app.key_file import read_keymap, write_keymap
from app.key_list import KeyList, KeyListModel
from app.key_profiles import COMMANDS_BY_ID, PROFILES, PROFILES_BY_ID, Keymap, refusal, written
from app.key_recorder import recording_prompt
from app.keymap import CANVAS_HELP, Command
from app.panels.parts import TextField, button, label, row
from app.theme import SPACING
from app.translation import tr, trn
from engine.errors import MaskwrightError

_FILTER = tr("Keys (*.json)")


class KeyEditor(QDialog):
    """Profile, search by words or by a key, the list, and below it what can be done to the chosen command.

    Every change applies at once and is kept. A key that another command has is asked about before it is taken.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Customise keys"))
        self.resize(720, 720)
        self.profile = self._make_profile()
        self.about = label("", "muted", wrap=True)
        self.field = TextField(tr("Search commands"), tr("Search commands"))
        self.field.setClearButtonEnabled(True)
        self.model = KeyListModel()
        self.list = KeyList(self.model)
        self.details = KeyDetails()
        self._reset_all = button(tr("Reset All"), self._ask_reset_all, tip=tr("Go back to the keys of the profile"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addWidget(label(tr("Customise keys"), "title"))
        layout.addLayout(self._profile_row())
        layout.addLayout(self._search_row())
        layout.addWidget(self.list, 1)
        layout.addWidget(self.details)
        layout.addLayout(self._buttons())
        self._connect()
        self._show_keys()
        self._choose_first()
        self.field.setFocus()

    # -- building

    def _make_profile(self) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(tr("Profile of keys"))
        box.setToolTip(tr("The keys to begin with; your changes stay over them"))
        box.setMinimumWidth(160)
        for profile in PROFILES:
            box.addItem(profile.name, profile.id)
        return box

    def _profile_row(self) -> QHBoxLayout:
        name = label(tr("Profile"), "muted")
        name.setBuddy(self.profile)
        result = row(name, self.profile)
        result.addWidget(self.about, 1)
        return result

    def _search_row(self) -> QHBoxLayout:
        by_key = button(tr("Find by Key"), self._find_by_key, tip=tr("Press a key to see what it does"))
        return row(self.field, by_key)

    def _buttons(self) -> QHBoxLayout:
        load = button(tr("Import…"), self._import, tip=tr("Use the keys of a file"))
        save = button(tr("Export…"), self._export, tip=tr("Write the keys to a file, for another computer"))
        close = button(tr("Close"), self.accept, "primary", tr("Close this window; every change is kept already"))
        for each in (load, save, close, self._reset_all):
            each.setAutoDefault(False)  # Enter belongs to the list
        return row(load, save, self._reset_all, None, close)

    def _connect(self) -> None:
        key_bindings().changed.connect(self._show_keys)
        self.profile.activated.connect(self._choose_profile)
        self.field.textEdited.connect(self._find)
        self.field.returnPressed.connect(self.list.setFocus)
        self.list.selectionModel().currentChanged.connect(self._show_command)
        self.list.record.connect(self._record)
        self.list.clear.connect(lambda: self._change(lambda keymap, chosen: keymap.without_keys(chosen.id)))
        self.details.record.connect(self._record)
        self.details.reset.connect(self._reset)
        self.details.removed.connect(
            lambda key: self._change(lambda keymap, chosen: keymap.without_key(chosen.id, key))
        )
        self.details.finished.connect(self._end_question)

    # -- what is shown

    @property
    def command(self) -> Command | None:
        """The chosen command."""
        return self.model.command_at(self.list.currentIndex().row())

    def choose(self, command_id: str) -> None:
        """Go to a command of the list."""
        place = self.model.row_of(command_id)
        if place is not None:
            self.list.setCurrentIndex(self.model.index(place))

    def _show_keys(self) -> None:
        keymap = key_bindings().keymap
        self.profile.setCurrentIndex(self.profile.findData(keymap.profile.id))
        self.about.setText(keymap.profile.about)
        changed = sum(keymap.is_changed(command_id) for command_id in COMMANDS_BY_ID)
        self._reset_all.setEnabled(bool(changed))
        self._reset_all.setText(tr("Reset All") + (f" ({changed})" if changed else ""))
        self.model.refresh()
        self._show_command()

    def _show_command(self) -> None:
        self.details.show_command(self.command)

    def _choose_first(self) -> None:
        if self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(1))  # the first row is a group's
        else:
            self._show_command()

    # -- finding

    def _find(self, words: str) -> None:
        self.model.find(words)
        self._choose_first()

    def _find_by_key(self) -> None:
        self.details.wait_for_key(tr("Press the key to look for, or Esc"), self._show_owner)

    def _show_owner(self, key: str) -> None:
        """List what a key does."""
        self.field.setText(written(key))
        self.model.find_key(key)
        self._choose_first()
        fixed = dict(CANVAS_HELP).get(key)
        if self.command is not None:
            self.list.setFocus()
        elif fixed is not None:
            self.details.say(tr("{key} is the canvas's: {use}.", key=written(key), use=fixed.lower()))
        else:
            self.details.say(tr("Nothing is on {key}.", key=written(key)))

    # -- changing

    def _choose_profile(self, place: int) -> None:
        changes = key_bindings().keymap.changes
        self._apply(Keymap(PROFILES_BY_ID[self.profile.itemData(place)], changes))

    def _record(self) -> None:
        if self.command is not None:
            self.details.wait_for_key(recording_prompt(self.command.text), self._add_key)

    def _add_key(self, key: str) -> None:
        command, keymap = self.command, key_bindings().keymap
        assert command is not None
        owner = keymap.owners.get(key)
        why = refusal(command, key)
        if why:
            self.details.say(why)
        elif owner in (None, command.id):
            self._apply(keymap.with_key(command.id, key))
        else:
            self._ask_taking(command, {key}, keymap.with_key(command.id, key))

    def _reset(self) -> None:
        command, keymap = self.command, key_bindings().keymap
        if command is None:
            return
        held = {key for key in keymap.original(command.id) if keymap.owners.get(key) not in (None, command.id)}
        if held:
            self._ask_taking(command, held, keymap.reset(command.id))
        else:
            self._apply(keymap.reset(command.id))

    def _ask_taking(self, command: Command, keys: set[str], then: Keymap) -> None:
        """Show who has keys that a command is to have, and give them only when that is wanted."""
        owners = key_bindings().keymap.owners
        self.model.mark_clash(keys, {command.id, *(owners[key] for key in keys)})
        names = ", ".join(dict.fromkeys(COMMANDS_BY_ID[owners[key]].text.rstrip("…") for key in keys))
        question = tr(
            "{key} is the key of “{owner}”. Give it to “{command}”?",
            key=", ".join(map(written, keys)),
            owner=names,
            command=command.text.rstrip("…"),
        )
        self.details.ask(question, tr("Take It from “{owner}”", owner=names), lambda: self._apply(then))
        place = self.model.row_of(owners[min(keys)])
        if place is not None:
            self.list.scrollTo(self.model.index(place))

    def _ask_reset_all(self) -> None:
        keymap = key_bindings().keymap
        changed = sum(keymap.is_changed(command_id) for command_id in COMMANDS_BY_ID)
        question = trn("Forget {count} change of yours?", "Forget {count} changes of yours?", changed)
        self.details.ask(question, tr("Reset All"), lambda: self._apply(Keymap(keymap.profile)))

    def _end_question(self, here: bool) -> None:
        self.model.mark_clash(set(), set())
        self.list.scrollTo(self.list.currentIndex())
        if here:
            self.list.setFocus()

    def _change(self, build: Callable[[Keymap, Command], Keymap]) -> None:
        if self.command is not None:
            self._apply(build(key_bindings().keymap, self.command))

    def _apply(self, keymap: Keymap) -> None:
        try:
            key_bindings().change(keymap)
        except MaskwrightError as error:
            self.details.say(tr("The keys apply until Maskwright is closed. {why}", why=error))

    # -- files

    def _import(self) -> None:
        path = QFileDialog.getOpenFileName(self, tr("Import keys"), "", _FILTER)[0]
        if path:
            self.import_keys(Path(path))

    def import_keys(self, path: Path) -> None:
        """Use the keys of a file, once the person agrees to lose their own."""
        try:
            keymap = read_keymap(path)
        except MaskwrightError as error:
            self.details.say(str(error))
            return
        if key_bindings().keymap.changes:
            question = tr("Replace your keys by those of {name}?", name=path.name)
            self.details.ask(question, tr("Replace"), lambda: self._apply(keymap))
        else:
            self._apply(keymap)

    def _export(self) -> None:
        path = QFileDialog.getSaveFileName(self, tr("Export keys"), "maskwright-keys.json", _FILTER)[0]
        if path:
            try:
                write_keymap(Path(path), key_bindings().keymap)
            except MaskwrightError as error:
                self.details.say(str(error))

    # -- Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()  # no button's that has not the focus
        else:
            super().keyPressEvent(event)

    def reject(self) -> None:
        """Escape first leaves a question or a recording."""
        if self.details.is_waiting:
            self.details.leave()
        else:
            super().reject()
