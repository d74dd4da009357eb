"""The dialogs that say which dataset comes in or goes out, and how; the verbs `import` and `export` do it."""

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.panels.parts import TextField, button, label, row
from app.theme import SPACING
from app.translation import tr
from engine.formats.exporting import ImageFiles
from engine.formats.registry import FORMATS

RESULTS = "results"  # beside the formats: not a dataset, but what a model found on one
_FILE_FILTER = f"{tr('Datasets')} (*.json *.yaml *.yml);;{tr('All files')} (*)"
# What a person chooses, and the options of `export` that say it.
_IMAGES = (
    (tr("Accepted images"), ()),
    (tr("Accepted images, hold-out only"), ("--hold-out",)),
    (tr("Accepted images without the hold-out"), ("--no-hold-out",)),
    (tr("All images that are not skipped"), ("--all",)),
)
_FILES = (
    (tr("Leave them where they are"), ImageFiles.LEAVE),
    (tr("Copy them"), ImageFiles.COPY),
    (tr("Link them"), ImageFiles.LINK),
)


class PathField(QWidget):
    """A path to type or to browse for: of a file, of a folder, or of either."""

    def __init__(self, name: str, *, file: bool = False, folder: bool = False, save: bool = False) -> None:
        super().__init__()
        self._name = name
        self._save = save
        self.field = TextField(name)
        self.field.setMinimumWidth(320)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING)
        self.setFocusProxy(self.field)
        layout.addWidget(self.field, 1)
        self._file_button = button(tr("File…"), self._browse_file, "", tr("{name}: choose a file", name=name))
        self._folder_button = button(tr("Folder…"), self._browse_folder, "", tr("{name}: choose a folder", name=name))
        layout.addWidget(self._file_button)
        layout.addWidget(self._folder_button)
        self.allow(file=file, folder=folder)

    def allow(self, *, file: bool, folder: bool) -> None:
        """What may be browsed for."""
        self._file_button.setVisible(file)
        self._folder_button.setVisible(folder)

    def path(self) -> Path | None:
        """The path, None where nothing was named."""
        text = self.field.text().strip()
        return Path(text).expanduser().absolute() if text else None

    def set_path(self, path: Path) -> None:
        """Name a path."""
        self.field.setText(str(path))

    def _browse_file(self) -> None:
        ask = QFileDialog.getSaveFileName if self._save else QFileDialog.getOpenFileName
        chosen = ask(self, self._name, self.field.text(), _FILE_FILTER)[0]
        if chosen:
            self.field.setText(chosen)

    def _browse_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self._name, self.field.text())
        if chosen:
            self.field.setText(chosen)


