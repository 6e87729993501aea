"""Traced forward passes, compared with eager ones."""

import logging

import pytest
import torch
from torch import Tensor, nn

from evaluators.encoder.traced_forward import CHECKED, TracedForward
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec


class Eager:
    """The eager pass, with a count of its calls."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.calls = 0

    def __call__(self, images: Tensor) -> Tensor:
        self.calls += 1
        found: Tensor = self.module(images)
        return found


@pytest.fixture
def tower() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.GELU(), nn.Linear(8, 4)).requires_grad_(False)


def images(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, 2, 2, generator=torch.Generator().manual_seed(seed))


def test_features_equal_the_eager_ones_for_every_shape_and_edit(tower: nn.Module) -> None:
    eager = Eager(tower)
    traced = TracedForward(tower, eager)
    with torch.inference_mode():
        for count in (4, 3, 4, 1):
            for seed in range(CHECKED + 2):
                assert torch.equal(traced(images(count, seed)), tower(images(count, seed)))
        next(tower.parameters()).mul_(2)
        assert torch.equal(traced(images(4)), tower(images(4)))
    assert traced.traces
    assert eager.calls == 3 * CHECKED  # three shapes; from then on only the trace runs


def test_a_trace_with_other_features_is_disabled(tower: nn.Module, caplog: pytest.LogCaptureFixture) -> None:
    class Fickle(nn.Module):
        """Branches on its input, which a trace fixes."""

        def forward(self, given: Tensor) -> Tensor:
            found: Tensor = tower(given)
            return found * 2 if float(given.sum()) != 0 else found

    fickle = Fickle()
    traced = TracedForward(fickle, fickle)
    with caplog.at_level(logging.WARNING):
        for seed in range(3):
            assert torch.equal(traced(images(4, seed)), 2 * tower(images(4, seed)))
    assert not traced.traces
    assert caplog.text.count("other features") == 1


def test_without_a_trace_the_pass_itself_runs(
    tower: nn.Module, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise RuntimeError("could not export")

    monkeypatch.setattr(torch.jit, "trace", refuses)
    traced = TracedForward(tower, tower)
    with caplog.at_level(logging.WARNING):
        for seed in range(2):
            assert torch.equal(traced(images(2, seed)), tower(images(2, seed)))
    assert not traced.traces
    assert caplog.text.count("cannot be traced") == 1


def test_the_live_encoder_is_traced_on_the_cpu(studio: Studio) -> None:
    studio.evaluate(EditSpec.lines("digits", 0.3))
    forward = studio.lab.encoder._forward
    assert isinstance(forward, TracedForward)
    assert forward.traces
    assert forward._traced is not None
