"""The headless verbs of `python main.py`; the window's buttons run the same ones.

Each verb parses its arguments, calls the engine and prints. A mistake of the person's ends with exit code 2 and one
line on stderr; nothing half written stays behind. torch is imported by the verbs that need it, not before.
"""

from engine.verbs import checkpoints, datasets, installation, models, simulation, statistics, validation
from engine.verbs.command_line import STOPPED, app, main

__all__ = [
    "STOPPED",
    "app",
    "checkpoints",
    "datasets",
    "installation",
    "main",
    "models",
    "simulation",
    "statistics",
    "validation",
]
