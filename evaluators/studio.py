"""The studio: one live model, many visitors, each asking for the numbers of an ``EditSpec``.

Evaluation goes chunk by chunk. A chunk is counted under the lock, which serves whoever waited longest; the
coefficients are written absolutely before each chunk, so it does not matter whose chunk came before.
A newer request of the same visitor stops the older one at its next chunk.
"""

import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from evaluators.counting import count_chunk
from evaluators.errors import SpecError
from evaluators.evaluation import Evaluation, TaskResult, task_role
from evaluators.hub import own
from evaluators.hub.checkpoints import LoadedCheckpoint
from evaluators.hub.jobs import Job, Jobs
from evaluators.hub.lab import HubLab
from evaluators.hub.loading import Loader, Wish
from evaluators.hub.transfer.access import Progress
from evaluators.known import KnownAnswers
from evaluators.labs.embedded import TINY_CLIP, EmbeddedLab
from evaluators.labs.lab import CheckpointInfo, Lab, ModelInfo, Way
from evaluators.latest import LatestRequests
from evaluators.lent_gpu import Counted, Lender, LentGpu
from evaluators.measurement import Measurement
from evaluators.merge import Merge
from evaluators.pictures import CHUNK, Chunk, Pictures
from evaluators.spec import EditSpec
from evaluators.store import SCHEMA_VERSION
from evaluators.tasks import Task
from evaluators.turns import TurnLock
from lines_core.merging import MergingAlpha

PROGRESS_KEPT = 256


@dataclass
class _Progress:
    """Whole chunks counted so far, correct pictures a task in each; written under the lock only."""

    correct: list[tuple[int, ...]] = field(default_factory=list)
    seconds: float = 0.0
    device: str = ""


@dataclass
class _Request:
    """One visitor's request on its way: what to count, and what is counted."""

    lab: Lab
    spec: EditSpec
    measurement: Measurement
    pictures: Pictures
    chunks: tuple[Chunk, ...]
    progress: _Progress
    visitor: Hashable | None
    number: int
    correct: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.correct) == len(self.chunks)

    def catch_up(self) -> bool:
        """Take over what the same measurement has counted so far; whether that was anything new."""
        before = len(self.correct)
        self.correct += self.progress.correct[before : len(self.chunks)]
        return len(self.correct) > before


