"""The filter language: what each term lets through, that it reads what it prints, and how it says what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.mask import Mask
from engine.project.instance_filter import (
    COMPARISONS,
    NUMBERS,
    WORDS,
    Comparison,
    Filter,
    InvalidFilter,
    Name,
    Property,
    Scene,
    Term,
    count_holes,
    count_parts,
    parse,
    suggestions,
)
from engine.records import Instance, InstanceState, Origin

SCENE = Scene({1: "nucleus", 2: "Cell Wall"}, threshold=0.5)
ONE = Instance(
    7,
    1,
    1,
    Mask.from_crop(np.ones((10, 30), dtype=bool), 100, 40),
    state=InstanceState.PROPOSAL,
    origin=Origin.PREDICTED,
    score=0.4,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "score<0.5 category:nucleus status:proposal area>200",
        "score <= .4 SCORE>=4e-1",
        "width=30 height:10 x=100 y<41 id:7",
        "parts=1 holes=0 area!=5",
        "nucleus",
        "NUC",
        "-wall",
        'not category:"cell wall"',
        "- score>0.9",
        "status:ghost",
        "origin:predicted -is:edited not is:hidden -is:crowd",
        "wall or nucleus",
        "area>900 or width>900 or area=300 height=10",
    ],
)
def test_what_holds_lets_an_instance_through(text: str) -> None:
    assert parse(text, ["nucleus", "Cell Wall"]).matches(ONE, SCENE)


@pytest.mark.parametrize(
    "text",
    [
        "score>=0.5",
        "wall",
        "status:accepted",
        "status:rejected",
        "is:hidden",
        "-nucleus",
        "nucleus area<300",
        "wall or area<300",
        "origin:drawn",
    ],
)
def test_what_does_not_hold_keeps_it_away(text: str) -> None:
    assert not parse(text).matches(ONE, SCENE)


def test_an_instance_without_a_score_is_in_no_comparison_of_scores() -> None:
    drawn = replace(ONE, score=None, origin=Origin.DRAWN, state=InstanceState.ACCEPTED)
    assert not any(parse(f"score{sign}0.5").matches(drawn, SCENE) for sign in COMPARISONS)


def test_a_proposal_below_the_threshold_is_a_proposal_and_a_ghost() -> None:
    assert parse("status:proposal status:ghost").matches(ONE, SCENE)
    assert not parse("status:ghost").matches(replace(ONE, score=0.5), SCENE)
    assert parse("status:ghost").matches(replace(ONE, score=0.9, state=InstanceState.GHOST), SCENE)


def test_parts_touch_at_corners_and_holes_do_not_open_there() -> None:
    diagonal = Mask.from_full(np.eye(3, dtype=bool))
    assert (count_parts(diagonal), count_holes(diagonal)) == (1, 0)
    ring = np.ones((5, 5), dtype=bool)
    ring[1, 1] = ring[2, 2] = False  # two holes that meet at a corner
    apart = np.zeros((5, 8), dtype=bool)
    apart[:, :5], apart[2, 7] = ring, True
    assert (count_parts(Mask.from_full(apart)), count_holes(Mask.from_full(apart))) == (2, 2)
    assert (count_parts(Mask.empty()), count_holes(Mask.empty())) == (0, 0)


@pytest.mark.parametrize(
    ("text", "start", "end", "named"),
    [
        ("area>200 scor<0.5", 9, 13, "score"),
        ("score<high", 0, 10, "score<0.5"),
        ("score<", 0, 6, "score<0.5"),
        ("score<0.5x", 0, 10, "score<0.5"),
        ("score<1e999", 0, 11, "score<0.5"),
        ("status:done", 7, 11, "accepted"),
        ("is:odd", 3, 6, "edited"),
        ("status<3", 0, 8, "status:proposal"),
        ("category:leaf", 9, 13, '"Cell Wall"'),
        ("category:", 0, 9, "nucleus"),
        ("nucleus <3", 0, 7, "score"),
        ("<3", 0, 2, "score"),
        ('"open', 0, 5, "quote"),
        ("or area>3", 0, 2, "before"),
        ("area>3 or", 7, 9, "after"),
        ("area>3 -", 7, 8, "not to list"),
    ],
)
def test_an_error_names_the_place_and_what_is_possible(text: str, start: int, end: int, named: str) -> None:
    with pytest.raises(InvalidFilter) as raised:
        parse(text, ["nucleus", "Cell Wall"])
    assert (raised.value.start, raised.value.end) == (start, end)
    assert str(raised.value).startswith(f"At character {start + 1}: ")
    assert named in raised.value.remedy


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda text: text.casefold().casefold())
_CONDITIONS = st.one_of(
    st.builds(
        Comparison,
        st.sampled_from(sorted(NUMBERS)),
        st.sampled_from(sorted(COMPARISONS)),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    st.sampled_from([Property(key, value) for key, values in WORDS.items() for value in values]),
    st.builds(Property, st.just("category"), _TEXTS),
    st.builds(Name, _TEXTS),
)
_GROUPS = st.lists(st.builds(Term, _CONDITIONS, st.booleans()), min_size=1, max_size=4).map(tuple)


@given(st.lists(_GROUPS, max_size=3).map(tuple))
def test_what_is_printed_reads_back_the_same(groups: tuple[tuple[Term, ...], ...]) -> None:
    assert parse(str(Filter(groups))) == Filter(groups)


_PIECES = st.sampled_from(
    [*NUMBERS, *WORDS, *COMPARISONS, ":", " ", '"', "\\", "-", "not", " or ", "0.5", "nucleus", "e"]
)


@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)), st.sampled_from([None, [], ["nucleus"]]))
def test_any_text_is_a_filter_or_the_one_error(text: str, categories: list[str] | None) -> None:
    error = None
    try:
        parse(text, categories).matches(ONE, SCENE)
    except InvalidFilter as raised:
        error = raised
    assert error is None or 0 <= error.start < error.end <= len(text)


@pytest.mark.parametrize(
    ("text", "start", "options"),
    [
        ("", 0, []),
        ("sc", 0, ["score"]),
        ("area>3 st", 7, ["status:"]),
        ("area>3 -s", 8, ["score", "status:"]),
        ("status:a", 0, ["status:accepted"]),
        ("is:", 0, ["is:crowd", "is:edited", "is:hidden"]),
        ("category:c", 0, ['category:"Cell Wall"']),
        ('category:"cell w', 0, ['category:"Cell Wall"']),
        ('"cell', 0, ['"Cell Wall"']),
        ("nu", 0, ["nucleus"]),
        ("nucleus", 0, []),
        ("score<", 6, []),
    ],
)
def test_suggestions_go_on_with_what_was_begun(text: str, start: int, options: list[str]) -> None:
    assert suggestions(text, len(text), ["nucleus", "Cell Wall"]) == (start, options)


@given(st.text(), st.integers(0, 20))
def test_suggestions_are_possible_anywhere(text: str, place: int) -> None:
    start, _ = suggestions(text, min(place, len(text)), ["nucleus"])
    assert 0 <= start <= min(place, len(text))


def test_each_suggestion_with_a_value_is_a_term() -> None:
    names = ["nucleus", "Cell Wall"]
    for key in ("category:", "status:", "origin:", "is:"):
        for option in suggestions(key, len(key), names)[1]:
            assert parse(option, names).names(key[:-1])
