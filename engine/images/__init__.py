"""Reading image files of any kind as upright pixels. EXIF orientation is honoured here and nowhere else.

A decoder (`pillow`, `png`, `tiff`) hands over the stored values at their own depth with the orientation that the file
asks for; `reading` turns them upright once and brings them to 8 bits through a window. Images above `LARGE_PIXELS` are
decoded piece by piece into arrays that lie on disk.
"""

from engine.images.depth import DeepPixels, apply_window
from engine.images.finding import IMAGE_SUFFIXES, find_images
from engine.images.limits import LARGE_PIXELS, MAX_PIXELS
from engine.images.reading import ImageInfo, Pixels, page_count, read_deep, read_info, read_preview, read_rgb

__all__ = [
    "IMAGE_SUFFIXES",
    "LARGE_PIXELS",
    "MAX_PIXELS",
    "DeepPixels",
    "ImageInfo",
    "Pixels",
    "apply_window",
    "find_images",
    "page_count",
    "read_deep",
    "read_info",
    "read_preview",
    "read_rgb",
]
