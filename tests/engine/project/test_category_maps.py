"""A model's categories are called in a project as the person chose, else as their names say."""

from collections.abc import Sequence

import numpy as np

from engine.geometry.mask import Mask
from engine.project import CategoryMap, Project, commands
from engine.project.category_maps import category_map
from engine.records import Detection, Image, ImageStatus


def square(x: int, side: int = 10) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), x, 0)


def found(category: str, x: int = 0, *, label: int = 0, score: float = 0.9, side: int = 10) -> Detection:
    return Detection(label, category, score, (x, 0, x + side, side), square(x, side))


def names(detections: Sequence[Detection]) -> list[str]:
    return [each.category for each in detections]


def test_an_empty_project_takes_every_category_as_it_is() -> None:
    assert category_map(None, ["person", "N/A", "car"], []).targets == {"N/A": None, "person": "person", "car": "car"}


def test_the_same_name_in_whatever_case_is_the_same_category_and_others_are_left_out() -> None:
    made = category_map(None, ["person", "N/A", "car"], ["Car", "tree"])
    assert made.targets == {"N/A": None, "person": None, "car": "Car"}
    assert made.left_out == ["person"]


def test_a_models_only_category_is_never_left_out_unasked_and_the_projects_only_one() -> None:
    assert category_map(None, ["nucleus"], ["cell"]).targets == {"nucleus": "cell"}
    assert category_map(None, ["nucleus"], ["cell", "debris"]).targets == {"nucleus": "nucleus"}
    assert category_map(None, ["nucleus", "debris"], ["cell"]).targets == {"nucleus": None, "debris": None}
    assert category_map({"nucleus": None}, ["nucleus"], ["cell"]).left_out == ["nucleus"]


def test_what_was_chosen_counts_before_the_names_and_unknown_choices_count_nothing() -> None:
    made = category_map({"person": "tree", "ghost": "tree"}, ["person", "car"], ["car", "tree"])
    assert made.targets == {"person": "tree", "car": "car"}
    assert (made.to_model("tree"), made.to_model("house")) == ("person", None)
    assert made.sources(["tree", "house"]) == {"tree": ("person",), "house": ()}


def test_detections_get_the_projects_names_and_those_left_out_are_dropped() -> None:
    renamed = CategoryMap({"person": None, "car": "vehicle"}).renamed([found("car"), found("person"), found("other")])
    assert names(renamed) == ["vehicle", "other"]


def test_an_object_that_was_found_as_two_categories_of_one_name_stays_once() -> None:
    merged = CategoryMap({"car": "vehicle", "truck": "vehicle", "person": "person"})
    car, truck = found("car", label=0, score=0.6), found("truck", label=1, score=0.8)
    beside, person = found("car", 40, label=0, score=0.5), found("person", label=2)
    kept = merged.renamed([person, truck, car, beside])
    assert [(each.label, each.category) for each in kept] == [(2, "person"), (1, "vehicle"), (0, "vehicle")]
    assert kept[2].mask == beside.mask


def test_another_map_makes_the_open_images_stale_that_the_checkpoint_predicted(project: Project, image: Image) -> None:
    project.set_proposals(image.id, [found("car")], "coco")
    assert project.image(image.id).status is ImageStatus.PREDICTED
    project.set_category_map("another", {"car": None})
    assert project.image(image.id).predicted_by == "coco"
    project.set_category_map("coco", {"car": None})
    assert project.image(image.id).predicted_by is None
    assert project.image(image.id).status is ImageStatus.TODO
    project.set_proposals(image.id, [], "coco")
    project.set_category_map("coco", {"car": None})  # nothing changes
    assert project.image(image.id).predicted_by == "coco"
    assert project.category_maps == {"another": {"car": None}, "coco": {"car": None}}


def test_in_an_empty_project_everything_goes_on_passing_once_there_are_proposals(project: Project) -> None:
    for category in project.categories():
        project.apply(commands.remove_category(category))
    project.keep_category_map("coco", ["person", "car"])
    project.apply(commands.add_category(project.new_category_id(), "car", "#0072b2"))
    assert project.category_map("coco", ["person", "car"]).targets == {"person": "person", "car": "car"}
    project.keep_category_map("other", ["person", "car"])
    assert project.category_map("other", ["person", "car"]).targets == {"person": None, "car": "car"}


def test_what_a_model_calls_a_category_follows_its_renames_and_their_undo(project: Project) -> None:
    for name in ("lymphocyte", "debris"):
        project.apply(commands.add_category(project.new_category_id(), name, "#112233"))
    project.set_category_map("chosen", {"Zelle": "lymphocyte", "x": None})
    model = ["lymphocyte", "debris"]
    before = project.category_map("m", model).targets, project.category_maps
    cell = next(each for each in project.categories() if each.name == "lymphocyte")
    project.apply(commands.rename_category(cell, "T-cell"))
    assert project.category_map("m", model).targets == {"lymphocyte": "T-cell", "debris": "debris"}
    assert project.category_map("chosen", ["Zelle", "x", "debris"]).targets == {
        "Zelle": "T-cell",
        "x": None,
        "debris": "debris",
    }
    project.apply(commands.rename_category(project.category(cell.id), "B-cell"))
    both = project.category_map("m", ["lymphocyte", "T-cell"]).targets
    assert both == {"lymphocyte": "B-cell", "T-cell": "B-cell"}
    project.undo()
    project.undo()
    assert (project.category_map("m", model).targets, project.category_maps) == before
    project.redo()
    assert project.category_map("m", model).targets["lymphocyte"] == "T-cell"


def test_the_only_category_of_a_model_goes_by_its_new_name(project: Project) -> None:
    project.apply(commands.add_category(project.new_category_id(), "spore", "#112233"))
    spore = next(each for each in project.categories() if each.name == "spore")
    project.apply(commands.rename_category(spore, "Spore A"))
    assert project.category_map("m", ["spore"]).targets == {"spore": "Spore A"}
