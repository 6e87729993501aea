"""The studio: one live model, many visitors, each asking for the numbers of an ``EditSpec``.

Evaluation goes chunk by chunk. A chunk is counted under the lock, which serves whoever waited longest; the
coefficients are written absolutely before each chunk, so it does not matter whose chunk came before.
A newer request of the same visitor stops the older one at its next chunk.
"""

import hashlib
import itertools
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from evaluators.errors import EvaluationError, LabError, SpecError, Superseded
from evaluators.evaluation import CONTROL, TARGET, Evaluation, TaskResult
from evaluators.heads import zero_shot_head
from evaluators.live import LiveEncoder
from evaluators.models import CONFIG, MERGES, WEIGHTS
from evaluators.pictures import CHUNK, Chunk, Pictures
from evaluators.spec import EditSpec, Scales
from evaluators.store import SCHEMA_VERSION, ResultStore
from evaluators.subsets import load_subset, subset_path
from evaluators.tasks import Task, in_suite, read_tasks
from evaluators.turns import TurnLock

TINY_CLIP = "tiny-clip"
EVALUATIONS_KEPT = 4096
PROGRESS_KEPT = 256
VISITORS_KEPT = 4096
FINGERPRINT = "FINGERPRINT"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelInfo:
    """A pre-trained encoder that a spec may name.

    Args:
        key: for ``EditSpec.model``.
        title: what the page calls it.
        num_blocks: L, residual blocks of the image tower.
        parameters: weights of the image tower.
        image_size: pixels a side.
    """

    key: str
    title: str
    num_blocks: int
    parameters: int
    image_size: int


@dataclass(frozen=True)
class CheckpointInfo:
    """A fine-tuned checkpoint that a spec may name; its key is also the key of its target task."""

    key: str
    title: str
    suite: str


@dataclass(frozen=True)
class Measurement:
    """What is really measured: specs that mean the same weights and pictures share it.

    gamma = 1, mix = 1 and "fine-tuned" are one, and the pre-trained model is one for all checkpoints.

    Args:
        checkpoint: empty when nothing of it is mixed in.
        scales: of the residual, block by block.
        suite, split: which tasks, which pictures.
        images: pictures a task, never 0.
    """

    checkpoint: str
    scales: Scales
    suite: str
    split: str
    images: int


