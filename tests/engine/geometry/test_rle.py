"""RLE: byte for byte what pycocotools writes, without its full-image bitmaps."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as oracle

from engine.geometry import rle
from engine.geometry.mask import Bitmap, Mask


@st.composite
def images(draw: st.DrawFn) -> Bitmap:
    """Bitmaps of an image, from empty to full, with long and short runs."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    if draw(st.booleans()):
        return draw(hnp.arrays(np.bool_, (height, width)))
    bitmap = np.zeros((height, width), dtype=np.bool_)
    for _ in range(draw(st.integers(0, 3))):
        y, x = draw(st.integers(0, height)), draw(st.integers(0, width))
        bitmap[y : y + draw(st.integers(0, height)), x : x + draw(st.integers(0, width))] ^= True
    return bitmap


def by_pycocotools(bitmap: Bitmap) -> dict[str, Any]:
    encoded = oracle.encode(np.asfortranarray(bitmap.astype(np.uint8)))
    return {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")}


def place_of(mask: Mask) -> rle.Place:
    return rle.Place(mask.x, mask.y, mask.width, mask.height, rle.encode_crop(mask))


@given(images())
def test_the_encoding_is_that_of_pycocotools_and_comes_back(bitmap: Bitmap) -> None:
    mask = Mask.from_full(bitmap)
    encoded = rle.to_coco(mask, *bitmap.shape)
    assert encoded == by_pycocotools(bitmap)
    assert rle.from_coco(encoded) == mask
    with pytest.MonkeyPatch.context() as patch:
        for kernels in (rle._kernels, None):  # as an install without a compiler decodes
            patch.setattr(rle, "_kernels", kernels)
            assert rle.decode_crops([place_of(mask), place_of(Mask.empty()), place_of(mask)]) == [
                mask,
                Mask.empty(),
                mask,
            ]


@pytest.mark.skipif(rle._kernels is None, reason="installed without a compiler: no kernels")
@pytest.mark.parametrize(
    "counts", ["", "1", "0b0", "052", "0544", "0_", "0Po0", "0`", "oooooooo0", "0é", "0 ", "48", "084", "131000"]
)
def test_a_stored_encoding_that_does_not_fit_is_refused(counts: str) -> None:
    assert rle.decode_crops([rle.Place(0, 0, 3, 4, "0<")]) == [Mask.from_full(np.ones((4, 3), dtype=np.bool_))]
    with pytest.raises(ValueError, match="counts"):
        rle.decode_crops([rle.Place(0, 0, 3, 4, counts)])


@given(st.lists(images(), max_size=6), st.integers(1, 60), st.integers(1, 60))
def test_many_texts_of_one_size_are_decoded_as_each_alone(bitmaps: list[Bitmap], height: int, width: int) -> None:
    placed = [Mask.from_full(bitmap).clip(width, height) for bitmap in bitmaps]
    texts = [by_pycocotools(mask.to_full(height, width))["counts"].encode() for mask in placed]
    assert rle.from_counts(texts, height, width) == placed
    assert rle.from_counts([b"", *texts, b""], height, width) == [Mask.empty(), *placed, Mask.empty()]


@given(images(), images())
def test_one_wrong_text_among_many_is_refused(bitmap: Bitmap, other: Bitmap) -> None:
    texts = [by_pycocotools(each)["counts"].encode() for each in (bitmap, other)]
    if bitmap.size == other.size:
        texts[1] += b"1"
    for order in (texts, texts[::-1]):
        with pytest.raises(ValueError, match="counts"):
            rle.from_counts(order, *bitmap.shape)


@given(images())
def test_uncompressed_runs_are_read(bitmap: Bitmap) -> None:
    flat = bitmap.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    counts = [0, *runs] if flat[0] else runs
    assert rle.from_coco({"size": list(bitmap.shape), "counts": counts}) == Mask.from_full(bitmap)


def test_runs_of_length_zero_between_others_are_read() -> None:
    expected = Mask.from_full(np.array([[0, 1, 1, 0]]))
    assert rle.from_coco({"size": [1, 4], "counts": [1, 1, 0, 1, 1, 0]}) == expected


def test_a_large_image_costs_what_its_crop_costs() -> None:
    """An image of two gigapixels: a bitmap of it would not fit into the memory of a laptop."""
    mask = Mask.from_crop(np.ones((3, 2)), 40_000, 20_000)
    encoded = rle.to_coco(mask, 45_000, 45_000)
    assert rle.from_coco(encoded) == mask
    assert int(oracle.area({**encoded, "counts": encoded["counts"].encode()})) == 6


def test_pixels_outside_the_image_are_left_out() -> None:
    mask = Mask.from_crop(np.ones((5, 5)), -2, 7)
    assert rle.to_coco(mask, 10, 10) == by_pycocotools(mask.to_full(10, 10))


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"size": [4], "counts": [16]},
        {"size": [4, -4], "counts": [16]},
        {"size": [4.0, 4], "counts": [16]},
        {"size": [100_000, 100_000], "counts": [10_000_000_000]},
        {"size": [4, 4]},
        {"size": [4, 4], "counts": [15]},
        {"size": [4, 4], "counts": [20, -4]},
        {"size": [4, 4], "counts": [1.5, 14.5]},
        {"size": [4, 4], "counts": ""},
        {"size": [4, 4], "counts": "@1é"},
        {"size": [4, 4], "counts": "    "},
        {"size": [4, 4], "counts": "`"},
        {"size": [4, 4], "counts": "oooooooooooooooooooo0"},
    ],
    ids=str,
)
def test_malformed_records_are_refused_in_words(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"size|counts"):
        rle.from_coco(record)


def test_a_mask_is_encoded_once() -> None:
    bitmap = np.random.default_rng(0).random((70, 50)) < 0.5
    mask = Mask.from_full(bitmap)
    counts = rle.encode_crop(mask)
    assert rle.encode_crop(mask) is counts
    place = place_of(mask)
    (again,) = rle.decode_crops([place])
    assert again == mask
    assert rle.encode_crop(again) is place.counts
    other = Mask.from_full(~bitmap)
    assert rle.decode_crops([place_of(other)]) == [other]
