"""Quality checks of annotations: what may be wrong, why it matters, and fixes that can be undone."""

from engine.quality.checks import ABOUT, FILE_CHECKS, MODEL_CHECKS, About, Check, Limits, Severity
from engine.quality.examination import Annotations, Detect, Examined, examine, examine_image
from engine.quality.findings import Finding, Fix, FixKind, Subject
from engine.quality.fixing import Fixed, fix

__all__ = [
    "ABOUT",
    "FILE_CHECKS",
    "MODEL_CHECKS",
    "About",
    "Annotations",
    "Check",
    "Detect",
    "Examined",
    "Finding",
    "Fix",
    "FixKind",
    "Fixed",
    "Limits",
    "Severity",
    "Subject",
    "examine",
    "examine_image",
    "fix",
]
