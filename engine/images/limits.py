"""How large an image may be, and what is said of a file that cannot be read."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from engine.errors import MaskwrightError, UnreadableImage

# OpenCV decodes no image of more pixels, and slides of 30,000 x 30,000 are below. Pillow warns at 89 million and
# refuses at twice that. Its limit is global, so it is lifted once, here, and ours applies.
MAX_PIXELS = 1 << 30
Image.MAX_IMAGE_PIXELS = None

# Above, pixels lie on disk rather than in memory: 100 million take 300 MB as RGB, and a window that keeps the current
# image and what is drawn from it several times that.
LARGE_PIXELS = 100_000_000

REPLACE = "Leave it out, or replace it with a complete copy."


def check_size(path: Path, width: int, height: int) -> None:
    """Refuses more than MAX_PIXELS: a small file that claims more is an attack or damaged."""
    if width * height > MAX_PIXELS:
        raise UnreadableImage(
            f"{path.name} has {width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} million can be opened.",
            remedy="Cut it into tiles first.",
        )


def no_page(path: Path, page: int, count: int) -> UnreadableImage:
    """The words for a page that a file does not have; pages count from 0, people from 1."""
    has = "1 page" if count == 1 else f"{count} pages"
    return UnreadableImage(f"{path.name} has {has}, so there is no page {page + 1}.", remedy="Choose another page.")


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns whatever the decoders raise for a bad file into words."""
    try:
        if path.stat().st_size == 0:
            raise UnreadableImage(f"{path.name} is empty: it has 0 bytes.", remedy=REPLACE)
        yield
    except MaskwrightError:
        raise
    except FileNotFoundError as error:
        raise UnreadableImage(f"There is no file {path}.", remedy="It may have been moved or renamed.") from error
    except IsADirectoryError as error:
        raise UnreadableImage(f"{path} is a folder, not an image.") from error
    except PermissionError as error:
        raise UnreadableImage(f"There is no permission to read {path}.") from error
    except UnidentifiedImageError as error:
        kinds = "JPEG, PNG, TIFF, BMP or WebP"
        raise UnreadableImage(f"{path.name} is not a {kinds} image, or is damaged at its start.") from error
    except MemoryError as error:
        raise UnreadableImage(f"There is not enough memory to open {path.name}.") from error
    # Decoders meet damaged files with errors of every kind (struct.error, SyntaxError, IndexError, cv2.error, ...).
    except Exception as error:
        raise UnreadableImage(f"{path.name} is damaged or cut short ({error}).", remedy=REPLACE) from error
