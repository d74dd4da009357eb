"""Where an instance comes from, in words: the model and score, and who touched it when, and for how long."""

from app.actions import ACTION_WORDS
from app.session import Session
from engine.project import HistoryEntry
from engine.records import Instance, Origin

MOST_LISTED = 8  # edits in a tooltip; the history lists them all
MOST_READ = 200

_ORIGINS = {Origin.DRAWN: "Drawn by hand", Origin.IMPORTED: "Imported"}


def provenance(session: Session, instance: Instance) -> str:
    """Several lines, the newest edit first."""
    assert session.project is not None
    touched = [entry for entry in session.project.history(MOST_READ, instance_id=instance.id) if not entry.undone]
    lines = [_origin(instance), *map(_line, touched[:MOST_LISTED])]
    if len(touched) > MOST_LISTED:
        lines.append(f"and {len(touched) - MOST_LISTED} edits before")
    seconds = sum(entry.seconds for entry in touched)
    if seconds >= 1:
        lines.append(f"{seconds:.0f} s of work in all")
    return "\n".join(lines)


def _origin(instance: Instance) -> str:
    if instance.origin is not Origin.PREDICTED:
        return _ORIGINS[instance.origin]
    score = "" if instance.score is None else f", score {instance.score:.2f}"
    return f"Predicted by model {instance.predicted_by}{score}"


def _line(entry: HistoryEntry) -> str:
    by = f" by {entry.author}" if entry.author else ""
    return f"{ACTION_WORDS[entry.action]}{by}, {entry.at.astimezone():%d %b %Y, %H:%M}"
