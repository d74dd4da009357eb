"""Every error that the engine raises on purpose: what was wrong, and what to do about it.

Anything else that escapes is a defect. The app shows `message` and `remedy` to the person as they are.
"""


class MaskwrightError(Exception):
    """What was wrong (`message`) and what the person can do (`remedy`, may be empty), both as full sentences."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UnreadableImage(MaskwrightError):
    """An image file that cannot be decoded, or only in part."""


class InvalidProject(MaskwrightError):
    """A file that is no project of this program, or one of a newer version."""


class InvalidDataset(MaskwrightError):
    """A dataset file (COCO and the like) that breaks its format."""


class InvalidCheckpoint(MaskwrightError):
    """A checkpoint that cannot be loaded or does not fit its model card."""


class EditConflict(MaskwrightError):
    """An edit whose `before` is not what the project holds."""


class ProjectLocked(MaskwrightError):
    """Another process is writing to the project."""


class OutOfSpace(MaskwrightError):
    """The disk (or quota) is full."""


class NotWritable(MaskwrightError):
    """A file or folder that may not be written: permissions, or a read-only disk."""
