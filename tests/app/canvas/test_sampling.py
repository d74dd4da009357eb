"""Pictures on the screen: interpolated as OpenCV does, each pixel by its own place, and laid over one another."""

import cv2
import numpy as np
import pytest

from app.canvas import sampling
from app.canvas.sampling import DeviceRect, Placement, lay_over, sample, sampled

HEIGHT, WIDTH = 37, 53
needs_kernels = pytest.mark.skipif(sampling._kernels is None, reason="installed without a compiler: no kernels")
PLACES = [Placement(0.37, 2.0, 3.0), Placement(0.75, -5.0, 0.0), Placement(1.0, 4.0, -2.0), Placement(2.6, 1.0, 1.0)]


def picture(seed: int = 0) -> np.ndarray:
    """Smooth colours, so that a small difference of place is a small one of colour; opaque."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (9, 12, 4), dtype=np.uint8)
    coarse[..., 3] = 255
    fine = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(fine).view(np.uint32)[..., 0]


def whole(place: Placement) -> DeviceRect:
    covered = place.covered((-200, -200, 400, 400), WIDTH, HEIGHT)
    assert covered is not None
    return covered


def made(pixels: np.ndarray, rect: DeviceRect, place: Placement, *, smoothly: bool = True) -> np.ndarray:
    output = np.zeros((rect[3] - rect[1], rect[2] - rect[0]), dtype=np.uint32)
    sample(pixels, 0, rect, place, output, smoothly=smoothly)
    return output


def bytes_of(pixels: np.ndarray) -> np.ndarray:
    return pixels.view(np.uint8).reshape(*pixels.shape, 4).astype(int)


@needs_kernels
@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.zoom}")
def test_pixels_are_interpolated_as_opencv_does(place: Placement) -> None:
    ours = bytes_of(made(picture(), whole(place), place))
    theirs = bytes_of(sampled(picture(), 0, whole(place), place, smoothly=True))
    assert np.abs(ours - theirs).max() <= 4  # 128ths of a pixel, each step rounded to a byte


@pytest.mark.parametrize("smoothly", [True, False])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.zoom}")
def test_a_part_is_sampled_like_the_whole(place: Placement, smoothly: bool) -> None:
    x1, y1, x2, y2 = whole(place)
    everything = made(picture(), whole(place), place, smoothly=smoothly)
    for left, top, right, bottom in ((x1 + 3, y1 + 1, x2 - 4, y2), (x1, y1 + 5, x1 + 1, y1 + 6)):
        part = made(picture(), (left, top, right, bottom), place, smoothly=smoothly)
        expected = everything[top - y1 : bottom - y1, left - x1 : right - x1]
        # OpenCV, where there are no kernels, sums up rounding along a row.
        assert np.abs(bytes_of(part) - bytes_of(expected)).max() <= (0 if sampling._kernels else 1)


@needs_kernels
@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.zoom}")
def test_what_is_laid_over_lets_through_what_its_opacity_leaves(place: Placement) -> None:
    opacity = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 1))
    colors = bytes_of(picture(1)) * opacity // 255
    colors[..., 3:] = opacity
    over = np.ascontiguousarray(colors.astype(np.uint8)).view(np.uint32)[..., 0]
    ground = made(picture(), whole(place), place)
    upper = bytes_of(made(over, whole(place), place))
    result = ground.copy()
    lay_over(over, 0, whole(place), place, result)
    expected = upper + np.rint(bytes_of(ground) * (255 - upper[..., 3:]) / 255)
    np.testing.assert_array_equal(bytes_of(result), expected)
