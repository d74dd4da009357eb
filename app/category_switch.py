"""The masks that the model sees for other categories: its mask head predicts one for each, of which one is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.jobs.prediction import Prediction
from app.session import Session
from engine.geometry.mask import Mask
from engine.records import Instance, InstanceState

if TYPE_CHECKING:
    from engine.inference import CategoryMasks

MOST_AHEAD = 32  # selected instances of which the masks are asked for before anybody wants them


class CategorySwitch(QObject):
    """Knows how selected proposals look in each category, so that another one shows its mask at once."""

    def __init__(self, session: Session, prediction: Prediction) -> None:
        super().__init__()
        self._session = session
        self._prediction = prediction
        self._known: dict[int, tuple[Instance, str | None, Callable[[int], Mask]]] = {}  # and which checkpoint said so
        session.selection_changed.connect(self._look_ahead)
        prediction.encoded.connect(self._look_ahead)

    def ask(self, instances: Sequence[Instance], name: str, then: Callable[[Mapping[int, Mask]], object]) -> bool:
        """Call `then` with the masks of the category of that name, by id, for those instances that nobody touched.

        Without such masks where the model fails. False where it cannot be asked, and `then` is not called.
        """
        card, untouched = self._prediction.card, _untouched(instances)
        known = self._prediction.to_model(name)
        if not untouched or card is None or known is None or not self._can_ask():
            return False
        label = card.spec.categories.index(known)

        def switch() -> None:
            seen = {each.id: self._known[each.id][2](label) for each in untouched if self._is_known(each)}
            then({key: mask for key, mask in seen.items() if not mask.is_empty})

        missing = [each for each in untouched if not self._is_known(each)]
        if missing:
            return self._want(missing, switch)
        switch()
        return True

    def _look_ahead(self) -> None:
        """Ask for the masks of what is selected before anybody wants them."""
        if self._session.selection and len(self._session.selection) <= MOST_AHEAD and self._can_ask():
            missing = [each for each in _untouched(self._session.selected_instances()) if not self._is_known(each)]
            if missing:
                self._want(missing, lambda: None)

    def _can_ask(self) -> bool:
        """Whether the model knows several categories and has seen the image: anything else would take seconds."""
        card = self._prediction.card
        return card is not None and len(card.spec.categories) > 1 and self._prediction.is_encoded(None)

    def _is_known(self, instance: Instance) -> bool:
        known = self._known.get(instance.id)
        return known is not None and known[0] is instance and known[1] == self._prediction.checkpoint_id

    def _want(self, instances: Sequence[Instance], then: Callable[[], object]) -> bool:
        boxes, checkpoint_id = [each.mask.bounds for each in instances], self._prediction.checkpoint_id

        def done(masks: CategoryMasks) -> None:
            found = {each.id: (each, checkpoint_id, partial(masks.mask, at)) for at, each in enumerate(instances)}
            self._known = {key: known for key, known in self._known.items() if key in self._session.selection} | found
            then()

        return self._prediction.ask(
            lambda predictor, features: predictor.masks_of_categories(features, boxes),
            done,
            lambda _: then(),
            keep=True,
        )


def _untouched(instances: Sequence[Instance]) -> list[Instance]:
    return [each for each in instances if each.state is InstanceState.PROPOSAL and not each.edited]
