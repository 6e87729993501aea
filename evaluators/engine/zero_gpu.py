"""Counting on a GPU that is lent for one call at a time, as a ZeroGPU Space lends it.

There, a function that the package ``spaces`` decorates runs in a worker: a process that is forked from this
one, alone sees the GPU, and may live on for further calls. So this process keeps its labs in ordinary memory,
and the worker moves a lab to the GPU the first time it is asked for it. The emulated GPU that ``spaces``
offers to the thread that imports it is of no use here: it moves every tensor by itself, so that the
parameters of an encoder would no longer be views into the vector that an edit is written to, and the shape of
a tensor is a plain tuple there. No lab is to be read in that thread.

One call counts many chunks and yields each as soon as it is counted. Every call is scheduled over the network
and counts towards the visitor's quota, so a call for each chunk would cost a multiple of the counting; and
a generator that is closed stops the worker at its next chunk.

Source: spaces 0.51.3, zero/wrappers.py (workers, generators, what becomes of an exception) and
zero/torch/patching.py (the emulated GPU).
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from evaluators.data.image_batches import Chunk
from evaluators.encoder.autotune import best_device
from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.engine.counting import count_chunk
from evaluators.errors import LabError
from evaluators.hub.checkpoint_import import LoadedCheckpoint
from evaluators.hub.hub_encoder import HubEncoder, open_image_tower
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest, LoadStep
from evaluators.hub.loader import Loader
from evaluators.hub.residual_files import saved_head
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.labs.lab import Lab
from evaluators.specs.resolved_spec import ResolvedSpec
from evaluators.zoo.public_tasks import IMAGENET
from lines_core.errors import LinesError

SECONDS = 30
"""Asked for a call: less than what is left of a visitor's quota, or the call is refused."""
IMAGES = 4096
"""A call at most: a few seconds for ViT-L/14, after some more to start the worker."""


class GpuRefused(LinesError):
    """No GPU was lent, or it was taken back before the count was done; the text gives the lender's reason."""


@dataclass(frozen=True)
class ZeroGpuHost:
    """Who lends the GPU.

    Args:
        decorate: ``spaces.GPU``, or what works like it.
        refusal: what a decorated function raises when no GPU is lent, or the worker fails.
    """

    decorate: Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]
    refusal: type[Exception]


class Counted(NamedTuple):
    """Correct images a task in one chunk, how long that took, and the kind of device that counted."""

    correct: tuple[int, ...]
    seconds: float
    device: str


@dataclass(frozen=True)
class _Origin:
    """Which lab is meant, in few bytes: enough for a worker to recognise it, or to make it again.

    Args:
        model: key of its encoder.
        content: names what it holds, apart from ``own``.
        wish: that it was loaded for; None if it was not loaded from the Hub.
        own: the visitors' own checkpoints.
    """

    model: str
    content: str
    load_request: LoadRequest | None
    own: tuple[LoadedCheckpoint, ...]