@dataclass
class _Progress:
    """Whole chunks counted so far, correct pictures a task in each; written under the lock only."""

    correct: list[tuple[int, ...]] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class _Request:
    """One visitor's request on its way: what to count, and what is counted."""

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
    """Evaluates edits of the embedded lab; safe to be called from any number of threads.

    Args:
        assets: folder of the lab: ``tiny_clip/``, ``eval/`` and, if they ship, ``sweeps/``.
        cache: folder for prepared pictures and results; None keeps both in memory only.
        device: where the model and the pictures live.
        dtype: of the image tower while it runs; float32 if left out.
        chunk: pictures a chunk over all tasks: smaller answers sooner, larger has less overhead.
    Raises: LabError if the lab's files are absent or do not fit together.
    Cost: about 3 seconds, nearly all of it imports; pictures and checkpoints are loaded when first asked for.
    """

    def __init__(
        self,
        assets: Path,
        cache: Path | None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
        chunk: int = CHUNK,
    ) -> None:
        self._assets = Path(assets)
        self._cache = None if cache is None else Path(cache)
        self._device = torch.device(device)
        self._dtype = dtype or torch.float32
        self._chunk = chunk
        self._all_tasks = read_tasks(self._assets / "eval" / "tasks.json")
        self.encoder = LiveEncoder(self._assets / "tiny_clip", self._device, self._dtype)
        self._infos = self._read_checkpoints()
        self._store = ResultStore(None if self._cache is None else self._cache / "results.sqlite")

        self._turns = TurnLock()  # guards the live model and every _Progress
        self._loading = threading.RLock()  # guards what is loaded when first asked for
        self._mutex = threading.Lock()  # guards the small dictionaries below
        self._digests: dict[Path, str] = {}
        self._loaded: dict[tuple[str, str], Pictures] = {}
        self._heads: dict[str, tuple[Tensor, ...]] = {}
        self._memory: OrderedDict[str, Evaluation] = OrderedDict()
        self._progress: OrderedDict[Measurement, _Progress] = OrderedDict()
        self._latest: OrderedDict[Hashable, int] = OrderedDict()
        self._numbers = itertools.count()
        self._shipped = self._read_shipped()

    # What there is

    def models(self) -> tuple[ModelInfo, ...]:
        """The pre-trained encoders a spec may name."""
        live = self.encoder
        return (ModelInfo(TINY_CLIP, "Tiny CLIP", live.num_blocks, live.parameters, live.loaded.image_size),)

    def checkpoints(self, model: str = TINY_CLIP) -> tuple[CheckpointInfo, ...]:
        """The fine-tuned checkpoints of an encoder, in the order of their tasks.

        Raises: SpecError if there is no such encoder.
        """
        self._check_model(model)
        return tuple(self._infos.values())

    def tasks(self, suite: str = "tasks") -> tuple[Task, ...]:
        """The tasks that are measured together, in the order of every ``Evaluation``."""
        return in_suite(self._all_tasks, suite)

    def fingerprint(self) -> str:
        """Names the lab by content: another weight, picture or prompt, another name. Reads all files once."""
        parts = [_meaning(self._all_tasks), *map(self._digest, self._model_files())]
        parts += [f"{key} {self._digest(self.encoder.checkpoint_path(key))}" for key in self._infos]
        for task in self._all_tasks:
            for split in ("val", "test"):
                path = subset_path(self._assets / "eval", task, split)
                if path.is_file():
                    parts.append(f"{path.name} {self._digest(path)}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    # What it scores

    def cached(self, spec: EditSpec) -> Evaluation | None:
        """The complete answer if it is known already: from memory, from disk, or shipped with the lab.

        Raises: SpecError if this lab cannot answer the spec at all.
        """
        return self._known(spec, self._measurement(spec))

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
        measurement = self._measurement(spec)
        return self._stream(spec, measurement, visitor, self._announce(visitor), fresh)

    def first(self, spec: EditSpec, visitor: Hashable | None = None) -> Evaluation:
        """What is known at once, or else the answer from the first chunk, which a later ``stream`` continues.

        Raises: as ``stream``.
        """
        measurement = self._measurement(spec)
        number = self._announce(visitor)
        known = self._known(spec, measurement)
        if known is not None:
            return known
        request = self._request(spec, measurement, visitor, number, self._progress_of(measurement))
        if not request.catch_up():
            self._count_next(request)
        return self._tell(request)

    # One request

    def _stream(
        self, spec: EditSpec, measurement: Measurement, visitor: Hashable | None, number: int, fresh: bool
    ) -> Iterator[Evaluation]:
        known = None if fresh else self._known(spec, measurement)
        if known is not None:
            self._check_latest(visitor, number)
            yield known
            return
        progress = _Progress() if fresh else self._progress_of(measurement)
        request = self._request(spec, measurement, visitor, number, progress)
        request.catch_up()
        while True:
            if not request.complete:
                self._count_next(request)
            evaluation = self._tell(request)
            self._check_latest(visitor, number)
            yield evaluation
            if evaluation.complete:
                return

    def _request(
        self,
        spec: EditSpec,
        measurement: Measurement,
        visitor: Hashable | None,
        number: int,
        progress: _Progress,
    ) -> _Request:
        pictures = self.pictures(measurement.suite, measurement.split)
        chunks = pictures.chunks(measurement.images)
        return _Request(spec, measurement, pictures, chunks, progress, visitor, number)

    def _count_next(self, request: _Request) -> None:
        """Count one more chunk, or take over what others have counted of it while this request waited."""
        measurement = request.measurement
        heads = self._heads_of(measurement.suite)
        if measurement.checkpoint:
            self.encoder.residual(measurement.checkpoint)  # read from disk before the lock, not under it
        self._check_latest(request.visitor, request.number)
        with self._turns:
            self._check_latest(request.visitor, request.number)
            if request.catch_up():
                return
            chunk = request.chunks[len(request.correct)]
            begin = time.perf_counter()
            try:
                correct = self._count(measurement, request.pictures, chunk, heads)
            except BaseException:
                self.encoder.forget()
                raise
            request.progress.seconds += time.perf_counter() - begin
            request.correct.append(correct)
            if chunk.whole:
                request.progress.correct.append(correct)

    def _count(
        self, measurement: Measurement, pictures: Pictures, chunk: Chunk, heads: Sequence[Tensor]
    ) -> tuple[int, ...]:
        """Correct pictures a task in one chunk. The caller holds the lock."""
        self.encoder.carry(measurement.checkpoint, measurement.scales)
        with torch.inference_mode():
            features = self.encoder.encode(pictures.normalised(chunk)).float()
            hits = torch.zeros(len(heads), dtype=torch.int64, device=self._device)
            begin = 0
            for task, start, stop in chunk.parts:
                end = begin + stop - start
                named = (features[begin:end] @ heads[task]).argmax(dim=1)
                hits[task] = (named == pictures.labels[start:stop]).sum()
                begin = end
        return tuple(hits.tolist())

    def _tell(self, request: _Request) -> Evaluation:
        """The counts as an evaluation, which is remembered if it is complete."""
        measurement, pictures = request.measurement, request.pictures
        correct = [sum(task) for task in zip(*request.correct, strict=True)]
        asked = pictures.counts(min(len(request.correct) * pictures.a_chunk, measurement.images))
        tasks = tuple(
            TaskResult(task.key, task.title, _role(task.key, request.spec), right, n)
            for task, right, n in zip(self.tasks(measurement.suite), correct, asked, strict=True)
        )
        evaluation = Evaluation(
            request.spec,
            tasks,
            request.complete,
            request.progress.seconds,
            str(self._dtype).removeprefix("torch."),
            self._device.type,
        )
        if evaluation.complete:
            key = self._key(measurement)
            self._remember(key, evaluation)
            self._store.put(key, evaluation)
        return evaluation

    # Who asks

    def _announce(self, visitor: Hashable | None) -> int:
        with self._mutex:
            number = next(self._numbers)
            if visitor is not None:
                self._latest[visitor] = number
                self._latest.move_to_end(visitor)
                while len(self._latest) > VISITORS_KEPT:
                    self._latest.popitem(last=False)
        return number

    def _check_latest(self, visitor: Hashable | None, number: int) -> None:
        with self._mutex:
            latest = self._latest.get(visitor, number)
        if latest != number:
            raise Superseded("A newer request of the same visitor took the place of this one.")

    # What is asked

    def _measurement(self, spec: EditSpec) -> Measurement:
        self._check_model(spec.model)
        if spec.checkpoint not in self._infos:
            raise SpecError(
                f"There is no checkpoint {spec.checkpoint!r}: pick one of {', '.join(self._infos)}."
            )
        suite = self._infos[spec.checkpoint].suite
        scales = spec.scales(self.encoder.num_blocks)
        edited = any((*scales.blocks, scales.before, scales.after))
        largest = self.pictures(suite, spec.split).largest
        images = min(spec.images, largest) if spec.images else largest
        return Measurement(spec.checkpoint if edited else "", scales, suite, spec.split, images)

    def _check_model(self, model: str) -> None:
        if model != TINY_CLIP:
            raise SpecError(f"There is no model {model!r}: pick {TINY_CLIP}.")

    def _key(self, measurement: Measurement) -> str:
        """Names the measurement by everything that decides its counts, so that no stale number survives."""
        tasks = self.tasks(measurement.suite)
        files = [*self._model_files()]
        if measurement.checkpoint:
            files.append(self.encoder.checkpoint_path(measurement.checkpoint))
        files += [subset_path(self._assets / "eval", task, measurement.split) for task in tasks]
        parts = {
            "schema": SCHEMA_VERSION,
            "measurement": asdict(measurement) | {"scales": list(measurement.scales)},
            "tasks": _meaning(tasks),
            "files": [self._digest(file) for file in files],
            "dtype": str(self._dtype),
            "device": self._device.type,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    # What is known

    def _known(self, spec: EditSpec, measurement: Measurement) -> Evaluation | None:
        key = self._key(measurement)
        with self._mutex:
            known = self._memory.get(key)
        if known is None:
            known = self._store.get(key) or self._shipped.get(measurement)
            if known is None:
                return None
        self._remember(key, known)
        try:
            tasks = tuple(replace(task, role=_role(task.key, spec)) for task in known.tasks)
            return replace(known, spec=spec, tasks=tasks)
        except EvaluationError as error:  # somebody wrote other tasks under our key
            _LOG.warning("A stored evaluation does not answer %s: %s", spec, error)
            return None

    def _remember(self, key: str, evaluation: Evaluation) -> None:
        with self._mutex:
            self._memory[key] = evaluation
            self._memory.move_to_end(key)
            while len(self._memory) > EVALUATIONS_KEPT:
                self._memory.popitem(last=False)

    def _progress_of(self, measurement: Measurement) -> _Progress:
        """The progress all requests for this measurement share, however many pictures they ask for."""
        key = replace(measurement, images=0)
        with self._mutex:
            progress = self._progress.setdefault(key, _Progress())
            self._progress.move_to_end(key)
            while len(self._progress) > PROGRESS_KEPT:
                self._progress.popitem(last=False)
        return progress

    # What is loaded when first asked for

    def pictures(self, suite: str, split: str) -> Pictures:
        """The pictures of a suite and split, interleaved. Raises: SpecError if a task has none; LabError."""
        with self._loading:
            pictures = self._loaded.get((suite, split))
            if pictures is None:
                folder, tasks = self._assets / "eval", self.tasks(suite)
                absent = [task.key for task in tasks if not subset_path(folder, task, split).is_file()]
                if absent:
                    raise SpecError(
                        f"There are no {split!r} pictures for {', '.join(absent)}: "
                        f"suite {suite!r} can only be measured on another split."
                    )
                loaded = self.encoder.loaded
                subsets = [
                    load_subset(folder, task, split, image_size=loaded.image_size, cache=self._cache)
                    for task in tasks
                ]
                pictures = Pictures(subsets, loaded.mean, loaded.std, self._device, self._dtype, self._chunk)
                self._loaded[suite, split] = pictures
            return pictures

    def _heads_of(self, suite: str) -> tuple[Tensor, ...]:
        with self._loading:
            heads = self._heads.get(suite)
            if heads is None:
                loaded = self.encoder.loaded
                heads = tuple(
                    zero_shot_head(loaded.clip, loaded.tokenizer, task.classes, task.prompts)
                    for task in self.tasks(suite)
                )
                self._heads[suite] = heads
            return heads

    def _digest(self, path: Path) -> str:
        with self._loading:
            digest = self._digests.get(path)
            if digest is None:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                self._digests[path] = digest
            return digest

    def _model_files(self) -> tuple[Path, ...]:
        return tuple(self.encoder.folder / name for name in (CONFIG, WEIGHTS, MERGES))

    def _read_checkpoints(self) -> dict[str, CheckpointInfo]:
        keys = self.encoder.checkpoints()
        tasks = {task.key: task for task in self._all_tasks}
        foreign = [key for key in keys if key not in tasks]
        if foreign:
            raise LabError(f"Checkpoints belong to a task of the same name, but there is no task {foreign}.")
        if not keys:
            raise LabError(f"{self.encoder.folder / 'finetuned'} holds no fine-tuned checkpoint.")
        return {
            task.key: CheckpointInfo(task.key, task.title, task.suite)
            for task in self._all_tasks
            if task.key in keys
        }

    def _read_shipped(self) -> dict[Measurement, Evaluation]:
        """The evaluations that ship in ``sweeps/``, if they were made with exactly this lab."""
        folder = self._assets / "sweeps"
        files = sorted(folder.glob("*.json"))
        if not files:
            return {}
        made_with = folder / FINGERPRINT
        if not made_with.is_file() or made_with.read_text().strip() != self.fingerprint():
            _LOG.warning("The evaluations in %s were made with another lab: they are not shown.", folder)
            return {}
        shipped = {}
        for file in files:
            try:
                for plain in json.loads(file.read_text(encoding="utf-8")):
                    evaluation = replace(Evaluation.from_dict(plain), precomputed=True)
                    shipped[self._measurement(evaluation.spec)] = evaluation
            except (ValueError, TypeError) as error:
                raise LabError(f"{file} is not a list of evaluations: {error}") from error
        return shipped


def _role(task: str, spec: EditSpec) -> str:
    return TARGET if task == spec.checkpoint else CONTROL


def _meaning(tasks: Sequence[Task]) -> str:
    """What of the tasks decides numbers: titles and blurbs may be reworded."""
    return json.dumps([(task.key, task.suite, task.classes, task.prompts) for task in tasks])
