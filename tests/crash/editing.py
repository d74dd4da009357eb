"""A labeler who does everything that can be done, in an order that a seed decides, and the same for the same seed."""

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.project import Edit, Project, Round, commands
from engine.project.edit import Action
from engine.records import Category, Detection, Image, Instance

SIZE = (40, 30)
STEPS = 70
# A model's category: never renamed, because undoing that folds namesakes together, and then redo is another way.
PREDICTED = "found"


def everything(path: Path, seed: int) -> Iterator[Project | None]:
    """Works on a project and yields it after each step, which commits at most once; None where it was closed."""
    generator = random.Random(seed)
    project = Project.open(path)
    yield project
    for step in range(STEPS):
        if step % 25 == 24:
            project.close()
            yield None
            project = Project.open(path)
        else:
            _one_step(project, generator)
        yield project
    project.close()
    yield None


def _one_step(project: Project, generator: random.Random) -> None:
    images = project.images()
    image = generator.choice(images)
    do = generator.choices([_edit, *_OTHERS], [12, *([1] * len(_OTHERS))])[0]
    # Not everything is allowed at any time, such as removing a category in use.
    with contextlib.suppress(MaskwrightError):
        do(project, image, generator)


def _edit(project: Project, image: Image, generator: random.Random) -> None:
    own = project.instances(image.id)
    if not _changeable(project):  # at the beginning of the timeline
        project.apply(commands.add_category(project.new_category_id(), "cell", "#102030"))
        return
    kinds = [_draw, _of_image, _of_category] + ([_of_instance] * 3 if own else [])
    edit = generator.choice(kinds)(project, image, own, generator)
    project.apply(edit, seconds=generator.randrange(9))


def _draw(project: Project, image: Image, own: list[Instance], generator: random.Random) -> Edit:
    category = generator.choice(project.categories())
    count = generator.choice((1, 1, 4))
    drawn = [
        commands.draw(project.new_instance_id(), image.id, category.id, _mask(generator)).changes for _ in range(count)
    ]
    return Edit(Action.ADD, image.id, tuple(change for changes in drawn for change in changes))


def _of_instance(project: Project, image: Image, own: list[Instance], generator: random.Random) -> Edit:
    one, stroke = generator.choice(own), _mask(generator)
    some = generator.sample(own, min(len(own), 3))
    category = generator.choice(project.categories())
    choices: list[Callable[[], Edit]] = [
        lambda: commands.paint(one, stroke, SIZE),
        lambda: commands.erase(one, stroke, SIZE),
        lambda: commands.replace_mask(one, stroke),
        lambda: commands.delete(some),
        lambda: commands.recategorise(some, category.id),
        lambda: commands.hide(some),
        lambda: commands.show(some),
        lambda: commands.accept(some),
        lambda: commands.reject(some),
        lambda: commands.reopen(some),
    ]
    return generator.choice(choices)()


def _of_image(project: Project, image: Image, own: list[Instance], generator: random.Random) -> Edit:
    choices: list[Callable[[], Edit]] = [
        lambda: commands.accept_image(image, own, generator.random()),
        lambda: commands.verify_empty(image, own),
        lambda: commands.skip(image),
        lambda: commands.reopen_image(image, own),
    ]
    return generator.choice(choices)()


def _of_category(project: Project, image: Image, own: list[Instance], generator: random.Random) -> Edit:
    category, name = generator.choice(_changeable(project)), f"category {generator.randrange(1000)}"
    choices: list[Callable[[], Edit]] = [
        lambda: commands.add_category(project.new_category_id(), name, "#102030"),
        lambda: commands.rename_category(category, name),
        lambda: commands.recolor_category(category, f"#{generator.randrange(1 << 24):06x}"),
        lambda: commands.remove_category(category),
    ]
    return generator.choice(choices)()


def _changeable(project: Project) -> list[Category]:
    return [category for category in project.categories() if category.name != PREDICTED]


def _undo(project: Project, image: Image, generator: random.Random) -> None:
    project.undo()


def _redo(project: Project, image: Image, generator: random.Random) -> None:
    project.redo()


def _travel(project: Project, image: Image, generator: random.Random) -> None:
    project.travel(generator.choice([0, *(entry.id for entry in project.history(None))]))


def _predict(project: Project, image: Image, generator: random.Random) -> None:
    project.set_proposals(image.id, _detections(generator), f"model {generator.randrange(3)}")


def _predict_all(project: Project, image: Image, generator: random.Random) -> None:
    project.set_proposals_of_many({each.id: _detections(generator) for each in project.images()}, "model")


def _keep(project: Project, image: Image, generator: random.Random) -> None:
    project.threshold = generator.random()


def _register(project: Project, image: Image, generator: random.Random) -> None:
    folder = project.rounds_folder / f"round-{generator.randrange(99)}"
    project.register_checkpoint(Round(folder, folder / "model.safetensors", f"{generator.randrange(1 << 30):x}"))


def _checkpoint(project: Project, image: Image, generator: random.Random) -> None:
    project.checkpoint()


_OTHERS = (_undo, _undo, _undo, _redo, _travel, _predict, _predict_all, _keep, _register, _checkpoint)


def _detections(generator: random.Random) -> list[Detection]:
    masks = [_mask(generator) for _ in range(generator.randrange(4))]
    boxes = [tuple(map(float, mask.bounds)) for mask in masks]
    return [
        Detection(0, PREDICTED, generator.random(), (x1, y1, x2, y2), mask)
        for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True)
    ]


def _mask(generator: random.Random) -> Mask:
    w, h = generator.randrange(1, 9), generator.randrange(1, 9)
    bits = [[generator.random() < 0.8 for _ in range(w)] for _ in range(h)]
    bits[0][0] = True
    return Mask.from_crop(np.array(bits), generator.randrange(SIZE[0] - w), generator.randrange(SIZE[1] - h))
