"""Replaying captured forward passes; without a CUDA device a fake replaces the capture."""

import logging

import pytest
import torch
from torch import Tensor, nn

from evaluators.encoder.cuda_graph import CapturedGraph, CudaGraphForward, Forward, capture


def recorded(forward: Forward, images: Tensor) -> CapturedGraph:
    """A fake graph: fixed buffers for input and output, weights read at each replay."""
    buffer = images.clone()
    features = forward(buffer).clone()

    def replay() -> None:
        features.copy_(forward(buffer))

    return CapturedGraph(buffer, features, replay)


@pytest.fixture
def tower() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 5)).requires_grad_(False)


def images(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, 2, 2, generator=torch.Generator().manual_seed(seed))


def test_a_replay_sees_new_images_and_new_weights(tower: nn.Module) -> None:
    replayed = CudaGraphForward(tower, recorded)
    first = replayed(images(4))
    second = replayed(images(4, seed=1))
    assert torch.equal(first, tower(images(4)))  # and is not overwritten by the second
    assert torch.equal(second, tower(images(4, seed=1)))
    next(tower.parameters()).mul_(2.0)
    assert torch.equal(replayed(images(4)), tower(images(4)))
    assert not torch.equal(replayed(images(4)), first)


def test_each_shape_is_captured_once_and_few_graphs_are_cached(
    tower: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured: list[int] = []

    def counting(forward: Forward, given: Tensor) -> CapturedGraph:
        captured.append(len(given))
        return recorded(forward, given)

    replayed = CudaGraphForward(tower, counting)
    for count in (4, 3, 4, 3, 4):
        assert torch.equal(replayed(images(count)), tower(images(count)))
    assert captured == [4, 3]
    monkeypatch.setattr("evaluators.encoder.cuda_graph.GRAPHS_KEPT", 2)
    replayed(images(2))  # evicts the least recently used one
    replayed(images(4))
    replayed(images(3))
    assert captured == [4, 3, 2, 3]


def test_without_a_capture_the_pass_itself_runs(tower: nn.Module, caplog: pytest.LogCaptureFixture) -> None:
    def refuses(forward: Forward, given: Tensor) -> CapturedGraph:
        raise RuntimeError("operation not permitted when stream is capturing")

    replayed = CudaGraphForward(tower, refuses)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(replayed(images(4)), tower(images(4)))
        assert torch.equal(replayed(images(4)), tower(images(4)))
    assert not replayed.replays
    assert len(caplog.records) == 1
    assert "not permitted" in caplog.text


def test_a_replay_with_other_features_disables_graphs(tower: nn.Module) -> None:
    def wrong(forward: Forward, given: Tensor) -> CapturedGraph:
        captured = recorded(forward, given)

        def nothing() -> None:
            captured.features.zero_()

        return CapturedGraph(captured.images, captured.features, nothing)

    replayed = CudaGraphForward(tower, wrong)
    for _ in range(2):
        assert torch.equal(replayed(images(4)), tower(images(4)))
    assert not replayed.replays


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_graph_gives_the_features_of_the_pass(tower: nn.Module) -> None:
    tower = tower.cuda()
    replayed = CudaGraphForward(tower, capture)
    for seed in range(3):
        assert torch.equal(replayed(images(4, seed).cuda()), tower(images(4, seed).cuda()))
        next(tower.parameters()).mul_(1.5)
    assert replayed.replays