class ZeroGpu:
    """Counts chunks in the workers of a lender. ``counts`` may be called from any number of threads.

    A worker takes no lock that it has inherited, since a thread that is not there any more may hold it: of an
    inherited lab it only reads what never changes, and makes a lab of its own from that.

    Args:
        lender: decorates the function that counts, once, before the page is launched.
        cache: where the embedded lab's prepared images lie.
        loader: that makes a lab of the Hub again from what is on disk.
    """

    def __init__(self, lender: ZeroGpuHost, cache: Path | None, loader: Loader) -> None:
        self._refusal = lender.refusal
        self._cache = cache
        self._loader = loader
        self._held: dict[str, Lab] = {}  # by model: in this process the newest, in a worker those at its fork
        self._moved: dict[str, tuple[_Origin, Lab]] = {}  # filled in a worker only
        self._work = lender.decorate(duration=SECONDS)(self._count)

    def counts(
        self, lab: Lab, load_request: LoadRequest | None, resolved: ResolvedSpec, chunks: Sequence[Chunk]
    ) -> Generator[Counted, None, None]:
        """Counts of the chunks, one by one; nothing is asked of the lender before the first is taken.

        Closing the generator stops the worker at its next chunk.

        Args:
            lab: as this process holds it.
            wish: that it was loaded for; None if it was not loaded from the Hub.
        Raises: GpuRefused; LabError or CheckpointError if files turn out to be damaged, or a worker older
            than the lab cannot make it again.
        Cost: of a worker's first call its start, and the lab's way to the GPU, some seconds in all.
        """
        lab.heads(resolved.suite)  # what is imported for it must not be half imported when a worker forks
        self._held[lab.info.key] = lab  # before the call: whatever it forks inherits this very lab
        own: tuple[LoadedCheckpoint, ...] = ()
        if isinstance(lab, HubLab):
            own = tuple(replace(one, head=None) for one in lab.loaded_checkpoints if not one.family)
        origin = _Origin(lab.info.key, _content(lab), load_request, own)
        for some in _calls(chunks):
            try:
                with closing(self._work(origin, resolved, some)) as answers:
                    for answer in answers:
                        if isinstance(answer, LinesError):
                            raise answer
                        yield answer
            except self._refusal as refused:
                raise GpuRefused(_reason(refused)) from refused

    # From here on in the worker

    def _count(
        self, origin: _Origin, resolved: ResolvedSpec, chunks: Sequence[Chunk]
    ) -> Iterator[Counted | LinesError]:
        """What ``counts`` yields.

        An error is yielded too: of one that is raised, the lender tells no more than the name of its class.
        """
        try:
            lab = self._lab(origin)
            images = lab.images(resolved.suite, resolved.split)
            heads = lab.heads_for(resolved)
            for chunk in chunks:
                begin = time.perf_counter()
                correct = count_chunk(lab, resolved, images, chunk, heads)
                yield Counted(correct, time.perf_counter() - begin, lab.device.type)
        except LinesError as error:
            yield error

    def _lab(self, origin: _Origin) -> Lab:
        """The lab on the GPU: moved there earlier, or now."""
        moved = self._moved.get(origin.model)
        if moved is None or moved[0] != origin:
            lab = self._move(self._here(origin), torch.device(best_device()))
            moved = self._moved[origin.model] = origin, lab
        return moved[1]

    def _here(self, origin: _Origin) -> Lab:
        """The lab in ordinary memory: inherited, or loaded again where it is younger than this worker."""
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
                f"{origin.model} is not there in the process that has the GPU: load it again, or ask again "
                "in a minute, when that process has ended."
            )
        lab = self._loader.load(origin.load_request, _nothing, threading.Event())
        if _content(lab) != origin.content:
            raise LabError(
                f"What is on disk of {lab.info.title} is not what was loaded before: load it again to go on."
            )
        self._held[origin.model] = lab
        return lab

    def _move(self, lab: Lab, device: torch.device) -> Lab:
        """Another lab of the same content on a device, with locks and an encoder of its own."""
        if isinstance(lab, EmbeddedLab):
            return EmbeddedLab(lab.folder, self._cache, device, lab.dtype, lab.chunk)
        if isinstance(lab, HubLab):
            live = _MovedEncoder(lab.live, device)
            return HubLab(live, lab.loaded_tasks, lab.loaded_checkpoints, lab.imagenet)
        raise LabError(f"{lab.info.title} cannot be moved to a GPU that is lent.")


class _MovedEncoder(HubEncoder):
    """An encoder as another process holds it, on another device.

    Precision and chunk stay those of the other: under them its numbers are kept.
    """

    def __init__(self, held: HubEncoder, device: torch.device) -> None:
        loaded = open_image_tower(held.row, held.weights, device)
        self.row = held.row
        self.weights = held.weights
        self.identity = held.identity
        self.device = device
        self.engine_config = held.engine_config
        self.residual_paths = dict(held.residual_paths)
        LiveEncoder.__init__(self, loaded, held.engine_config.dtype)


def _content(lab: Lab) -> str:
    """Names what a lab holds, apart from visitors' own checkpoints; the embedded one never changes."""
    if not isinstance(lab, HubLab):
        return lab.info.key
    checkpoints = [(one.info.key, one.identity) for one in lab.loaded_checkpoints if one.family]
    subsets = [
        (loaded.task.key, split, subset.digest)
        for loaded in lab.loaded_tasks
        for split, subset in loaded.subsets.items()
    ]
    parts = [lab.live.identity, str(lab.dtype), lab.chunk, sorted(checkpoints), sorted(subsets)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _head(checkpoint: LoadedCheckpoint) -> ClassifierHead | None:
    """The head that a checkpoint brings along, which lies beside its residual."""
    return saved_head(checkpoint.residual) if checkpoint.info.suite == IMAGENET else None


def _calls(chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, ...]]:
    """The chunks in parts of at most ``IMAGES``, each at least a chunk."""
    some: list[Chunk] = []
    images = 0
    for chunk in chunks:
        more = sum(part.stop - part.start for part in chunk.parts)
        if some and images + more > IMAGES:
            yield tuple(some)
            some, images = [], 0
        some.append(chunk)
        images += more
    if some:
        yield tuple(some)


def _reason(refused: Exception) -> str:
    """The lender's words, which are a title and a message, and what is left to do."""
    title = getattr(refused, "title", "No GPU was lent")
    message = str(getattr(refused, "message", refused)).rstrip(". ")
    return (
        f"{title}: {message}. The first numbers of every move, and all that is known already, come without "
        "the GPU."
    )


def _nothing(step: LoadStep) -> None:
    """Progress that nobody follows."""
