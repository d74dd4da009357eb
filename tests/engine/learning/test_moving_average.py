"""The moving average that a training hands over."""

import torch
from torch import nn

from engine.learning.moving_average import MovingAverage


def test_the_average_of_constant_weights_is_those_weights_and_follows_a_change():
    layer = nn.Linear(3, 2)
    start = layer.weight.detach().clone()
    average = MovingAverage(layer, decay=0.5)
    average.update()
    average.copy_to_model()
    assert torch.equal(layer.weight, start)
    with torch.no_grad():
        layer.weight.add_(1.0)
    average.update()
    average.copy_to_model()
    assert ((layer.weight > start) & (layer.weight < start + 1.0)).all()


def test_an_average_goes_on_from_its_state():
    layer, other = nn.Linear(3, 2), nn.Linear(3, 2)
    average, resumed = MovingAverage(layer, decay=0.9), MovingAverage(other, decay=0.9)
    average.update()
    resumed.load_state_dict(average.state_dict())
    other.load_state_dict(layer.state_dict())
    for each in (layer, other):
        with torch.no_grad():
            each.weight.add_(1.0)
    for each in (average, resumed):
        each.update()
        each.copy_to_model()
    assert torch.equal(layer.weight, other.weight)
