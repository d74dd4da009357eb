"""The images dock: every image with its status, a filter, and how far the project has come."""

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel, Qt, QTimer
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QListView, QProgressBar, QStackedWidget, QWidget

from app.jobs.queue_order import QueueOrder
from app.panels.image_list import IMAGE_ROLE, ImageDelegate, ImageListModel, ThumbnailSource
from app.panels.parts import EmptyState, IconButton, Panel, TextField, button, label, set_kind
from app.panels.queue_controls import QueueControls
from app.panels.status import IMAGE_LOOKS
from app.queue_mix_dialog import QueueMixDialog
from app.session import Session
from app.translation import number, tr
from engine.learning.queue import Queue
from engine.records import ImageStatus

_DONE = (ImageStatus.ACCEPTED, ImageStatus.VERIFIED_EMPTY)


class ImagesPanel(Panel):
    """Lists the session's images; what it lists, in its order, is what "next image" means."""

    def __init__(
        self, session: Session, thumbnails: ThumbnailSource, queue: QueueOrder, add_images: Callable[[], object]
    ) -> None:
        super().__init__(tr("Images"), IconButton("image-plus", tr("Add images"), add_images))
        self._session = session
        self._queue = queue
        self.order = QueueControls(queue, self.show_mix)
        self._filtering = False
        self._by_queue = False  # whether the rows are in the queue's order
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._reorder)
        self.model = ImageListModel(session)
        self.list = self._make_list(thumbnails)
        self.field = TextField(tr("Filter images by name"), tr("Filter by name"))
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._filter)
        self.statuses = self._make_statuses()
        self._progress_text = label("", "small")
        self._progress = QProgressBar()
        self._progress.setAccessibleName(tr("Images accepted"))
        self._progress.setTextVisible(False)
        self._empty = EmptyState(
            "image-multiple-outline",
            tr("No images yet"),
            tr("Drop images or a folder onto the window, or add them here."),
            button(tr("Add images…"), add_images, "primary", tr("Choose image files on disk")),
        )
        self._nothing = EmptyState("filter-off-outline", tr("Nothing matches"), tr("No image fits the filter above."))
        self._stack = QStackedWidget()
        for page in (self.list, self._empty, self._nothing):
            self._stack.addWidget(page)
        self.column.addWidget(self.field)
        self.column.addWidget(self.statuses)
        self.column.addWidget(self.order)
        self.column.addWidget(self._stack, 1)
        self.column.addWidget(self._progress_text)
        self.column.addWidget(self._progress)
        for changed in (self._filter, self._count):
            session.images_changed.connect(changed)
        session.image_changed.connect(self._follow)
        session.image_updated.connect(self._count)
        session.image_updated.connect(self._note_decision)
        queue.changed.connect(self._reorder)
        queue.wanted_changed.connect(self._begin_order)
        self._filter()
        self._count()

    def _make_list(self, thumbnails: ThumbnailSource) -> QListView:
        view = QListView()
        view.setAccessibleName(tr("Images"))
        view.setToolTip(tr("Choose an image to open it"))
        view.setModel(self.model)
        view.setItemDelegate(ImageDelegate(thumbnails))
        view.itemDelegate().setParent(view)
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.selectionModel().currentChanged.connect(self._open)
        return view

    def _make_statuses(self) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(tr("Filter images by status"))
        box.setToolTip(tr("Which images are listed, and gone through by next and previous"))
        box.addItem(tr("All statuses"), None)
        for status, look in IMAGE_LOOKS.items():
            box.addItem(look.word, status)
        box.currentIndexChanged.connect(self._filter)
        return box

    def _filter(self) -> None:
        self._filtering = True  # Qt makes another row current when the filter hides the current one
        queue = self._queue
        order = queue.arranged(self._passed()) if queue.wanted and self._session.images else None
        self.model.places = queue.places if queue.wanted else Queue.empty()
        self.model.set_filter(self.field.text(), self.statuses.currentData(), order)
        self._filtering = False
        self.list.viewport().update()  # rows that stayed may have changed
        self._session.order = self.model.ids
        page: QWidget = self.list if self.model.ids else self._nothing
        self._stack.setCurrentWidget(page if self._session.images else self._empty)
        self._follow()

    def _passed(self) -> list[int]:
        """What the person went past in the queue: the rows above the current one."""
        image = self._session.image
        row = self.model.row_of(image.id) if image is not None and self._by_queue else None
        return self.model.ids[:row] if row else []

    def _begin_order(self) -> None:
        """The person changed the order, or opened another project: of the order before nothing counts."""
        self._by_queue = False
        self._filter()

    def _reorder(self) -> None:
        """Bring the rows in line with what is known now; only the queue's order ever changes."""
        if self._queue.wanted:
            self._filter()
            if not self._by_queue:
                self._by_queue = len(self._queue.places) > 0
                self.list.scrollToTop()

    def _note_decision(self, image_id: int) -> None:
        """What was decided goes to the end, once the person is through with it."""
        if self._queue.wanted:
            self._later.start()

    def show_mix(self) -> None:
        """Let the person say what counts in the queue."""
        dialog = QueueMixDialog(self._queue, not self._session.read_only, self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _open(self) -> None:
        image = self.list.currentIndex().data(IMAGE_ROLE)
        if image is not None and not self._filtering:
            self._session.open_image(image.id)

    def _follow(self) -> None:
        """Mark the session's current image in the list."""
        image = self._session.image
        row = self.model.row_of(image.id) if image is not None else None
        if row is None:
            return
        index = self.model.index(row)
        if index != self.list.currentIndex():
            self.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.list.scrollTo(index)

    def _count(self) -> None:
        done = self._session.tally.count(*_DONE)
        total = len(self._session.images) - self._session.tally.count(ImageStatus.SKIPPED)
        self._progress_text.setText(
            tr("{done} of {total} accepted", done=number(done), total=number(total)) if total else ""
        )
        self._progress.setMaximum(max(1, total))
        self._progress.setValue(done)
        self._progress.setVisible(bool(total))
        set_kind(self._progress, "success" if total and done == total else "")
