"""Images and instances made by hand, for checks on masks that one can picture."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

from engine.geometry.mask import Mask
from engine.quality.checks import Check
from engine.quality.examination import examine_image
from engine.quality.findings import Finding, Subject
from engine.records import Image, ImageStatus, Instance, InstanceState, Origin, Review

settings.register_profile("quality", deadline=None, max_examples=60)
settings.load_profile("quality")


@pytest.fixture
def image() -> Callable[..., Image]:
    """image(review, **fields): an image of 200 x 200 pixels."""

    def make(review: Review = Review.ACCEPTED, **fields: Any) -> Image:
        values = {"id": 1, "path": "cells.png", "width": 200, "height": 200, "content_hash": "", "hold_out": False}
        status = ImageStatus.ACCEPTED
        return Image(**{**values, "review": review, "status": status, "predicted_by": None, **fields})

    return make


@pytest.fixture
def instance() -> Callable[..., Instance]:
    """instance(id, mask, category, **fields): an accepted, imported instance of that image."""

    def make(number: int, mask: Mask, category_id: int = 1, **fields: Any) -> Instance:
        values = {"state": InstanceState.ACCEPTED, "origin": Origin.IMPORTED, **fields}
        return Instance(number, 1, category_id, mask, **values)

    return make


@pytest.fixture
def found(image: Callable[..., Image]) -> Callable[..., list[Finding]]:
    """found(check, *instances, **of the subject): the findings of one check."""

    def run(check: Check, *instances: Instance, **fields: Any) -> list[Finding]:
        given = {"image": image(), **fields}
        return examine_image(Subject(instances=instances, names={1: "cell", 2: "debris"}, **given), {check})

    return run
