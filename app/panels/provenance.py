"""Where an instance comes from, in words: the model and score, and who touched it when, and for how long."""

from app.actions import ACTION_WORDS
from app.session import Session
from app.translation import number, tr, trn, when
from engine.project import HistoryEntry
from engine.records import Instance, Origin

MOST_LISTED = 8  # edits in a tooltip; the history lists them all
MOST_READ = 200

_ORIGINS = {Origin.DRAWN: tr("Drawn by hand"), Origin.IMPORTED: tr("Imported")}


def provenance(session: Session, instance: Instance) -> str:
    """Several lines, the newest edit first."""
    assert session.project is not None
    touched = [entry for entry in session.project.history(MOST_READ, instance_id=instance.id) if not entry.undone]
    lines = [_origin(instance), *map(_line, touched[:MOST_LISTED])]
    if len(touched) > MOST_LISTED:
        lines.append(trn("and {count} edit before", "and {count} edits before", len(touched) - MOST_LISTED))
    seconds = sum(entry.seconds for entry in touched)
    if seconds >= 1:
        lines.append(tr("{seconds} s of work in all", seconds=number(seconds)))
    return "\n".join(lines)


def _origin(instance: Instance) -> str:
    if instance.predicted_by is None:
        return _ORIGINS[instance.origin]
    if instance.origin is Origin.DRAWN:
        return tr("A box drawn by hand, filled by model {model}", model=instance.predicted_by)
    if instance.score is None:
        return tr("Predicted by model {model}", model=instance.predicted_by)
    score = number(instance.score, 2)
    return tr("Predicted by model {model}, score {score}", model=instance.predicted_by, score=score)


def done_by(entry: HistoryEntry) -> str:
    """What an edit did, and who did it where that is known."""
    words = ACTION_WORDS[entry.action]
    return tr("{action} by {author}", action=words, author=entry.author) if entry.author else words


def _line(entry: HistoryEntry) -> str:
    return f"{done_by(entry)}, {when(entry.at)}"
