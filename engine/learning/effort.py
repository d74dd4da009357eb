"""What it costs a person to decide about an instance: the published figures, and a stroke modelled on them."""

from __future__ import annotations

import math
from collections.abc import Iterable

ACCEPT_OR_REJECT = 1.6
"""Seconds to say yes or no to a box shown (Papadopoulos et al., "We don't need no bounding-boxes", CVPR 2016)."""
BOX = 7.0
"""Seconds to draw a box by its four extreme points (Papadopoulos et al., "Extreme clicking", ICCV 2017)."""
POLYGON = 79.0
"""Seconds to outline an instance by hand: 22 worker hours for 1,000 (Lin et al., "Microsoft COCO", ECCV 2014)."""

THINK, POINT = 1.35, 1.1
"""Seconds to prepare a movement, and to move the pointer to where it begins: the operators M and P of the
keystroke-level model (Card, Moran and Newell, Communications of the ACM 23(7), 1980)."""
SEGMENT, CENTIMETRE = 0.9, 0.16
"""Seconds for each straight piece of what is drawn, and for each centimetre of it: the same model's operator D."""
PIXELS_A_CENTIMETRE = 38.0
"""Of a screen of 96 px an inch."""
SEGMENT_PIXELS = 40.0
"""Screen pixels of a curve that one straight piece stands for: about a centimetre."""


def stroke(length: float) -> float:
    """Seconds for one stroke of the brush, whose path is ``length`` screen pixels long."""
    pieces = max(1, math.ceil(length / SEGMENT_PIXELS))
    return THINK + POINT + SEGMENT * pieces + CENTIMETRE * length / PIXELS_A_CENTIMETRE


MISSED = BOX + ACCEPT_OR_REJECT
"""Seconds for an instance that no proposal found: a box around it, and a look at the mask that answers it. That this
mask is good at once is assumed, of every model alike; where it is not, the figure is too low by the correction."""


def correction(lengths: Iterable[float]) -> float:
    """Seconds to mend a mask with strokes of these ``lengths`` in screen pixels, or to box it anew where that is less:
    nobody repairs for longer than it takes to start again."""
    return min(sum(map(stroke, lengths)), MISSED)
