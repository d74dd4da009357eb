"""What a person does to the masks of the selected instances with a key, a menu or a button."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from app import clipboard
from app.clipboard import Copied
from app.session import Session
from app.tools.shaping import Shaping, effort_around, effort_of
from app.translation import tr, trn
from engine.errors import MaskwrightError
from engine.geometry.splitting import split_by_watershed
from engine.project import Edit, commands, shape_commands
from engine.records import Image, Instance

STEP, LEAP = 1, 10  # pixels that an arrow key moves masks by, and with Shift
_WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
# As often as filling, for each pixel and for each character of a text.
WATERSHED_EFFORT, CHARACTER_EFFORT = 40, 1
Build = Callable[[Sequence[Instance]], Edit]


class MaskCommands(QObject):
    """The commands of the keymap's group "Mask", on the current selection; the one selected first comes first."""

    def __init__(self, session: Session, shaping: Shaping) -> None:
        super().__init__()
        self._session = session
        self._shaping = shaping

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What each command of the keymap does."""
        nudges = {
            f"nudge_{way}{suffix}": partial(self._nudge, x * step, y * step)
            for way, (x, y) in _WAYS.items()
            for suffix, step in (("", STEP), ("_far", LEAP))
        }
        return {
            "fill_holes": lambda: self._change(shape_commands.fill_holes),
            "remove_specks": self._remove_specks,
            "keep_largest": lambda: self._change(shape_commands.keep_largest),
            "grow": lambda: self._resize(shape_commands.grow),
            "shrink": lambda: self._resize(shape_commands.shrink),
            "smooth": self._smooth,
            "split_watershed": self._split,
            "merge": lambda: self._join(shape_commands.merge),
            "union": lambda: self._join(shape_commands.union),
            "subtract": lambda: self._change(shape_commands.subtract),
            "intersect": lambda: self._change(shape_commands.intersect),
            "duplicate": self._duplicate,
            "copy": self._copy,
            "cut": self._cut,
            "paste": self._paste,
            "lock": self._toggle_lock,
            "hide_others": self._hide_others,
            "show_all": self._show_all,
            **nudges,
        }

    # -- shapes

    def _change(self, build: Build, margin: int = 0, times: float = 1.0) -> None:
        """Apply an edit of the selection, which takes so many times the effort for filling holes."""
        chosen = self._chosen()
        if chosen:
            self._shaping.change(partial(build, chosen), effort_of(chosen, margin) * times)

    def _join(self, build: Build) -> None:
        chosen = self._chosen()
        if chosen:
            self._shaping.change(partial(build, chosen), effort_around(chosen))

    def _remove_specks(self) -> None:
        self._change(partial(shape_commands.remove_specks, area=int(self._shaping.speck_area.value)))

    def _resize(self, build: Callable[[Sequence[Instance], int, tuple[int, int]], Edit]) -> None:
        amount, size = int(self._shaping.amount.value), self._size()
        self._change(lambda chosen: build(chosen, amount, size), margin=amount)

    def _smooth(self) -> None:
        amount, size = int(self._shaping.amount.value), self._size()
        build = partial(shape_commands.smooth, radius=amount, image_size=size)
        self._change(build, margin=2 * amount, times=max(1.0, amount / 4))

    def _nudge(self, dx: int, dy: int) -> None:
        if self._session.selection:
            self._change(partial(shape_commands.nudge, dx=dx, dy=dy, image_size=self._size()))

    def _split(self) -> None:
        chosen = self._chosen()
        if chosen:
            nothing = tr("No neck is narrow enough to split at. Cut along a line of your own with the cut tool.")
            self._shaping.split(chosen, split_by_watershed, WATERSHED_EFFORT * effort_of(chosen), nothing)

    # -- copies

    def _duplicate(self) -> None:
        chosen, project = self._chosen(), self._session.project
        if not chosen or project is None:
            return
        new_ids = project.new_instance_ids(len(chosen))
        build = partial(shape_commands.duplicate, chosen, new_ids)
        self._session.change(build, len(chosen), partial(self._select_copies, new_ids))

    def _select_copies(self, ids: Iterable[int]) -> None:
        self._session.select(ids)
        self._session.notice.emit(tr("The copies lie on their originals. Move them with the arrow keys."))

    def _copy(self) -> None:
        chosen, image = self._chosen(), self._session.image
        if chosen and image is not None:
            write = partial(clipboard.written, chosen, dict(self._session.categories), image)
            self._shaping.work(write, QGuiApplication.clipboard().setText, effort_of(chosen))

    def _cut(self) -> None:
        chosen, image = self._chosen(), self._session.image
        if not chosen or image is None:
            return
        write = partial(clipboard.written, chosen, dict(self._session.categories), image)
        self._shaping.work(lambda: (commands.delete(chosen), write()), self._take_away, effort_of(chosen))

    def _take_away(self, outcome: tuple[Edit, str]) -> None:
        edit, text = outcome
        QGuiApplication.clipboard().setText(text)
        self._shaping.commit(edit)

    def _paste(self) -> None:
        """After what is still being copied."""
        self._shaping.work(lambda: None, lambda _: self._paste_now(), 0)

    def _paste_now(self) -> None:
        text, image = QGuiApplication.clipboard().text(), self._session.image
        if image is not None:
            read = partial(clipboard.read, text)
            self._shaping.work(read, lambda copied: self._add(copied, image), len(text) * CHARACTER_EFFORT)

    def _add(self, copied: list[Copied], image: Image) -> None:
        session = self._session
        ids = {category.name: category.id for category in session.categories.values()}
        missing = sorted({each.category for each in copied} - ids.keys())
        active = session.categories.get(session.active_category_id or 0)
        if missing and active is None:
            raise MaskwrightError(tr("Add a category first: a new instance needs one."))
        if active is not None:
            ids |= dict.fromkeys(missing, active.id)
        copies = [shape_commands.Copy(ids[each.category], each.mask, each.crowd) for each in copied]
        project = session.project
        assert project is not None
        new_ids = project.new_instance_ids(len(copies))
        edit = shape_commands.paste(copies, image, new_ids)
        outside = len(copies) - len(edit.changes)

        def added() -> None:
            self._shaping.select_there(edit, new_ids)
            if outside:
                session.notice.emit(
                    trn(
                        "{count} instance lies outside of this image and was left out.",
                        "{count} instances lie outside of this image and were left out.",
                        outside,
                    )
                )
            if missing and active is not None:
                names = ", ".join(missing)
                session.notice.emit(
                    tr("This project has no category {names}: pasted as {active}.", names=names, active=active.name)
                )

        self._shaping.commit(edit, added)

    # -- protecting and looking

    def _toggle_lock(self) -> None:
        """Lock the selection, or unlock it where all of it is locked."""
        chosen = self._chosen()
        if chosen:
            locked = all(each.locked for each in chosen)
            self._session.change(partial(commands.unlock if locked else commands.lock, chosen), len(chosen))

    def _hide_others(self) -> None:
        selected = self._session.selection
        if self._chosen():
            others = [each for each in self._session.shown_instances() if each.id not in selected]
            self._session.change(partial(commands.hide, others), len(others))

    def _show_all(self) -> None:
        hidden = [each for each in self._session.instances.values() if each.hidden]
        self._session.change(partial(commands.show, hidden), len(hidden))

    # -- inside

    def _size(self) -> tuple[int, int]:
        image = self._session.image
        return (0, 0) if image is None else (image.width, image.height)

    def _chosen(self) -> list[Instance]:
        chosen = self._session.selected_instances()
        if not chosen:
            self._session.notice.emit(tr("Select an instance first."))
        return chosen
