"""What `main.py doctor` looks at: everything that has to be right before work can start."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.errors import MaskwrightError
from engine.resources import BUNDLED_WEIGHTS, SAMPLE_IMAGES

PACKAGES = (
    "torch",
    "torchvision",
    "PySide6_Essentials",
    "opencv-python-headless",
    "pycocotools",
    "numpy",
    "SQLAlchemy",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is as it should be, and what was found, with what to do where it is not."""

    name: str
    passed: bool
    finding: str

    def to_dict(self) -> dict[str, object]:
        """The check as JSON values."""
        return {"name": self.name, "passed": self.passed, "finding": self.finding}


def examine() -> list[Check]:
    """Run every check; a check that raises counts as failed, with the error as its finding."""
    return [_guarded(name, look) for name, look in _CHECKS.items()]


def _guarded(name: str, look: Callable[[], tuple[bool, str]]) -> Check:
    try:
        passed, finding = look()
    except (MaskwrightError, OSError, ImportError) as error:
        passed, finding = False, str(error)
    return Check(name, passed, finding)


def _python() -> tuple[bool, str]:
    return sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _packages() -> tuple[bool, str]:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return False, f"Missing: {', '.join(missing)}. Run: pip install -e ."
    return True, ", ".join(found)


def _kernels() -> tuple[bool, str]:
    if importlib.util.find_spec("engine._kernels") is None:
        return (
            True,
            "not built; torchvision's slower operators are used. Install a C++ compiler, then: pip install -e .",
        )
    import engine._kernels  # noqa: F401  (that it loads is the check)

    return True, "built and loaded"


def _processor() -> tuple[bool, str]:
    import torch

    bf16 = "bfloat16 native" if torch.cpu._is_avx512_bf16_supported() else "float32 (no native bfloat16)"
    device = f", GPU {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ", no GPU"
    return True, f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, {bf16}{device}"


def _display() -> tuple[bool, str]:
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return True, "available"
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    return True, f"{display}" if display else "none: the window cannot open, the headless verbs work"


def _bundled_model() -> tuple[bool, str]:
    from engine.checkpoints import load

    _, card = load(BUNDLED_WEIGHTS)
    return True, f"{card.name}: {', '.join(card.spec.categories)}"


def _features() -> tuple[bool, str]:
    from engine.byte_cache import FEATURE_CACHE_BYTES
    from engine.checkpoints import load
    from engine.inference import Predictor

    limit = f"{FEATURE_CACHE_BYTES / 2**20:.0f} MB at most"
    try:
        predictor = Predictor(*load(BUNDLED_WEIGHTS))
    except MaskwrightError:  # another check says so
        return True, limit
    side = predictor.card.spec.input_min_side
    held = predictor.encode(np.zeros((side, side, 3), dtype=np.uint8)).bytes
    count = FEATURE_CACHE_BYTES // held
    size = f"{limit}, {held / 2**20:.1f} MB an image of {side} x {side}"
    return count > 0, f"{size} with the bundled model: {count} images"


def _sample() -> tuple[bool, str]:
    count = len(list(SAMPLE_IMAGES.glob("*.png")))
    return count > 0, f"{count} images"


_CHECKS: dict[str, Callable[[], tuple[bool, str]]] = {
    "Python": _python,
    "Packages": _packages,
    "Kernels": _kernels,
    "Processor": _processor,
    "Display": _display,
    "Bundled model": _bundled_model,
    "Feature cache": _features,
    "Sample project": _sample,
}
