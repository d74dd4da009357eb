"""The models that a project can use: bundled, made by its own rounds, downloaded, and to download."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from app.jobs.rounds import Rounds
from app.panels.model import finds
from app.panels.round_figures import ap50
from app.session import Session
from app.translation import number, tr, trn, when
from engine.checkpoints import ModelCard, checkpoint_id, read_card
from engine.checkpoints.catalog import Entry, entries, real_categories
from engine.checkpoints.speeds import speeds_of
from engine.errors import InvalidCheckpoint
from engine.project import Round


@dataclass(frozen=True)
class Model:
    """A line of the list. `path` is None and `download` its name in the catalogue as long as it is not here."""

    title: str
    icon: str
    path: Path | None
    download: str
    megabytes: int
    category_count: int
    categories: tuple[str, ...]
    facts: tuple[str, ...]

    @property
    def categories_in_words(self) -> str:
        """How many, and the first names."""
        return finds(self.category_count, self.categories)

    @property
    def size_in_words(self) -> str:
        size = tr("{megabytes} MB", megabytes=number(self.megabytes))
        return size if self.path is not None else tr("{size} to download", size=size)


@dataclass(frozen=True)
class Group:
    """Models of one origin, under a heading."""

    title: str
    models: tuple[Model, ...]


def groups(rounds: Rounds) -> list[Group]:
    """Everything that there is, those that are here first.

    Raises MaskwrightError where the list of further models is wrong.
    """
    known = entries()
    here = [_of_entry(each) for each in known if each.path is not None]
    made = [_of_round(each, card) for each in rounds.rounds() if (card := _card(each.checkpoint)) is not None]
    away = [_of_entry(each) for each in known if each.path is None]
    named = ((tr("Here"), here), (tr("Fine-tuned in this project"), made), (tr("To download"), away))
    return [Group(title, tuple(models)) for title, models in named if models]


def left_out_words(session: Session, model: Model) -> str:
    """Which of a model's categories the open project leaves out, in a sentence; "" for none."""
    left_out = _left_out(session, model)
    if not left_out:
        return ""
    if len(left_out) == model.category_count:
        return tr("None of its categories is one of this project's, so it finds nothing here: choose which they are.")
    return trn(
        "{count} category is none of this project's and is left out.",
        "{count} categories are none of this project's and are left out.",
        len(left_out),
    )


def finds_nothing(session: Session, model: Model) -> bool:
    """Whether the open project leaves out every category of a model."""
    return 0 < model.category_count == len(_left_out(session, model))


def _left_out(session: Session, model: Model) -> list[str]:
    if session.project is None or model.path is None:
        return []
    categories = real_categories(read_card(model.path).spec)
    return session.project.category_map(id_of(model.path), categories).left_out


def id_of(checkpoint: Path) -> str:
    """The checkpoint's id; large files are read once as long as they do not change."""
    status = checkpoint.stat()
    return _hashed(checkpoint, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _hashed(checkpoint: Path, changed: int, size: int) -> str:
    return checkpoint_id(checkpoint)


def _of_entry(entry: Entry) -> Model:
    known = entry.card if entry.card is not None else entry.published
    assert known is not None  # one that is neither here nor published is not in the list
    facts = [
        tr("Bundled with Maskwright") if entry.bundled else "",
        tr("Licence {licence}", licence=known.licence) if known.licence else "",
        tr("Trained on {data}", data=known.data) if known.data else "",
        entry.published.figures if entry.published is not None else "",
        _speed(id_of(entry.path)) if entry.path is not None else "",
    ]
    icon = (
        "package-variant-closed"
        if entry.bundled
        else "check-decagram-outline"
        if entry.path
        else "cloud-download-outline"
    )
    return Model(
        entry.title,
        icon,
        entry.path,
        entry.name if entry.path is None else "",
        entry.megabytes,
        entry.category_count,
        entry.first_categories,
        tuple(fact for fact in facts if fact),
    )


def _of_round(entry: Round, card: ModelCard) -> Model:
    figure = ap50(entry)
    facts = [
        tr("Mask AP50 {before} → {after} on its hold-out", before=figure.before_text, after=figure.after_text),
        _speed(entry.checkpoint_id),
    ]
    names = real_categories(card.spec)
    return Model(
        tr("Round {number}, {when}", number=entry.id, when=when(entry.created)),
        "school-outline",
        entry.checkpoint,
        "",
        round(entry.checkpoint.stat().st_size / 1e6),
        len(names),
        names,
        tuple(fact for fact in facts if fact),
    )


def _speed(known: str) -> str:
    return ", ".join(
        tr("{seconds} s an image ({device})", seconds=number(seconds, 2), device=device)
        for device, seconds in speeds_of(known).items()
    )


def _card(checkpoint: Path) -> ModelCard | None:
    try:
        return read_card(checkpoint)
    except InvalidCheckpoint:  # its file was moved or deleted; the panel's history still tells of the round
        return None
