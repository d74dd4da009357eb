"""The mask of one object: a small bitmap and where it lies."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bitmap = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Mask:
    """A set of pixels: `bitmap` (h, w) bool, whose first row and column are the image's row `y` and column `x`.

    Normal form, checked: every border row and column of the bitmap holds a set pixel, and the empty mask is
    (0, 0, (0, 0)). So two masks are equal exactly where their fields are. The bitmap is read-only and C-contiguous.
    Set operations work on the windows of their operands, never on an image; masks may reach outside any image
    until `clip`.
    """

    x: int
    y: int
    bitmap: Bitmap
    _area: int = field(default=-1, init=False, repr=False)  # counted once: lists ask for it at every change
    # The stored encoding once it is known: most edits store masks again that were read or encoded before.
    encoding: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        bitmap = self.bitmap
        if bitmap.dtype != np.bool_ or bitmap.ndim != 2:
            raise ValueError(f"a mask's bitmap is two-dimensional bool, not {bitmap.ndim}-dimensional {bitmap.dtype}")
        if bitmap.size == 0:
            tight = bitmap.shape == (0, 0) and self.x == 0 and self.y == 0
        else:
            # Half the time of `any`, which tells for every mask that is read.
            tight = all(line.tobytes().strip(b"\0") for line in (bitmap[0], bitmap[-1], bitmap[:, 0], bitmap[:, -1]))
        if not tight:
            raise ValueError("a mask's bitmap is cropped tight; use Mask.from_crop")
        if bitmap.flags.writeable or not bitmap.flags.c_contiguous:
            bitmap = bitmap.copy(order="C")
            bitmap.flags.writeable = False
            object.__setattr__(self, "bitmap", bitmap)

    @staticmethod
    def empty() -> "Mask":
        """The mask without pixels."""
        return _EMPTY

    @staticmethod
    def unchecked(x: int, y: int, bitmap: Bitmap) -> "Mask":
        """The mask of a read-only, C-contiguous bitmap that is known to be in normal form."""
        mask = object.__new__(Mask)
        for name, value in (("x", x), ("y", y), ("bitmap", bitmap), ("_area", -1), ("encoding", None)):
            object.__setattr__(mask, name, value)
        return mask

    def keep_encoding(self, encoding: str) -> None:
        """Remember what `engine.geometry.rle` stores for the bitmap."""
        object.__setattr__(self, "encoding", encoding)

    @staticmethod
    def from_crop(bitmap: NDArray[Any], x: int, y: int) -> "Mask":
        """The set pixels of `bitmap` (h, w), any dtype, non-zero is set; its top left pixel is (x, y), any sign."""
        bits = bitmap if bitmap.dtype == np.bool_ else bitmap != 0
        rows: Bitmap = np.asarray(bits.any(axis=1))
        if not rows.any():
            return _EMPTY
        columns: Bitmap = np.asarray(bits.any(axis=0))
        top, bottom = _span(rows)
        left, right = _span(columns)
        return Mask(int(x) + left, int(y) + top, bits[top:bottom, left:right])

    @staticmethod
    def from_full(bitmap: NDArray[Any]) -> "Mask":
        """The set pixels of a bitmap (H, W) of a whole image."""
        return Mask.from_crop(bitmap, 0, 0)

    @property
    def width(self) -> int:
        """Columns of the bounds, in pixels."""
        return int(self.bitmap.shape[1])

    @property
    def height(self) -> int:
        """Rows of the bounds, in pixels."""
        return int(self.bitmap.shape[0])

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """x1 y1 x2 y2 of the smallest box that holds every pixel; x2 and y2 are exclusive. (0, 0, 0, 0) when empty."""
        return self.x, self.y, self.x + self.width, self.y + self.height

    @property
    def area(self) -> int:
        """The number of set pixels."""
        if self._area < 0:
            object.__setattr__(self, "_area", int(np.count_nonzero(self.bitmap)))
        return self._area

    @property
    def is_empty(self) -> bool:
        """Whether no pixel is set."""
        return self.bitmap.size == 0

    def moved(self, dx: int, dy: int) -> "Mask":
        """The same pixels, so many to the right and down."""
        if self.is_empty or (dx == 0 and dy == 0):
            return self
        mask = Mask.unchecked(self.x + dx, self.y + dy, self.bitmap)
        if self.encoding is not None:
            mask.keep_encoding(self.encoding)
        return mask

    def union(self, other: "Mask") -> "Mask":
        """The pixels of either."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        x1, y1, x2, y2 = self.bounds
        u1, v1, u2, v2 = other.bounds
        left, top = min(x1, u1), min(y1, v1)
        window = np.zeros((max(y2, v2) - top, max(x2, u2) - left), dtype=np.bool_)
        window[y1 - top : y2 - top, x1 - left : x2 - left] = self.bitmap
        window[v1 - top : v2 - top, u1 - left : u2 - left] |= other.bitmap
        return Mask.from_crop(window, left, top)

    def subtract(self, other: "Mask") -> "Mask":
        """The pixels of this one that are not the other's."""
        shared = self._shared_bounds(other)
        if shared is None:
            return self
        rest = self.bitmap.copy()
        self._window(rest, shared)[...] &= ~other._window(other.bitmap, shared)
        return Mask.from_crop(rest, self.x, self.y)

    def intersect(self, other: "Mask") -> "Mask":
        """The pixels of both."""
        shared = self._shared_bounds(other)
        if shared is None:
            return _EMPTY
        both = self._window(self.bitmap, shared) & other._window(other.bitmap, shared)
        return Mask.from_crop(both, shared[0], shared[1])

    def clip(self, image_width: int, image_height: int) -> "Mask":
        """The pixels inside an image of that size."""
        x1, y1, x2, y2 = self.bounds
        if x1 >= 0 and y1 >= 0 and x2 <= image_width and y2 <= image_height:
            return self
        left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, image_width), min(y2, image_height)
        if left >= right or top >= bottom:
            return _EMPTY
        return Mask.from_crop(self._window(self.bitmap, (left, top, right, bottom)), left, top)

    def intersection_area(self, other: "Mask") -> int:
        """The number of pixels of both."""
        shared = self._shared_bounds(other)
        if shared is None:
            return 0
        return int(np.count_nonzero(self._window(self.bitmap, shared) & other._window(other.bitmap, shared)))

    def iou(self, other: "Mask") -> float:
        """Intersection over union in [0, 1]; 0 where both are empty."""
        both = self.intersection_area(other)
        return both / (self.area + other.area - both) if both else 0.0

    def overlaps(self, other: "Mask") -> bool:
        """Whether a pixel is in both."""
        shared = self._shared_bounds(other)
        if shared is None:
            return False
        return bool((self._window(self.bitmap, shared) & other._window(other.bitmap, shared)).any())

    def contains(self, x: float, y: float) -> bool:
        """Whether the pixel under the continuous point (x, y) is set; pixel (i, j) covers [i, i + 1) x [j, j + 1)."""
        column, row = int(np.floor(x)) - self.x, int(np.floor(y)) - self.y
        return 0 <= row < self.height and 0 <= column < self.width and bool(self.bitmap[row, column])

    def to_full(self, height: int, width: int) -> Bitmap:
        """The bitmap (height, width) of a whole image; pixels outside it are left out."""
        return self.crop(0, 0, width, height)

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> Bitmap:
        """A new bitmap (y2 - y1, x2 - x1) of that window, zero where the mask is not."""
        window = np.zeros((max(y2 - y1, 0), max(x2 - x1, 0)), dtype=np.bool_)
        a1, b1, a2, b2 = self.bounds
        left, top, right, bottom = max(a1, x1), max(b1, y1), min(a2, x2), min(b2, y2)
        if left < right and top < bottom:
            visible = self._window(self.bitmap, (left, top, right, bottom))
            window[top - y1 : bottom - y1, left - x1 : right - x1] = visible
        return window

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return self.x == other.x and self.y == other.y and np.array_equal(self.bitmap, other.bitmap)

    def __hash__(self) -> int:
        return hash((self.x, self.y, self.bitmap.shape, self.bitmap.tobytes()))

    def _shared_bounds(self, other: "Mask") -> tuple[int, int, int, int] | None:
        x1, y1, x2, y2 = self.bounds
        u1, v1, u2, v2 = other.bounds
        left, top, right, bottom = max(x1, u1), max(y1, v1), min(x2, u2), min(y2, v2)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _window(self, bitmap: Bitmap, bounds: tuple[int, int, int, int]) -> Bitmap:
        """The part of a bitmap that lies like this mask's, between image bounds inside of it."""
        x1, y1, x2, y2 = bounds
        return bitmap[y1 - self.y : y2 - self.y, x1 - self.x : x2 - self.x]


def _span(line: Bitmap) -> tuple[int, int]:
    """First set index and one past the last of a line (n,) with at least one set."""
    return int(line.argmax()), int(len(line) - line[::-1].argmax())


_EMPTY = Mask(0, 0, np.zeros((0, 0), dtype=np.bool_))
