"""Where the person was in a project: noted when it is closed, and gone back to when it is opened."""

from collections.abc import Mapping

from engine.project import Project
from engine.records import Image, Review


def leave(project: Project, image: Image | None, threshold: float) -> None:
    """Note the current image and the threshold, and close the project whether or not they can be written.

    Raises MaskwrightError where they can not.
    """
    try:
        if not project.read_only:
            project.threshold = threshold
            if image is not None:
                project.last_image_id = image.id
    finally:
        project.close()


def image_to_open(project: Project, images: Mapping[int, Image]) -> int | None:
    """The image that was left, else the first undecided one, else the first; None where there is no image."""
    if project.last_image_id in images:
        return project.last_image_id
    undecided = (image.id for image in images.values() if image.review is Review.OPEN)
    return next(undecided, next(iter(images), None))
