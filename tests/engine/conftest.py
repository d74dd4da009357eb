"""Fixtures for the tests of the engine's upper floors."""

from __future__ import annotations

import pytest

from engine.nn.spec import ModelSpec


@pytest.fixture(scope="session")
def tiny_spec() -> ModelSpec:
    """A complete Mask R-CNN of two categories that runs in milliseconds."""
    return ModelSpec(
        name="tiny",
        categories=("disc", "bar"),
        trunk="resnet18",
        fpn_channels=16,
        anchor_sizes=(12.0, 24.0, 48.0, 96.0, 192.0),
        rpn_channels=16,
        box_hidden=32,
        mask_layers=(16, 16),
        roi_canonical_size=48.0,
        roi_canonical_level=3,
        input_min_side=64,
        input_max_side=128,
        rpn_pre_nms_train=200,
        rpn_post_nms_train=100,
        rpn_pre_nms_test=100,
        rpn_post_nms_test=50,
        roi_samples=64,
    )
