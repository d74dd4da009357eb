"""Composing what waits for it in an overlay, off the GUI thread: thousands of masks take longer than a frame."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.canvas.layers import Layers
from app.jobs.background import Background


class Composer(QObject):
    """Lets an overlay catch up piece by piece, and says where it has."""

    composed = Signal(object)  # x1 y1 x2 y2 in image pixels
    failed = Signal(str)

    def __init__(self, layers: Layers, zoom: Callable[[], float], parent: QObject) -> None:
        """`zoom` says how the overlay is looked at, in device pixels per image pixel."""
        super().__init__(parent)
        self._layers, self._zoom = layers, zoom
        self._thread = Background()
        self.busy = False  # whether what is shown is not all that there is to show

    def catch_up(self) -> None:
        """Begin with what waits, unless that has been begun."""
        if not self.busy and (work := self._layers.begin_piece(self._zoom())) is not None:
            self.busy = True
            self._thread.run(work, self._on_done, self._on_failed)

    def stop(self) -> None:
        """Wait for the piece in work and begin no other."""
        self._thread.stop()

    def _on_done(self, _result: None) -> None:
        self.busy = False
        rect = self._layers.overlay.end_piece()
        if rect is not None:
            self.composed.emit(rect)
        self.catch_up()

    def _on_failed(self, reason: str) -> None:
        self.busy = False
        self._layers.overlay.end_piece()
        self.failed.emit(reason)
