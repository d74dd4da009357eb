"""What the quality checks are called, why they matter, and what they found, in the person's language."""

from dataclasses import replace

from app.translation import number, tr, trn
from engine.quality.checks import ABOUT, About
from engine.words import Words


def _translated(about: About) -> About:
    return replace(about, title=tr(about.title), why=tr(about.why), fix=tr(about.fix) if about.fix else "")


def said(text: Words) -> str:
    """What the engine says, in the person's language."""
    values = {name: _said(value) for name, value in text.values.items()}
    return tr(text.template, **values) if text.many is None else trn(text.template, text.many, text.quantity)


def _said(value: object) -> str:
    if isinstance(value, Words):
        return said(value)
    return number(value, 0 if isinstance(value, int) else 2) if isinstance(value, int | float) else str(value)


FINDING_WORDS = {check: _translated(about) for check, about in ABOUT.items()}
