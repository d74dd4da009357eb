"""Orders of instances: rows as people read them, doubt as the threshold has it; every order keeps every instance."""

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.mask import Mask
from engine.project.orders import Order, ordered, reading_order, uncertainty_order
from engine.records import Instance, InstanceState, Origin


def instance(number: int, x: int, y: int, width: int = 10, height: int = 10, score: float | None = 0.9) -> Instance:
    mask = Mask.from_crop(np.ones((height, width), dtype=bool), x, y)
    return Instance(number, 1, 1, mask, state=InstanceState.PROPOSAL, origin=Origin.PREDICTED, score=score)


def ids(instances: list[Instance]) -> list[int]:
    return [each.id for each in instances]


def test_rows_are_read_from_the_left_however_uneven_their_letters_stand() -> None:
    first = [instance(1, 10, 12), instance(2, 30, 10), instance(3, 50, 15)]
    second = [instance(4, 5, 31), instance(5, 40, 28)]
    assert ids(reading_order([*second, *reversed(first)])) == [1, 2, 3, 4, 5]


def test_doubt_is_nearness_to_the_threshold_and_what_is_decided_comes_last() -> None:
    scores = {1: 0.9, 2: 0.52, 3: 0.45, 4: 0.6, 5: None}
    proposals = [instance(number, 10 * number, 0, score=score) for number, score in scores.items()]
    decided = replace(instance(6, 0, 0, score=0.5), state=InstanceState.ACCEPTED)
    assert ids(uncertainty_order([decided, *proposals], 0.5)) == [2, 3, 4, 1, 5, 6]
    assert ids(uncertainty_order([decided, *proposals], 0.9)) == [1, 4, 2, 3, 5, 6]


def test_the_largest_comes_first() -> None:
    assert ids(ordered([instance(1, 0, 0), instance(2, 0, 0, 20), instance(3, 9, 9)], Order.AREA, 0.5)) == [2, 1, 3]


_INSTANCES = st.lists(
    st.builds(
        instance,
        st.just(0),
        *[st.integers(0, 100)] * 2,
        *[st.integers(1, 40)] * 2,
        st.none() | st.floats(0, 1),
    ),
    max_size=30,
).map(lambda found: [replace(each, id=number) for number, each in enumerate(found)])


@given(_INSTANCES, st.sampled_from(Order), st.randoms(use_true_random=False))
def test_an_order_has_every_instance_once_and_hangs_on_nothing_else(
    found: list[Instance], order: Order, random: Random
) -> None:
    shuffled = random.sample(found, len(found))
    assert ids(ordered(shuffled, order, 0.5)) == ids(ordered(found, order, 0.5))
    assert sorted(ids(ordered(found, order, 0.5))) == ids(found)
