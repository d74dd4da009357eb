"""The strokes that would mend a mask, modelled on where it is wrong. Nobody draws them here."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.mask import Bitmap, Mask


class Piece(NamedTuple):
    """A connected part of the pixels where two masks differ."""

    mask: Mask
    area: int
    length: float
    extra: bool


def strokes_to_mend(proposal: Mask, truth: Mask, enough: float) -> list[float]:
    """Lengths in image pixels of the strokes that bring ``proposal`` to an IoU of ``enough`` with ``truth``, as of
    ``pieces_to_mend``."""
    return [piece.length for piece in pieces_to_mend(proposal, truth, enough)]


def pieces_to_mend(proposal: Mask, truth: Mask, enough: float) -> list[Piece]:
    """The pieces of ``proposal`` to paint or erase until it has an IoU of ``enough`` with ``truth``, in image pixels.

    Modelled: each connected piece of pixels that are too many or missing takes one stroke along the boundary that is
    wrong there, which is half of the piece's own outline, and the largest pieces go first until the mask is good
    enough. Empty where it is already.
    """
    both = proposal.intersection_area(truth)
    either = proposal.area + truth.area - both
    chosen: list[Piece] = []
    for piece in _pieces(proposal, truth):
        if both >= enough * either:
            break
        chosen.append(piece)
        if piece.extra:
            either -= piece.area
        else:
            both += piece.area
    return chosen


def _pieces(proposal: Mask, truth: Mask) -> list[Piece]:
    """Where the masks differ, the largest piece first."""
    x1, y1, x2, y2 = proposal.union(truth).bounds
    window = x1 - 1, y1 - 1, x2 + 1, y2 + 1
    shown, wanted = proposal.crop(*window), truth.crop(*window)
    corner = window[:2]
    pieces = [*_connected(shown & ~wanted, corner, extra=True), *_connected(wanted & ~shown, corner, extra=False)]
    return sorted(pieces, key=lambda piece: -piece.area)


def _connected(bitmap: Bitmap, corner: tuple[int, int], *, extra: bool) -> list[Piece]:
    count, labels, facts, _ = cv2.connectedComponentsWithStats(bitmap.view(np.uint8), connectivity=8)
    found = []
    for label in range(1, count):
        x, y, width, height, area = (int(value) for value in facts[label])
        part = labels[y : y + height, x : x + width] == label
        mask = Mask(corner[0] + x, corner[1] + y, part)
        found.append(Piece(mask, area, _half_outline(part.view(np.uint8)), extra))
    return found


def _half_outline(part: NDArray[np.uint8]) -> float:
    """Half of the length of a piece's outlines through pixel centres, holes included: about that of a thin piece."""
    outlines, _ = cv2.findContours(np.pad(part, 1), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return sum(cv2.arcLength(outline, True) for outline in outlines) / 2
