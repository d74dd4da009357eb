"""Each full-size picture of a TIFF is a page of its own, checked and turned like any other; nothing else is a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from engine.errors import UnreadableImage
from engine.images import page_count, read_deep, read_info, read_rgb

Planes = np.ndarray[Any, Any]
HEIGHT, WIDTH = 40, 56


def planes(dtype: type = np.uint16, count: int = 3) -> Planes:
    """Noise, so that no two planes are alike."""
    most = np.iinfo(dtype).max
    return np.random.default_rng(5).integers(0, most, (count, HEIGHT, WIDTH)).astype(dtype)


def assert_pages(path: Path, expected: Sequence[Planes] | Planes) -> None:
    """Every page has its plane's values, to the last bit."""
    assert page_count(path) == len(expected)
    for page, plane in enumerate(expected):
        info = read_info(path, page)
        assert (info.height, info.width) == plane.shape[:2]
        values = read_deep(path, page).values
        if values.ndim > plane.ndim:
            values = values[:, :, 0]
        np.testing.assert_array_equal(values, plane)
        assert read_rgb(path, page).shape == (*plane.shape[:2], 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "minisblack"},
        {"photometric": "minisblack", "compression": "zlib", "tile": (16, 16)},
        {"photometric": "minisblack", "byteorder": ">"},
        {"imagej": True},
        {"imagej": True, "truncate": True},
        {"photometric": "minisblack", "truncate": True, "byteorder": ">"},
        {"ome": True, "metadata": {"axes": "CYX"}},
        {"photometric": "minisblack", "volumetric": True},
    ],
    ids=["pages", "tiles", "big endian", "ImageJ", "ImageJ beyond 4 GB", "one directory", "OME", "volume"],
)
def test_every_plane_of_a_stack_is_a_page(tmp_path: Path, options: dict[str, Any], dtype: type) -> None:
    tifffile.imwrite(tmp_path / "a.tif", planes(dtype), **options)
    assert_pages(tmp_path / "a.tif", planes(dtype))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pages_compressed_with_lzw_are_read(tmp_path: Path, dtype: type) -> None:
    cv2.imwritemulti(str(tmp_path / "a.tif"), list(planes(dtype)), [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    assert_pages(tmp_path / "a.tif", planes(dtype))


def test_pages_may_differ_in_size_depth_and_colour(tmp_path: Path) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (30, 20, 3)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(planes()[0], photometric="minisblack")
        writer.write(colours, photometric="rgb", compression="zlib")
    assert page_count(tmp_path / "a.tif") == 2
    np.testing.assert_array_equal(read_deep(tmp_path / "a.tif").values, planes()[0])
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.tif", 1), colours)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_page_is_turned_by_its_own_orientation(
    tmp_path: Path, orientation: int, compression: str | None, dtype: type
) -> None:
    tag = (0x0112, "H", 1, orientation, True)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(planes(dtype)[0], photometric="minisblack", compression=compression)
        writer.write(planes(dtype)[1], photometric="minisblack", compression=compression, extratags=[tag])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(planes(dtype)[1])
    image.getexif().update(exif)
    turned = np.asarray(ImageOps.exif_transpose(image))
    assert_pages(tmp_path / "a.tif", [planes(dtype)[0], turned])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_lzw_pages_are_turned_whichever_decoder_reads_them(tmp_path: Path, orientation: int, dtype: type) -> None:
    images = [Image.fromarray(plane) for plane in planes(dtype)]
    exif = Image.Exif()
    exif[0x0112] = orientation
    images[0].save(tmp_path / "a.tif", save_all=True, append_images=images[1:], compression="tiff_lzw", exif=exif)
    for image in images:
        image.getexif().update(exif)
    assert_pages(tmp_path / "a.tif", [np.asarray(ImageOps.exif_transpose(image)) for image in images])


def test_smaller_copies_thumbnails_and_masks_are_no_pages(tmp_path: Path) -> None:
    first, second, _ = planes(np.uint8)
    with tifffile.TiffWriter(tmp_path / "flagged.tif") as writer:
        writer.write(first, subifds=1, photometric="minisblack")
        writer.write(first[::2, ::2], subfiletype=1, photometric="minisblack")
        writer.write(first[::2, ::2], subfiletype=1, photometric="minisblack")
        writer.write(second, photometric="minisblack")
        writer.write(first > 100, subfiletype=4, photometric="minisblack")
    assert_pages(tmp_path / "flagged.tif", np.stack([first, second]))
    with tifffile.TiffWriter(tmp_path / "slide.tif") as writer:
        writer.write(first, tile=(16, 16), photometric="minisblack")
        writer.write(first[::8, ::8], photometric="minisblack")
        writer.write(first[::2, ::2], tile=(16, 16), photometric="minisblack")
    assert_pages(tmp_path / "slide.tif", first[None])


@pytest.mark.parametrize("reader", [read_rgb, read_info, read_deep])
@pytest.mark.parametrize("name", ["stack.tif", "single.tif", "a.png", "a.jpg"])
def test_a_page_that_is_not_there_is_named(tmp_path: Path, name: str, reader: Any) -> None:
    if name == "stack.tif":
        tifffile.imwrite(tmp_path / name, planes(np.uint8), photometric="minisblack")
    else:
        Image.fromarray(planes(np.uint8)[0]).save(tmp_path / name)
    count = page_count(tmp_path / name)
    assert count == (3 if name == "stack.tif" else 1)
    reader(tmp_path / name, count - 1)
    with pytest.raises(UnreadableImage, match=f"{name} has {count} page.* no page {count + 1}"):
        reader(tmp_path / name, count)
    with pytest.raises(UnreadableImage, match="no page 0"):
        reader(tmp_path / name, -1)


def test_a_file_that_was_written_anew_has_its_new_pages(tmp_path: Path) -> None:
    for count in (3, 2, 5):
        tifffile.imwrite(tmp_path / "a.tif", planes(np.uint8, count), photometric="minisblack")
        assert_pages(tmp_path / "a.tif", planes(np.uint8, count))


@pytest.mark.parametrize("reader", [read_rgb, read_info])
@pytest.mark.parametrize("truncate", [False, True])
def test_a_page_that_is_cut_short_is_refused_and_those_before_are_not(
    tmp_path: Path, truncate: bool, reader: Any
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", planes(np.uint8), photometric="minisblack", truncate=truncate)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        end = tiff.pages.first.dataoffsets[0] + 3 * HEIGHT * WIDTH
    content = (tmp_path / "a.tif").read_bytes()
    if truncate:
        (tmp_path / "a.tif").write_bytes(content[: end - 10])
        with pytest.raises(UnreadableImage, match=r"a\.tif"):
            reader(tmp_path / "a.tif", 2)
        reader(tmp_path / "a.tif", 1)
    else:
        (tmp_path / "a.tif").write_bytes(content[: end - 10 - HEIGHT * WIDTH])
        with pytest.raises(UnreadableImage, match=r"a\.tif"):
            reader(tmp_path / "a.tif", 1)
