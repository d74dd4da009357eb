"""What the quality checks are called and why they matter, in the person's language."""

from dataclasses import replace

from app.translation import tr
from engine.quality.checks import ABOUT, About


def _translated(about: About) -> About:
    return replace(about, title=tr(about.title), why=tr(about.why), fix=tr(about.fix) if about.fix else "")


FINDING_WORDS = {check: _translated(about) for check, about in ABOUT.items()}
