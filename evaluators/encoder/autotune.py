"""Measured choice of dtype and batch size for a model on this machine.

On a CPU with matrix units for bfloat16 a wide tower is four times as fast in it, a narrow one slower.
"""

import copy
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from evaluators.errors import DeviceError
from lines_core.atomic_write import atomic_write

CHUNKS = {"cpu": (8, 16, 32), "cuda": (64, 128, 256), "mps": (16, 32, 64)}
CHUNK_TOLERANCE = 1.1
"""A smaller chunk gives a first result sooner: it may cost this factor more per image than the fastest."""
_REPEATS = 3
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineConfig:
    """How an image tower runs.

    Args:
        dtype: of the live weights and the images.
        chunk: images a forward pass.
        seconds: per image and residual block, as measured.
    """

    dtype: torch.dtype
    chunk: int
    seconds: float


class TimedBlock(NamedTuple):
    """The part of a model that is timed: its blocks take nearly all of a forward pass.

    Attributes:
        block: from activations (n, tokens, width) to others; not changed.
        tokens: of an example.
        width: of the residual stream.
    """

    block: nn.Module
    tokens: int
    width: int

    @classmethod
    def of_tower(cls, tower: Any) -> "TimedBlock":
        """The first residual block of an open_clip vision transformer."""
        return cls(tower.transformer.resblocks[0], *tower.positional_embedding.shape)


def best_device() -> str:
    """A CUDA GPU, else Apple's, else the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def usable_device(name: str) -> str:
    """The device of a name, and the best one for "auto". Raises: DeviceError if it is not there."""
    if name == "auto":
        return best_device()
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(name, True):
        raise DeviceError(f"PyTorch finds no {name} device on this machine: leave --device out, or use cpu.")
    return name


def candidates(device: torch.device) -> tuple[torch.dtype, ...]:
    """Dtypes to measure on a device."""
    if device.type == "cuda":
        half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        return (half,)
    return (torch.float32,) if device.type == "mps" else (torch.float32, torch.bfloat16)


def cached_config(path: Path, timed: TimedBlock, device: torch.device) -> EngineConfig:
    """The result of ``autotune``, cached in a JSON file.

    Dtype and batch size change the last digits of features, and two measurements of one machine need not
    agree: without the file, cached results could change from one start to the next.

    Args:
        path: of the file for this model and kind of device.
        timed, device: as for ``autotune``.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        dtype = {str(dtype): dtype for dtype in candidates(device)}[plain["dtype"]]
        if int(plain["chunk"]) in CHUNKS[device.type]:
            return EngineConfig(dtype, int(plain["chunk"]), float(plain["seconds"]))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("The measured configuration in %s cannot be read (%r): measuring again.", path, error)
    tuned = autotune(timed, device)
    try:
        plain = {"dtype": str(tuned.dtype), "chunk": tuned.chunk, "seconds": tuned.seconds}
        atomic_write(path, lambda part: part.write_text(json.dumps(plain), encoding="utf-8"))
    except OSError as error:
        _LOG.warning("The measured configuration could not be saved in %s: %s", path.parent, error)
    return tuned


@torch.inference_mode()
def autotune(timed: TimedBlock, device: torch.device, chunks: Sequence[int] = ()) -> EngineConfig:
    """The fastest dtype, and the smallest chunk that is nearly as fast as the best.

    Times copies of one residual block on random activations.

    Args:
        timed: the block.
        device: that it is going to run on.
        chunks: batch sizes to measure; by default those of the device's kind.
    Cost: under a second for ViT-B/32, three for ViT-L/14.
    """
    measured = []
    for dtype in candidates(device):
        copied = copy.deepcopy(timed.block).to(device, dtype)
        for chunk in chunks or CHUNKS[device.type]:
            activations = torch.randn(chunk, timed.tokens, timed.width).to(device, dtype)
            measured.append(EngineConfig(dtype, chunk, _seconds(copied, activations) / chunk))
    dtype = min(measured, key=lambda tuned: tuned.seconds).dtype
    same = [tuned for tuned in measured if tuned.dtype == dtype]
    enough = CHUNK_TOLERANCE * min(tuned.seconds for tuned in same)
    return min((tuned for tuned in same if tuned.seconds <= enough), key=lambda tuned: tuned.chunk)


def _seconds(block: nn.Module, activations: Tensor) -> float:
    """Shortest of a few runs after a warm-up."""
    block(activations)
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        block(activations)
        if activations.is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times)
