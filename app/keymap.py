"""Every command of the window in one table: what it is called, where it is listed, and which keys call it by default.

Which keys call it now is for `app.key_bindings` to say: a profile or the person may have chosen others. A key has one
owner, whatever the scopes: Qt fires neither of two shortcuts that are live at once. Tab moves between instances only
while the canvas has the focus, so that it still walks through the controls everywhere else; nothing fires while
something is typed (`app.typing_guard`).
"""

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
    held: bool = False  # lasts as long as the key is down, so it is in no menu
    writes: bool = False  # disabled while the project is read-only
    submenu: str = ""  # of the group's menu


PROJECT, EDIT, REVIEW, VIEW, TOOLS, MODEL, HELP = "Project", "Edit", "Review", "View", "Tools", "Model", "Help"
MASK, NUDGE = "Mask", "Nudge"

# At the right of the tool's options: what a hand can do with it that no control shows.
BRUSH_TIP = "Ctrl removes · Shift straight · Ctrl + wheel size"
ERASER_TIP = "Ctrl adds · Shift straight · Ctrl + wheel size"
POLYGON_TIP = "Enter closes · Backspace takes back · Shift snaps · Ctrl swaps"
LASSO_TIP = "Release closes · Ctrl swaps add and subtract"

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
    Command("statistics", tr("Statistics…"), (), PROJECT, "chart-bar", tr("How much is done, and how quickly")),
    Command("checkpoint", "Save", ("Ctrl+S",), PROJECT, "content-save-outline", "Every edit is saved as you make it"),
    Command("close_project", "Close Project", ("Ctrl+W",), PROJECT, "close"),
    Command("quit", "Quit", ("Ctrl+Q",), PROJECT, "exit-to-app"),
    Command("undo", "Undo", ("Ctrl+Z",), EDIT, "undo", writes=True),
    Command("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), EDIT, "redo", writes=True),
    Command("delete", "Delete Instances", ("Del",), EDIT, "trash-can-outline", writes=True),
    Command("cut", "Cut", ("Ctrl+X",), EDIT, "content-cut", "Copy instances and delete them here", writes=True),
    Command("copy", "Copy", ("Ctrl+C",), EDIT, "content-copy", "Copy instances, for this image or another one"),
    Command("paste", "Paste", ("Ctrl+V",), EDIT, "content-paste", "Add the instances that were copied", writes=True),
    Command("select_all", "Select All Shown Instances", ("Ctrl+A",), EDIT, "select-all"),
    Command("select_none", "Clear Selection", ("Ctrl+Shift+A",), EDIT, "select-off"),
    Command("choose_category", "Choose Category…", ("C",), EDIT, "tag-outline", "Type the category of the selection"),
    Command("select_listed", "Select All Listed Instances", ("Ctrl+Shift+L",), EDIT, "format-list-checks"),
    Command("select_same", "Select Same Category", ("Shift+C",), EDIT, "select-group"),
    Command("invert_selection", "Invert Selection", ("Ctrl+Shift+I",), EDIT, "select-inverse"),
    Command("filter_instances", "Filter Instances…", ("Ctrl+F", "/"), EDIT, "filter-outline", "Type what to list"),
    Command("next_instance", "Next Instance", ("Tab",), EDIT, "arrow-right-thin", scope=Scope.CANVAS),
    Command("previous_instance", "Previous Instance", ("Shift+Tab",), EDIT, "arrow-left-thin", scope=Scope.CANVAS),
    Command("next_uncertain", "Next Uncertain Instance", ("U",), REVIEW, "help-circle-outline"),
    Command("previous_uncertain", "Previous Uncertain Instance", ("Shift+U",), REVIEW, "help-circle"),
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
    Command("tool_brush", "Brush", ("B",), TOOLS, "brush", BRUSH_TIP, checkable=True),
    Command("tool_eraser", "Eraser", ("E",), TOOLS, "eraser", ERASER_TIP, checkable=True),
    Command("tool_polygon", "Polygon", ("P",), TOOLS, "vector-polygon", POLYGON_TIP, checkable=True),
    Command("tool_lasso", "Lasso", ("L",), TOOLS, "lasso", LASSO_TIP, checkable=True),
    Command(
        "tool_vertices",
        "Vertices",
        ("T",),
        TOOLS,
        "vector-polyline-edit",
        "Drag vertices, click an edge to add one, Ctrl + click one to delete it",
        checkable=True,
    ),
    Command("tool_cut", "Cut Line", ("K",), TOOLS, "knife", "Cut instances apart along a line", checkable=True),
    Command("tool_wand", "Magic Wand", ("W",), TOOLS, "auto-fix", "Press on an object; drag for more", checkable=True),
    Command("tool_grab_cut", "GrabCut", ("G",), TOOLS, "select-drag", "Box, strokes, Enter", checkable=True),
    Command("brush_smaller", "Smaller Brush", ("[",), TOOLS, "minus"),
    Command("brush_larger", "Larger Brush", ("]",), TOOLS, "plus"),
    Command("new_instance", "Always a New Instance", ("N",), TOOLS, "plus-box-outline", "On or off: each mark is new"),
    Command("keep_apart", "Keep Apart", ("Shift+K",), TOOLS, "vector-difference", "On or off: never cover neighbours"),
    Command("fill_holes", "Fill Holes", ("Shift+F",), MASK, "circle", "Add everything that masks enclose", writes=True),
    Command("remove_specks", "Remove Specks", (), MASK, "shimmer", "Parts and holes of few pixels go", writes=True),
    Command("keep_largest", "Keep Largest Part", (), MASK, "circle-multiple", "All smaller parts go", writes=True),
    Command("grow", "Grow", (".",), MASK, "arrow-expand-all", "Move borders outwards by the amount", writes=True),
    Command("shrink", "Shrink", (",",), MASK, "arrow-collapse-all", "Move borders inwards by the amount", writes=True),
    Command("smooth", "Smooth", (), MASK, "vector-curve", "Round borders off by the amount", writes=True),
    Command("split_watershed", "Split at Necks", (), MASK, "set-split", "Part objects that touch", writes=True),
    Command("merge", "Merge", ("M",), MASK, "set-merge", "Make one instance of all selected ones", writes=True),
    Command("union", "Union", (), MASK, "set-all", "Add the others to the one selected first", writes=True),
    Command("subtract", "Subtract", (), MASK, "set-left", "Take the others from the one selected first", writes=True),
    Command("intersect", "Intersect", (), MASK, "set-center", "Leave the first what all have in common", writes=True),
    Command("duplicate", "Duplicate", ("Ctrl+D",), MASK, "content-duplicate", writes=True),
    Command("nudge_left", "Move Left", ("Left",), MASK, scope=Scope.CANVAS, writes=True, submenu=NUDGE),
    Command("nudge_right", "Move Right", ("Right",), MASK, scope=Scope.CANVAS, writes=True, submenu=NUDGE),
    Command("nudge_up", "Move Up", ("Up",), MASK, scope=Scope.CANVAS, writes=True, submenu=NUDGE),
    Command("nudge_down", "Move Down", ("Down",), MASK, scope=Scope.CANVAS, writes=True, submenu=NUDGE),
    Command("nudge_left_far", "Move Left by 10", ("Shift+Left",), MASK, scope=Scope.CANVAS, writes=True, submenu=NUDGE),
    Command(
        "nudge_right_far", "Move Right by 10", ("Shift+Right",), MASK, scope=Scope.CANVAS, writes=True, submenu=NUDGE
    ),
    Command("nudge_up_far", "Move Up by 10", ("Shift+Up",), MASK, scope=Scope.CANVAS, writes=True, submenu=NUDGE),
    Command("nudge_down_far", "Move Down by 10", ("Shift+Down",), MASK, scope=Scope.CANVAS, writes=True, submenu=NUDGE),
    Command("lock", "Lock or Unlock", ("Ctrl+L",), MASK, "lock-outline", "Nothing changes locked masks", writes=True),
    Command("hide_others", "Hide Others", ("Ctrl+Shift+H",), MASK, "eye-minus-outline", writes=True),
    Command("show_all", "Show All", (), MASK, "eye-plus-outline", "Show every hidden instance", writes=True),
    Command("fit", "Fit Image", ("F",), VIEW, "fit-to-page-outline"),
    Command("zoom_in", "Zoom In", ("Ctrl++", "Ctrl+="), VIEW, "magnify-plus-outline"),
    Command("zoom_out", "Zoom Out", ("Ctrl+-",), VIEW, "magnify-minus-outline"),
    Command("zoom_actual", "Actual Pixels", ("Ctrl+0",), VIEW, "numeric-1-box-outline"),
    Command("zoom_double", "Zoom to 200 %", ("Ctrl+2",), VIEW, "numeric-2-box-outline"),
    Command("zoom_quadruple", "Zoom to 400 %", ("Ctrl+4",), VIEW, "numeric-4-box-outline"),
    Command("zoom_selection", "Zoom to Selection", ("Z",), VIEW, "image-filter-center-focus"),
    Command("display", "Display…", ("Shift+I",), VIEW, "tune-variant", "Colours, opacity, contrast", checkable=True),
    Command("invert", "Invert Image", ("I",), VIEW, "invert-colors", "Only the view, never the data", checkable=True),
    Command("reset_display", "Reset Image Adjustments", (), VIEW, "backup-restore", "See the image as it is"),
    Command("next_coloring", "Colour Masks by the Next Choice", ("Shift+C",), VIEW, "palette-outline"),
    Command("next_region", tr("Next Part of the Window"), ("F6",), VIEW, "page-next-outline"),
    Command("previous_region", tr("Previous Part of the Window"), ("Shift+F6",), VIEW, "page-previous-outline"),
    Command("hide_masks", "Hide Masks", ("H",), VIEW, "eye-off-outline", "Look at the bare image", checkable=True),
    Command("peek_image", "Image Only, While Held", ("Q",), VIEW, "image-outline", held=True),
    Command("peek_masks", "Masks Only, While Held", ("Shift+Q",), VIEW, "shape", held=True),
    Command("peek_original", "Model's Proposal, While Held", ("O",), VIEW, "creation-outline", held=True),
    Command("hide_selected", "Hide or Show Selected Instances", ("Shift+H",), VIEW, "eye-outline", writes=True),
    Command("finetune", "Fine-tune Model…", ("Ctrl+T",), MODEL, "school-outline", writes=True),
    Command("predict_again", "Predict This Image Again", ("Ctrl+P",), MODEL, "creation", writes=True),
    Command("keys", "Keyboard Shortcuts", ("?", "F1"), HELP, "keyboard-outline"),
    Command("customise_keys", tr("Customise Keys…"), (), HELP, "keyboard-settings-outline"),
    Command("log", "Show Log Folder", (), HELP, "text-box-outline"),
    Command("about", "About Maskwright", (), HELP, "information-outline"),
)
# What a right click on the list of instances offers.
LISTED_INSTANCES = (
    *("accept", "reject", "reopen", "delete", "hide_selected", "hide_others", "show_all", "lock"),
    *("cut", "copy", "duplicate", "fill_holes", "remove_specks", "smooth", "split_watershed", "merge"),
)
CATEGORY = "Category"
# They are in no menu: the categories panel shows their keys.
CATEGORY_COMMANDS = tuple(
    Command(f"category_{number}", tr("Category {number}", number=number), (str(number),), CATEGORY, "tag-outline")
    for number in range(1, 10)
)
# Everything that has keys.
BOUND_COMMANDS = (*COMMANDS, *CATEGORY_COMMANDS)
# What the canvas does with keys itself; no command can have them.
CANVAS_HELP = (
    ("Space", tr("Move the image while held, with the mouse")),
    ("Esc", tr("Drop what a tool has begun, else clear the selection")),
)
# Without these nobody could walk through controls and lists: only commands of the canvas's scope can have them.
CONTROL_KEYS = frozenset(
    prefix + key for prefix in ("", "Shift+") for key in ("Tab", "Left", "Right", "Up", "Down", "Home", "End")
)
MOUSE_HELP = (
    ("Wheel", "Zoom at the pointer"),
    ("Middle drag, Space drag", "Pan"),
    ("Shift + wheel", "Pan sideways"),
    ("Click", "Select an instance"),
    ("Shift + click", "Add to the selection, or take away"),
    ("Click again", "Select the one beneath"),
    ("Drag, Shift adds, Ctrl takes away", "Lasso"),
    ("Drag with the brush", "Add to the selected mask"),
    ("Ctrl + drag", "Brush removes, eraser adds"),
    ("Shift + drag with the brush", "Draw a straight line"),
    ("Shift + click with the brush", "Go straight from the last stroke"),
    ("Ctrl + wheel, Alt + wheel", "Size of the brush"),
    ("Click with the polygon", "Add a vertex; on the first, close"),
    ("Drag with polygon or lasso", "Draw freehand"),
    ("Ctrl + click or drag with them", "Subtract instead of add"),
    ("Drag a vertex", "Move it, and the others that are chosen"),
    ("Shift + click a vertex, drag beside", "Choose several vertices"),
    ("Click an edge", "Add a vertex"),
    ("Ctrl + click a vertex", "Delete it"),
    ("Drag with the cut line", "Cut instances apart"),
    ("Drag with the wand", "Mark more like pixels to the right, fewer to the left"),
    ("Drag a box with GrabCut", "Cut out what is in it; Enter stores it, Escape drops it"),
    ("Drag again with GrabCut", "Mark what belongs to the object, with Ctrl what does not"),
)


def tool_names() -> dict[str, str]:
    """The tools' names by the commands that choose them."""
    return {each.id: each.id.removeprefix("tool_") for each in COMMANDS if each.id.startswith("tool_")}
