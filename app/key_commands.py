"""The commands about keys: the sheet that lists them and the dialog that changes them."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QWidget

from app.key_bindings import key_bindings
from app.key_editor import KeyEditor
from app.key_sheet import KeySheet
from app.messages import NoticeBar
from app.translation import tr
from engine.user_folders import config_folder


class KeyCommands(QObject):
    """Begins with the keys that the person has kept, and opens what is about them over `window`."""

    def __init__(self, window: QWidget, notices: NoticeBar) -> None:
        super().__init__(window)
        self._window = window
        problem = key_bindings().load(config_folder())
        if problem:
            notices.show_next(problem, action=tr("Customise Keys…"), then=self.customise)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the commands of this class do."""
        return {"keys": self.show_sheet, "customise_keys": self.customise}

    def show_sheet(self) -> None:
        """Open the sheet of every key."""
        sheet = KeySheet(self._window)
        sheet.customise.connect(self.customise)
        _open(sheet)

    def customise(self) -> None:
        """Open the dialog that changes keys."""
        _open(KeyEditor(self._window))


def _open(dialog: QDialog) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
