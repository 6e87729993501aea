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

from evaluators.data.image_subset import Subset, count_images, load_subset, subset_path
from evaluators.data.task_list import Task, in_suite, read_tasks, task_identity
from evaluators.encoder.classifier_heads import zero_shot_head
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.encoder.open_clip_folder import CONFIG, MERGES, WEIGHTS, load_model, read_tower_info
from evaluators.encoder.residual_cache import CancelCheck
from evaluators.encoder.residual_files import mapped_residual
from evaluators.errors import LabError
from evaluators.labs.lab import CheckpointInfo, Lab, ModelInfo
from evaluators.labs.loaded_checkpoint import LoadedCheckpoint
from evaluators.labs.shipped_alphas import FILE as ALPHAS
from evaluators.labs.shipped_alphas import read_alphas
from evaluators.labs.variant import Variant
from evaluators.specs.edit_spec import SPLITS
from evaluators.specs.merge_spec import MergeSpec
from evaluators.specs.resolved_spec import ResolvedSpec, checkpoints_of
from lines_core.checkpoints import compare, read_checkpoint
from lines_core.file_hash import sha256_of
from lines_core.merging import MergingAlpha
from lines_core.packed import is_packed, read_packed

TINY_CLIP, TINY_CONVNEXT = "tiny-clip", "tiny-convnext"
VARIANTS, TUNED = "variants.json", "gammas.json"


@dataclass(frozen=True)
class EmbeddedModel:
    """A model that ships.

    Args:
        key: for ``EditSpec.model``.
        title: name on the page.
        folder: of the model, in the lab's folder.
        sweeps: of the evaluations that ship, in the lab's folder.
    """

    key: str
    title: str
    folder: str
    sweeps: str


EMBEDDED: Mapping[str, EmbeddedModel] = {
    model.key: model
    for model in (
        EmbeddedModel(TINY_CLIP, "Tiny CLIP", "tiny_clip", "sweeps"),
        EmbeddedModel(TINY_CONVNEXT, "Tiny ConvNeXt", "tiny_convnext", "sweeps/tiny_convnext"),
    )
}
"""By key; the first one is always there."""


def checkpoint_path(folder: Path, checkpoint: str) -> Path:
    """File of a checkpoint in a model's folder: full weights, or a packed residual."""
    return folder / ("compared" if is_compared(checkpoint) else "finetuned") / f"{checkpoint}.safetensors"


def is_compared(checkpoint: str) -> bool:
    """Whether a checkpoint key is of the form ``<variant>.<task>``."""
    return "." in checkpoint


def checkpoint_keys(folder: Path) -> tuple[str, ...]:
    """Keys of the fine-tuned checkpoints in a model's folder."""
    return tuple(sorted(path.stem for path in (folder / "finetuned").glob("*.safetensors")))


class TinyEncoder(LiveEncoder):
    """The encoder of a model folder. Raises: LabError if its files do not fit together."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(load_model(folder, device), dtype)
        self.folder = folder

    def _read_residual(self, checkpoint: str) -> Tensor:
        if checkpoint in self.residual_paths:
            return mapped_residual(self.residual_paths[checkpoint], self.layout)
        path = checkpoint_path(self.folder, checkpoint)
        if not path.is_file():
            raise LabError(f"{path} is absent: checkpoint {checkpoint!r} has no weights.")
        if is_packed(path):
            shapes = {name: value.shape for name, value in self.pretrained().items()}
            return self.layout.flatten(read_packed(path, shapes))
        finetuned = read_checkpoint(path)
        compare(self.pretrained(), finetuned)
        return self.residual_of(finetuned)


class EmbeddedLab(Lab):
    """The lab of a model, in a folder with ``eval/`` and a folder of the model.

    Args:
        folder: it shares with the labs of the other models.
        cache: folder for decoded images; None decodes them at every start.
        device, dtype: of the image tower.
        chunk: images a chunk over all tasks.
        model: whose lab it is.
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
    ) -> None:
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
        self._all_tasks = read_tasks(folder / "eval" / "tasks.json")
        self._checkpoints = self._read_checkpoints()
        self._variants, self._compared = self._read_compared()
        self._tuned = self._read_tuned()
        self._own: tuple[LoadedCheckpoint, ...] = ()
        self._lock = threading.Lock()  # guards the dictionaries below, which cached results need
        self._digests: dict[Path, str] = {}
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
            files += [subset_path(self.folder / "eval", task, resolved.split) for task in tasks]
            self._contents[named] = [self._digest(file) for file in files]
        return [*self._contents[named], *(own[one] for one in sources if one in own)]

    def fingerprint(self) -> str:
        """Hash of all weights, images and prompts. Reads all files once."""
        parts = [task_identity(self._all_tasks), *map(self._digest, self._model_files())]
        for checkpoint in (*self._checkpoints, *self._compared):
            path = checkpoint_path(self.model_folder, checkpoint.key)
            parts.append(f"{checkpoint.key} {self._digest(path)}")
        for task in self._all_tasks:
            for split in SPLITS:
                path = subset_path(self.folder / "eval", task, split)
                if path.is_file():
                    parts.append(f"{path.name} {self._digest(path)}")
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
        return load_subset(folder, task, split, image_size=size, cache=self._cache)

    def _head(self, task: Task) -> Tensor:
        return self.new_head(task.classes, task.prompts)

    def new_head(self, classes: Sequence[str], prompts: Sequence[str]) -> Tensor:
        """Zero-shot head of class names."""
        loaded = self.encoder.loaded
        return zero_shot_head(loaded.clip, loaded.tokenizer, classes, prompts)

    def _normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        return self._tower.mean, self._tower.std

    def _digest(self, path: Path) -> str:
        with self._lock:
            if path not in self._digests:
                self._digests[path] = sha256_of(path)
            return self._digests[path]

    def _model_files(self) -> tuple[Path, ...]:
        return tuple(self.model_folder / name for name in (CONFIG, WEIGHTS, MERGES))

    def _read_checkpoints(self) -> tuple[CheckpointInfo, ...]:
        keys = checkpoint_keys(self.model_folder)
        tasks = {task.key: task for task in self._all_tasks}
        foreign = [key for key in keys if key not in tasks]
        if foreign:
            raise LabError(f"Checkpoints belong to a task of the same name, but there is no task {foreign}.")
        if not keys:
            raise LabError(f"{self.model_folder / 'finetuned'} holds no fine-tuned checkpoint.")
        return tuple(
            CheckpointInfo(task.key, task.title, task.suite) for task in self._all_tasks if task.key in keys
        )

    def _read_tuned(self) -> dict[str, float]:
        path = self.model_folder / "compared" / TUNED
        if not path.is_file():
            return {}
        try:
            return {str(key): float(gamma) for key, gamma in json.loads(path.read_text("utf-8")).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise LabError(f"{path} does not give a gamma for each checkpoint: {error}") from error

    def _read_compared(self) -> tuple[tuple[Variant, ...], tuple[CheckpointInfo, ...]]:
        """The variants in ``compared/variants.json``, and those of their checkpoints that exist."""
        listed = self.model_folder / "compared" / VARIANTS
        if not listed.is_file():
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
