"""Image files of every kind become upright 8-bit RGB, and damaged ones are named, never returned in part."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from engine.errors import UnreadableImage
from engine.images import MAX_PIXELS, find_images, read_info, read_rgb

ORIENTATION = 0x0112


def picture(height: int = 48, width: int = 64) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Smooth, without symmetry, so that JPEG keeps it nearly and every orientation differs."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + 2 * y) * 255 // (width + 2 * height)], 2).astype(
        np.uint8
    )


def deep(height: int = 50, width: int = 60) -> np.ndarray[Any, np.dtype[np.uint16]]:
    y, x = np.mgrid[:height, :width]
    return (1000 + 40 * x + 300 * y).astype(np.uint16)


def read(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The pixels, after checking what holds for every file."""
    pixels = read_rgb(path)
    info = read_info(path)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (info.height, info.width, 3)
    assert pixels.flags.c_contiguous
    return pixels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_the_exif_orientation_is_undone(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    lossless: dict[str, Any] = {"webp": {"lossless": True}, "jpg": {"quality": 98}}.get(suffix, {})
    Image.fromarray(picture()).save(tmp_path / f"a.{suffix}", exif=exif, **lossless)
    stored = io.BytesIO()
    Image.fromarray(picture()).save(stored, "png", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(stored)))
    pixels = read(tmp_path / f"a.{suffix}")
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_deep_tiff_is_turned_like_a_shallow_one(tmp_path: Path, orientation: int) -> None:
    colours = picture()
    tag = (ORIENTATION, "H", 1, orientation, True)
    tifffile.imwrite(tmp_path / "deep.tif", colours.astype(np.uint16) * 257, extratags=[tag], photometric="rgb")
    tifffile.imwrite(tmp_path / "shallow.tif", colours, extratags=[tag], photometric="rgb")
    difference = read(tmp_path / "deep.tif").astype(int) - read(tmp_path / "shallow.tif")
    # The deep one is stretched to the full range, which is a little more than the picture's.
    assert np.abs(difference).mean() < 4


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        *[("L", "png"), ("L", "jpg"), ("LA", "png"), ("RGBA", "png"), ("RGBA", "webp"), ("RGB", "bmp")],
        *[("CMYK", "jpg"), ("CMYK", "tif"), ("RGBA", "tif"), ("YCbCr", "tif"), ("P", "bmp"), ("P", "png")],
        *[("1", "png"), ("1", "tif")],
    ],
)
def test_every_colour_model_becomes_rgb(tmp_path: Path, mode: str, suffix: str) -> None:
    image = Image.fromarray(picture()).convert(mode)
    image.save(tmp_path / f"a.{suffix}")
    difference = read(tmp_path / f"a.{suffix}").astype(int) - np.asarray(image.convert("RGB"))
    assert np.abs(difference).mean() < 4


def test_transparency_in_a_palette_is_dropped(tmp_path: Path) -> None:
    Image.fromarray(picture()).quantize(16).save(tmp_path / "a.png", transparency=b"\0" * 16)
    assert read(tmp_path / "a.png").max() > 100


@pytest.mark.parametrize(
    "name", ["a.tif", "zip.tif", "lzw.tif", "stack.tif", "planar.tif", "float.tif", "int32.tif", "a.png"]
)
def test_deep_images_are_stretched_over_eight_bits(tmp_path: Path, name: str) -> None:
    values = deep()
    path = tmp_path / name
    writers = {
        "a.tif": lambda: tifffile.imwrite(path, values),
        "zip.tif": lambda: tifffile.imwrite(path, values, compression="zlib", predictor=True),
        "lzw.tif": lambda: cv2.imwrite(str(path), values, [cv2.IMWRITE_TIFF_COMPRESSION, 5]),
        "stack.tif": lambda: tifffile.imwrite(path, np.stack([values, values[::-1]]), photometric="minisblack"),
        "planar.tif": lambda: tifffile.imwrite(
            path, np.stack([values] * 3), photometric="rgb", planarconfig="separate"
        ),
        "float.tif": lambda: tifffile.imwrite(path, values.astype(np.float32) / 1e4 - 0.5),
        "int32.tif": lambda: tifffile.imwrite(path, values.astype(np.int32) * 1000),
        "a.png": lambda: cv2.imwrite(str(path), values),
    }
    writers[name]()
    low, high = np.percentile(values, [0.1, 99.9])
    expected = np.clip((values - low) * 255 / (high - low), 0, 255)
    assert np.abs(read(path) - expected[:, :, None]).max() <= 1


