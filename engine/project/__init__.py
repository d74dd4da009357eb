"""A project: one SQLite file with images, instances, and the journal of everything a person did."""

from engine.project.categories import category_color
from engine.project.category_maps import CategoryMap
from engine.project.edit import Action, CategoryChange, Change, Edit, ImageChange, InstanceChange
from engine.project.history import HistoryEntry
from engine.project.image_files import FileFinding, FileProblem
from engine.project.intake import AddReport, every_page, first_page, is_held_out
from engine.project.project import SUFFIX, Project
from engine.project.proposals import SAME_OBJECT_IOU
from engine.project.recovery import Recovery
from engine.project.rounds import CheckpointReference, Round
from engine.project.statistics import AuthorFigures, CategoryFigures, Statistics

__all__ = [
    "SAME_OBJECT_IOU",
    "SUFFIX",
    "Action",
    "AddReport",
    "AuthorFigures",
    "CategoryChange",
    "CategoryFigures",
    "CategoryMap",
    "Change",
    "CheckpointReference",
    "Edit",
    "FileFinding",
    "FileProblem",
    "HistoryEntry",
    "ImageChange",
    "InstanceChange",
    "Project",
    "Recovery",
    "Round",
    "Statistics",
    "category_color",
    "every_page",
    "first_page",
    "is_held_out",
]
