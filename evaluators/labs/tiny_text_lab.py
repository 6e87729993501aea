"""The text lab that ships with the app: a tiny T5 with checkpoints of seven tasks and their questions."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from evaluators.data.task_list import Task, in_suite, read_tasks, task_identity
from evaluators.data.text_questions import TextQuestion, questions_path, read_questions
from evaluators.encoder.live_t5 import LiveT5
from evaluators.encoder.t5_folder import (
    T5_CONFIG,
    T5_TOKENIZER,
    T5_WEIGHTS,
    T5Files,
    load_t5,
    read_serial_layout,
    read_words,
)
from evaluators.errors import LabError
from evaluators.labs.lab import CheckpointInfo, ModelInfo
from evaluators.labs.text_lab import TextLab
from evaluators.specs.edit_spec import SPLITS
from evaluators.specs.resolved_spec import ResolvedSpec, checkpoints_of
from lines_core.file_hash import FileDigests
from lines_core.merging import raised_versions
from lines_core.packed import read_packed

TINY_T5, TEXT_FOLDER = "tiny-t5", "tiny_t5"
"""Key of the model, and its folder among the assets."""
TITLE = "Tiny T5"
ALPHAS = "alphas.json"


class TinyT5(LiveT5):
    """The model of a folder. Raises: LabError if its files do not fit together."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(load_t5(T5Files.of(folder), device, TITLE), dtype)
        self.folder = folder

    def _read_residual(self, checkpoint: str) -> Tensor:
        path = finetuned_path(self.folder, checkpoint)
        if not path.is_file():
            raise LabError(f"{path} is absent: checkpoint {checkpoint!r} has no weights.")
        shapes = {name: value.shape for name, value in self.pretrained().items()}
        return self.layout.flatten(read_packed(path, shapes))


def finetuned_path(folder: Path, checkpoint: str) -> Path:
    """File of a checkpoint's packed residual."""
    return folder / "finetuned" / f"{checkpoint}.safetensors"


class TinyTextLab(TextLab):
    """The lab of a folder with a T5, ``tasks.json``, ``questions/`` and ``finetuned/``.

    Args:
        device, dtype: of the model.
        chunk: questions a chunk over all tasks.
    Raises: LabError if the files are absent or do not fit together.
    Cost: milliseconds; weights and questions are loaded on first use.
    """

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype, chunk: int) -> None:
        self.folder = folder
        serial = read_serial_layout(folder / T5_WEIGHTS)
        info = ModelInfo(TINY_T5, TITLE, serial.decoder, serial.flat.numel, image_size=0)
        super().__init__(info, serial, device, chunk)
        self._dtype = dtype
        self._all_tasks = read_tasks(folder / "tasks.json")
        self._digest = FileDigests()
        self._questions: dict[tuple[str, str], tuple[TextQuestion, ...]] = {}
        self.words = read_words(folder)
        self._checkpoints = tuple(
            CheckpointInfo(task.key, task.title, task.suite)
            for task in self._all_tasks
            if finetuned_path(folder, task.key).is_file()
        )

    @property
    def dtype(self) -> torch.dtype:
        """Of the model."""
        return self._dtype

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """One a task that has a file in ``finetuned/``; the others are control tasks only."""
        return self._checkpoints

    def alphas(self) -> dict[str, float]:
        """As ``TextLab.alphas``, computed when the lab was made."""
        path = self.folder / ALPHAS
        try:
            return {str(key): float(value) for key, value in json.loads(path.read_text("utf-8")).items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError) as error:
            raise LabError(f"{path} does not give an alpha for each method: {error}") from error

    def questions(self, task: Task, split: str) -> tuple[TextQuestion, ...]:
        """As ``TextLab.questions``, read from their file."""
        with self._loading:
            if (task.key, split) not in self._questions:
                path = questions_path(self.folder / "questions", task.key, split)
                self._questions[task.key, split] = read_questions(path, len(task.classes))
            return self._questions[task.key, split]

    @property
    def weights(self) -> Path:
        """File of the pre-trained weights."""
        return self.folder / T5_WEIGHTS

    @property
    def weights_identity(self) -> str:
        """Its SHA-256."""
        return self._digest(self.weights)

    def fingerprint(self) -> str:
        """Hash of all weights, questions and merging rules. Reads all files once."""
        parts = [task_identity(self._all_tasks), *raised_versions(), *map(self._digest, self._model_files())]
        parts += [self._digest(finetuned_path(self.folder, one.key)) for one in self._checkpoints]
        parts += [
            self._digest(questions_path(self.folder / "questions", task.key, split))
            for task in self._all_tasks
            for split in SPLITS
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _content_digests(self, resolved: ResolvedSpec, tasks: Sequence[Task]) -> Sequence[str]:
        files = [*self._model_files()]
        files += [finetuned_path(self.folder, one) for one in checkpoints_of(resolved.residual)]
        files += [questions_path(self.folder / "questions", task.key, resolved.split) for task in tasks]
        return [self._digest(file) for file in files]

    def _model_files(self) -> tuple[Path, ...]:
        return tuple(self.folder / name for name in (T5_CONFIG, T5_WEIGHTS, T5_TOKENIZER))

    def _open_encoder(self) -> LiveT5:
        return TinyT5(self.folder, self.device, self._dtype)

    def _built_in_tasks(self, suite: str) -> tuple[Task, ...]:
        return in_suite(self._all_tasks, suite)

    def _built_in_targets(self) -> tuple[Task, ...]:
        return self._all_tasks
