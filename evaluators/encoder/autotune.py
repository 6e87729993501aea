"""In what precision and how many at a time an image tower runs fastest here: measured, not guessed.

On a CPU with matrix units for bfloat16 a wide tower is four times as fast in it, a narrow one slower.
"""

import copy
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lines_core.atomic_write import atomic_write

CHUNKS = {"cpu": (8, 16, 32), "cuda": (64, 128, 256), "mps": (16, 32, 64)}
CHUNK_TOLERANCE = 1.1
"""A smaller chunk answers sooner: it is taken if a image costs no more than this times the least."""
_REPEATS = 3
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineConfig:
    """How to run a tower.

    Args:
        dtype: of the live weights and the images.
        chunk: images at a time.
        seconds: a image in one block, in that precision and number.
    """

    dtype: torch.dtype
    chunk: int
    seconds: float


def best_device() -> str:
    """A CUDA GPU, else Apple's, else the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def candidates(device: torch.device) -> tuple[torch.dtype, ...]:
    """Precisions that are worth trying on a device."""
    if device.type == "cuda":
        half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        return (half,)
    return (torch.float32,) if device.type == "mps" else (torch.float32, torch.bfloat16)


def cached_config(path: Path, tower: Any, device: torch.device) -> EngineConfig:
    """The pace that was measured here before, or else now and kept for the next start.

    Precision and company decide the last digit of a feature, so numbers stay the same, and stored ones
    valid, only as long as both do: two measurements of one machine need not agree.

    Args:
        path: of a JSON file for this tower and kind of device.
        tower, device: as for ``autotune``.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        dtype = {str(one): one for one in candidates(device)}[plain["dtype"]]
        if int(plain["chunk"]) in CHUNKS[device.type]:
            return EngineConfig(dtype, int(plain["chunk"]), float(plain["seconds"]))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("The pace kept in %s cannot be read (%r): measuring anew.", path, error)
    tuned = autotune(tower, device)
    try:
        plain = {"dtype": str(tuned.dtype), "chunk": tuned.chunk, "seconds": tuned.seconds}
        atomic_write(path, lambda part: part.write_text(json.dumps(plain), encoding="utf-8"))
    except OSError as error:
        _LOG.warning("The pace could not be kept in %s: %s", path.parent, error)
    return tuned


@torch.inference_mode()
def autotune(tower: Any, device: torch.device, chunks: Sequence[int] = ()) -> EngineConfig:
    """The fastest precision, and the smallest chunk that is nearly as fast as the best.

    One residual block is timed on random activations, in a copy: the blocks are all but a few per cent of a
    forward pass, and the tower itself stays as it is.

    Args:
        tower: an open_clip vision transformer, on ``device``.
        device: that it is going to run on.
        chunks: numbers of images to try; those of the device's kind if left out.
    Cost: under a second for ViT-B/32, three for ViT-L/14.
    """
    block: nn.Module = tower.transformer.resblocks[0]
    tokens, width = tower.positional_embedding.shape
    timed = []
    for dtype in candidates(device):
        copied = copy.deepcopy(block).to(device, dtype)
        for chunk in chunks or CHUNKS[device.type]:
            activations = torch.randn(chunk, tokens, width).to(device, dtype)
            timed.append(EngineConfig(dtype, chunk, _seconds(copied, activations) / chunk))
    dtype = min(timed, key=lambda tuned: tuned.seconds).dtype
    same = [tuned for tuned in timed if tuned.dtype == dtype]
    enough = CHUNK_TOLERANCE * min(tuned.seconds for tuned in same)
    return min((tuned for tuned in same if tuned.seconds <= enough), key=lambda tuned: tuned.chunk)


def _seconds(block: nn.Module, activations: Tensor) -> float:
    """Shortest of a few runs, after one that does not count."""
    block(activations)
    times = []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        block(activations)
        if activations.is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times)
