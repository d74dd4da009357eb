"""Where the files that ship with the program lie."""

from __future__ import annotations

from pathlib import Path

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
BUNDLED_WEIGHTS = RESOURCES / "weights" / "nuclei.safetensors"
SAMPLE = RESOURCES / "sample"
SAMPLE_IMAGES = SAMPLE / "images"
SAMPLE_TRUTH = SAMPLE / "truth.json"
