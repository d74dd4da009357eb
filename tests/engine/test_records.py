"""Records: what changing a mask does to the source it was imported from."""

import json

import numpy as np

from engine.errors import InvalidDataset, MaskwrightError
from engine.geometry.mask import Mask
from engine.records import Instance, InstanceState, Origin


def instance(source: str | None) -> Instance:
    square = Mask.from_crop(np.ones((2, 2)), 0, 0)
    return Instance(1, 1, 1, square, state=InstanceState.ACCEPTED, origin=Origin.IMPORTED, source=source)


def test_another_mask_drops_what_the_source_said_of_the_old_one_and_nothing_else() -> None:
    source = {
        "id": 7,
        "segmentation": [[0, 0, 2, 0, 2, 2]],
        "area": 4,
        "bbox": [0, 0, 2, 2],
        "note": "größer",
        "x": None,
    }
    before = instance(json.dumps(source))
    after = before.with_mask(Mask.from_crop(np.ones((3, 3)), 1, 1))
    assert after.source is not None
    assert json.loads(after.source) == {"id": 7, "note": "größer", "x": None}
    assert after.edited
    assert after.mask.area == 9
    assert json.loads(before.source or "") == source


def test_an_instance_without_a_source_stays_without() -> None:
    assert instance(None).with_mask(Mask.empty()).source is None


def test_an_error_says_what_was_wrong_and_what_to_do() -> None:
    error = InvalidDataset("It is broken.", remedy="Mend it.")
    assert str(error) == "It is broken. Mend it."
    assert (error.message, error.remedy) == ("It is broken.", "Mend it.")
    assert str(MaskwrightError("It is broken.")) == "It is broken."
