"""The compiled kernels of csrc/, absent where the install found no compiler. Use them through `engine.nn.ops`.

Arrays cross by DLPack without a copy: CPU memory, exactly the dtypes named here, tensors detached. All raise
ValueError where shapes or indices do not fit and TypeError for another dtype or layout, and let go of the GIL while
they work.
"""

from collections.abc import Sequence

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
