"""The labs that ship with the app, one a model: with checkpoints of its own, on shared tasks and images."""

import copy
import hashlib
import itertools
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from evaluators.data.image_questions import QUESTIONS, ImageQuestion, read_image_questions
from evaluators.data.image_subset import Subset, count_images, load_subset, subset_path
from evaluators.data.task_list import SUITES, Task, in_suite, read_tasks, task_identity
from evaluators.encoder.classifier_heads import zero_shot_head
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.encoder.open_clip_folder import CONFIG, MERGES, WEIGHTS, read_tower_info
from evaluators.encoder.residual_cache import CancelCheck
from evaluators.errors import LabError
from evaluators.labs.lab import CheckpointInfo, Lab, ModelInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.labs.shipped_alphas import FILE as ALPHAS
from evaluators.labs.shipped_alphas import read_alphas
from evaluators.labs.tiny_encoder import TinyEncoder, checkpoint_path
from evaluators.labs.variant import Variant
from evaluators.specs.edit_spec import SPLITS
from evaluators.specs.merge_spec import MergeSpec
from evaluators.specs.resolved_spec import ResolvedSpec, checkpoints_of
from lines_core.file_hash import FileDigests
from lines_core.merging import MergingAlpha, raised_versions

TINY_CLIP, TINY_CONVNEXT = "tiny-clip", "tiny-convnext"
TINY_CLIP_14, TINY_CLIP_20 = "tiny-clip-14", "tiny-clip-20"
VARIANTS, TUNED = "variants.json", "gammas.json"


@dataclass(frozen=True)
class EmbeddedModel:
    """A model that ships.

    Args:
        key: for ``EditSpec.model``.
        title: name on the page.
        folder: of the model, in the lab's folder.
        sweeps: of the evaluations that ship, in the lab's folder.
        questions: how many of the further questions about the images are tasks beside the usual ones; with
            any of them, it is a lab of these tasks alone, without robust fine-tuning and compared variants.
    """

    key: str
    title: str
    folder: str
    sweeps: str
    questions: int = 0


EMBEDDED: Mapping[str, EmbeddedModel] = {
    model.key: model
    for model in (
        EmbeddedModel(TINY_CLIP, "Tiny CLIP", "tiny_clip", "sweeps"),
        EmbeddedModel(TINY_CLIP_14, "Tiny CLIP (14 tasks)", "tiny_clip", "sweeps/tiny_clip_14", 6),
        EmbeddedModel(TINY_CLIP_20, "Tiny CLIP (20 tasks)", "tiny_clip", "sweeps/tiny_clip_20", 12),
        EmbeddedModel(TINY_CONVNEXT, "Tiny ConvNeXt", "tiny_convnext", "sweeps/tiny_convnext"),
    )
}
"""By key; the first one is always there."""


def checkpoint_keys(folder: Path) -> tuple[str, ...]:
    """Keys of the fine-tuned checkpoints in a model's folder."""
    return tuple(sorted(path.stem for path in (folder / "finetuned").glob("*.safetensors")))


