"""The stretch that differs is the shortest, and putting it in gives the other list."""

from hypothesis import given
from hypothesis import strategies as st

from app.canvas.stretches import differing

OBJECTS = [object() for _ in range(6)]
lists = st.lists(st.sampled_from(OBJECTS), max_size=8)


@given(lists, lists, lists, lists)
def test_only_the_middle_of_two_lists_differs(start: list, one: list, other: list, end: list) -> None:
    before, after = start + one + end, start + other + end
    old, new = differing(before, after)
    assert before[: old.start] + after[new] + before[old.stop :] == after
    assert old.stop - old.start <= len(one)
    assert new.stop - new.start <= len(other)
    if before[old] and after[new]:
        assert before[old][0] is not after[new][0]
        assert before[old][-1] is not after[new][-1]
