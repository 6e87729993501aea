"""A device that is lost or out of memory in mid-evaluation: said in words, and nothing wrong afterwards."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from evaluators.encoder.live_encoder import is_device_lost, is_out_of_memory
from evaluators.engine.counting import count_chunk
from evaluators.errors import DeviceError, LabError
from evaluators.labs.tiny_encoder import TinyEncoder
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.errors import LinesError
from ui.shell.error_messages import message_of

from .children import counts

LOST = (
    torch.AcceleratorError("CUDA error: device-side assert triggered\nCUDA kernel errors might be ..."),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
)
NO_MEMORY = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    torch.AcceleratorError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    MemoryError(),
)


def failing(error: Exception, at: int, work: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """``work``, which fails at one of its calls, having spoilt nothing itself."""
    calls = [0]

    def once(*arguments: object) -> torch.Tensor:
        calls[0] += 1
        if calls[0] == at:
            raise error
        return work(*arguments)

    return once


@pytest.mark.parametrize("error", LOST)
def test_a_lost_device_is_said_in_words_and_the_next_numbers_are_right(
    studio: Studio,
    monkeypatch: pytest.MonkeyPatch,
    specs: Sequence[EditSpec],
    truth: list[list[tuple[str, int, int]]],
    error: Exception,
) -> None:
    encoder = studio.lab.encoder
    clip = encoder.loaded.clip
    monkeypatch.setattr(clip, "encode_image", failing(error, 3, clip.encode_image))
    stream = studio.stream(specs[0], studio.ticket("visitor"))
    next(stream), next(stream)
    with pytest.raises(DeviceError, match=r"has failed.*Try again in a minute.*restarted") as told:
        next(stream)
    assert told.value.__cause__ is error
    assert "CUDA kernel errors" not in str(told.value)
    assert message_of(told.value) == str(told.value)
    assert encoder.problem == f"cpu has failed: {str(error).splitlines()[0]}"
    assert encoder._written is None, "the weights count as unknown"
    encoder._live.fill_(float("nan"))
    assert [counts(studio.evaluate(spec)) for spec in specs[:2]] == truth[:2]
    assert encoder.problem == ""


@pytest.mark.parametrize("error", [LOST[0], NO_MEMORY[0]])
def test_a_failure_while_weights_are_written(
    studio: Studio,
    monkeypatch: pytest.MonkeyPatch,
    specs: Sequence[EditSpec],
    truth: list[list[tuple[str, int, int]]],
    error: Exception,
) -> None:
    encoder = studio.lab.encoder

    def half(*_: object) -> None:
        encoder._live[: encoder.layout.numel // 2] = float("nan")
        raise error

    studio.evaluate(specs[0])
    with monkeypatch.context() as patch:
        patch.setattr(encoder._editor, "apply", half)
        with pytest.raises(DeviceError if error is LOST[0] else LabError, match=r"failed|not enough memory"):
            studio.evaluate(specs[1])
    assert [counts(studio.evaluate(spec, fresh=True)) for spec in specs[:2]] == truth[:2]


def test_a_device_that_stays_lost_is_seen_from_outside(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, specs: Sequence[EditSpec]
) -> None:
    """On CUDA every later call fails too: known answers go on, and the problem stays."""
    known = studio.evaluate(specs[0])

    def lost(*_: object) -> torch.Tensor:
        raise LOST[0]

    monkeypatch.setattr(studio.lab.encoder.loaded.clip, "encode_image", lost)
    for spec in specs[1:4]:
        with pytest.raises(DeviceError):
            studio.evaluate(spec)
        assert "device-side assert" in studio.lab.encoder.problem
    assert studio.evaluate(specs[0]) == known


@pytest.mark.parametrize("error", NO_MEMORY)
def test_too_little_memory_in_mid_evaluation_gives_the_same_numbers(
    studio: Studio,
    monkeypatch: pytest.MonkeyPatch,
    specs: Sequence[EditSpec],
    truth: list[list[tuple[str, int, int]]],
    error: Exception,
) -> None:
    encoder = studio.lab.encoder
    monkeypatch.setattr(encoder, "_forward", failing(error, 4, encoder._forward))
    assert counts(studio.evaluate(specs[0])) == truth[0]
    assert studio.lab.encoder._batch_limit == 6
    assert studio.lab.encoder.problem == ""


def test_residuals_that_are_kept_give_way(
    lab: Path, monkeypatch: pytest.MonkeyPatch, specs: Sequence[EditSpec]
) -> None:
    encoder = TinyEncoder(lab / "tiny_clip", torch.device("cpu"), torch.float32)
    read, right = encoder._read_residual, encoder.residual("digits")
    encoder.residual("faces")

    def tight(checkpoint: str) -> torch.Tensor:
        if encoder.residuals.keys:
            raise NO_MEMORY[0]
        return read(checkpoint)

    monkeypatch.setattr(encoder, "_read_residual", tight)
    encoder.residual("objects")
    assert encoder.residuals.keys == ("objects",)
    assert torch.equal(encoder.residual("digits"), right)

    def never(checkpoint: str) -> torch.Tensor:
        raise NO_MEMORY[0]

    monkeypatch.setattr(encoder, "_read_residual", never)
    with pytest.raises(LabError, match="not enough memory on cpu for this edit"):
        encoder.residual("faces")


def test_what_fails_beside_the_tower_is_guarded_too(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are normalised and features compared outside ``encode``: on a GPU that may fail as well."""
    spec = EditSpec.finetuned("digits")
    resolved = studio.lab.resolve(spec)
    images = studio.lab.images(resolved.suite, resolved.split)
    heads = studio.lab.heads_with_images(resolved)
    chunk = images.chunks(resolved.images)[0]
    encoder = studio.lab.encoder

    def count() -> tuple[int, ...]:
        with encoder.invalidated_on_error():
            encoder.write_edit(resolved.residual, resolved.scales)
            return count_chunk(studio.lab, resolved, images, chunk, heads).correct

    right = count()
    cases: list[tuple[Exception, type[Exception]]] = [
        (NO_MEMORY[0], LabError),
        (LOST[0], DeviceError),
        (RuntimeError("a mistake of ours"), RuntimeError),
    ]
    for error, expected in cases:
        with monkeypatch.context() as patch:
            patch.setattr(images, "normalised", failing(error, 1, images.normalised))
            with pytest.raises(expected) as told:
                count()
        assert encoder._written is None
        assert isinstance(told.value, LinesError) == (expected is not RuntimeError)
        encoder._live.zero_()
        assert count() == right


def test_which_errors_are_which() -> None:
    assert all(is_out_of_memory(error) for error in NO_MEMORY)
    assert not any(is_out_of_memory(error) for error in LOST)
    assert all(is_device_lost(error) for error in LOST)
    ours = RuntimeError("Given groups=1, weight of size [32, 3, 8, 8], expected 3 channels, but got 2")
    assert not is_device_lost(ours)
    assert not is_out_of_memory(ours)
