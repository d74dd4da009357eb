"""The order in which a person goes through the instances of an image: of Tab, of the list, of what comes next."""

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from engine.project.orders import Order, ordered
from engine.records import Instance


class InstanceOrder(QObject):
    """The chosen order."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.value = Order.READING

    def set(self, value: Order) -> None:
        if value is not self.value:
            self.value = value
            self.changed.emit()

    def of(self, instances: Iterable[Instance], threshold: float) -> list[Instance]:
        """The instances in this order."""
        return ordered(instances, self.value, threshold)
