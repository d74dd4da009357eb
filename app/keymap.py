"""Every command of the window in one table: what it is called, where it is listed, and which keys call it.

Letters fire only while no text field has the focus: Qt offers a key to the focused field first (ShortcutOverride), and
`panels.parts.TextField` also keeps Enter, Tab and Backspace for itself. Tab moves between instances only while
the canvas has the focus, so that it still walks through the controls everywhere else.
"""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from app.translation import tr


class Scope(StrEnum):
    WINDOW = "window"
    CANVAS = "canvas"  # only while the canvas has the focus


@dataclass(frozen=True)
class Command:
    """One command. `keys` are portable Qt key sequences, the first is the one that menus show."""

    id: str
    text: str
    keys: tuple[str, ...] = ()
    group: str = ""
    icon: str = ""
    tip: str = ""
    scope: Scope = Scope.WINDOW
    checkable: bool = False
    writes: bool = False  # disabled while the project is read-only


PROJECT, EDIT, REVIEW, VIEW, TOOLS, MODEL, HELP = "Project", "Edit", "Review", "View", "Tools", "Model", "Help"

COMMANDS = (
    Command("sample", "Open Sample Project", (), PROJECT, "flask-outline", "Open a small project of nuclei images"),
    Command("open_folder", "New from Folder of Images…", ("Ctrl+N",), PROJECT, "folder-image"),
    Command("open_dataset", "New from Dataset…", (), PROJECT, "code-json"),
    Command("open_project", "Open Project…", ("Ctrl+O",), PROJECT, "folder-open-outline"),
    Command("add_images", "Add Images…", ("Ctrl+I",), PROJECT, "image-plus", writes=True),
    Command("add_folder", "Add Folder of Images…", (), PROJECT, "folder-plus-outline", writes=True),
    Command("import_dataset", "Import Annotations…", (), PROJECT, "import", writes=True),
    Command("export_dataset", "Export Dataset…", ("Ctrl+E",), PROJECT, "export-variant"),
    Command("image_files", "Image Files…", (), PROJECT, "image-search-outline", "Find images that were moved"),
    Command("backups", "Backups…", (), PROJECT, "backup-restore", "Go back to a copy of this project"),
    Command("checkpoint", "Save", ("Ctrl+S",), PROJECT, "content-save-outline", "Every edit is saved as you make it"),
    Command("close_project", "Close Project", ("Ctrl+W",), PROJECT, "close"),
    Command("quit", "Quit", ("Ctrl+Q",), PROJECT, "exit-to-app"),
    Command("undo", "Undo", ("Ctrl+Z",), EDIT, "undo", writes=True),
    Command("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), EDIT, "redo", writes=True),
    Command("delete", "Delete Instances", ("Del",), EDIT, "trash-can-outline", writes=True),
    Command("select_all", "Select All Shown Instances", ("Ctrl+A",), EDIT, "select-all"),
    Command("select_none", "Clear Selection", ("Ctrl+Shift+A",), EDIT, "select-off"),
    Command("next_instance", "Next Instance", ("Tab",), EDIT, "arrow-right-thin", scope=Scope.CANVAS),
    Command("previous_instance", "Previous Instance", ("Shift+Tab",), EDIT, "arrow-left-thin", scope=Scope.CANVAS),
    Command("accept", "Accept Instances", ("Return", "Enter"), REVIEW, "check", writes=True),
    Command("reject", "Reject Instances", ("X", "Backspace"), REVIEW, "close-circle-outline", writes=True),
    Command("reopen", "Reopen Instances", (), REVIEW, "restore", "Make instances undecided again", writes=True),
    Command(
        "accept_image",
        "Accept Image and Go On",
        ("Ctrl+Return", "Ctrl+Enter"),
        REVIEW,
        "check-all",
        "Accept every shown instance, declare the image complete and go to the next",
        writes=True,
    ),
    Command(
        "verify_empty",
        "Image Is Empty",
        ("Shift+E",),
        REVIEW,
        "image-off-outline",
        "Verify that nothing is to be found on this image and go to the next",
        writes=True,
    ),
    Command(
        "skip_image",
        "Skip Image",
        ("Shift+S",),
        REVIEW,
        "debug-step-over",
        "Leave this image out of training and export, and go to the next",
        writes=True,
    ),
    Command("reopen_image", "Reopen Image", ("Ctrl+R",), REVIEW, "lock-open-outline", writes=True),
    Command("previous_image", "Previous Image", ("A", "PgUp"), REVIEW, "chevron-left"),
    Command("next_image", "Next Image", ("D", "PgDown"), REVIEW, "chevron-right"),
    Command("next_open", "Next Undecided Image", ("Ctrl+Shift+D",), REVIEW, "chevron-double-right"),
    Command("tool_select", "Select", ("V",), TOOLS, "cursor-default-outline", checkable=True),
    Command("tool_brush", "Brush", ("B",), TOOLS, "brush", "Add to a mask, or draw a new instance", checkable=True),
    Command("tool_eraser", "Eraser", ("E",), TOOLS, "eraser", "Remove from a mask", checkable=True),
    Command("brush_smaller", "Smaller Brush", ("[",), TOOLS, "minus"),
    Command("brush_larger", "Larger Brush", ("]",), TOOLS, "plus"),
    Command("fit", "Fit Image", ("F",), VIEW, "fit-to-page-outline"),
    Command("zoom_in", "Zoom In", ("Ctrl++", "Ctrl+="), VIEW, "magnify-plus-outline"),
    Command("zoom_out", "Zoom Out", ("Ctrl+-",), VIEW, "magnify-minus-outline"),
    Command("zoom_actual", "Actual Pixels", ("Ctrl+0",), VIEW, "numeric-1-box-outline"),
    Command("next_region", tr("Next Part of the Window"), ("F6",), VIEW, "page-next-outline"),
    Command("previous_region", tr("Previous Part of the Window"), ("Shift+F6",), VIEW, "page-previous-outline"),
    Command("hide_masks", "Hide Masks", ("H",), VIEW, "eye-off-outline", "Look at the bare image", checkable=True),
    Command("hide_selected", "Hide or Show Selected Instances", ("Shift+H",), VIEW, "eye-outline", writes=True),
    Command("finetune", "Fine-tune Model…", ("Ctrl+T",), MODEL, "school-outline", writes=True),
    Command("predict_again", "Predict This Image Again", ("Ctrl+P",), MODEL, "creation", writes=True),
    Command("keys", "Keyboard Shortcuts", ("?", "F1"), HELP, "keyboard-outline"),
    Command("log", "Show Log Folder", (), HELP, "text-box-outline"),
    Command("about", "About Maskwright", (), HELP, "information-outline"),
)
CATEGORY_KEYS = tuple("123456789")
MOUSE_HELP = (
    ("Wheel", "Zoom at the pointer"),
    ("Middle drag, Space drag", "Pan"),
    ("Shift + wheel", "Pan sideways"),
    ("Click", "Select an instance"),
    ("Shift + click", "Add to the selection, or take away"),
    ("Click again", "Select the one beneath"),
    ("Drag with the brush", "Add to the selected mask"),
    ("Ctrl + drag", "Remove from the mask"),
    ("Ctrl + wheel", "Size of the brush"),
)


def tool_names() -> dict[str, str]:
    """The tools' names by the commands that choose them."""
    return {each.id: each.id.removeprefix("tool_") for each in COMMANDS if each.id.startswith("tool_")}


def conflicts() -> dict[str, list[str]]:
    """Keys that more than one command claims, with the ids that claim them; empty when the table is sound."""
    owners: dict[str, list[str]] = defaultdict(list)
    for command in COMMANDS:
        for key in command.keys:
            owners[key].append(command.id)
    for key in CATEGORY_KEYS:
        owners[key].append(f"category_{key}")
    return {key: ids for key, ids in owners.items() if len(ids) > 1}
