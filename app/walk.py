"""Going from one instance of the image to the next, and taking the view along."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.session import Session
from app.translation import tr
from engine.project.orders import uncertainty_order
from engine.records import Instance, InstanceState


class Walk(QObject):
    """Goes through the shown instances in the session's order, or through the proposals, least certain first.

    Whichever was gone last is also where a decision leads on to.
    """

    arrived = Signal(object, bool)  # the instance that is selected now, and whether to look at it closely

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._by_doubt = False
        self.passes: Callable[[Instance], bool] = lambda instance: True  # what the list's filter lets through

    def step(self, step: int) -> None:
        """Go to the next shown instance, or the one before, in the chosen order; round at the end."""
        self._by_doubt = False
        self._go(self._session.instance_order.of(self._shown(), self._session.threshold), step)

    def step_uncertain(self, step: int) -> None:
        """Go to the next undecided proposal, the least certain first."""
        self._by_doubt = True
        proposals = [each for each in self._shown() if each.state is InstanceState.PROPOSAL]
        if not proposals:
            self._session.notice.emit(tr("Every instance shown is decided."))
        self._go(uncertainty_order(proposals, self._session.threshold), step)

    def after(self, decided: Instance) -> int | None:
        """The proposal that comes after one that is about to be decided; None where there is no other."""
        session = self._session
        if self._by_doubt:
            order = uncertainty_order(self._shown(), session.threshold)
        else:
            order = session.instance_order.of(self._shown(), session.threshold)
        ids = [instance.id for instance in order]
        at = ids.index(decided.id) if decided.id in ids else -1
        undecided = (each for each in order[at + 1 :] + order[: at + 1] if each.state is InstanceState.PROPOSAL)
        return next((each.id for each in undecided if each.id != decided.id), None)

    def go_to(self, instance_id: int) -> None:
        """Select an instance, and bring it into view."""
        self._session.select([instance_id])
        self.arrived.emit(self._session.instances[instance_id], self._by_doubt)

    def _go(self, order: list[Instance], step: int) -> None:
        ids = [instance.id for instance in order]
        if ids:
            current = self._session.selection[-1] if self._session.selection else None
            at = ids.index(current) + step if current in ids else (0 if step > 0 else -1)
            self.go_to(ids[at % len(ids)])

    def _shown(self) -> list[Instance]:
        return [each for each in self._session.shown_instances() if self.passes(each)]
