"""Reading the instances of an image a part at a time, so that opening a crowded one keeps no event waiting."""

from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Signal

from app.held_input import HeldInput
from engine.project import Project
from engine.records import Instance

HOLDER = "arrival"
PART = 96  # instances that take a few milliseconds to read and to be made ready for the canvas


class Arrival(QObject):
    """The instances of one image by id, as far as they have been read. Keys and clicks wait for the last of them: to
    read the rest for one of those would take too long."""

    arrived = Signal(list)  # those of one part
    completed = Signal()  # the last of several parts was read

    def __init__(self, held_input: HeldInput, parent: QObject) -> None:
        super().__init__(parent)
        self._input = held_input
        self.instances: dict[int, Instance] = {}
        self._parts: Iterator[list[Instance]] = iter(())
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._go_on)

    def start(self, project: Project, image_id: int) -> None:
        """Read the first part of an image's instances, and the others in the next turns of the event loop."""
        self.hold({})
        self._parts = project.instances_in_parts(image_id, PART)
        if len(self._read()) == PART:
            self._turn.start()
            self._input.hold(HOLDER)

    def hold(self, instances: dict[int, Instance]) -> None:
        """These are all there are."""
        self._end()
        self._parts = iter(())
        self.instances = instances

    @property
    def is_going_on(self) -> bool:
        """Whether it was not yet said that all are there."""
        return self._turn.isActive()

    def finish(self) -> bool:
        """Read all that is left now; that it is there is said later. Whether there was some."""
        parts = 0
        while self._read():
            parts += 1
        return parts > 0

    def complete(self) -> None:
        """Read all that is left now, and say so."""
        if self._turn.isActive():
            self._end()
            self.finish()
            self.completed.emit()

    def _read(self) -> list[Instance]:
        part = next(self._parts, [])
        self.instances.update((instance.id, instance) for instance in part)
        return part

    def _go_on(self) -> None:
        part: list[Instance] = []
        try:
            part = self._read()
        finally:  # also where reading failed: nothing waits for ever
            if part:
                self._turn.start()
                self.arrived.emit(part)
            else:
                self._end()
                self.completed.emit()

    def _end(self) -> None:
        self._turn.stop()
        self._input.release(HOLDER)
