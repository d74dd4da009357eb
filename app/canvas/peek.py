"""Another look at the image while a key is held: bare, its masks alone, or what the model had proposed."""

from enum import Enum, auto
from time import perf_counter

from PySide6.QtCore import QObject, QRectF, QTimer, Signal
from PySide6.QtGui import QColor, QPainter

from app.canvas.edges import HALO, Line, draw_outline
from app.canvas.rects import meet
from app.canvas.viewport import Viewport
from app.session import Session
from app.theme import theme
from app.translation import number, tr, trn
from engine.records import Instance, Origin

COLOR = QColor("#f0e442")  # a yellow that people with any colour vision tell from the categories' first colours
WIDTH = 5.0  # of the outlines, in widget pixels: wider than those of masks, which lie beneath
LINES = Line(HALO, WIDTH), Line(COLOR, 2.2)
MOST_OUTLINED = 96  # which take some 10 ms of a frame of 16
SLICE = 0.006  # seconds of reading the journal in one go


class Look(Enum):
    """What is shown instead of the image with its masks."""

    IMAGE = auto()
    MASKS = auto()
    ORIGINAL = auto()  # beside the masks as they are now


class Peek(QObject):
    """Which look a person takes at present, if any."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.look: Look | None = None
        self._session = session
        self._known: dict[int, Instance | None] = {}  # an original never changes
        self._wanted: list[int] = []
        self._reading = QTimer(self, singleShot=True, interval=0)
        self._reading.timeout.connect(self._read)
        session.project_changed.connect(self._known.clear)
        session.image_changed.connect(self.end)

    @property
    def ground(self) -> QColor | None:
        """What is seen in the place of the image, for masks alone."""
        return theme().color("surface") if self.look is Look.MASKS else None

    @property
    def shows_masks(self) -> bool:
        return self.look is not Look.IMAGE

    @property
    def words(self) -> str | None:
        """What a person looks at; None where it is nothing unusual."""
        match self.look:
            case Look.IMAGE:
                return tr("Image only")
            case Look.MASKS:
                return tr("Masks only")
            case Look.ORIGINAL:
                return self._words_of_originals()
        return None

    def start(self, look: Look) -> None:
        """Take a look; another one ends."""
        self.look = look
        if look is Look.ORIGINAL:
            self._wanted = self._edited()
            self._read()
        self.changed.emit()

    def end(self) -> None:
        """Back to the image with its masks."""
        if self.look is not None:
            self.look = None
            self._reading.stop()
            self.changed.emit()

    def paint(self, painter: QPainter, rect: QRectF, viewport: Viewport, size: tuple[int, int]) -> None:
        """Paint the model's outlines over masks and selection."""
        if self.look is not Look.ORIGINAL:
            return
        x1, y1 = viewport.to_image(rect.left() - WIDTH, rect.top() - WIDTH)
        x2, y2 = viewport.to_image(rect.right() + WIDTH, rect.bottom() + WIDTH)
        visible = max(int(x1), 0), max(int(y1), 0), min(int(x2) + 1, size[0]), min(int(y2) + 1, size[1])
        near = [each for each in self._originals() if meet(each.mask.bounds, visible)]
        for each in near[:MOST_OUTLINED]:
            draw_outline(painter, rect, viewport, each.mask, visible, LINES)

    # -- the model's proposals

    def _edited(self) -> list[int]:
        """The selected instances; where none is selected, every shown one that was proposed and then edited."""
        session = self._session
        if session.selection:
            return list(session.selection)
        return [each.id for each in session.shown_instances() if each.edited and each.origin is Origin.PREDICTED]

    def _originals(self) -> list[Instance]:
        found = (self._known.get(one) for one in self._wanted)
        return [each for each in found if each is not None]

    def _read(self) -> None:
        """Ask the journal for what is not known yet, a little at a time."""
        project, until = self._session.project, perf_counter() + SLICE
        missing = [one for one in self._wanted if one not in self._known and one in self._session.instances]
        for one in missing:
            if project is None or perf_counter() > until:
                self._reading.start()
                break
            self._known[one] = project.original(one)
        self.changed.emit()

    def _words_of_originals(self) -> str:
        originals = self._originals()
        if not originals:
            return tr("The model proposed nothing of this")
        if len(originals) > 1:
            return trn("{count} proposal of the model", "{count} proposals of the model", len(originals))
        category = self._session.categories.get(originals[0].category_id)
        name = category.name if category is not None else "?"
        score = originals[0].score
        if score is None:
            return tr("The model’s proposal: {name}", name=name)
        return tr("The model’s proposal: {name}, score {score}", name=name, score=number(score, 2))
