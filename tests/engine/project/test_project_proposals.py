"""What a model proposes never overrules what a person did."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.project import Edit, Project, commands
from engine.records import Detection, Image, ImageStatus, Instance, InstanceState, Origin, Review

Disc = Callable[..., Mask]
Detect = Callable[..., Detection]
SIZE = (64, 48)


def proposals(project: Project, image: Image) -> list[Instance]:
    return [known for known in project.instances(image.id) if known.state is InstanceState.PROPOSAL]


def test_detections_become_proposals_with_score_category_and_checkpoint(
    project: Project, image: Image, disc: Disc, detection: Detect
) -> None:
    project.set_proposals(image.id, [detection(disc(5, 5, hole=4), 0.25), detection(disc(30, 5), 0.75, "dust")], "base")
    first, second = project.instances(image.id)
    names = {category.id: category.name for category in project.categories()}
    assert (first.mask, second.mask) == (disc(5, 5, hole=4), disc(30, 5))
    assert [(one.score, names[one.category_id]) for one in (first, second)] == [(0.25, "cell"), (0.75, "dust")]
    assert {(one.state, one.origin, one.predicted_by) for one in (first, second)} == {
        (InstanceState.PROPOSAL, Origin.PREDICTED, "base")
    }
    assert project.image(image.id).predicted_by == "base"
    assert not project.can_redo
    assert len(project.history()) == 1


def test_new_proposals_replace_untouched_ones(project: Project, image: Image, disc: Disc, detection: Detect) -> None:
    project.set_proposals(image.id, [detection(disc(5, 5))], "base")
    returned = project.set_proposals(image.id, [detection(disc(6, 6)), detection(Mask.empty())], "tuned")
    (only,) = project.instances(image.id)
    assert returned == [only]
    assert (only.mask, only.predicted_by) == (disc(6, 6), "tuned")
    project.set_proposals(image.id, [], "tuned")
    assert project.instances(image.id) == []
    assert project.image(image.id).status is ImageStatus.PREDICTED


@pytest.mark.parametrize("decide", [commands.accept, commands.reject, commands.hide, commands.delete])
def test_an_object_that_a_person_dealt_with_is_not_proposed_again(
    project: Project, image: Image, disc: Disc, detection: Detect, decide: Callable[[list[Instance]], Edit]
) -> None:
    project.set_proposals(image.id, [detection(disc(5, 5)), detection(disc(30, 5))], "base")
    project.apply(decide(project.instances(image.id)[:1]))
    (touched, _) = project.instances(image.id)
    returned = project.set_proposals(image.id, [detection(disc(6, 5)), detection(disc(31, 5))], "tuned")
    kept, new = project.instances(image.id)
    assert kept == touched
    assert returned == [kept, new]
    assert new.mask == disc(31, 5)


def test_an_overlap_of_less_than_half_is_another_object(
    project: Project, image: Image, disc: Disc, detection: Detect
) -> None:
    project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(5, 5)))
    assert disc(5, 5).iou(disc(9, 5)) < 0.5
    project.set_proposals(image.id, [detection(disc(9, 5))], "base")
    assert [known.mask for known in proposals(project, image)] == [disc(9, 5)]


@pytest.mark.parametrize("review", [Review.ACCEPTED, Review.VERIFIED_EMPTY, Review.SKIPPED])
def test_a_decided_image_is_never_predicted_again(
    project: Project, image: Image, disc: Disc, detection: Detect, review: Review
) -> None:
    project.set_proposals(image.id, [detection(disc(5, 5))], "base")
    everything = project.instances(image.id)
    decide = {
        Review.ACCEPTED: lambda: commands.accept_image(image, everything, 0.5),
        Review.VERIFIED_EMPTY: lambda: commands.verify_empty(image, everything),
        Review.SKIPPED: lambda: commands.skip(image),
    }
    project.apply(decide[review]())
    before = project.image(image.id), project.instances(image.id)
    project.set_proposals(image.id, [detection(disc(30, 5))], "tuned")
    assert (project.image(image.id), project.instances(image.id)) == before
    assert project.stale_images("tuned") == []


def test_redo_finds_what_it_needs_after_a_new_prediction(
    project: Project, image: Image, disc: Disc, detection: Detect
) -> None:
    project.set_proposals(image.id, [detection(disc(5, 5))], "base")
    (proposal,) = project.instances(image.id)
    project.apply(commands.paint(proposal, disc(12, 12), SIZE))
    (painted,) = project.instances(image.id)
    project.undo()
    project.set_proposals(image.id, [detection(disc(40, 20))], "tuned")
    project.redo()
    assert project.instance(proposal.id) == painted


def test_images_turn_stale_with_another_checkpoint(
    project: Project, image: Image, write_image: Callable[..., Path]
) -> None:
    (other,) = project.add_images([write_image(project.root / "other.png", 1)]).added
    project.set_proposals(image.id, [], "base")
    assert [stale.id for stale in project.stale_images("base")] == [other.id]
    assert [stale.id for stale in project.stale_images("tuned")] == [image.id, other.id]


def test_the_model_of_an_old_name_does_not_block_undoing_the_rename(
    project: Project, image: Image, disc: Disc, detection: Detect
) -> None:
    (cell,) = project.categories()
    project.apply(commands.rename_category(cell, "nucleus"))
    project.set_proposals(image.id, [detection(disc(5, 5), category="cell")], "base")
    assert [category.name for category in project.categories()] == ["nucleus", "cell"]
    project.undo()
    assert project.categories() == [cell]
    assert [known.category_id for known in project.instances(image.id)] == [cell.id]


def test_a_category_stays_as_long_as_proposals_are_of_it_and_redo_brings_it_back(
    project: Project, image: Image, disc: Disc, detection: Detect
) -> None:
    project.apply(commands.add_category(project.new_category_id(), "dust", "#00ff00"))
    cell, dust = project.categories()
    project.set_proposals(image.id, [detection(disc(5, 5), category="dust")], "base")
    project.undo()
    assert project.categories() == [cell, dust]
    project.set_proposals(image.id, [], "base")
    assert project.categories() == [cell]
    project.set_proposals(image.id, [detection(disc(5, 5), category="dust")], "base")
    assert project.redo() is not None
    assert project.categories() == [cell, dust]


def test_two_categories_never_share_a_name_and_a_used_one_stays(project: Project, image: Image, disc: Disc) -> None:
    (cell,) = project.categories()
    with pytest.raises(MaskwrightError, match="already a category 'cell'"):
        project.apply(commands.add_category(project.new_category_id(), " cell ", "#00ff00"))
    with pytest.raises(MaskwrightError, match="needs a name"):
        commands.rename_category(cell, "  ")
    project.apply(commands.draw(project.new_instance_id(), image.id, cell.id, disc(5, 5)))
    with pytest.raises(MaskwrightError, match="1 instance is of the category 'cell'"):
        project.apply(commands.remove_category(cell))
    project.undo()
    project.apply(commands.remove_category(cell))
    assert project.categories() == []
