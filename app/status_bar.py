"""The lower edge of the window: where you are, how large it is shown, and what the model is doing."""

from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QStatusBar

from app.canvas.view import CanvasView
from app.jobs.model_thread import PredictorState
from app.panels.model import STATES
from app.session import Session
from app.translation import number, tr, trn
from engine.byte_cache import ByteCache

WIDEST_PLACE = "00000, 00000"
TELLING_MS = 40  # between two places of the pointer that are told


class StatusBar(QStatusBar):
    """i of N, cursor, zoom, instances, and the predictor's state."""

    def __init__(self, session: Session, canvas: CanvasView) -> None:
        super().__init__()
        self._session = session
        self.setSizeGripEnabled(False)
        self._place = self._add(tr("Image number"))
        self._size = self._add(tr("Image size"))
        self._count = self._add(tr("Instances shown"))
        self._cursor = self._add(tr("Pointer position"), permanent=True)
        self._zoom = self._add(tr("Zoom"), permanent=True)
        self._features = self._add(tr("Memory of features"), permanent=True)
        self._features.setObjectName("features")
        self._state = self._add(tr("State of the model"), permanent=True)
        # Another width would lay out all of the bar, and text at every movement of the pointer delay what it does.
        self._cursor.setMinimumWidth(self.fontMetrics().horizontalAdvance(WIDEST_PLACE))
        self._cursor.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._pointer: tuple[float, float] | None = None
        self._telling = QTimer(self, singleShot=True, interval=TELLING_MS)
        self._telling.timeout.connect(self._show_cursor)
        canvas.cursor_moved.connect(self._follow_cursor)
        canvas.cursor_left.connect(self._follow_cursor)
        canvas.zoom_changed.connect(lambda zoom: self._zoom.setText(tr("{zoom} %", zoom=number(zoom * 100))))
        for signal in (session.image_changed, session.images_changed, session.instances_changed):
            signal.connect(self.refresh)
        self.refresh()

    def show_state(self, state: str) -> None:
        self._state.setText(STATES[PredictorState(state)][2])

    def show_features(self, features: ByteCache[Any, Any]) -> None:
        """How much memory the features of images and tiles take, and may take."""
        megabytes = tr("{megabytes} MB", megabytes=number(features.bytes / 2**20))
        self._features.setText(tr("Features {size}", size=megabytes) if len(features) else "")
        self._features.setToolTip(
            trn(
                "{count} image is ready for Box to Mask; up to {limit} MB are kept.",
                "{count} images are ready for Box to Mask; up to {limit} MB are kept.",
                len(features),
                limit=number(features.limit / 2**20),
            )
        )

    def refresh(self) -> None:
        image, order = self._session.image, self._session.order
        if image is None:
            for label in (self._place, self._size, self._count, self._cursor, self._zoom):
                label.setText("")
            return
        place = str(order.index(image.id) + 1) if image.id in order else "–"
        self._place.setText(f"{place} / {len(order)}")
        self._size.setText(tr("{width} × {height} px", width=image.width, height=image.height))
        self._count.setText(trn("{count} instance", "{count} instances", len(self._session.shown_so_far())))

    def _add(self, name: str, *, permanent: bool = False) -> QLabel:
        label = QLabel()
        label.setAccessibleName(name)
        if permanent:
            self.addPermanentWidget(label)
        else:
            self.addWidget(label)
        return label

    def _follow_cursor(self, *place: float) -> None:
        """The pointer is at x, y in image coordinates, or nowhere."""
        self._pointer = (place[0], place[1]) if place else None
        if not self._telling.isActive():
            self._telling.start()

    def _show_cursor(self) -> None:
        image, (x, y) = self._session.image, self._pointer or (-1.0, -1.0)
        inside = image is not None and 0 <= x < image.width and 0 <= y < image.height
        self._cursor.setText(f"{int(x)}, {int(y)}" if inside else "")
