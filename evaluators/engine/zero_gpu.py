"""Engine on a ZeroGPU Space: counts in workers that have a GPU for one call at a time.

On such a Space a function that the package ``spaces`` decorates runs in a worker: a process that is forked
from this one, alone has the GPU, and may serve further calls. So this process keeps its labs in main memory,
and the worker moves a lab to the GPU when it is first asked for it. The emulated GPU that ``spaces`` gives to
the thread that imports it is of no use here: it moves every tensor by itself, so that the parameters of an
encoder would no longer be views into the vector that an edit is written to, and the shape of a tensor is a
plain tuple there. No lab may be read in that thread.

One call counts many chunks and yields each as soon as it is counted. Every call is scheduled over the network
and counts towards the visitor's quota, so a call for each chunk would cost a multiple of the counting; and
a generator that is closed stops the worker at its next chunk.

Source: spaces 0.51.3, zero/wrappers.py (workers, generators, what becomes of an exception) and
zero/torch/patching.py (the emulated GPU).
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from evaluators.data.image_batches import Chunk
from evaluators.encoder.autotune import best_device
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.encoder.residual_files import saved_head
from evaluators.engine.counting import count_chunk
from evaluators.engine.engine import ChunkCounts
from evaluators.engine.lab_recipe import content_of
from evaluators.errors import LabError
from evaluators.hub.hub_encoder import HubEncoder, open_image_tower
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest, LoadStep
from evaluators.hub.loader import Loader
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.labs.lab import Lab
from evaluators.labs.lab_tasks import TaskView
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.specs.resolved_spec import ResolvedSpec
from evaluators.zoo.public_tasks import IMAGENET
from lines_core.errors import LinesError

SECONDS = 30
"""Duration requested for a call: if the visitor's quota has less left, the call is refused."""
IMAGES = 4096
"""Most images of a call: a few seconds for ViT-L/14, after some more to start the worker."""


class GpuRefused(LinesError):
    """No GPU was assigned, or it was taken back before the count was done; the message gives the reason."""


@dataclass(frozen=True)
class ZeroGpuHost:
    """The package ``spaces``, or what works like it.

    Args:
        decorate: ``spaces.GPU``.
        refusal: what a decorated function raises when no GPU is assigned, or the worker fails.
    """

    decorate: Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]
    refusal: type[Exception]


@dataclass(frozen=True)
class _Origin:
    """Names a lab in few bytes: enough for a worker to recognise it, or to load it again.

    Args:
        model: key of its encoder.
        content: names what it holds, apart from ``own``.
        load_request: that it was loaded for; None if it was not loaded from the Hub.
        own: the visitors' own checkpoints.
    """

    model: str
    content: str
    load_request: LoadRequest | None
    own: tuple[LoadedCheckpoint, ...]


class ZeroGpu:
    """Counts edits in the workers of a ZeroGPU Space. Any method may be called from any number of threads.

    A worker takes no lock that it has inherited, since a thread that does not exist any more may hold it: of
    an inherited lab it only reads what never changes, and makes a lab of its own from that.

    Args:
        host: decorates the function that counts, once, before the page is launched.
        cache: folder of the embedded lab's prepared images.
        loader: loads a lab of the Hub again from what is on disk.
    """

    exclusive = False

    def __init__(self, host: ZeroGpuHost, cache: Path | None, loader: Loader) -> None:
        self._refusal = host.refusal
        self._cache = cache
        self._loader = loader
        self._load_requests: dict[str, LoadRequest] = {}
        self._held: dict[str, Lab] = {}  # by model: in this process the newest, in a worker those at its fork
        self._moved: dict[str, tuple[_Origin, Lab]] = {}  # filled in a worker only
        self._work = host.decorate(duration=SECONDS)(self._count)

    def loaded(self, load_request: LoadRequest) -> None:
        """Remember how a lab was loaded from the Hub, for workers that have to load it again."""
        self._load_requests[load_request.model] = load_request

    def load(self, lab: Lab, resolved: ResolvedSpec, chunks: Sequence[Chunk]) -> "_WorkerEdit":
        """As ``Engine.load``; no worker is called before the first chunk is counted.

        Cost: of a worker's first call its start, and the lab's way to the GPU, some seconds in all.
        """
        return _WorkerEdit(self._counts(lab, resolved, chunks), len(chunks))

    def _counts(
        self, lab: Lab, resolved: ResolvedSpec, chunks: Sequence[Chunk]
    ) -> Generator[ChunkCounts, None, None]:
        """Counts of the chunks, one by one. Closing the generator stops the worker at its next chunk.

        Raises: GpuRefused; LabError or CheckpointError if files turn out to be damaged, or a worker older
            than the lab cannot load it again.
        """
        lab.heads(resolved.suite)  # what is imported for it must not be half imported when a worker forks
        self._held[lab.info.key] = lab  # before the call: a worker that it forks inherits this very lab
        own = tuple(replace(one, head=None) for one in lab.own_checkpoints())
        model = lab.info.key
        origin = _Origin(model, _content(lab), self._load_requests.get(model), own)
        for batch in _calls(chunks):
            try:
                with closing(self._work(origin, lab.view, resolved, batch)) as answers:
                    for answer in answers:
                        if isinstance(answer, LinesError):
                            raise answer
                        yield answer
            except self._refusal as refused:
                raise GpuRefused(_reason(refused)) from refused

    # From here on in the worker

    def _count(
        self, origin: _Origin, view: TaskView, resolved: ResolvedSpec, chunks: Sequence[Chunk]
    ) -> Iterator[ChunkCounts | LinesError]:
        """What ``_counts`` yields.

        An error is yielded too: of a raised one, ``spaces`` passes on only the name of its class.
        """
        try:
            lab = self._lab(origin).seen_as(view)
            images = lab.images(resolved.suite, resolved.split)
            heads = lab.heads_with_images(resolved)
            for chunk in chunks:
                began = time.perf_counter()
                counted = count_chunk(lab, resolved, images, chunk, heads)
                yield ChunkCounts(counted, 0.0, time.perf_counter() - began, lab.device.type)
        except LinesError as error:
            yield error

    def _lab(self, origin: _Origin) -> Lab:
        """The lab on the GPU: moved there earlier, or now."""
        moved = self._moved.get(origin.model)
        if moved is None or moved[0] != origin:
            lab = self._move(self._in_memory(origin), origin.own, torch.device(best_device()))
            moved = self._moved[origin.model] = origin, lab
        return moved[1]

    def _in_memory(self, origin: _Origin) -> Lab:
        """The lab in main memory: inherited, or loaded again if it is younger than this worker."""
        lab = self._held.get(origin.model)
        if lab is None or _content(lab) != origin.content:
            lab = self._load_again(origin)
        if not isinstance(lab, HubLab):
            return lab
        public = [one for one in lab.loaded_checkpoints if one.family]
        own = [replace(one, head=_head(one)) for one in origin.own]
        return HubLab(lab.live, lab.loaded_tasks, [*public, *own], lab.imagenet)

    def _load_again(self, origin: _Origin) -> Lab:
        if origin.load_request is None:
            raise LabError(
                f"{origin.model} is not loaded in the process that has the GPU: load it again, or try again "
                "in a minute, when that process has ended."
            )
        lab = self._loader.load(origin.load_request, _ignore, threading.Event())
        if _content(lab) != origin.content:
            raise LabError(
                f"What is on disk of {lab.info.title} is not what was loaded before: load it again to go on."
            )
        self._held[origin.model] = lab
        return lab

    def _move(self, lab: Lab, own: Sequence[LoadedCheckpoint], device: torch.device) -> Lab:
        """Another lab of the same content on a device, with locks and an encoder of its own."""
        if isinstance(lab, EmbeddedLab):
            moved = EmbeddedLab(lab.folder, self._cache, device, lab.dtype, lab.chunk, lab.model)
            return moved.with_own(own)
        if isinstance(lab, HubLab):
            live = _MovedEncoder(lab.live, device)
            return HubLab(live, lab.loaded_tasks, lab.loaded_checkpoints, lab.imagenet)
        raise LabError(f"{lab.info.title} cannot be moved to a ZeroGPU worker.")