class EmbeddedLab(Lab):
    """The lab of a model, in a folder with ``eval/`` and a folder of the model.

    Args:
        folder: it shares with the labs of the other models.
        cache: folder for decoded images; None decodes them at every start.
        device, dtype: of the image tower.
        chunk: images a chunk over all tasks.
        model: whose lab it is.
        digests: of files that the labs share; None for its own.
    Raises: LabError if the lists of tasks and checkpoints are absent or do not fit together.
    Cost: milliseconds; weights and images are loaded on first use.
    """

    def __init__(
        self,
        folder: Path,
        cache: Path | None,
        device: torch.device,
        dtype: torch.dtype,
        chunk: int,
        model: EmbeddedModel = EMBEDDED[TINY_CLIP],
        digests: FileDigests | None = None,
    ) -> None:
        self._digest = digests or FileDigests()
        self.folder = folder
        self.model = model
        self.model_folder = folder / model.folder
        self._tower = tower = read_tower_info(self.model_folder)
        super().__init__(
            ModelInfo(model.key, model.title, tower.num_blocks, tower.parameters, tower.image_size),
            device,
            chunk,
        )
        self._dtype = dtype
        self._cache = cache
        self._alphas: Mapping[MergeSpec, MergingAlpha] | None = None
        self._shown = read_tasks(folder / "eval" / "tasks.json")
        asked = read_image_questions(folder / "eval" / QUESTIONS)
        self._questions = {question.task.key: question for question in asked[: model.questions]}
        self._all_tasks = self._shown
        if self._questions:
            more = (question.task for question in self._questions.values())
            self._all_tasks = (*in_suite(self._shown, SUITES[0]), *more)
        self._checkpoints = self._read_checkpoints(asked)
        self._variants, self._compared = self._read_compared()
        self._tuned = self._read_tuned()
        self._own: tuple[LoadedCheckpoint, ...] = ()
        self._lock = threading.Lock()  # guards the dictionaries below, which cached results need
        self._contents: dict[tuple[tuple[str, ...], tuple[str, ...], str], list[str]] = {}
        self._counts: dict[tuple[str, str], int] = {}

    @property
    def dtype(self) -> torch.dtype:
        """Of the image tower."""
        return self._dtype

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """Fine-tuned checkpoints in the order of their tasks, then the visitor's own."""
        return (*self._checkpoints, *(one.info for one in self._own))

    def compared(self) -> tuple[CheckpointInfo, ...]:
        """The checkpoints in ``compared/``, in the order of their variants."""
        return self._compared

    def variants(self) -> tuple[Variant, ...]:
        """The fine-tuning procedures in ``compared/variants.json``."""
        return self._variants

    def tuned_gammas(self) -> Mapping[str, float]:
        """The gammas in ``compared/gammas.json``."""
        return self._tuned

    @property
    def weights(self) -> Path:
        """The file in the model's folder."""
        return self.model_folder / WEIGHTS

    @property
    def weights_identity(self) -> str:
        """Its SHA-256."""
        return self._digest(self.weights)

    def _built_in_targets(self) -> tuple[Task, ...]:
        """The tasks of the checkpoints that ship."""
        keys = {checkpoint.key for checkpoint in self._checkpoints}
        return tuple(task for task in self._all_tasks if task.key in keys)

    def own_checkpoints(self) -> tuple[LoadedCheckpoint, ...]:
        """Those of this view."""
        return self._own

    def _extended(self, added: Sequence[LoadedCheckpoint]) -> "EmbeddedLab":
        view = copy.copy(self)
        view._own = (*self._own, *added)
        return view

    def _built_in_tasks(self, suite: str) -> tuple[Task, ...]:
        return in_suite(self._all_tasks, suite)

    def _count(self, task: Task, split: str) -> int:
        if task.key in self._questions:
            return self._questions[task.key].count(split)
        with self._lock:
            if (task.key, split) not in self._counts:
                folder = self.folder / "eval"
                present = subset_path(folder, task, split).is_file()
                self._counts[task.key, split] = count_images(folder, task, split) if present else 0
            return self._counts[task.key, split]

    def _content_digests(self, resolved: ResolvedSpec, tasks: Sequence[Task]) -> Sequence[str]:
        """SHA-256 of the files of the model, of the checkpoints and of the images."""
        own = {one.info.key: one.identity for one in self._own}
        sources = checkpoints_of(resolved.residual)
        shipped = tuple(one for one in sources if one not in own)
        named = shipped, tuple(task.key for task in tasks), resolved.split
        if named not in self._contents:  # 1 ms for the paths, and a panel looks up dozens of points a move
            files = [*self._model_files()]
            files += [checkpoint_path(self.model_folder, checkpoint) for checkpoint in shipped]
            files += [file for task in tasks for file in self._image_files(task, resolved.split)]
            self._contents[named] = [self._digest(file) for file in files]
        return [*self._contents[named], *(own[one] for one in sources if one in own)]

    def fingerprint(self) -> str:
        """Hash of all weights, images, prompts and merging rules. Reads all files once."""
        parts = [task_identity(self._all_tasks), *raised_versions(), *map(self._digest, self._model_files())]
        for checkpoint in (*self._checkpoints, *self._compared):
            path = checkpoint_path(self.model_folder, checkpoint.key)
            parts.append(f"{checkpoint.key} {self._digest(path)}")
        for task in self._all_tasks:
            for split in SPLITS:
                files = self._image_files(task, split)
                parts += [f"{path.name} {self._digest(path)}" for path in files if path.is_file()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def merging_alpha(self, merge: MergeSpec, check: CancelCheck, patience: float | None) -> MergingAlpha:
        """Eq. 2's alpha of a merge, at once where it ships. Args, Raises: as ``Lab.merging_alpha``."""
        if self._alphas is None:
            self._alphas = read_alphas(self.folder / self.model.sweeps / ALPHAS, self.fingerprint)
        return self._alphas.get(merge) or super().merging_alpha(merge, check, patience)

    def new_encoder(self) -> TinyEncoder:
        """Another image tower, independent of the live one. Cost: half a second."""
        return TinyEncoder(self.model_folder, self.device, self._dtype)

    def _open_encoder(self) -> LiveEncoder:
        return self.new_encoder()

    def _subset(self, task: Task, split: str) -> Subset:
        folder, size = self.folder / "eval", self._tower.image_size
        question = self._questions.get(task.key)
        found = load_subset(folder, self._pictured(task), split, image_size=size, cache=self._cache)
        return found if question is None else question.subset(split, found)

    def _pictured(self, task: Task) -> Task:
        """The task whose file has the images of a task."""
        question = self._questions.get(task.key)
        if question is None:
            return task
        found = next((one for one in self._shown if one.key == question.images), None)
        if found is None:
            raise LabError(f"The question {task.key!r} is about images of {question.images!r}: no such task.")
        return found

    def _image_files(self, task: Task, split: str) -> list[Path]:
        """The files that decide the images and labels of a task."""
        folder = self.folder / "eval"
        asked = [folder / QUESTIONS] if task.key in self._questions else []
        return [subset_path(folder, self._pictured(task), split), *asked]

    def _head(self, task: Task) -> Tensor:
        return self.new_head(task.classes, task.prompts)

    def new_head(self, classes: Sequence[str], prompts: Sequence[str]) -> Tensor:
        """Zero-shot head of class names."""
        loaded = self.encoder.loaded
        return zero_shot_head(loaded.clip, loaded.tokenizer, classes, prompts)

    def _normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        return self._tower.mean, self._tower.std

    def _model_files(self) -> tuple[Path, ...]:
        return tuple(self.model_folder / name for name in (CONFIG, WEIGHTS, MERGES))

    def _read_checkpoints(self, asked: Sequence[ImageQuestion]) -> tuple[CheckpointInfo, ...]:
        keys = checkpoint_keys(self.model_folder)
        known = {task.key for task in (*self._shown, *(question.task for question in asked))}
        foreign = [key for key in keys if key not in known]
        if foreign:
            raise LabError(f"Checkpoints belong to a task of the same name, but there is no task {foreign}.")
        if not keys:
            raise LabError(f"{self.model_folder / 'finetuned'} holds no fine-tuned checkpoint.")
        return tuple(
            CheckpointInfo(task.key, task.title, task.suite) for task in self._all_tasks if task.key in keys
        )

    def _read_tuned(self) -> dict[str, float]:
        path = self.model_folder / "compared" / TUNED
        if self._questions or not path.is_file():
            return {}
        try:
            return {str(key): float(gamma) for key, gamma in json.loads(path.read_text("utf-8")).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise LabError(f"{path} does not give a gamma for each checkpoint: {error}") from error

    def _read_compared(self) -> tuple[tuple[Variant, ...], tuple[CheckpointInfo, ...]]:
        """The variants in ``compared/variants.json``, and those of their checkpoints that exist."""
        listed = self.model_folder / "compared" / VARIANTS
        if self._questions or not listed.is_file():
            return (), ()
        try:
            variants = tuple(Variant(**variant) for variant in json.loads(listed.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise LabError(f"{listed} is not a list of fine-tuning variants: {error}") from error
        return variants, tuple(
            CheckpointInfo(key, f"{task.title} ({variant.title})", task.suite)
            for variant, task in itertools.product(variants, self._all_tasks)
            if checkpoint_path(self.model_folder, key := f"{variant.key}.{task.key}").is_file()
        )
