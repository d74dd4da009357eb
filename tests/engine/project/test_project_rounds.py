"""What a project remembers besides images: rounds, the current checkpoint, and single facts."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.project import CheckpointReference, Project, Round, commands
from tests.engine.project.conftest import Disc, WriteImage


def a_round(project: Project, name: str) -> Round:
    folder = project.rounds_folder / name
    return Round(
        folder=folder,
        checkpoint=folder / "model.safetensors",
        checkpoint_id=f"id-of-{name}",
        base_id="base",
        verdict="cannot tell",
        before={"mask": {"AP50": 0.1}, "images": 3},
        after={"mask": {"AP50": 1 / 3}, "images": 3},
        reason="Only 3 images are held out.",
    )


def test_the_instances_to_compare_on_are_the_accepted_ones_of_accepted_held_out_images(
    project: Project, write_image: WriteImage, tmp_path: Path, disc: Disc
) -> None:
    project.add_images([write_image(tmp_path / f"{seed}.png", seed) for seed in range(12)])
    held_out = [image for image in project.images() if image.hold_out]
    assert len(held_out) > 1, "one in five, by what they show"
    for image in project.images():
        for place in (5, 30):
            project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(place, 5)))
    assert project.held_out_instances() == 0
    for image in [each for each in project.images() if each.id != held_out[0].id]:
        project.apply(commands.accept_image(image, project.instances(image.id), 0.5))
    assert project.held_out_instances() == 2 * (len(held_out) - 1)


def test_rounds_survive_reopening_bit_by_bit(project: Project) -> None:
    first = project.register_checkpoint(a_round(project, "1"))
    second = project.register_checkpoint(a_round(project, "2"))
    assert first == replace(a_round(project, "1"), id=1, created=first.created)
    decided = project.register_checkpoint(replace(second, promoted=True, verdict="better"))
    assert decided.id == second.id
    project.close()
    with Project.open(project.path) as again:
        assert again.rounds() == [first, decided]


def test_rounds_and_the_current_checkpoint_move_with_the_project(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with Project.create(tmp_path / "old" / "p.maskwright") as project:
        project.register_checkpoint(a_round(project, "1"))
        project.set_current_checkpoint("id-of-1")
    (tmp_path / "old").rename(tmp_path / "new")
    with Project.open(tmp_path / "new" / "p.maskwright") as moved:
        path = tmp_path / "new" / "p.rounds" / "1" / "model.safetensors"
        assert moved.rounds()[0].checkpoint == path
        assert moved.current_checkpoint() == CheckpointReference("id-of-1", path)


def test_the_base_checkpoint_moves_with_the_project_and_may_predict_at_once(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    inside = tmp_path / "old" / "models" / "mine.safetensors"
    with Project.create(tmp_path / "old" / "p.maskwright") as project:
        assert project.base_checkpoint() is None
        project.set_current_checkpoint("bundled", "/opt/models/bundled.safetensors")
        project.set_base_checkpoint(CheckpointReference("mine", inside))
        assert project.current_checkpoint() == CheckpointReference("bundled", Path("/opt/models/bundled.safetensors"))
    (tmp_path / "old").rename(tmp_path / "new")
    with Project.open(tmp_path / "new" / "p.maskwright") as moved:
        there = CheckpointReference("mine", tmp_path / "new" / "models" / "mine.safetensors")
        assert moved.base_checkpoint() == there
        elsewhere = CheckpointReference("other", Path("/opt/models/other.safetensors"))
        moved.set_base_checkpoint(elsewhere, predicts=True)
        assert (moved.base_checkpoint(), moved.current_checkpoint()) == (elsewhere, elsewhere)
        moved.set_base_checkpoint(None)
        assert (moved.base_checkpoint(), moved.current_checkpoint()) == (None, elsewhere)


def test_a_round_its_choice_and_facts_are_kept_in_one_piece(project: Project) -> None:
    wanted = a_round(project, "1")
    current = CheckpointReference(wanted.checkpoint_id, wanted.checkpoint)
    with pytest.raises(TypeError):
        project.register_checkpoint(wanted, current=current, facts={"not JSON": object()})
    assert (project.rounds(), project.current_checkpoint()) == ([], None)
    entry = project.register_checkpoint(wanted, current=current, facts={"declined_round": 7})
    assert (project.rounds(), project.current_checkpoint()) == ([entry], current)
    assert project.fact("declined_round") == 7


def test_a_checkpoint_from_elsewhere_needs_its_path_told(project: Project) -> None:
    assert project.current_checkpoint() is None
    project.set_current_checkpoint("bundled", "/opt/models/bundled.safetensors")
    assert project.current_checkpoint() == CheckpointReference("bundled", Path("/opt/models/bundled.safetensors"))
    project.set_current_checkpoint("unknown")
    assert project.current_checkpoint() == CheckpointReference("unknown", None)


def test_single_facts_survive_reopening(project: Project) -> None:
    assert (project.name, project.dataset_source, project.last_image_id, project.threshold) == (None,) * 4
    project.name = "Zellkörper"
    project.dataset_source = {"info": {"year": 2024}, "licenses": [{"id": 1}]}
    project.last_image_id = 12
    project.threshold = 0.35
    project.close()
    with Project.open(project.path, read_only=True) as again:
        assert again.name == "Zellkörper"
        assert again.dataset_source == {"info": {"year": 2024}, "licenses": [{"id": 1}]}
        assert (again.last_image_id, again.threshold) == (12, 0.35)