class Studio:
    """Evaluates edits of the models it holds; safe to be called from any number of threads.

    It starts with the embedded lab; others join once they are loaded.

    Args:
        assets: folder of the lab: ``tiny_clip/``, ``eval/`` and, if they ship, ``sweeps/``.
        cache: folder for prepared pictures and results; None keeps both in memory only.
        device: where the model and the pictures live.
        dtype: of the image tower while it runs; float32 if left out.
        chunk: pictures a chunk over all tasks: smaller answers sooner, larger has less overhead.
        lender: of a GPU that ``stream`` counts on, a call at a time; ``first`` then counts on ``device``, so
            that a moving slider uses up nobody's quota.
    Raises: LabError if the lab's files are absent or do not fit together.
    Cost: half a second, and known answers from then on. The first measurement reads the model and its
        pictures, which takes some seconds more; ``warm_up`` has that behind it.
    """

    def __init__(
        self,
        assets: Path,
        cache: Path | None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
        chunk: int = CHUNK,
        lender: Lender | None = None,
    ) -> None:
        folder = None if cache is None else Path(cache)
        self.lab = EmbeddedLab(Path(assets), folder, torch.device(device), dtype or torch.float32, chunk)
        self._labs: dict[str, Lab] = {self.lab.info.key: self.lab}
        results = "results.sqlite" if lender is None else "results-lent-gpu.sqlite"  # it may name others
        self._known = KnownAnswers(self.lab, None if folder is None else folder / results)
        self._latest = LatestRequests()
        home = Path(tempfile.mkdtemp(prefix="lines-")) if folder is None else folder
        loader = Loader(home / "hub", torch.device(device))
        self._residuals = loader.residuals
        self._jobs = Jobs(loader, self._take_in)
        self._wishes: dict[str, Wish] = {}
        self._gpu = None if lender is None else LentGpu(lender, folder, loader)
        self._turns = TurnLock()  # guards the live models and every _Progress
        self._mutex = threading.Lock()  # guards the dictionary below, and a change of the labs
        self._progress: OrderedDict[str, _Progress] = OrderedDict()

    def warm_up(self, suite: str = "tasks", split: str = "test") -> None:
        """Read now what the first measurement needs. Raises: LabError if the files do not fit together."""
        self.lab.heads(suite)
        self.lab.pictures(suite, split)

    # What there is

    def models(self) -> tuple[ModelInfo, ...]:
        """The pre-trained encoders a spec may name."""
        return tuple(lab.info for lab in self._labs.values())

    def checkpoints(self, model: str = TINY_CLIP) -> tuple[CheckpointInfo, ...]:
        """The fine-tuned checkpoints of an encoder, in the order of their tasks.

        Raises: SpecError if there is no such encoder.
        """
        return self.lab_of(model).checkpoints()

    def compared(self, model: str = TINY_CLIP) -> tuple[CheckpointInfo, ...]:
        """Checkpoints of an encoder that a spec may name, but that are only shown beside others."""
        return self.lab_of(model).compared()

    def ways(self, model: str = TINY_CLIP) -> tuple[Way, ...]:
        """How the compared checkpoints of an encoder were made."""
        return self.lab_of(model).ways()

    def tasks(self, suite: str = "tasks", model: str = TINY_CLIP) -> tuple[Task, ...]:
        """The tasks that are measured together, in the order of every ``Evaluation``."""
        return self.lab_of(model).tasks(suite)

    def lab_of(self, model: str) -> Lab:
        """The lab of an encoder. Raises: SpecError if there is no such encoder."""
        lab = self._labs.get(model)
        if lab is None:
            raise SpecError(f"There is no model {model!r}: pick one of {', '.join(self._labs)}.")
        return lab

    def add(self, lab: Lab) -> None:
        """Take in a lab, in place of any earlier one of the same encoder."""
        self._labs = {**self._labs, lab.info.key: lab}

    def merging_alpha(self, model: str, merge: Merge) -> MergingAlpha:
        """Eq. 2's alpha of a merge, with its ingredients.

        Raises: SpecError if the encoder has none of the checkpoints; LabError or CheckpointError if files are
            damaged. Cost: of a merge not held yet, a pass or more over its checkpoints.
        """
        lab = self.lab_of(model)
        lab.measurement(EditSpec.merged(merge, model=model))
        return lab.encoder.merging_alpha(merge)

    # What is loaded from the Hub

    def load(self, wish: Wish) -> Job:
        """Begin to load a public encoder, or join the load of it; once it has ended, a spec may name it."""
        there = self._labs.get(wish.model)
        return self._jobs.start(wish, there if isinstance(there, HubLab) else None)

    def loading(self, model: str) -> Job | None:
        """The newest load of an encoder, under way or ended."""
        return self._jobs.of(model)

    def _take_in(self, lab: HubLab) -> None:
        job = self._jobs.of(lab.info.key)
        if job is not None:
            self._wishes[lab.info.key] = job.wish
        self.add(lab)

    def take_file(self, model: str, task: str, path: Path, name: str) -> CheckpointInfo:
        """A visitor's own checkpoint of a loaded public encoder; a spec may name it then.

        Raises: SpecError, CheckpointError or LabError as ``hub.own.from_file``; nothing is changed then.
        """
        lab = self._hub_lab(model)
        return self._take(lab, own.from_file(lab, self._residuals, task, path, name))

    def take_address(
        self, model: str, task: str, address: str, progress: Progress | None = None
    ) -> CheckpointInfo:
        """The same from a repository of the Hub. Raises: as ``hub.own.from_hub``."""
        lab = self._hub_lab(model)
        return self._take(lab, own.from_hub(lab, self._residuals, task, address, progress))

    def _hub_lab(self, model: str) -> HubLab:
        lab = self.lab_of(model)
        if not isinstance(lab, HubLab):
            raise SpecError(f"{lab.info.title} takes no other checkpoints: load a public encoder for yours.")
        return lab

    def _take(self, lab: HubLab, checkpoint: LoadedCheckpoint) -> CheckpointInfo:
        with self._mutex:
            newest = self._labs[lab.info.key]
            self.add((newest if isinstance(newest, HubLab) else lab).with_checkpoint(checkpoint))
        return checkpoint.info

    # What it scores

    def cached(self, spec: EditSpec) -> Evaluation | None:
        """The complete answer if it is known already: from memory, from disk, or shipped with the lab.

        Raises: SpecError if this lab cannot answer the spec at all.
        """
        lab = self.lab_of(spec.model)
        return self._known.find(lab, spec, lab.measurement(spec))

    def evaluate(self, spec: EditSpec, visitor: Hashable | None = None, *, fresh: bool = False) -> Evaluation:
        """The complete answer. Arguments and errors as for ``stream``."""
        *_, last = self.stream(spec, visitor, fresh=fresh)
        return last

    def stream(
        self, spec: EditSpec, visitor: Hashable | None = None, *, fresh: bool = False
    ) -> Iterator[Evaluation]:
        """Answers from more and more pictures, the last one complete; a known answer comes at once.

        The request counts from this call on, not from the first answer taken.

        Args:
            spec: what to measure.
            visitor: whose request it is. A newer ``stream`` or ``first`` of the same visitor stops this
                one at its next chunk; None is nobody, and is never stopped.
            fresh: measure anew, whatever is known.
        Raises: SpecError at once if this lab cannot answer; while iterating, Superseded, or LabError and
            CheckpointError if files turn out to be damaged. The studio stays usable.
        Lock: held for a chunk at a time, served in order of arrival.
        """
        lab = self.lab_of(spec.model)
        measurement = lab.measurement(spec)
        return self._stream(lab, spec, measurement, visitor, self._latest.announce(visitor), fresh)

    def first(self, spec: EditSpec, visitor: Hashable | None = None) -> Evaluation:
        """What is known at once, or else the answer from the first chunk, which a later ``stream`` continues.

        Raises: as ``stream``.
        """
        lab = self.lab_of(spec.model)
        measurement = lab.measurement(spec)
        number = self._latest.announce(visitor)
        known = self._known.find(lab, spec, measurement)
        if known is not None:
            return known
        request = self._request(lab, spec, measurement, visitor, number, self._progress_of(lab, measurement))
        if not request.catch_up():
            if self._gpu is not None:
                request.progress = _Progress()  # counted here, while a later stream counts on the GPU
            self._count_next(request)
        return self._tell(request)

    def record(self, spec: EditSpec, correct: Sequence[tuple[int, ...]], seconds: float) -> Evaluation:
        """The complete answer from counts that were made elsewhere, which is known from now on.

        Args:
            correct: correct pictures a task, chunk by chunk of the measurement's pictures.
            seconds: spent on them.
        Raises: SpecError if this lab cannot answer; ValueError unless every chunk is counted.
        """
        lab = self.lab_of(spec.model)
        measurement = lab.measurement(spec)
        request = self._request(lab, spec, measurement, None, 0, _Progress(seconds=seconds))
        request.correct.extend(correct)
        if not request.complete:
            raise ValueError(f"{len(request.chunks)} chunks are to be counted, got {len(correct)}.")
        return self._tell(request)

    # One request

    def _stream(
        self,
        lab: Lab,
        spec: EditSpec,
        measurement: Measurement,
        visitor: Hashable | None,
        number: int,
        fresh: bool,
    ) -> Iterator[Evaluation]:
        known = None if fresh else self._known.find(lab, spec, measurement)
        if known is not None:
            self._latest.check(visitor, number)
            yield known
            return
        progress = _Progress() if fresh else self._progress_of(lab, measurement)
        request = self._request(lab, spec, measurement, visitor, number, progress)
        request.catch_up()
        lent = self._lent(request)
        try:
            while True:
                if not request.complete:
                    if lent is None:
                        self._count_next(request)
                    else:
                        self._take_next(request, lent)
                evaluation = self._tell(request)
                self._latest.check(visitor, number)
                yield evaluation
                if evaluation.complete:
                    return
        finally:
            if lent is not None:
                lent.close()

    def _request(
        self,
        lab: Lab,
        spec: EditSpec,
        measurement: Measurement,
        visitor: Hashable | None,
        number: int,
        progress: _Progress,
    ) -> _Request:
        pictures = lab.pictures(measurement.suite, measurement.split)
        chunks = pictures.chunks(measurement.images)
        return _Request(lab, spec, measurement, pictures, chunks, progress, visitor, number)

    def _count_next(self, request: _Request) -> None:
        """Count one more chunk, or take over what others have counted of it while this request waited."""
        lab, measurement = request.lab, request.measurement
        heads = lab.heads_counted(measurement)
        if measurement.residual:
            lab.encoder.residual(measurement.residual)  # read from disk before the lock, not under it
        self._latest.check(request.visitor, request.number)
        with self._turns:
            self._latest.check(request.visitor, request.number)
            if request.catch_up():
                return
            chunk = request.chunks[len(request.correct)]
            begin = time.perf_counter()
            try:
                correct = count_chunk(lab, measurement, request.pictures, chunk, heads)
            except BaseException:
                lab.encoder.forget()
                raise
            request.progress.seconds += time.perf_counter() - begin
            request.correct.append(correct)
            if chunk.whole:
                request.progress.correct.append(correct)

    def _lent(self, request: _Request) -> Generator[Counted, None, None] | None:
        """The counts that are missing, from a lent GPU; None if there is no lender."""
        if self._gpu is None:
            return None
        missing = request.chunks[len(request.correct) :]
        wish = self._wishes.get(request.lab.info.key)
        return self._gpu.counts(request.lab, wish, request.measurement, missing)

    def _take_next(self, request: _Request, lent: Iterator[Counted]) -> None:
        """Take one more chunk from the GPU; others who measure the same begin with what is counted so far."""
        self._latest.check(request.visitor, request.number)
        counted = next(lent)
        place = len(request.correct)
        request.correct.append(counted.correct)
        with self._turns:
            progress = request.progress
            progress.device = counted.device
            if len(progress.correct) == place:  # else another request is ahead of this one
                progress.seconds += counted.seconds
                if request.chunks[place].whole:
                    progress.correct.append(counted.correct)

    def _tell(self, request: _Request) -> Evaluation:
        """The counts as an evaluation, which is remembered if it is complete."""
        lab, measurement, pictures = request.lab, request.measurement, request.pictures
        correct = [sum(task) for task in zip(*request.correct, strict=True)]
        asked = pictures.counts(min(len(request.correct) * pictures.a_chunk, measurement.images))
        tasks = tuple(
            TaskResult(task.key, task.title, task_role(task.key, request.spec), right, n)
            for task, right, n in zip(
                lab.counted(measurement.suite, measurement.split), correct, asked, strict=True
            )
        )
        evaluation = Evaluation(
            request.spec,
            tasks,
            request.complete,
            request.progress.seconds,
            str(lab.dtype).removeprefix("torch."),
            request.progress.device or lab.device.type,
        )
        if evaluation.complete:
            self._known.add(lab, measurement, evaluation)
        return evaluation

    def _progress_of(self, lab: Lab, measurement: Measurement) -> _Progress:
        """The progress all requests for this measurement share, however many pictures they ask for."""
        key = lab.key(replace(measurement, images=0), SCHEMA_VERSION)  # a lab of the same name may follow
        with self._mutex:
            progress = self._progress.setdefault(key, _Progress())
            self._progress.move_to_end(key)
            while len(self._progress) > PROGRESS_KEPT:
                self._progress.popitem(last=False)
        return progress
