"""The language that the window speaks, and how numbers and dates are written in it."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from app.translation import languages

SPEAK = """
from datetime import datetime
from app.translation import number, tr, trn, when
print(tr("Close"), trn("{count} image is missing.", "{count} images are missing.", 1), sep="|", end="|")
print(trn("{count} image is missing.", "{count} images are missing.", 2345), number(0.5, 2), sep="|", end="|")
print(when(datetime(2026, 5, 1, 14, 30).astimezone()))
"""


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Schließen|1 Bild fehlt.|2.345 Bilder fehlen.|0,50|1. Mai 2026, 14:30"),
        ("en", "Close|1 image is missing.|2,345 images are missing.|0.50|1 May 2026, 14:30"),
    ],
)
def test_texts_numbers_and_dates_are_in_the_same_language(language: str, said: str) -> None:
    environment = os.environ | {"MASKWRIGHT_LANGUAGE": language, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", SPEAK], env=environment, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().strip() == said


FIND = """
from app.panels.finding_words import said
from engine.quality.findings import pixels
from engine.words import words
cell = words("{category} #{number}", category="cell", number="1234")
there = {"instance": cell, "pixels": pixels(2345), "gap": pixels(1)}
part = words("{instance} has a part of {pixels}, {gap} from the rest.", **there)
seen = words("The model sees a {category} (score {score}); none is annotated.", category="{cell}", score=0.72)
print(said(part), said(seen), sep="|")
"""
GERMAN = (
    "cell #1234 hat einen Teil von 2.345 Pixel, der 1 Pixel vom Rest entfernt liegt."
    "|Das Modell sieht {cell} (Score 0,72); annotiert ist hier nichts davon."
)
ENGLISH = (
    "cell #1234 has a part of 2,345 pixels, 1 pixel from the rest."
    "|The model sees a {cell} (score 0.72); none is annotated."
)


@pytest.mark.parametrize(("language", "expected"), [("de", GERMAN), ("en", ENGLISH)])
def test_what_the_engine_found_is_said_in_the_language_too(language: str, expected: str) -> None:
    environment = os.environ | {"MASKWRIGHT_LANGUAGE": language, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", FIND], env=environment, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().strip() == expected


def test_no_language_is_taken_that_somebody_likes_less_than_english(monkeypatch: pytest.MonkeyPatch) -> None:
    liked = SimpleNamespace(uiLanguages=lambda: ["nl-BE", "nl", "en-GB", "de"])
    monkeypatch.delenv("MASKWRIGHT_LANGUAGE")
    monkeypatch.setattr("app.translation.QLocale", SimpleNamespace(system=lambda: liked))
    assert languages() == ["nl_BE", "nl"]
