"""The images dock: every image with its status, a filter, and how far the project has come."""

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QListView, QProgressBar, QStackedWidget, QWidget

from app.panels.image_list import IMAGE_ROLE, ImageDelegate, ImageListModel, ThumbnailSource
from app.panels.parts import EmptyState, IconButton, Panel, TextField, button, label, set_kind
from app.panels.status import IMAGE_LOOKS
from app.session import Session
from app.translation import number, tr
from engine.records import ImageStatus

_DONE = (ImageStatus.ACCEPTED, ImageStatus.VERIFIED_EMPTY)


class ImagesPanel(Panel):
    """Lists the session's images; what it lists, in its order, is what "next image" means."""

    def __init__(self, session: Session, thumbnails: ThumbnailSource, add_images: Callable[[], object]) -> None:
        super().__init__(tr("Images"), IconButton("image-plus", tr("Add images"), add_images))
        self._session = session
        self._filtering = False
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
        self.column.addWidget(self._stack, 1)
        self.column.addWidget(self._progress_text)
        self.column.addWidget(self._progress)
        for changed in (self._filter, self._count):
            session.images_changed.connect(changed)
        session.image_changed.connect(self._follow)
        session.image_updated.connect(self._count)
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
        self.model.set_filter(self.field.text(), self.statuses.currentData())
        self._filtering = False
        self.list.viewport().update()  # rows that stayed may have changed
        self._session.order = self.model.ids
        page: QWidget = self.list if self.model.ids else self._nothing
        self._stack.setCurrentWidget(page if self._session.images else self._empty)
        self._follow()

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
