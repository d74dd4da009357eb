"""What the window is looking at: project, current image, selection and threshold, with a signal for each."""

import gc
from collections.abc import Iterable
from time import monotonic

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.arrival import Arrival
from app.canvas.pyramid import DeepPyramid
from app.held_input import HeldInput
from app.image_tally import ImageTally
from app.instance_order import InstanceOrder
from app.left_off import image_to_open, leave
from app.shown_instances import ShownInstances
from engine.errors import MaskwrightError
from engine.project import Project, commands
from engine.records import DEFAULT_THRESHOLD, Category, Image, Instance, InstanceState


class SessionState(QObject):
    """The looking half of `Session`: nothing here changes a project but where it was left."""

    project_changed = Signal()
    leaving = Signal()  # the project is about to be closed, and can still be written
    images_changed = Signal()  # the list of images itself: added, another project
    image_updated = Signal(int)  # one image's record, such as its status, by image id
    image_annotated = Signal(int)  # one image's instances, by an edit or a prediction; by image id
    image_changed = Signal()  # another current image, or its pixels arrived
    instances_changed = Signal(object)  # x1 y1 x2 y2 in image pixels, or None for everything
    instances_arrived = Signal(list)  # more of a crowded image's; `instances_changed` follows the last
    categories_changed = Signal()
    selection_changed = Signal()
    threshold_changed = Signal(float)
    active_category_changed = Signal()
    history_changed = Signal()
    history_stepped = Signal()  # after undo, redo or a longer way through the history
    problem = Signal(str, str)  # message in plain words, details
    notice = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: Project | None = None
        self.image: Image | None = None
        self.pixels: np.ndarray | None = None
        self.deep: DeepPyramid | None = None
        self.unreadable: str | None = None  # why the current image has no pixels and never will
        self.images: dict[int, Image] = {}  # every image of the project, in list order
        self.tally = ImageTally()
        self.order: list[int] = []  # ids as the images panel lists them (filtered): what "next" means
        self.categories: dict[int, Category] = {}
        self._input = HeldInput(self)
        self._arrival = Arrival(self._input, self)
        self._arrival.arrived.connect(self._take_in)
        self._arrival.completed.connect(self._complete)
        self.selection: tuple[int, ...] = ()
        self.instance_order = InstanceOrder()
        self.threshold = DEFAULT_THRESHOLD
        self.active_category_id: int | None = None
        self.masks_visible = True
        self._shown = ShownInstances(self.is_shown)
        self._showing = QTimer(self, singleShot=True, interval=0)
        self._showing.timeout.connect(lambda: self.instances_changed.emit(None))
        self._working_since = monotonic()  # when what the next edit does was begun

    @property
    def read_only(self) -> bool:
        return self.project is None or self.project.read_only

    @property
    def instances(self) -> dict[int, Instance]:
        """Every instance of the current image by id; of a crowded one that was just opened the rest is read now."""
        if self._arrival.finish():
            self._shown.forget()
        return self._arrival.instances

    @property
    def arrived(self) -> dict[int, Instance]:
        """The instances that were read so far, for who shows them and is told of more."""
        return self._arrival.instances

    @property
    def is_arriving(self) -> bool:
        """Whether more instances are to come, or were not yet told of."""
        return self._arrival.is_going_on

    def await_instances(self) -> None:
        """Let the rest of a crowded image's instances arrive now."""
        self._arrival.complete()

    # -- project and current image

    def open_project(self, project: Project) -> None:
        """Make `project` the open one and go back to where it was left, else to its first undecided image."""
        self.close_project()
        self.project = project
        if project.threshold is not None:
            self.threshold = project.threshold
            self.threshold_changed.emit(self.threshold)
        self.reload_categories()
        self.reload_images()
        self.project_changed.emit()
        self.history_changed.emit()
        first = image_to_open(project, self.images)
        if first is not None:
            self.open_image(first)
        else:
            self.image_changed.emit()

    def close_project(self) -> None:
        if self.project is None:
            return
        self.leaving.emit()
        try:
            leave(self.project, self.image, self.threshold)
        except MaskwrightError as error:
            self.problem.emit(str(error), "")
        self.project = None
        gc.unfreeze()
        self.images, self.order, self.categories = {}, [], {}
        self._arrival.hold({})
        self.tally.start(())
        self.image = self.pixels = self.deep = self.unreadable = self.active_category_id = None
        self.selection = ()
        for signal in (self.project_changed, self.images_changed, self.categories_changed, self.image_changed):
            signal.emit()
        self.instances_changed.emit(None)
        self.selection_changed.emit()
        self.history_changed.emit()

    def reload_images(self) -> None:
        """Read the list of images again, after images were added or imported."""
        assert self.project is not None
        self.images = {image.id: image for image in self.project.images()}
        self.tally.start(self.images.values())
        gc.freeze()  # else the garbage collector walks through all images now and then, for up to 130 ms
        self.order = list(self.images)
        self.images_changed.emit()

    def reload_categories(self) -> None:
        """Read the categories again, after something changed them."""
        assert self.project is not None
        self.categories = {category.id: category for category in self.project.categories()}
        if self.active_category_id not in self.categories:
            self.set_active_category(next(iter(self.categories), None))
        self.categories_changed.emit()

    def open_image(self, image_id: int) -> None:
        """Make an image the current one. Its pixels arrive later through `set_pixels`."""
        if self.project is None or (self.image is not None and self.image.id == image_id):
            return
        self.image = self.images[image_id]
        self.pixels = self.deep = self.unreadable = None
        self._arrival.start(self.project, image_id)
        self._shown.forget()
        self.selection = ()
        self._working_since = monotonic()
        self.image_changed.emit()
        if self.is_arriving:
            self._take_in(list(self.arrived.values()))
        else:
            self.instances_changed.emit(None)
        self.selection_changed.emit()

    def reopen_image(self, image: Image) -> None:
        """Read the current image's pixels again, after its file was found."""
        self.image, self.pixels, self.deep, self.unreadable = self.images[image.id], None, None, None
        self.image_changed.emit()

    def set_pixels(self, image_id: int, pixels: np.ndarray, deep: DeepPyramid | None = None) -> None:
        """The pixels of an image, (H, W, 3) uint8 RGB; ignored unless that image is still the current one.

        `deep` is what to paint instead, of an image of more than 8 bits or one too large for memory.
        """
        if self.image is not None and self.image.id == image_id:
            self.pixels, self.deep, self.unreadable = pixels, deep, None
            self.image_changed.emit()

    def set_unreadable(self, image_id: int, reason: str) -> None:
        """The pixels of an image could not be read; shown in the place of the image."""
        if self.image is not None and self.image.id == image_id:
            self.pixels, self.deep, self.unreadable = None, None, reason
            self.image_changed.emit()

    def step_image(self, step: int) -> bool:
        """Go `step` images further in the listed order. False at either end."""
        current = self.image.id if self.image is not None else None
        start = -1 if step > 0 else len(self.order)
        index = (self.order.index(current) if current in self.order else start) + step
        if not 0 <= index < len(self.order):
            return False
        self.open_image(self.order[index])
        return True

    # -- selection, threshold, category

    def select(self, ids: Iterable[int]) -> None:
        known = self.instances
        selection = tuple(dict.fromkeys(i for i in ids if i in known))
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit()

    def selected_instances(self) -> list[Instance]:
        known = self.instances
        return [known[i] for i in self.selection]

    def set_threshold(self, threshold: float) -> None:
        threshold = min(1.0, max(0.0, threshold))
        if threshold != self.threshold:
            self.threshold = threshold
            self._shown.forget()
            self.threshold_changed.emit(threshold)
            self.instances_changed.emit(None)
            self.select(i for i in self.selection if self.is_shown(self.instances[i]))

    def set_active_category(self, category_id: int | None) -> None:
        if category_id != self.active_category_id:
            self.active_category_id = category_id
            self.active_category_changed.emit()

    def set_masks_visible(self, visible: bool) -> None:
        self.masks_visible = visible
        self._shown.forget()
        self.instances_changed.emit(None)

    def is_shown(self, instance: Instance) -> bool:
        """Whether the canvas paints an instance; a proposal below the threshold is a ghost and is not painted."""
        if instance.hidden or not self.masks_visible:
            return False
        if instance.state is InstanceState.PROPOSAL:
            return commands.is_shown(instance, self.threshold)
        return instance.state is InstanceState.ACCEPTED

    def shown_instances(self) -> list[Instance]:
        """What the canvas paints, in painting order."""
        return self._shown.of(self.instances)

    def shown_so_far(self) -> list[Instance]:
        """The same of those that were read so far."""
        return self._shown.of(self.arrived)

    # -- what was stored

    def refresh_image(self, image_id: int) -> None:
        """Read one image's record again: its status, its place."""
        assert self.project is not None
        before, image = self.images[image_id], self.project.image(image_id)
        if image == before:
            return
        self.tally.replace(before, image)
        self.images[image_id] = image
        if self.image is not None and self.image.id == image_id:
            self.image = image
        self.image_updated.emit(image_id)

    def reload_image(self) -> None:
        """Read the current image's instances again, keeping what is left of the selection."""
        if self.project is not None and self.image is not None:
            self._hold(self.project.instances(self.image.id))

    # -- inside

    def _hold(self, instances: Iterable[Instance], later: bool = False) -> None:
        """Show these as the current image's instances, keeping what is left of the selection."""
        self._arrival.hold({instance.id: instance for instance in instances})
        if later:
            self._showing.start()
        else:
            self.instances_changed.emit(None)
        self.select(self.selection)

    def _take_in(self, part: list[Instance]) -> None:
        self._shown.expect(part)
        self.instances_arrived.emit(part)

    def _complete(self) -> None:
        self._shown.forget()
        self.instances_changed.emit(None)
