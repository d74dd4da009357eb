"""The compiled kernels of csrc/, absent where the install found no compiler. Use them through `engine.nn.ops`, those
of the canvas's instance codes through `app.canvas.codes`.

Arrays cross by DLPack without a copy: CPU memory, exactly the dtypes named here, tensors detached. All raise
ValueError where shapes or indices do not fit and TypeError for another dtype or layout, and let go of the GIL while
they work.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

def roi_align_forward(
    features: Sequence[Tensor],
    scales: Sequence[float],
    boxes: Tensor,
    image_index: Tensor,
    level: Tensor,
    output: Tensor,
    *,
    sampling_ratio: int,
    aligned: bool,
    threads: int,
) -> None:
    """Fill output (n, C, s, s) from features float32 (N, C, H, W) of any strides.

    boxes float32 (n, 4), image_index and level int64 (n,), all dense.
    """

def roi_align_backward(
    upstream: Tensor,
    scales: Sequence[float],
    boxes: Tensor,
    image_index: Tensor,
    level: Tensor,
    gradients: Sequence[Tensor],
    *,
    sampling_ratio: int,
    aligned: bool,
    threads: int,
) -> None:
    """Add upstream, float32 (n, s, s, C) dense, to gradients, float32 (N, C, H, W) in channels-last memory."""

def paste_masks(
    probabilities: Tensor,
    boxes: Tensor,
    windows: Tensor,
    output: Tensor,
    *,
    threshold: float,
    threads: int,
) -> None:
    """Fill output, uint8 (sum of w * h,), window after window.

    probabilities float32 (n, m, m), boxes float32 (n, 4), windows int64 (n, 4) x y w h, all dense.
    """

def put_codes(
    bitmaps: list[NDArray[np.bool_]],
    places: NDArray[np.int64],
    codes: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    *,
    threads: int,
) -> None:
    """Write the bitmaps (h, w), later ones on top, and over them their boundaries to codes and sides (H, W).

    places are (n, 3): where a bitmap's first pixel lies on the codes, x and y of any sign, and its slot.
    """

def decode_runs(texts: list[str], sizes: NDArray[np.int64], output: NDArray[np.bool_], *, threads: int) -> bool:
    """Fill output (pixels of all) with the bitmaps of COCO's compressed texts, one after another.

    sizes are (n, 2): height and width, not 0. False where a text is not of a bitmap of its size, cropped tight.
    """

def halve_codes(codes: NDArray[np.uint16], output: NDArray[np.uint16], *, threads: int) -> None:
    """Fill output, half as large as codes (h, w) and rounded up."""

def color_codes(
    codes: NDArray[np.uint16], table: NDArray[np.uint32], dash: int, x: int, y: int, output: NDArray[np.uint32]
) -> None:
    """Fill output (h, w) with the colours of codes (h, w), whose rows are dense, the first code lying at (x, y).

    table is (3, 65536): colours of dashes of `dash` pixels, of the gaps between them, without boundaries.
    """

def draw_codes(
    codes: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    table: NDArray[np.uint32],
    columns: NDArray[np.int32],
    rows: NDArray[np.int32],
    output: NDArray[np.uint32],
    *,
    width: int,
    dash: int,
    x: int,
    y: int,
    threads: int,
) -> None:
    """Lay codes (h, w) enlarged over opaque output (H, W), boundaries as lines of `width` output pixels.

    Code (i, j) covers the output pixels from rows[i] to rows[i + 1] and columns[j] to columns[j + 1]. (x, y) is the
    place of the first output pixel counted from image point (0, 0). See csrc/instance_codes.hpp for the rest.
    """

def draw_edges(
    window: NDArray[np.bool_],
    x: int,
    y: int,
    zoom: float,
    origin: NDArray[np.float64],
    corner: NDArray[np.int64],
    width: float,
    color: int,
    output: NDArray[np.uint32],
) -> None:
    """Fill with color a bar along every edge between set and unset pixels of window (h, w), which begins at (x, y).

    Image point p lies at origin + p * zoom, and the first pixel of output (H, W) at corner; origin and corner are x, y.
    width and all of these are in device pixels.
    """

def resample(
    picture: NDArray[np.uint32],
    columns: NDArray[np.int32],
    column_weights: NDArray[np.uint8],
    rows: NDArray[np.int32],
    row_weights: NDArray[np.uint8],
    output: NDArray[np.uint32],
    *,
    onto: bool,
    threads: int,
) -> None:
    """Fill output (H, W) with 0xAARRGGBB pixels of picture (h, w), interpolated linearly, or lay them over it.

    Output column i lies between picture columns columns[i] and columns[i] + 1, of which the latter has
    column_weights[i] of 128; rows likewise. With `onto` the picture is premultiplied and laid over the output, which is
    opaque.
    """