class _DatasetDialog(QDialog):
    """A form with a title, an explanation, and the buttons at its end."""

    def __init__(self, title: str, explanation: str, accept: str, tip: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.form = QFormLayout()
        self.form.setSpacing(SPACING)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.accept_button = button(accept, self.accept, "primary", tip)
        self.accept_button.setDefault(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addWidget(label(title, "title"))
        layout.addWidget(label(explanation, "muted", wrap=True))
        layout.addLayout(self.form)
        layout.addStretch(1)
        layout.addLayout(row(None, button(tr("Cancel"), self.reject, "", tr("Change nothing")), self.accept_button))


class ImportDialog(_DatasetDialog):
    """Which dataset to import. For a new project (`new`) its images must be named; results need a project."""

    def __init__(self, *, new: bool, parent: QWidget | None = None) -> None:
        title = tr("New project from a dataset") if new else tr("Import annotations")
        explanation = tr("What an import leaves out is said at its end, and nothing is imported by halves.")
        tip = tr("Read the dataset into a new project") if new else tr("Read the dataset; undo takes it back")
        super().__init__(title, explanation, tr("Import"), tip, parent)
        self._new = new
        self.kind = _choice(tr("Format"), _formats(), tr("How the dataset is written down"))
        if not new:
            self.kind.addItem(tr("COCO results, as proposals"), RESULTS)
        self.data = PathField(tr("Dataset"), file=True, folder=True)
        self.images = PathField(tr("Folder of the images"), folder=True)
        self.in_project = QCheckBox(tr("Take the project's images, by file name"))
        self.accept_images = QCheckBox(tr("Accept the images as complete"))
        self.crowds = QCheckBox(tr("Take crowd regions (iscrowd 1) as ordinary instances"))
        self.in_project.setToolTip(tr("The annotations go to images that the project has already"))
        self.accept_images.setToolTip(tr("For annotations that are finished: the images count as decided"))
        self.crowds.setToolTip(tr("They are left out otherwise, because one outlines many objects"))
        self.form.addRow(tr("Format"), self.kind)
        self.form.addRow(tr("Dataset"), self.data)
        self._images_label = QLabel()
        self._images_label.setBuddy(self.images)
        self.form.addRow(self._images_label, self.images)
        for box in (self.in_project, self.accept_images, self.crowds):
            self.form.addRow("", box)
        self.in_project.setVisible(not new)
        self.kind.currentIndexChanged.connect(self._refresh)
        self.in_project.toggled.connect(self._refresh)
        for field in (self.data.field, self.images.field):
            field.textChanged.connect(self._refresh)
        self.data.field.setFocus()
        self._refresh()

    def arguments(self) -> list[str]:
        """The options of the verb `import`, without the project."""
        data, images = self.data.path(), self.images.path()
        assert data is not None
        if self.kind.currentData() == RESULTS:
            return ["--results", str(data), *(["--coco", str(images)] if images is not None else [])]
        arguments = ["--data", str(data), "--format", str(self.kind.currentData())]
        if images is not None and not self.in_project.isChecked():
            arguments += ["--images", str(images)]
        arguments += ["--accept"] if self.accept_images.isChecked() else []
        return arguments + (["--crowds-as-instances"] if self.crowds.isChecked() and self.crowds.isEnabled() else [])

    def _refresh(self) -> None:
        kind = self.kind.currentData()
        results = kind == RESULTS
        self.data.allow(file=kind != "voc", folder=kind not in ("coco", RESULTS))
        self._images_label.setText(tr("Dataset of its ids") if results else tr("Images"))
        self.images.allow(file=results, folder=not results)
        self.images.setEnabled(results or not self.in_project.isChecked())
        self.in_project.setEnabled(not results)
        self.accept_images.setEnabled(not results)
        self.crowds.setEnabled(kind == "coco")
        located = self.images.path() is not None or results or (self.in_project.isChecked() and not self._new)
        self.accept_button.setEnabled(self.data.path() is not None and located)


class ExportDialog(_DatasetDialog):
    """What to export, in which format, and where to. `project` is the path of the project."""

    def __init__(self, project: Path, parent: QWidget | None = None) -> None:
        explanation = tr("Accepted instances are written. What a format cannot hold is said at the end of the export.")
        super().__init__(tr("Export dataset"), explanation, tr("Export"), tr("Write the dataset"), parent)
        self._project = project
        self.kind = _choice(tr("Format"), _formats(), tr("What the programs that read the dataset understand"))
        self.which = _choice(tr("Images to export"), _IMAGES, tr("Which images the dataset holds"))
        self.split = QCheckBox(tr("Divide into train and val; val gets"))
        self.share = QSpinBox(minimum=1, maximum=99, value=20, suffix=" %")
        self.share.setAccessibleName(tr("Share of val"))
        self.share.setToolTip(tr("How much of the images val gets"))
        self.seed = QSpinBox(minimum=0, maximum=9999, value=0, prefix=f"{tr('seed')} ")
        self.seed.setAccessibleName(tr("Seed of the division"))
        self.seed.setToolTip(tr("The same seed divides the same images alike"))
        self.by_folder = QCheckBox(tr("Keep images of one folder together"))
        self.split.setToolTip(tr("Write two parts: one to train on, one to validate with"))
        self.by_folder.setToolTip(tr("For images of one patient, slide or video that must not be in both parts"))
        self.files = _choice(tr("Image files"), _FILES, tr("What becomes of the image files themselves"))
        self.out = PathField(tr("Export to"), save=True)
        parts = QHBoxLayout()
        for widget in (self.split, self.share, self.seed):
            parts.addWidget(widget)
        parts.addStretch(1)
        self.form.addRow(tr("Format"), self.kind)
        self.form.addRow(tr("Images"), self.which)
        parts_label = QLabel(tr("Parts"))
        parts_label.setBuddy(self.split)
        self.form.addRow(parts_label, parts)
        self.form.addRow("", self.by_folder)
        self.form.addRow(tr("Image files"), self.files)
        self.form.addRow(tr("Export to"), self.out)
        self._suggested = ""
        for choice in (self.kind, self.files):
            choice.currentIndexChanged.connect(self._refresh)
        self.split.toggled.connect(self._refresh)
        self.out.field.textChanged.connect(self._enable)
        self.kind.setFocus()  # and not the button that begins to write
        self._refresh()

    @property
    def one_file(self) -> bool:
        """Whether the export is a single file, and no folder."""
        alone = self.files.currentData() == ImageFiles.LEAVE and not self.split.isChecked()
        return bool(self.kind.currentData() == "coco" and alone)

    def arguments(self) -> list[str]:
        """The options of the verb `export`, without the project."""
        out = self.out.path()
        assert out is not None
        arguments = ["--out", str(out), "--format", str(self.kind.currentData()), *self.which.currentData()]
        arguments += ["--image-files", str(self.files.currentData())]
        if self.split.isChecked():
            val = self.share.value()
            arguments += ["--split", f"train={100 - val},val={val}", "--seed", str(self.seed.value())]
            arguments += ["--group-by", "folder"] if self.by_folder.isChecked() else []
        return arguments

    def _refresh(self) -> None:
        for widget in (self.share, self.seed, self.by_folder):
            widget.setEnabled(self.split.isChecked())
        self.out.allow(file=self.one_file, folder=not self.one_file)
        if self.out.field.text() == self._suggested:  # the person named nothing else
            name = ".coco.json" if self.one_file else f".{self.kind.currentData()}"
            self._suggested = str(self._project.with_suffix(name))
            self.out.field.setText(self._suggested)
        self._enable()

    def _enable(self) -> None:
        self.accept_button.setEnabled(self.out.path() is not None)


def _formats() -> list[tuple[str, object]]:
    """Titles and names of the formats; most titles are names of programs, the same in every language."""
    words = {"labelmap": tr("Label maps"), "yolo": tr("YOLO segmentation")}
    return [(words.get(name, each.title), name) for name, each in FORMATS.items()]


def _choice(name: str, items: Iterable[tuple[str, object]], tip: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tip)
    for text, data in items:
        box.addItem(text, data)
    return box