class _WorkerEdit:
    """An edit that a worker counts, the chunks in the order in which they were announced."""

    def __init__(self, counts: Generator[ChunkCounts, None, None], chunks: int) -> None:
        self._counts = counts
        self._missing = chunks

    def ready(self, check: Callable[[], None], patience: float | None) -> AbstractContextManager[object]:
        """As ``LoadedEdit.ready``: the worker reads the weights when it begins to count."""
        return nullcontext()

    def count(self, chunk: Chunk) -> ChunkCounts:
        """As ``LoadedEdit.count``. Raises: GpuRefused also if the worker ends too early."""
        counts = next(self._counts, None)
        if counts is None:
            raise GpuRefused("The GPU worker ended before all images were counted: try again.")
        self._missing -= 1
        if not self._missing:
            next(
                self._counts, None
            )  # to its end: closing it now could stop a worker that serves another call
        return counts

    def close(self) -> None:
        """Stop the worker at its next chunk."""
        self._counts.close()


class _MovedEncoder(HubEncoder):
    """An encoder of another process, moved to another device.

    Precision and chunk stay those of the other: its results are cached under them.
    """

    def __init__(self, held: HubEncoder, device: torch.device) -> None:
        loaded = open_image_tower(held.row, held.weights, device)
        self.row = held.row
        self.weights = held.weights
        self.identity = held.identity
        self.device = device
        self.engine_config = held.engine_config
        LiveEncoder.__init__(self, loaded, held.engine_config.dtype)
        self.residual_paths = dict(held.residual_paths)


def _content(lab: Lab) -> str:
    """Names what a lab holds, apart from visitors' own checkpoints; the embedded lab never changes."""
    return content_of(lab) if isinstance(lab, HubLab) else lab.info.key


def _head(checkpoint: LoadedCheckpoint) -> ClassifierHead | None:
    """The classifier head that comes with a checkpoint; its file lies beside the residual."""
    return saved_head(checkpoint.residual) if checkpoint.info.suite == IMAGENET else None


def _calls(chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, ...]]:
    """The chunks in batches of at most ``IMAGES`` images, each at least a chunk."""
    batch: list[Chunk] = []
    for chunk in chunks:
        if batch and sum(one.images for one in (*batch, chunk)) > IMAGES:
            yield tuple(batch)
            batch = []
        batch.append(chunk)
    if batch:
        yield tuple(batch)


def _reason(refused: Exception) -> str:
    """The title and message of a refusal, and what can still be done."""
    title = getattr(refused, "title", "No GPU was assigned")
    message = str(getattr(refused, "message", refused)).rstrip(". ")
    return (
        f"{title}: {message}. First numbers of every move, and everything that is cached, still come without "
        "the GPU."
    )


def _ignore(step: LoadStep) -> None:
    """Progress that nobody follows."""
