"""A project: one SQLite file with images, instances, and the journal of everything a person did."""

from engine.project.categories import category_color
from engine.project.edit import Action, CategoryChange, Change, Edit, ImageChange, InstanceChange
from engine.project.history import HistoryEntry
from engine.project.intake import AddReport, is_held_out
from engine.project.project import SUFFIX, Project
from engine.project.rounds import CheckpointReference, Round

__all__ = [
    "SUFFIX",
    "Action",
    "AddReport",
    "CategoryChange",
    "Change",
    "CheckpointReference",
    "Edit",
    "HistoryEntry",
    "ImageChange",
    "InstanceChange",
    "Project",
    "Round",
    "category_color",
    "is_held_out",
]
