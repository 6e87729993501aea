"""The labs of the models that ship."""

from collections.abc import Collection, Sequence
from pathlib import Path

import torch

from evaluators.data.image_questions import QUESTIONS, read_image_questions
from evaluators.labs.embedded_lab import EMBEDDED, TINY_CLIP, EmbeddedLab, EmbeddedModel
from evaluators.labs.tiny_encoder import checkpoint_path
from lines_core.file_hash import FileDigests


def open_labs(
    folder: Path,
    cache: Path | None,
    device: torch.device,
    dtype: torch.dtype,
    chunk: int,
    models: Collection[str] = tuple(EMBEDDED),
) -> tuple[EmbeddedLab, ...]:
    """The lab of each of these models whose files are there, Tiny CLIP first and in any case.

    Args, Raises: as ``EmbeddedLab``.
    """
    asked = [question.task.key for question in read_image_questions(folder / "eval" / QUESTIONS)]
    there = [
        one
        for one in EMBEDDED.values()
        if one.key in models and (folder / one.folder).is_dir() and _has_questions(folder, one, asked)
    ]
    rest = [one for one in there if one.key != TINY_CLIP]
    digests = FileDigests()
    return tuple(
        EmbeddedLab(folder, cache, device, dtype, chunk, model, digests)
        for model in (EMBEDDED[TINY_CLIP], *rest)
    )


def _has_questions(folder: Path, model: EmbeddedModel, asked: Sequence[str]) -> bool:
    """Whether there is a checkpoint for each of the questions that a model is asked besides."""
    wanted = asked[: model.questions]
    files = (checkpoint_path(folder / model.folder, key) for key in wanted)
    return len(wanted) == model.questions and all(file.is_file() for file in files)