@pytest.mark.parametrize("channels", [3, 4])
def test_deep_colour_keeps_its_channels(tmp_path: Path, channels: int) -> None:
    blue, green, red = deep(), deep() // 2, deep() // 4
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([blue, green, red, blue][:channels]))
    means = read(tmp_path / "a.png").reshape(-1, 3).mean(axis=0)
    assert means[0] < means[1] < means[2]


def test_a_few_bright_pixels_and_an_even_image_are_stretched_too(tmp_path: Path) -> None:
    values = np.full((100, 100), 500, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "even.tif", values)
    assert read(tmp_path / "even.tif").max() == 0
    values[3, 4] = 900
    tifffile.imwrite(tmp_path / "spot.tif", values)
    assert read(tmp_path / "spot.tif")[3, 4].tolist() == [255, 255, 255]


def test_what_is_not_a_number_becomes_black(tmp_path: Path) -> None:
    values = deep().astype(np.float32)
    values[0, 0], values[0, 1] = np.nan, np.inf
    tifffile.imwrite(tmp_path / "a.tif", values)
    pixels = read(tmp_path / "a.tif")
    assert pixels[0, :2].tolist() == [[0, 0, 0], [0, 0, 0]]
    assert pixels.max() == 255


def test_white_is_zero_is_turned_round(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", deep(), photometric="miniswhite")
    pixels = read(tmp_path / "a.tif")
    assert pixels[0, 0, 0] == 255
    assert pixels[-1, -1, 0] == 0


def test_white_is_zero_is_turned_round_in_signed_values_too(tmp_path: Path) -> None:
    values = (deep().astype(int) * 3 - 32768).astype(np.int16)
    tifffile.imwrite(tmp_path / "white.tif", values, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "black.tif", values, photometric="minisblack")
    assert np.abs(read(tmp_path / "white.tif") + read(tmp_path / "black.tif").astype(int) - 255).max() <= 1


def test_one_pixel_is_an_image(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("reader", [read_rgb, read_info])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, share: float, reader: Any) -> None:
    Image.fromarray(picture(300, 400)).save(tmp_path / f"a.{suffix}")
    content = (tmp_path / f"a.{suffix}").read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    # At least 40 bytes: a PNG that lacks only its check sums and its closing chunk has all its pixels.
    cut.write_bytes(content[: min(int(len(content) * share), len(content) - 40)])
    with pytest.raises(UnreadableImage, match=f"cut.{suffix}"):
        reader(cut)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
def test_a_file_that_lacks_its_last_bytes_is_refused_or_whole(tmp_path: Path, suffix: str) -> None:
    """Never grey or black where the data end."""
    Image.fromarray(picture()).save(tmp_path / f"a.{suffix}")
    content = (tmp_path / f"a.{suffix}").read_bytes()
    expected = read(tmp_path / f"a.{suffix}")
    for lost in range(1, 64):
        (tmp_path / f"a.{suffix}").write_bytes(content[:-lost])
        try:
            pixels = read_rgb(tmp_path / f"a.{suffix}")
        except UnreadableImage:
            continue
        assert np.array_equal(pixels, expected)


@pytest.mark.parametrize("reader", [read_rgb, read_info])
def test_a_truncated_deep_image_is_refused(tmp_path: Path, reader: Any) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([deep()] * 3))
    tifffile.imwrite(tmp_path / "a.tif", deep())
    for name in ("a.png", "a.tif"):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) * 7 // 10])
        with pytest.raises(UnreadableImage, match=name):
            reader(tmp_path / name)


@pytest.mark.parametrize("reader", [read_rgb, read_info])
def test_what_is_no_image_is_named(tmp_path: Path, reader: Any) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("This is no image.")
    for path, words in (
        (tmp_path / "empty.png", "0 bytes"),
        (tmp_path / "text.jpg", "not a JPEG"),
        (tmp_path / "none.png", "no file"),
        (tmp_path, "folder"),
    ):
        with pytest.raises(UnreadableImage, match=words):
            reader(path)


def test_an_image_too_large_to_work_on_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """A header that claims what nobody could hold, with hardly anything behind it."""
    side = int(MAX_PIXELS**0.5) + 8
    Image.new("1", (8, 8)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">2I", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnreadableImage, match="1073 million"):
        read_info(tmp_path / "a.png")


def test_images_are_found_sorted_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "sub/c.tiff", ".hidden.png", ".git/d.png", "notes.txt", "._a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)] == ["a.jpg", "b.PNG", "sub/c.tiff"]
