"""The cache never holds more than its limit, and forgets what was used least recently."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.byte_cache import ByteCache


def test_the_least_recently_used_goes_first():
    cache: ByteCache[str, str] = ByteCache(10)
    cache.put("a", "A", 4)
    cache.put("b", "B", 4)
    assert cache.get("a") == "A"
    cache.put("c", "C", 4)
    assert cache.get("b") is None
    assert cache.get("a") == "A" and cache.get("c") == "C"
    cache.clear()
    assert len(cache) == 0 and cache.bytes == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 15))))
def test_the_limit_holds_whatever_comes(puts):
    cache: ByteCache[int, int] = ByteCache(12)
    for key, size in puts:
        cache.put(key, size, size)
        assert cache.bytes <= 12
        assert (cache.get(key) == size) == (size <= 12)
