"""What to label next: the order, why, and the controls in between."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pytest

from engine.learning.diversity import k_centre_order
from engine.learning.queue import Place, Queue, QueueMix, Reason
from engine.learning.queue import queue as queue_of
from engine.project.scores import ImageScore, Part, ScoreTable

ONLY_UNCERTAINTY = QueueMix(uncertainty=1, diversity=0, disagreement=0, random=0)
ONLY_DIVERSITY = QueueMix(uncertainty=0, diversity=1, disagreement=0, random=0)
ONLY_DISAGREEMENT = QueueMix(uncertainty=0, diversity=0, disagreement=1, random=0)


def score(number: int, vector: Sequence[float] = (0, 0), **parts: Part) -> ImageScore:
    return ImageScore(f"content {number}", np.array(vector, np.float16), **parts)


def queue(
    scores: Mapping[int, ImageScore], mix: QueueMix, seed: int = 0, accepted: Sequence[Sequence[float]] = ()
) -> Queue:
    return queue_of(ScoreTable.of(scores), np.array(accepted, np.float16), mix, seed)


def some(count: int) -> dict[int, ImageScore]:
    random = np.random.default_rng(1)
    return {
        number: score(
            number,
            random.normal(size=8).tolist(),
            doubt=Part(float(random.random()), 3),
            mirror=Part(float(random.random()), 2),
            instability=Part(float(random.random()), 1),
        )
        for number in range(count)
    }


def controls(places: Iterable[Place]) -> list[int]:
    return [place.image_id for place in places if place.reason is Reason.CONTROL]


def test_nothing_to_label_is_an_empty_queue() -> None:
    assert list(queue({}, QueueMix())) == []
    assert queue({}, QueueMix()).place_of(1) is None


def test_every_image_has_one_place_and_the_same_one_again() -> None:
    scores = some(57)
    places = queue(scores, QueueMix(), 3)
    assert sorted(place.image_id for place in places) == sorted(scores)
    assert [place.rank for place in places] == list(range(57))
    assert list(queue(dict(reversed(scores.items())), QueueMix(), 3)) == list(places)


def test_an_image_without_a_place_has_none() -> None:
    places = queue({key: score(key) for key in (9, 2, 5)}, QueueMix())
    assert [places.place_of(place.image_id) for place in places] == list(places)
    assert [places.place_of(number) for number in (1, 3, 7, 10)] == [None] * 4


@pytest.mark.parametrize(("share", "count", "expected"), [(0.2, 100, 20), (0.2, 57, 11), (0.0, 50, 0), (1.0, 9, 9)])
def test_the_share_of_controls_is_exact_at_every_place(share: float, count: int, expected: int) -> None:
    places = list(queue(some(count), QueueMix(random=share)))
    assert len(controls(places)) == expected
    for first in range(count):
        assert len(controls(places[:first])) == int(first * share + 1e-9)


def test_an_image_that_goes_or_comes_leaves_the_other_controls_in_their_order() -> None:
    scores = some(60)
    before = controls(queue(scores, QueueMix()))
    for gone in range(60):
        after = controls(queue({key: each for key, each in scores.items() if key != gone}, QueueMix()))
        kept = [each for each in before if each != gone]
        assert after[: len(kept)] == kept[: len(after)]


def test_controls_know_nothing_of_the_model_and_another_seed_draws_others() -> None:
    scores = some(60)
    others = {key: score(key, (1, key)) for key in scores}
    assert controls(queue(scores, QueueMix())) == controls(queue(others, QueueMix()))
    assert controls(queue(scores, QueueMix(), 1)) != controls(queue(scores, QueueMix(), 2))


def test_scales_do_not_matter() -> None:
    scores = some(30)
    stretched = {
        key: ImageScore(each.content, each.vector, Part(each.doubt.amount**3 * 1e6, 3), each.instability, each.mirror)
        for key, each in scores.items()
    }
    assert list(queue(scores, QueueMix())) == list(queue(stretched, QueueMix()))


def test_the_reason_is_what_stands_out() -> None:
    scores = {
        1: score(1, (0, 0), doubt=Part(9, 14)),
        2: score(2, (5, 5)),
        3: score(3, (0, 0), differences=Part(4.5, 6)),
        4: score(4, (0, 0)),
        5: score(5, (0, 0), mirror=Part(3, 2)),
    }
    told = {place.image_id: place for place in queue(scores, QueueMix(1, 0.9, 1, 0), accepted=[[0, 0]])}
    assert (told[1].reason, told[1].figure) == (Reason.DOUBT, 14)
    assert told[2].reason is Reason.DIVERSITY
    assert (told[3].reason, told[3].figure) == (Reason.DISAGREEMENT, 6)
    assert told[4].reason is Reason.NOTHING
    assert (told[5].reason, told[5].figure) == (Reason.MIRROR, 2)


def test_an_image_with_perturbed_annotations_ranks_ahead_of_the_same_image_with_true_ones() -> None:
    scores = {1: score(1, differences=Part(0.4, 0)), 2: score(1, differences=Part(7.0, 7)), 3: score(3)}
    assert queue(scores, ONLY_DISAGREEMENT)[0].image_id == 2


def test_a_part_without_weight_does_not_count() -> None:
    scores = some(20)
    falling = sorted(scores, key=lambda key: -scores[key].doubt.amount)
    alone = {key: score(key, doubt=scores[key].doubt) for key in scores}
    assert [place.image_id for place in queue(alone, ONLY_UNCERTAINTY)] == falling


def test_one_of_each_cluster_comes_before_a_second_of_any() -> None:
    random = np.random.default_rng(0)
    centres = np.array([[0, 0], [50, 0], [0, 50], [50, 50]])
    vectors = (centres[np.arange(40) % 4] + random.normal(size=(40, 2))).astype(np.float32)
    spread = k_centre_order(vectors, np.zeros((0, 2), np.float32))
    assert sorted(spread.order.tolist()) == list(range(40))
    assert {each % 4 for each in spread.order[:4].tolist()} == {0, 1, 2, 3}
    covered = k_centre_order(vectors, vectors[:2])
    assert {each % 4 for each in covered.order[:2].tolist()} == {2, 3}, "two clusters are accepted already"
    assert covered.distance[:2].tolist() == pytest.approx([0, 0], abs=1e-3)


def test_picks_beyond_the_limit_follow_by_distance() -> None:
    vectors = np.array([[0], [1], [10], [4], [7]], np.float32)
    spread = k_centre_order(vectors, np.array([[0]], np.float32), most=1)
    assert spread.order.tolist() == [2, 3, 4, 1, 0]


def test_equal_images_are_no_trouble() -> None:
    scores = {key: score(key, (3, 3)) for key in range(5)}
    assert len(queue(scores, ONLY_DIVERSITY, accepted=[[3, 3]])) == 5
    assert len(queue({1: score(1)}, QueueMix())) == 1


@pytest.mark.parametrize("wrong", [{"random": 1.5}, {"diversity": -1.0}])
def test_a_mix_that_means_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        QueueMix(**wrong)
