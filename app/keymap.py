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


PROJECT, EDIT, REVIEW, VIEW, TOOLS, MODEL, HELP = (
    tr("Project"),
    tr("Edit"),
    tr("Review"),
    tr("View"),
    tr("Tools"),
    tr("Model"),
    tr("Help"),
)
MASK, NUDGE = tr("Mask"), tr("Nudge")

# At the right of the tool's options: what a hand can do with it that no control shows.
BRUSH_TIP = tr("Ctrl removes · Shift straight · Ctrl + wheel size")
ERASER_TIP = tr("Ctrl adds · Shift straight · Ctrl + wheel size")
POLYGON_TIP = tr("Enter closes · Backspace takes back · Shift snaps · Ctrl swaps")
LASSO_TIP = tr("Release closes · Ctrl swaps add and subtract")

COMMANDS = (
    Command(
        "sample", tr("Open Sample Project"), (), PROJECT, "flask-outline", tr("Open a small project of nuclei images")
    ),
    Command("open_folder", tr("New from Folder of Images…"), ("Ctrl+N",), PROJECT, "folder-image"),
    Command("open_dataset", tr("New from Dataset…"), (), PROJECT, "code-json"),
    Command("open_project", tr("Open Project…"), ("Ctrl+O",), PROJECT, "folder-open-outline"),
    Command("add_images", tr("Add Images…"), ("Ctrl+I",), PROJECT, "image-plus", writes=True),
    Command("add_folder", tr("Add Folder of Images…"), (), PROJECT, "folder-plus-outline", writes=True),
    Command("import_dataset", tr("Import Annotations…"), (), PROJECT, "import", writes=True),
    Command("export_dataset", tr("Export Dataset…"), ("Ctrl+E",), PROJECT, "export-variant"),
    Command("image_files", tr("Image Files…"), (), PROJECT, "image-search-outline", tr("Find images that were moved")),
    Command("backups", tr("Backups…"), (), PROJECT, "backup-restore", tr("Go back to a copy of this project")),
    Command("statistics", tr("Statistics…"), (), PROJECT, "chart-bar", tr("How much is done, and how quickly")),
    Command(
        "checkpoint", tr("Save"), ("Ctrl+S",), PROJECT, "content-save-outline", tr("Every edit is saved as you make it")
    ),
    Command("close_project", tr("Close Project"), ("Ctrl+W",), PROJECT, "close"),
    Command("quit", tr("Quit"), ("Ctrl+Q",), PROJECT, "exit-to-app"),
    Command("undo", tr("Undo"), ("Ctrl+Z",), EDIT, "undo", writes=True),
    Command("redo", tr("Redo"), ("Ctrl+Shift+Z", "Ctrl+Y"), EDIT, "redo", writes=True),
    Command("delete", tr("Delete Instances"), ("Del",), EDIT, "trash-can-outline", writes=True),
    Command("cut", tr("Cut"), ("Ctrl+X",), EDIT, "content-cut", tr("Copy instances and delete them here"), writes=True),
    Command("copy", tr("Copy"), ("Ctrl+C",), EDIT, "content-copy", tr("Copy instances, for this image or another one")),
    Command(
        "paste", tr("Paste"), ("Ctrl+V",), EDIT, "content-paste", tr("Add the instances that were copied"), writes=True
    ),
    Command("select_all", tr("Select All Shown Instances"), ("Ctrl+A",), EDIT, "select-all"),
    Command("select_none", tr("Clear Selection"), ("Ctrl+Shift+A",), EDIT, "select-off"),
    Command(
        "choose_category", tr("Choose Category…"), ("C",), EDIT, "tag-outline", tr("Type the category of the selection")
    ),
    Command("select_listed", tr("Select All Listed Instances"), ("Ctrl+Shift+L",), EDIT, "format-list-checks"),
    Command("select_same", tr("Select Same Category"), ("Shift+C",), EDIT, "select-group"),
    Command("invert_selection", tr("Invert Selection"), ("Ctrl+Shift+I",), EDIT, "select-inverse"),
    Command(
        "filter_instances", tr("Filter Instances…"), ("Ctrl+F", "/"), EDIT, "filter-outline", tr("Type what to list")
    ),
    Command("next_instance", tr("Next Instance"), ("Tab",), EDIT, "arrow-right-thin", scope=Scope.CANVAS),
    Command("previous_instance", tr("Previous Instance"), ("Shift+Tab",), EDIT, "arrow-left-thin", scope=Scope.CANVAS),
    Command("next_uncertain", tr("Next Uncertain Instance"), ("U",), REVIEW, "help-circle-outline"),
    Command("previous_uncertain", tr("Previous Uncertain Instance"), ("Shift+U",), REVIEW, "help-circle"),
    Command("accept", tr("Accept Instances"), ("Return", "Enter"), REVIEW, "check", writes=True),
    Command("reject", tr("Reject Instances"), ("X", "Backspace"), REVIEW, "close-circle-outline", writes=True),
    Command("reopen", tr("Reopen Instances"), (), REVIEW, "restore", tr("Make instances undecided again"), writes=True),
    Command(
        "accept_image",
        tr("Accept Image and Go On"),
        ("Ctrl+Return", "Ctrl+Enter"),
        REVIEW,
        "check-all",
        tr("Accept every shown instance, declare the image complete and go to the next"),
        writes=True,
    ),
    Command(
        "verify_empty",
        tr("Image Is Empty"),
        ("Shift+E",),
        REVIEW,
        "image-off-outline",
        tr("Verify that nothing is to be found on this image and go to the next"),
        writes=True,
    ),
    Command(
        "skip_image",
        tr("Skip Image"),
        ("Shift+S",),
        REVIEW,
        "debug-step-over",
        tr("Leave this image out of training and export, and go to the next"),
        writes=True,
    ),
    Command("reopen_image", tr("Reopen Image"), ("Ctrl+R",), REVIEW, "lock-open-outline", writes=True),
    Command("previous_image", tr("Previous Image"), ("A", "PgUp"), REVIEW, "chevron-left"),
    Command("next_image", tr("Next Image"), ("D", "PgDown"), REVIEW, "chevron-right"),
    Command("next_open", tr("Next Undecided Image"), ("Ctrl+Shift+D",), REVIEW, "chevron-double-right"),
    Command("tool_select", tr("Select"), ("V",), TOOLS, "cursor-default-outline", checkable=True),
    Command(
        "tool_prompt",
        tr("Box to Mask"),
        ("R",),
        TOOLS,
        "selection-drag",
        tr("Drag a box: the model fills it. Alt keeps the box"),
        checkable=True,
    ),
    Command("tool_brush", tr("Brush"), ("B",), TOOLS, "brush", BRUSH_TIP, checkable=True),
    Command("tool_eraser", tr("Eraser"), ("E",), TOOLS, "eraser", ERASER_TIP, checkable=True),
    Command("tool_polygon", tr("Polygon"), ("P",), TOOLS, "vector-polygon", POLYGON_TIP, checkable=True),
    Command("tool_lasso", tr("Lasso"), ("L",), TOOLS, "lasso", LASSO_TIP, checkable=True),
    Command(
        "tool_vertices",
        tr("Vertices"),
        ("T",),
        TOOLS,
        "vector-polyline-edit",
        tr("Drag vertices, click an edge to add one, Ctrl + click one to delete it"),
        checkable=True,
    ),
    Command("tool_cut", tr("Cut Line"), ("K",), TOOLS, "knife", tr("Cut instances apart along a line"), checkable=True),
    Command(
        "tool_wand",
        tr("Magic Wand"),
        ("W",),
        TOOLS,
        "auto-fix",
        tr("Press on an object; drag for more"),
        checkable=True,
    ),
    Command("tool_grab_cut", tr("GrabCut"), ("G",), TOOLS, "select-drag", tr("Box, strokes, Enter"), checkable=True),
    Command("brush_smaller", tr("Smaller Brush"), ("[",), TOOLS, "minus"),
    Command("brush_larger", tr("Larger Brush"), ("]",), TOOLS, "plus"),
    Command(
        "new_instance",
        tr("Always a New Instance"),
        ("N",),
        TOOLS,
        "plus-box-outline",
        tr("On or off: each mark is new"),
    ),
    Command(
        "keep_apart",
        tr("Keep Apart"),
        ("Shift+K",),
        TOOLS,
        "vector-difference",
        tr("On or off: never cover neighbours"),
    ),
    Command(
        "fill_holes",
        tr("Fill Holes"),
        ("Shift+F",),
        MASK,
        "circle",
        tr("Add everything that masks enclose"),
        writes=True,
    ),
    Command(
        "remove_specks", tr("Remove Specks"), (), MASK, "shimmer", tr("Parts and holes of few pixels go"), writes=True
    ),
    Command(
        "keep_largest", tr("Keep Largest Part"), (), MASK, "circle-multiple", tr("All smaller parts go"), writes=True
    ),
    Command(
        "grow", tr("Grow"), (".",), MASK, "arrow-expand-all", tr("Move borders outwards by the amount"), writes=True
    ),
    Command(
        "shrink",
        tr("Shrink"),
        (",",),
        MASK,
        "arrow-collapse-all",
        tr("Move borders inwards by the amount"),
        writes=True,
    ),
    Command("smooth", tr("Smooth"), (), MASK, "vector-curve", tr("Round borders off by the amount"), writes=True),
    Command("split_watershed", tr("Split at Necks"), (), MASK, "set-split", tr("Part objects that touch"), writes=True),
    Command("merge", tr("Merge"), ("M",), MASK, "set-merge", tr("Make one instance of all selected ones"), writes=True),
    Command("union", tr("Union"), (), MASK, "set-all", tr("Add the others to the one selected first"), writes=True),
    Command(
        "subtract", tr("Subtract"), (), MASK, "set-left", tr("Take the others from the one selected first"), writes=True
    ),
    Command(
        "intersect", tr("Intersect"), (), MASK, "set-center", tr("Leave the first what all have in common"), writes=True
    ),
    Command("duplicate", tr("Duplicate"), ("Ctrl+D",), MASK, "content-duplicate", writes=True),
    Command(
        "nudge_left",
        tr("Move Left"),
        ("Left",),
        MASK,
        "arrow-left-thin",
        scope=Scope.CANVAS,
        writes=True,
        submenu=NUDGE,
    ),
    Command(
        "nudge_right",
        tr("Move Right"),
        ("Right",),
        MASK,
        "arrow-right-thin",
        scope=Scope.CANVAS,
        writes=True,
        submenu=NUDGE,
    ),
    Command("nudge_up", tr("Move Up"), ("Up",), MASK, "arrow-up-thin", scope=Scope.CANVAS, writes=True, submenu=NUDGE),
    Command(
        "nudge_down",
        tr("Move Down"),
        ("Down",),
        MASK,
        "arrow-down-thin",
        scope=Scope.CANVAS,
        writes=True,
        submenu=NUDGE,
    ),
    Command(
        "nudge_left_far",
        tr("Move Left by 10"),
        ("Shift+Left",),
        MASK,
        "arrow-left-thin",
        scope=Scope.CANVAS,
        writes=True,
        submenu=NUDGE,
    ),
    Command(
        "nudge_right_far",
        tr("Move Right by 10"),
        ("Shift+Right",),
        MASK,
        "arrow-right-thin",
        scope=Scope.CANVAS,
        writes=True,
        submenu=NUDGE,
    ),
    Command(
        "nudge_up_far",
        tr("Move Up by 10"),
        ("Shift+Up",),
        MASK,
        "arrow-up-thin",
        scope=Scope.CANVAS,
        writes=True,
        submenu=NUDGE,
    ),
    Command(
        "nudge_down_far",
        tr("Move Down by 10"),
        ("Shift+Down",),
        MASK,
        "arrow-down-thin",
        scope=Scope.CANVAS,
        writes=True,
        submenu=NUDGE,
    ),
    Command(
        "lock", tr("Lock or Unlock"), ("Ctrl+L",), MASK, "lock-outline", tr("Nothing changes locked masks"), writes=True
    ),
    Command("hide_others", tr("Hide Others"), ("Ctrl+Shift+H",), MASK, "eye-minus-outline", writes=True),
    Command("show_all", tr("Show All"), (), MASK, "eye-plus-outline", tr("Show every hidden instance"), writes=True),
    Command("fit", tr("Fit Image"), ("F",), VIEW, "fit-to-page-outline"),
    Command("zoom_in", tr("Zoom In"), ("Ctrl++", "Ctrl+="), VIEW, "magnify-plus-outline"),
    Command("zoom_out", tr("Zoom Out"), ("Ctrl+-",), VIEW, "magnify-minus-outline"),
    Command("zoom_actual", tr("Actual Pixels"), ("Ctrl+0",), VIEW, "numeric-1-box-outline"),
    Command("zoom_double", tr("Zoom to 200 %"), ("Ctrl+2",), VIEW, "numeric-2-box-outline"),
    Command("zoom_quadruple", tr("Zoom to 400 %"), ("Ctrl+4",), VIEW, "numeric-4-box-outline"),
    Command("zoom_selection", tr("Zoom to Selection"), ("Z",), VIEW, "image-filter-center-focus"),
    Command(
        "display", tr("Display…"), ("Shift+I",), VIEW, "tune-variant", tr("Colours, opacity, contrast"), checkable=True
    ),
    Command(
        "invert", tr("Invert Image"), ("I",), VIEW, "invert-colors", tr("Only the view, never the data"), checkable=True
    ),
    Command("reset_display", tr("Reset Image Adjustments"), (), VIEW, "backup-restore", tr("See the image as it is")),
    Command("next_coloring", tr("Colour Masks by the Next Choice"), ("Y",), VIEW, "palette-outline"),
    Command("next_region", tr("Next Part of the Window"), ("F6",), VIEW, "page-next-outline"),
    Command("previous_region", tr("Previous Part of the Window"), ("Shift+F6",), VIEW, "page-previous-outline"),
    Command(
        "hide_masks", tr("Hide Masks"), ("H",), VIEW, "eye-off-outline", tr("Look at the bare image"), checkable=True
    ),
    Command("peek_image", tr("Image Only, While Held"), ("Q",), VIEW, "image-outline", held=True),
    Command("peek_masks", tr("Masks Only, While Held"), ("Shift+Q",), VIEW, "shape", held=True),
    Command("peek_original", tr("Model's Proposal, While Held"), ("O",), VIEW, "creation-outline", held=True),
    Command("hide_selected", tr("Hide or Show Selected Instances"), ("Shift+H",), VIEW, "eye-outline", writes=True),
    Command("finetune", tr("Fine-tune Model…"), ("Ctrl+T",), MODEL, "school-outline", writes=True),
    Command("predict_again", tr("Predict This Image Again"), ("Ctrl+P",), MODEL, "creation", writes=True),
    Command(
        "more_like_this",
        tr("More Like This…"),
        ("J",),
        MODEL,
        "image-search-outline",
        tr("Rank all proposals by likeness to the selected instance"),
        writes=True,
    ),
    Command(
        "propagate",
        tr("Propagate to Next Image"),
        ("Ctrl+Shift+P",),
        MODEL,
        "arrow-right-bold-outline",
        tr("Look on the next image where the accepted instances of this one are"),
        writes=True,
    ),
    Command("keys", tr("Keyboard Shortcuts"), ("?", "F1"), HELP, "keyboard-outline"),
    Command("customise_keys", tr("Customise Keys…"), (), HELP, "keyboard-settings-outline"),
    Command("log", tr("Show Log Folder"), (), HELP, "text-box-outline"),
    Command("about", tr("About Maskwright"), (), HELP, "information-outline"),
)
# What a right click on the list of instances offers.
LISTED_INSTANCES = (
    *("accept", "reject", "reopen", "delete", "hide_selected", "hide_others", "show_all", "lock"),
    *("cut", "copy", "duplicate", "fill_holes", "remove_specks", "smooth", "split_watershed", "merge"),
)
CATEGORY = tr("Category")
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
    (tr("Wheel"), tr("Zoom at the pointer")),
    (tr("Middle drag, Space drag"), tr("Pan")),
    (tr("Shift + wheel"), tr("Pan sideways")),
    (tr("Click"), tr("Select an instance")),
    (tr("Shift + click"), tr("Add to the selection, or take away")),
    (tr("Click again"), tr("Select the one beneath")),
    (tr("Drag, Shift adds, Ctrl takes away"), tr("Lasso")),
    (tr("Drag with Box to Mask"), tr("The model fills the box; Alt keeps the box as it is")),
    (tr("Click with Box to Mask"), tr("Take what the model found but doubts")),
    (tr("Drag with the brush"), tr("Add to the selected mask")),
    (tr("Ctrl + drag"), tr("Brush removes, eraser adds")),
    (tr("Shift + drag with the brush"), tr("Draw a straight line")),
    (tr("Shift + click with the brush"), tr("Go straight from the last stroke")),
    (tr("Ctrl + wheel, Alt + wheel"), tr("Size of the brush")),
    (tr("Click with the polygon"), tr("Add a vertex; on the first, close")),
    (tr("Drag with polygon or lasso"), tr("Draw freehand")),
    (tr("Ctrl + click or drag with them"), tr("Subtract instead of add")),
    (tr("Drag a vertex"), tr("Move it, and the others that are chosen")),
    (tr("Shift + click a vertex, drag beside"), tr("Choose several vertices")),
    (tr("Click an edge"), tr("Add a vertex")),
    (tr("Ctrl + click a vertex"), tr("Delete it")),
    (tr("Drag with the cut line"), tr("Cut instances apart")),
    (tr("Drag with the wand"), tr("Mark more like pixels to the right, fewer to the left")),
    (tr("Drag a box with GrabCut"), tr("Cut out what is in it; Enter stores it, Escape drops it")),
    (tr("Drag again with GrabCut"), tr("Mark what belongs to the object, with Ctrl what does not")),
)


def tool_names() -> dict[str, str]:
    """The tools' names by the commands that choose them."""
    return {each.id: each.id.removeprefix("tool_") for each in COMMANDS if each.id.startswith("tool_")}
