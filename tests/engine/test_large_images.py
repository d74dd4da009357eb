"""Images above a size are decoded piece by piece onto disk, to the very pixels that they have in memory."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from engine.errors import OutOfSpace, UnreadableImage
from engine.images import apply_window, read_deep, read_info, read_preview, read_rgb
from engine.images.arrays import new_array

HEIGHT, WIDTH = 131, 170
LARGE = 1000  # pixels, far fewer than the pictures here have
BAND = 5000  # bytes, so that every picture takes many bands


def colours() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Waves with some noise: compressors use all their predictions."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = np.stack([np.sin(x / 9 + y / 40), np.cos(y / 7), np.sin((x * y) / 400)], 2) * 100 + 128
    return (waves + np.random.default_rng(2).normal(0, 6, waves.shape)).clip(0, 255).astype(np.uint8)


def deep() -> np.ndarray[Any, np.dtype[np.uint16]]:
    return colours().astype(np.uint16) * 201 + np.arange(WIDTH, dtype=np.uint16)[:, None]


def pillow(mode: str, **options: Any) -> Callable[[Path], object]:
    return lambda path: Image.fromarray(colours()).convert(mode).save(path, **options)


def opencv(pixels: np.ndarray[Any, Any], *flags: int) -> Callable[[Path], object]:
    return lambda path: cv2.imwrite(str(path), pixels, list(flags))


def tiff(pixels: np.ndarray[Any, Any], photometric: str = "rgb", **options: Any) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, pixels, photometric=photometric, **options)


FILES = {
    "grey.png": pillow("L"),
    "grey and opacity.png": pillow("LA"),
    "colour.png": pillow("RGB"),
    "colour and opacity.png": pillow("RGBA"),
    "palette.png": pillow("P"),
    "one bit.png": pillow("1"),
    "deep grey.png": opencv(deep()[:, :, 0]),
    "deep colour.png": opencv(deep()),
    "deep colour and opacity.png": opencv(np.dstack([deep(), deep()[:, :, 0]])),
    "paeth.png": opencv(colours(), cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH),
    "average.png": opencv(deep(), cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG),
    "grey.jpg": pillow("L"),
    "colour.jpg": pillow("RGB"),
    "inks.jpg": pillow("CMYK"),
    "colour.bmp": pillow("RGB"),
    "colour.webp": pillow("RGB", lossless=True),
    "stripped.tif": tiff(colours()),
    "tiled.tif": tiff(colours(), tile=(32, 48), compression="zlib", predictor=True),
    "deep.tif": tiff(deep(), rowsperstrip=16, compression="zlib"),
    "big endian.tif": tiff(deep(), byteorder=">"),
    "planes.tif": tiff(np.moveaxis(deep(), 2, 0).copy(), planarconfig="separate"),
    "opacity.tif": tiff(np.dstack([colours(), colours()[:, :, 0]]), extrasamples=["unassalpha"]),
    "premultiplied.tif": tiff(np.dstack([colours() // 2, colours()[:, :, 0] // 2 + 128]), extrasamples=["assocalpha"]),
    "white is zero.tif": tiff(colours()[:, :, 0], "miniswhite"),
    "deep white is zero.tif": tiff(deep()[:, :, 0], "miniswhite"),
    "real numbers.tif": tiff(deep()[:, :, 0].astype(np.float32) / 7, "minisblack"),
    "one bit.tif": tiff(colours()[:, :, 0] > 128, "minisblack"),
    "one bit, white is zero.tif": tiff(colours()[:, :, 0] > 128, "miniswhite"),
    "signed, white is zero.tif": tiff((deep()[:, :, 0] - 32768).view(np.int16), "miniswhite"),
    "deep inks.tif": tiff(np.dstack([deep(), deep()[:, :, 1] // 2]), "separated"),
    "deep lzw.tif": lambda path: Image.fromarray(deep()[:, :, 0]).save(path, compression="tiff_lzw"),
    "deep lzw, white is zero.tif": lambda path: Image.fromarray(deep()[:, :, 0]).save(
        path, compression="tiff_lzw", tiffinfo={262: 0}
    ),
    "lzw.tif": pillow("RGB", compression="tiff_lzw"),
    "jpeg.tif": pillow("RGB", compression="jpeg"),
    "inks.tif": pillow("CMYK"),
    "palette.tif": pillow("P"),
}


@pytest.fixture(autouse=True)
def _small_bands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.images.arrays.BAND_BYTES", BAND)
    monkeypatch.setattr("engine.images.png.BAND_BYTES", BAND)
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("name", FILES)
def test_a_large_image_has_the_pixels_that_it_would_have_in_memory(tmp_path: Path, name: str) -> None:
    FILES[name](tmp_path / name)
    pixels = read_rgb(tmp_path / name, large=LARGE)
    assert isinstance(pixels, np.memmap) and pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels, read_rgb(tmp_path / name))
    values = read_deep(tmp_path / name, large=LARGE)
    assert isinstance(values.values, np.memmap) and values.values.flags.c_contiguous
    np.testing.assert_array_equal(values.values, read_deep(tmp_path / name).values)
    assert read_info(tmp_path / name, large=LARGE) == read_info(tmp_path / name)
    assert not list((tmp_path / "home" / "cache").iterdir()), "nothing is left to clean up"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_large_image_is_turned_like_a_small_one(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(colours()).save(tmp_path / f"a.{suffix}", exif=exif)
    pixels = read_rgb(tmp_path / f"a.{suffix}", large=LARGE)
    assert isinstance(pixels, np.memmap)
    np.testing.assert_array_equal(pixels, read_rgb(tmp_path / f"a.{suffix}"))


@pytest.mark.parametrize("name", FILES)
def test_the_window_of_a_deep_image_shows_its_eight_bits(tmp_path: Path, name: str) -> None:
    FILES[name](tmp_path / name)
    found = read_deep(tmp_path / name)
    assert found.is_deep == (found.values.dtype != np.uint8)
    assert found.least <= found.low <= found.high <= found.most
    np.testing.assert_array_equal(apply_window(found.values, found.low, found.high), read_rgb(tmp_path / name))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("large", [LARGE, HEIGHT * WIDTH])
def test_a_preview_is_the_image_made_smaller(tmp_path: Path, name: str, large: int) -> None:
    FILES[name](tmp_path / name)
    preview = read_preview(tmp_path / name, 40, 30, large=large)
    assert preview.shape[0] >= 30 and preview.shape[1] >= 40
    size = (20, 15)
    small, expected = (
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) for pixels in (preview, read_rgb(tmp_path / name))
    )
    assert np.abs(small.astype(int) - expected).mean() < 20


def test_a_preview_of_an_image_that_is_small_already_is_the_image(tmp_path: Path) -> None:
    for name in ("stripped.tif", "colour.png", "colour.jpg"):
        FILES[name](tmp_path / name)
        np.testing.assert_array_equal(read_preview(tmp_path / name, 900, 700), read_rgb(tmp_path / name))


@pytest.mark.parametrize("reader", [read_rgb, read_info])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("name", ["colour.png", "deep colour.png", "palette.png", "tiled.tif", "stripped.tif"])
def test_a_large_truncated_file_is_refused(tmp_path: Path, name: str, share: float, reader: Any) -> None:
    FILES[name](tmp_path / name)
    content = (tmp_path / name).read_bytes()
    cut = tmp_path / f"cut {name}"
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableImage, match=f"cut {name}"):
        reader(cut, large=LARGE)


@pytest.mark.parametrize("reader", [read_rgb, read_info])
def test_a_large_png_with_a_changed_byte_is_refused(tmp_path: Path, reader: Any) -> None:
    FILES["colour.png"](tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnreadableImage, match=r"a\.png"):
        reader(tmp_path / "a.png", large=LARGE)


def test_a_large_png_whose_rows_end_early_is_refused(tmp_path: Path) -> None:
    """Whole chunks, but fewer rows than the header says: they would be black."""
    FILES["colour.png"](tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[20:24] = struct.pack(">I", HEIGHT + 5)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnreadableImage, match=r"a\.png"):
        read_rgb(tmp_path / "a.png", large=LARGE)


def test_a_disk_without_room_is_said_before_anything_is_decoded() -> None:
    with pytest.raises(OutOfSpace, match="GB of disk space"):
        new_array((1 << 30, 1 << 30), np.uint8, on_disk=True)
