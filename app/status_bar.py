"""The lower edge of the window: where you are, how large it is shown, and what the model is doing."""

from PySide6.QtWidgets import QLabel, QStatusBar

from app.canvas.view import CanvasView
from app.jobs.prediction import PredictorState
from app.panels.model import STATES
from app.session import Session


class StatusBar(QStatusBar):
    """i of N, cursor, zoom, instances, and the predictor's state."""

    def __init__(self, session: Session, canvas: CanvasView) -> None:
        super().__init__()
        self._session = session
        self.setSizeGripEnabled(False)
        self._place = self._add("Image number")
        self._size = self._add("Image size")
        self._count = self._add("Instances shown")
        self._cursor = self._add("Pointer position", permanent=True)
        self._zoom = self._add("Zoom", permanent=True)
        self._state = self._add("State of the model", permanent=True)
        canvas.cursor_moved.connect(self._show_cursor)
        canvas.cursor_left.connect(lambda: self._cursor.setText(""))
        canvas.zoom_changed.connect(lambda zoom: self._zoom.setText(f"{zoom * 100:.0f} %"))
        for signal in (session.image_changed, session.images_changed, session.instances_changed):
            signal.connect(self.refresh)
        self.refresh()

    def show_state(self, state: str) -> None:
        self._state.setText(STATES[PredictorState(state)][2])

    def refresh(self) -> None:
        image, order = self._session.image, self._session.order
        if image is None:
            for label in (self._place, self._size, self._count, self._cursor, self._zoom):
                label.setText("")
            return
        place = str(order.index(image.id) + 1) if image.id in order else "–"
        self._place.setText(f"{place} / {len(order)}")
        self._size.setText(f"{image.width} × {image.height} px")
        shown = len(self._session.shown_instances())
        self._count.setText("1 instance" if shown == 1 else f"{shown} instances")

    def _add(self, name: str, *, permanent: bool = False) -> QLabel:
        label = QLabel()
        label.setAccessibleName(name)
        if permanent:
            self.addPermanentWidget(label)
        else:
            self.addWidget(label)
        return label

    def _show_cursor(self, x: float, y: float) -> None:
        image = self._session.image
        inside = image is not None and 0 <= x < image.width and 0 <= y < image.height
        self._cursor.setText(f"{int(x)}, {int(y)}" if inside else "")
