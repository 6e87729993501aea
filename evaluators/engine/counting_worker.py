"""What counts in a process of its own, on this machine or another: labs by recipe, chunks by order.

Nothing here knows how orders come: they and their answers are values.
"""

import pickle
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from evaluators.data.image_batches import Chunk
from evaluators.engine.counting import count_chunk
from evaluators.engine.engine import ChunkCounts
from evaluators.engine.lab_recipe import ROOT, LabRecipe, code_identity, content_of
from evaluators.engine.node_merges import NodeMerges, own_folder
from evaluators.errors import DeviceError, LabError
from evaluators.hub.load_request import LoadStep
from evaluators.hub.loader import Loader
from evaluators.labs.embedded_lab import EMBEDDED, EmbeddedLab
from evaluators.labs.lab import Lab
from evaluators.specs.resolved_spec import ResolvedSpec
from lines_core.errors import LinesError


class ChunkOrder(NamedTuple):
    """One chunk of one edit: an edit travels as its name and coefficients, never as weights.

    Args:
        content: of the lab, as its recipe says.
    """

    content: str
    resolved: ResolvedSpec
    chunk: Chunk


@dataclass(frozen=True)
class WorkerFacts:
    """What a worker says of itself before it counts anything.

    Args:
        code: ``code_identity`` of its installation.
        device: kind of device that it counts on.
        cores: threads that it computes with.
    """

    code: str
    device: str
    cores: int


class CountingWorker:
    """Counts one chunk at a time; to be used by one thread.

    Args:
        device: "cpu", or the kind of GPU that this process sees alone.
        cores: threads to compute with; 0 leaves torch's choice.
        gpus: numbers of those that this process was given.
    Raises: DeviceError if there is no such GPU.
    """

    def __init__(self, device: str, cores: int, gpus: Sequence[object] = ()) -> None:
        self._device = torch.device(device)
        if device == "cuda" and not torch.cuda.is_available():
            given = ", ".join(map(str, gpus))
            raise DeviceError(f"PyTorch finds no GPU there, though Ray has given it one (number {given}).")
        if cores:
            torch.set_num_threads(cores)
        self._labs: dict[str, Lab] = {}  # by content
        self.facts = WorkerFacts(code_identity(), device, torch.get_num_threads())

    def open(self, recipe: bytes) -> LinesError | None:
        """Open the lab of a pickled ``LabRecipe``; the error if that is not possible.

        Cost: seconds, and of a public encoder what is missing on this machine is fetched from the Hub.
        """
        wanted: LabRecipe = pickle.loads(recipe)
        try:
            if wanted.content not in self._labs:
                self._labs[wanted.content] = self._opened(wanted)
        except LinesError as error:
            return error
        return None

    def count(self, order: bytes) -> ChunkCounts | LinesError:
        """The counts of a pickled ``ChunkOrder``, or the error that a file or the device gave.

        The same order gives the same counts, however often and wherever it is counted.
        """
        content, resolved, chunk = ChunkOrder(*pickle.loads(order))
        try:
            lab = self._labs.get(content)
            if lab is None:
                raise LabError(f"{resolved.model} is not open in this worker.")
            images, heads = lab.images(resolved.suite, resolved.split), lab.heads_with_images(resolved)
            began = time.perf_counter()
            lab.encoder.write_edit(resolved.residual, resolved.scales)
            written = time.perf_counter()
            counted = count_chunk(lab, resolved, images, chunk, heads)
            ended = time.perf_counter()
        except LinesError as error:
            return error
        return ChunkCounts(counted, written - began, ended - written, lab.device.type)

    def _opened(self, recipe: LabRecipe) -> Lab:
        cache = recipe.cache if recipe.cache is not None and recipe.cache.is_dir() else None
        if recipe.load_request is None:
            assets = recipe.assets if recipe.assets.is_dir() else ROOT / "assets"
            config = recipe.config
            lab: Lab = EmbeddedLab(
                assets, cache, self._device, config.dtype, config.chunk, EMBEDDED[recipe.model]
            )
        else:
            home = (cache or Path.home() / ".cache" / "lines-explorer") / "hub"
            loader = Loader(home, self._device, recipe.config)
            lab = loader.load(recipe.load_request, _ignore, threading.Event())
        if content_of(lab) != recipe.content:
            raise LabError(
                f"{lab.info.title} has other weights or images on this worker's machine: install the same "
                "version of the explorer there, or share one --cache."
            )
        lab.encoder.shared_merges = NodeMerges(own_folder(), recipe.content, lab.encoder.layout).get
        return lab


def pickled_recipe(recipe: LabRecipe) -> bytes:
    """The recipe as ``CountingWorker.open`` takes it."""
    return pickle.dumps(recipe)


def pickled_order(order: ChunkOrder) -> bytes:
    """The order as ``CountingWorker.count`` takes it: of the largest merges some thousand bytes."""
    return pickle.dumps(tuple(order))


def _ignore(step: LoadStep) -> None:
    """Progress that nobody follows."""
