"""The window starts on a real display: an X server without a screen."""

import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1440, 900
PAINTED_SECONDS = 60

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("Xvfb") is None, reason="Xvfb is not installed: no X server to start the window on"
    ),
]


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    """The name of an X display whose picture lies in tmp_path/Xvfb_screen0."""
    reading, writing = os.pipe()
    screen = ["-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir", str(tmp_path), "-nolisten", "tcp"]
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), *screen], pass_fds=[writing], stderr=subprocess.DEVNULL
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    server.terminate()
    server.wait(10)


def picture(path: Path) -> np.ndarray:
    """The display's pixels (H, W, 3), from the X window dump that Xvfb keeps: header, colours, 4 bytes a pixel."""
    content = path.read_bytes()
    header = struct.unpack(">25I", content[:100])
    start, line_bytes, colors = header[0], header[12], header[19]
    pixels = np.frombuffer(content, np.uint8, line_bytes * HEIGHT, start + 12 * colors)
    return pixels.reshape(HEIGHT, line_bytes // 4, 4)[:, :WIDTH, :3]


def test_the_first_start_shows_the_sample_project_on_an_x_display(display: str, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "QT_QPA_PLATFORM"}
    environment |= {"DISPLAY": display, "MASKWRIGHT_HOME": str(tmp_path / "home")}
    errors = tmp_path / "stderr.txt"
    with errors.open("w") as stderr:
        program = subprocess.Popen([sys.executable, str(ROOT / "main.py")], env=environment, stderr=stderr)
    try:
        deadline = time.monotonic() + PAINTED_SECONDS
        colors = 0
        while colors < 1000 and time.monotonic() < deadline:
            assert program.poll() is None, errors.read_text()
            time.sleep(0.5)
            # A window of panels and text has some hundred colours; only a picture with masks has thousands.
            colors = len(np.unique(picture(tmp_path / "Xvfb_screen0").reshape(-1, 3), axis=0))
        assert colors >= 1000, errors.read_text()
        assert list((tmp_path / "home").rglob("*.maskwright"))
        assert program.poll() is None
        (project,) = (tmp_path / "home").rglob("*.maskwright")
        program.terminate()  # Ctrl+C does the same, where the shell did not have it ignored
        assert program.wait(60) == 0, errors.read_text()
        assert "Traceback" not in errors.read_text()
        assert not list(project.parent.glob(".*.lock")), "it closed as by its own button"
    finally:
        program.kill()
        program.wait(20)
