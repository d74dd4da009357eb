"""What a person decides with a key or a button: about the selected instances, and about the whole image."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject

from app.category_switch import CategorySwitch
from app.key_bindings import key_hint
from app.session import Session
from app.translation import tr
from app.walk import Walk
from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.project import Edit, category_color, commands
from engine.records import Image, Instance, InstanceState, Review


class Decisions(QObject):
    """Builds the edit for each decision and moves on to what is to be decided next."""

    def __init__(self, session: Session, category_switch: CategorySwitch | None = None) -> None:
        super().__init__()
        self._session = session
        self._category_switch = category_switch
        self.walk = Walk(session)
        self.recent_categories: list[int] = []  # that were given to instances, the last one first
        session.project_changed.connect(self.recent_categories.clear)

    # -- selected instances

    def accept(self) -> None:
        advice = tr("Select the instances to accept, or accept the whole image{key}.", key=key_hint("accept_image"))
        self._decide(commands.accept, advice)

    def reject(self) -> None:
        self._decide(commands.reject, tr("Select the instances to reject."))

    def delete(self) -> None:
        self._decide(commands.delete, tr("Select the instances to delete."))

    def reopen(self) -> None:
        self._apply(commands.reopen, tr("Select the instances to reopen."))

    def toggle_hidden(self) -> None:
        chosen = self._session.selected_instances()
        self._apply(commands.show if any(each.hidden for each in chosen) else commands.hide, tr("Select what to hide."))

    def toggle_hidden_instance(self, instance_id: int) -> None:
        instance = self._session.instances.get(instance_id)
        if instance is not None:
            self._session.apply(commands.show([instance]) if instance.hidden else commands.hide([instance]))

    def choose_category(self, number: int) -> None:
        """The category of digit key `number` for the selected instances, and for what is drawn from now on."""
        ids = list(self._session.categories)
        if number > len(ids):
            self._session.notice.emit(tr("There is no category {number}.", number=number))
            return
        self.give_category(ids[number - 1])

    def give_category(self, category_id: int) -> None:
        """Give a category to the selected instances, and to what is drawn from now on."""
        recent = self.recent_categories
        recent[:] = [category_id, *(each for each in recent if each != category_id)]
        self._session.set_active_category(category_id)
        chosen = self._session.selected_instances()
        if not chosen or self._session.read_only:
            return
        name, switch = self._session.categories[category_id].name, self._category_switch
        give = partial(self._recategorise, chosen, category_id)
        if switch is None or not switch.ask(
            chosen, name, lambda masks: self._session.writing.when_free(partial(give, masks))
        ):
            give({})

    def _recategorise(self, chosen: Sequence[Instance], category_id: int, masks: Mapping[int, Mask]) -> None:
        """The masks are for instances as they were chosen; those that were changed since then keep theirs."""
        session = self._session
        if session.project is None or category_id not in session.categories:
            return
        if session.image is not None and chosen[0].image_id == session.image.id:
            now = [session.instances[each.id] for each in chosen if each.id in session.instances]
            masks = {each.id: masks[each.id] for each in chosen if each.id in masks and each in now}
            chosen = now
        session.change(partial(commands.recategorise, chosen, category_id, masks), len(chosen))

    # -- the image

    def accept_image(self) -> None:
        """Accept what is shown; with nothing to accept, the person has to say that the image is empty."""
        threshold = self._session.threshold
        if not any(_would_stay(instance, threshold) for instance in self._session.instances.values()):
            advice = tr(
                "There is nothing to accept. If nothing is on this image, say so{key}.", key=key_hint("verify_empty")
            )
            self._session.notice.emit(advice)
            return
        instances = self._instances()
        self._finish_image(lambda image: commands.accept_image(image, instances, threshold), len(instances))

    def verify_empty(self) -> None:
        instances = self._instances()
        self._finish_image(lambda image: commands.verify_empty(image, instances), len(instances))

    def skip_image(self) -> None:
        self._finish_image(commands.skip, 1)

    def reopen_image(self) -> None:
        instances = self._instances()
        self._decide_image(lambda image: commands.reopen_image(image, instances), len(instances))

    def next_open(self) -> None:
        """Go to the next image that nobody has decided about, beginning again at the first after the last."""
        following = self._next_open()
        if following is None:
            self._session.notice.emit(tr("Every listed image is decided."))
        else:
            self._session.open_image(following)

    # -- inside

    def _finish_image(self, build: Callable[[Image], Edit], count: int) -> None:
        self._decide_image(build, count, partial(self._go_to_image, self._next_open()))

    def _go_to_image(self, following: int | None) -> None:
        if following is not None:
            self._session.open_image(following)
        else:
            self._session.notice.emit(tr("That was the last undecided image."))

    def _decide_image(
        self, build: Callable[[Image], Edit], count: int, then: Callable[[], object] = lambda: None
    ) -> None:
        image = self._session.image
        if image is not None:
            self._session.change(partial(build, image), count, then)

    def _instances(self) -> list[Instance]:
        return list(self._session.instances.values())

    def _next_open(self) -> int | None:
        session = self._session
        current = session.image.id if session.image is not None else None
        at = session.order.index(current) if current in session.order else -1
        following = session.order[at + 1 :] + session.order[: at + 1]
        undecided = (i for i in following if i != current and session.images[i].review is Review.OPEN)
        return next(undecided, None)

    def _decide(self, build: Callable[[Sequence[Instance]], Edit], advice: str) -> None:
        """Apply to the selection; a single proposal decided leads on to the next one."""
        chosen = self._session.selected_instances()
        following = self.walk.after(chosen[0]) if len(chosen) == 1 else None
        self._apply(build, advice, partial(self._go_to, following))

    def _go_to(self, following: int | None) -> None:
        if following is not None:
            self.walk.go_to(following)
        else:
            self._session.select([])

    def _apply(
        self, build: Callable[[Sequence[Instance]], Edit], advice: str, then: Callable[[], object] = lambda: None
    ) -> None:
        chosen = self._session.selected_instances()
        if not chosen:
            self._session.notice.emit(advice)
        else:
            self._session.change(partial(build, chosen), len(chosen), then)


def add_category(session: Session, name: str) -> int | None:
    """Add a category. Returns its id; None where that is not possible, and then the person was told why."""
    if session.project is None:
        return None
    try:
        new_id = session.project.new_category_id()
        edit = commands.add_category(new_id, name, category_color(new_id))
    except MaskwrightError as error:
        session.notice.emit(str(error))
        return None
    return new_id if session.apply(edit) else None


def _would_stay(instance: Instance, threshold: float) -> bool:
    """Whether an instance is accepted, or would be with its image."""
    if instance.state is InstanceState.PROPOSAL:
        return commands.is_shown(instance, threshold)
    return instance.state is InstanceState.ACCEPTED
