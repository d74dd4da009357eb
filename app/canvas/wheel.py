"""What a turn of the wheel or two fingers on a touchpad ask for: to zoom, or to move the view."""

from dataclasses import dataclass
from typing import Self

from PySide6.QtCore import Qt
from PySide6.QtGui import QInputDevice, QWheelEvent

NOTCH = 120.0  # what Qt reports for one notch of a wheel
NOTCH_ZOOM = 1.25  # three notches double: slower tires the finger, faster overshoots


@dataclass(frozen=True, slots=True)
class Turn:
    """One wheel event, read: `pan` in widget pixels where it moves the view, None where it zooms."""

    notches: float
    pan: tuple[float, float] | None

    @classmethod
    def of(cls, event: QWheelEvent) -> Self:
        # Alt turns the wheel sideways on some systems.
        turned = event.angleDelta().y() or event.angleDelta().x()
        touch = event.device().type() == QInputDevice.DeviceType.TouchPad
        pan = None
        if touch and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            moved = event.pixelDelta() if not event.pixelDelta().isNull() else event.angleDelta() / 2
            pan = (float(moved.x()), float(moved.y()))
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            pan = (float(turned), 0.0)
        return cls(turned / NOTCH, pan)

    @property
    def zoom(self) -> float:
        """The factor to zoom by."""
        return NOTCH_ZOOM**self.notches
