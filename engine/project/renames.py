"""What models call a category stays what it is when the project calls it otherwise."""

from collections.abc import Mapping

from sqlalchemy import Connection

from engine.project import settings
from engine.project.settings import CATEGORY_MAPS, RENAMED


def follow_renames(connection: Connection, renamed: Mapping[str, str]) -> None:
    """Note that categories have other names, by their old ones, and let what a person chose for models follow.

    A rename that is taken back leaves no trace.
    """
    if not renamed:
        return
    known: dict[str, str] = settings.get(connection, RENAMED) or {}
    moved = {name: renamed.get(now, now) for name, now in known.items()}
    back = {name for name, now in moved.items() if name == now}
    taken_back = {old for old, new in renamed.items() if new in back}
    kept = {name: now for name, now in moved.items() if name not in back}
    settings.put(connection, RENAMED, kept | {old: new for old, new in renamed.items() if old not in taken_back})
    maps: dict[str, dict[str, str | None]] = settings.get(connection, CATEGORY_MAPS) or {}
    if maps:
        followed = {
            checkpoint_id: {name: None if now is None else renamed.get(now, now) for name, now in targets.items()}
            for checkpoint_id, targets in maps.items()
        }
        settings.put(connection, CATEGORY_MAPS, followed)
