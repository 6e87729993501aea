"""The embedded lab: what its folder holds, read when first asked for, and what a spec means there."""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from evaluators.errors import LabError, SpecError
from evaluators.heads import zero_shot_head
from evaluators.live import LiveEncoder, checkpoint_keys, checkpoint_path
from evaluators.measurement import Measurement
from evaluators.models import CONFIG, MERGES, WEIGHTS, read_tower
from evaluators.pictures import Pictures
from evaluators.spec import SPLITS, EditSpec
from evaluators.subsets import count_pictures, load_subset, subset_path
from evaluators.tasks import Task, in_suite, read_tasks

TINY_CLIP = "tiny-clip"


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


class Lab:
    """Model, checkpoints, tasks and pictures of one folder. Any method may be called from any thread.

    Args:
        folder: ``tiny_clip/``, ``eval/`` and, if they ship, ``sweeps/``.
        cache: folder for prepared pictures; None prepares them anew.
        device, dtype: where and in what the image tower runs.
        chunk: pictures a chunk over all tasks.
    Raises: LabError if the lists of tasks and checkpoints are absent or do not fit together.
    Cost: milliseconds; weights and pictures are read when first asked for.
    """

    def __init__(
        self, folder: Path, cache: Path | None, device: torch.device, dtype: torch.dtype, chunk: int
    ) -> None:
        self.folder = folder
        self.device = device
        self.dtype = dtype
        self._cache = cache
        self._chunk = chunk
        self._all_tasks = read_tasks(folder / "eval" / "tasks.json")
        self._model_folder = folder / "tiny_clip"
        self._tower = read_tower(self._model_folder)
        self._checkpoints = self._read_checkpoints()
        self._loading = threading.RLock()  # held for seconds while the encoder or pictures are read
        self._looking = threading.Lock()  # guards the two dictionaries that known answers need
        self._encoder: LiveEncoder | None = None
        self._digests: dict[Path, str] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._pictures: dict[tuple[str, str], Pictures] = {}
        self._heads: dict[str, tuple[Tensor, ...]] = {}

    # What there is

    def models(self) -> tuple[ModelInfo, ...]:
        """The pre-trained encoders a spec may name."""
        tower = self._tower
        return (ModelInfo(TINY_CLIP, "Tiny CLIP", tower.num_blocks, tower.parameters, tower.image_size),)

    def checkpoints(self, model: str) -> tuple[CheckpointInfo, ...]:
        """The fine-tuned checkpoints of an encoder, in the order of their tasks. Raises: SpecError."""
        self._check_model(model)
        return tuple(self._checkpoints.values())

    def tasks(self, suite: str) -> tuple[Task, ...]:
        """The tasks that are measured together, in the order of every ``Evaluation``."""
        return in_suite(self._all_tasks, suite)

    def largest(self, suite: str, split: str) -> int:
        """Pictures of the task that has most of them. Raises: SpecError if a task has none."""
        with self._looking:
            if (suite, split) not in self._counts:
                folder, tasks = self.folder / "eval", self.tasks(suite)
                absent = [task.key for task in tasks if not subset_path(folder, task, split).is_file()]
                if absent:
                    raise SpecError(
                        f"There are no {split!r} pictures for {', '.join(absent)}: "
                        f"suite {suite!r} can only be measured on another split."
                    )
                self._counts[suite, split] = max(count_pictures(folder, task, split) for task in tasks)
            return self._counts[suite, split]

    # What a spec means here

    def measurement(self, spec: EditSpec) -> Measurement:
        """What the spec asks to be measured. Raises: SpecError if this lab cannot answer it."""
        self._check_model(spec.model)
        if spec.checkpoint not in self._checkpoints:
            known = ", ".join(self._checkpoints)
            raise SpecError(f"There is no checkpoint {spec.checkpoint!r}: pick one of {known}.")
        suite = self._checkpoints[spec.checkpoint].suite
        scales = spec.scales(self._tower.num_blocks)
        edited = any((*scales.blocks, scales.before, scales.after))
        largest = self.largest(suite, spec.split)
        images = min(spec.images, largest) if spec.images else largest
        return Measurement(spec.checkpoint if edited else "", scales, suite, spec.split, images)

    def key(self, measurement: Measurement, schema: int) -> str:
        """Names the measurement by everything that decides its counts, so that no stale number survives."""
        tasks = self.tasks(measurement.suite)
        files = [*self._model_files()]
        if measurement.checkpoint:
            files.append(checkpoint_path(self._model_folder, measurement.checkpoint))
        files += [subset_path(self.folder / "eval", task, measurement.split) for task in tasks]
        parts = {
            "schema": schema,
            "measurement": asdict(measurement) | {"scales": list(measurement.scales)},
            "tasks": _meaning(tasks),
            "files": [self._digest(file) for file in files],
            "dtype": str(self.dtype),
            "device": self.device.type,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def fingerprint(self) -> str:
        """Names the lab by content: another weight, picture or prompt, another name. Reads all files once."""
        parts = [_meaning(self._all_tasks), *map(self._digest, self._model_files())]
        for key in self._checkpoints:
            parts.append(f"{key} {self._digest(checkpoint_path(self._model_folder, key))}")
        for task in self._all_tasks:
            for split in SPLITS:
                path = subset_path(self.folder / "eval", task, split)
                if path.is_file():
                    parts.append(f"{path.name} {self._digest(path)}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    # What is loaded when first asked for

    @property
    def encoder(self) -> LiveEncoder:
        """The image tower. Raises: LabError if its files do not fit together. Cost: 3 seconds, once."""
        with self._loading:
            if self._encoder is None:
                self._encoder = LiveEncoder(self._model_folder, self.device, self.dtype)
            return self._encoder

    def pictures(self, suite: str, split: str) -> Pictures:
        """The pictures of a suite and split, interleaved. Raises: SpecError if a task has none; LabError."""
        self.largest(suite, split)
        with self._loading:
            pictures = self._pictures.get((suite, split))
            if pictures is None:
                folder, tower = self.folder / "eval", self._tower
                subsets = [
                    load_subset(folder, task, split, image_size=tower.image_size, cache=self._cache)
                    for task in self.tasks(suite)
                ]
                pictures = Pictures(subsets, tower.mean, tower.std, self.device, self.dtype, self._chunk)
                self._pictures[suite, split] = pictures
            return pictures

    def heads(self, suite: str) -> tuple[Tensor, ...]:
        """The zero-shot classifiers of a suite's tasks, (D, classes) each."""
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
        with self._looking:
            digest = self._digests.get(path)
            if digest is None:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                self._digests[path] = digest
            return digest

    def _model_files(self) -> tuple[Path, ...]:
        return tuple(self._model_folder / name for name in (CONFIG, WEIGHTS, MERGES))

    def _check_model(self, model: str) -> None:
        if model != TINY_CLIP:
            raise SpecError(f"There is no model {model!r}: pick {TINY_CLIP}.")

    def _read_checkpoints(self) -> dict[str, CheckpointInfo]:
        keys = checkpoint_keys(self._model_folder)
        tasks = {task.key: task for task in self._all_tasks}
        foreign = [key for key in keys if key not in tasks]
        if foreign:
            raise LabError(f"Checkpoints belong to a task of the same name, but there is no task {foreign}.")
        if not keys:
            raise LabError(f"{self._model_folder / 'finetuned'} holds no fine-tuned checkpoint.")
        return {
            task.key: CheckpointInfo(task.key, task.title, task.suite)
            for task in self._all_tasks
            if task.key in keys
        }


def _meaning(tasks: Sequence[Task]) -> str:
    """What of the tasks decides numbers: titles and blurbs may be reworded."""
    return json.dumps([(task.key, task.suite, task.classes, task.prompts) for task in tasks])
