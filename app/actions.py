"""The keymap as Qt actions: one action a command, in menus and tool bars, enabled where it makes sense."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app.key_bindings import key_bindings, keys_of
from app.key_profiles import COMMANDS_BY_ID
from app.keymap import CATEGORY_COMMANDS, COMMANDS, EDIT, MASK, MODEL, REVIEW, TOOLS, VIEW, Command, Scope
from app.theme import theme
from app.translation import tr
from app.typing_guard import TypingGuard
from engine.project import Action

# What undo and redo say that they would take back or do again.
ACTION_WORDS = {
    Action.BRUSH: tr("Brush Stroke"),
    Action.ERASER: tr("Eraser Stroke"),
    Action.POLYGON: tr("Polygon"),
    Action.LASSO: tr("Lasso"),
    Action.WAND: tr("Magic Wand"),
    Action.GRAB_CUT: tr("GrabCut"),
    Action.PROMPT: tr("Box to Mask"),
    Action.PROPAGATE: tr("Propagate"),
    Action.VERTEX: tr("Change of Vertices"),
    Action.RESHAPE: tr("Change of Mask"),
    Action.FILL_HOLES: tr("Fill Holes"),
    Action.REMOVE_SPECKS: tr("Remove Specks"),
    Action.KEEP_LARGEST: tr("Keep Largest Part"),
    Action.GROW: tr("Grow"),
    Action.SHRINK: tr("Shrink"),
    Action.SMOOTH: tr("Smooth"),
    Action.SPLIT: tr("Split"),
    Action.MERGE: tr("Merge"),
    Action.UNION: tr("Union"),
    Action.SUBTRACT: tr("Subtract"),
    Action.INTERSECT: tr("Intersect"),
    Action.NUDGE: tr("Nudge"),
    Action.DUPLICATE: tr("Duplicate"),
    Action.PASTE: tr("Paste"),
    Action.LOCK: tr("Lock"),
    Action.UNLOCK: tr("Unlock"),
    Action.ADD: tr("New Instance"),
    Action.DELETE: tr("Delete"),
    Action.CATEGORY: tr("Change of Category"),
    Action.HIDE: tr("Hide"),
    Action.SHOW: tr("Show"),
    Action.ACCEPT: tr("Accept"),
    Action.REJECT: tr("Reject"),
    Action.REOPEN: tr("Reopen"),
    Action.ACCEPT_IMAGE: tr("Accept Image"),
    Action.VERIFY_EMPTY: tr("Image Is Empty"),
    Action.SKIP: tr("Skip Image"),
    Action.REOPEN_IMAGE: tr("Reopen Image"),
    Action.ADD_CATEGORY: tr("New Category"),
    Action.RENAME_CATEGORY: tr("Rename Category"),
    Action.RECOLOR_CATEGORY: tr("Recolour Category"),
    Action.REMOVE_CATEGORY: tr("Remove Category"),
    Action.IMPORT: tr("Import"),
    Action.FIX: tr("Fix"),
}


class Actions(QObject):
    """Every command as an action of `window`; those of the canvas's scope belong to `canvas`."""

    def __init__(self, window: QWidget, canvas: QWidget, handlers: Mapping[str, Callable[[], object]]) -> None:
        super().__init__(window)
        self._actions: dict[str, QAction] = {}
        tools = QActionGroup(window)
        for command in COMMANDS:
            action = QAction(command.text, window)
            action.setCheckable(command.checkable)
            action.setAutoRepeat(not command.held)
            action.triggered.connect(_without_checked(handlers[command.id]))
            if command.scope is Scope.CANVAS:
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
                canvas.addAction(action)
            else:
                window.addAction(action)
            if command.group == TOOLS and command.checkable:
                tools.addAction(action)
            self._actions[command.id] = action
        TypingGuard(window)
        theme().changed.connect(self._paint_icons)
        self._paint_icons()
        key_bindings().changed.connect(self._bind)
        self._bind()

    def __getitem__(self, command_id: str) -> QAction:
        return self._actions[command_id]

    def rename(self, command_id: str, text: str) -> None:
        """Give a command another text, such as what undo would take back."""
        self._actions[command_id].setText(text)
        self._describe(COMMANDS_BY_ID[command_id])

    def enable(self, *, project: bool, image: bool, writable: bool) -> None:
        """Enable what makes sense with a project, with an image, and with a project that may be written."""
        for command in COMMANDS:
            possible = True
            if command.group in (EDIT, REVIEW, TOOLS, MASK, VIEW, MODEL):
                possible = image
            if command.id in _OF_A_PROJECT:
                possible = project
            if command.id in ("undo", "redo"):
                continue  # the history decides
            self._actions[command.id].setEnabled(possible and (writable or not command.writes))

    def fill_menus(self, bar: QMenuBar) -> dict[str, QMenu]:
        """One menu a group, in the table's order. Returns them by name."""
        menus: dict[str, QMenu] = {}
        inside: dict[str, QMenu] = {}
        for command in COMMANDS:
            menu = menus.get(command.group)
            if menu is None:
                menu = menus[command.group] = bar.addMenu(f"&{command.group}")
                menu.setToolTipsVisible(True)
            if command.id in _AFTER_RULE:
                menu.addSeparator()
            if command.held:
                continue
            if command.submenu:
                inner = inside.get(command.submenu)
                if inner is None:
                    inner = inside[command.submenu] = menu.addMenu(command.submenu)
                inner.addAction(self._actions[command.id])
                continue
            menu.addAction(self._actions[command.id])
        return menus

    def add_category_keys(self, window: QWidget, choose: Callable[[int], object]) -> None:
        """The keys that choose a category by its place in the list, counted from 1."""
        for number, command in enumerate(CATEGORY_COMMANDS, 1):
            action = self._actions[command.id] = QAction(command.text, window)
            action.triggered.connect(_with_number(choose, number))
            window.addAction(action)
        self._bind()

    def _bind(self) -> None:
        """Give every action the keys that its command has now, and say them in its tooltip."""
        bindings = key_bindings()
        for command_id, action in self._actions.items():
            action.setShortcuts(bindings.sequences(command_id))
            self._describe(COMMANDS_BY_ID[command_id])

    def _describe(self, command: Command) -> None:
        action = self._actions[command.id]
        keys = keys_of(command.id)
        words = action.text().rstrip("…") + (f" ({keys})" if keys else "")
        action.setToolTip(f"{words}\n{command.tip}" if command.tip else words)
        action.setStatusTip(command.tip)

    def _paint_icons(self) -> None:
        for command in COMMANDS:
            if command.icon:
                self._actions[command.id].setIcon(theme().icon(command.icon))


_OF_A_PROJECT = {
    "add_images",
    "add_folder",
    "import_dataset",
    "export_dataset",
    "image_files",
    "backups",
    "statistics",
    "checkpoint",
    "close_project",
    "finetune",
}
_AFTER_RULE = {
    "add_images",
    "export_dataset",
    "image_files",
    "checkpoint",
    "close_project",
    "delete",
    "next_instance",
    "accept_image",
    "previous_image",
    "brush_smaller",
    "split_watershed",
    "union",
    "duplicate",
    "lock",
    "display",
    "hide_masks",
    "log",
}


def _without_checked(handler: Callable[[], object]) -> Callable[..., None]:
    def call(checked: bool = False) -> None:
        handler()

    return call


def _with_number(handler: Callable[[int], object], number: int) -> Callable[..., None]:
    def call(checked: bool = False) -> None:
        handler(number)

    return call
