"""Keypoints are read from COCO's records as they stand, and what is malformed is none."""

import json

import pytest

from engine.keypoints import Keypoint, keypoints, skeleton


def test_labelled_points_come_half_a_pixel_further_and_unlabelled_ones_not_at_all() -> None:
    record = json.dumps({"keypoints": [3, 4, 2, 0, 0, 0, 7, 8.5, 1]})
    assert keypoints(record) == (Keypoint(0, 3.5, 4.5, True), Keypoint(2, 7.5, 9.0, False))


@pytest.mark.parametrize(
    "values", [None, "all", [1, 2], [1, 2, "a"], [1, 2, None], [1, 2, True], [float("nan"), 1, 2], {}]
)
def test_malformed_keypoints_are_none(values: object) -> None:
    assert keypoints(json.dumps({"keypoints": values})) == ()


@pytest.mark.parametrize("record", [None, "{}", '{"note": "keypoints"}'])
def test_most_records_have_none(record: str | None) -> None:
    assert keypoints(record) == skeleton(record) == ()


def test_a_skeleton_counts_from_nought() -> None:
    record = json.dumps({"skeleton": [[16, 14], [1, 2], [1], "x", [1, 2.5]]})
    assert skeleton(record) == ((15, 13), (0, 1))
