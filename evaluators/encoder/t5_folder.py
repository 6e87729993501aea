"""Local T5 folders: configuration, weights and tokenizer, loaded through transformers without a download."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch

from evaluators.data.question_batches import Encode
from evaluators.encoder.torchvision_operators import declare_missing_operators
from evaluators.errors import LabError
from lines_core.checkpoints import read_checkpoint, read_shapes
from lines_core.errors import LinesError
from lines_core.serial_layout import SerialLayout

T5_CONFIG, T5_WEIGHTS, T5_TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"


def read_serial_layout(folder: Path) -> SerialLayout:
    """The blocks of a model, from the header of its weights file. Raises: LabError. Cost: a millisecond."""
    try:
        shapes = read_shapes(folder / T5_WEIGHTS)
        return SerialLayout.of({name: torch.empty(shape, device="meta") for name, shape in shapes.items()})
    except LinesError as error:
        raise LabError(f"{folder / T5_WEIGHTS} does not hold a T5: {error}") from error


def read_words(folder: Path) -> frozenset[str]:
    """The words that a word-level tokenizer knows, without its marks. Raises: LabError."""
    path = folder / T5_TOKENIZER
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        marks = {str(mark["content"]) for mark in written["added_tokens"]}
        return frozenset(map(str, written["model"]["vocab"])) - marks
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"{path} is not a word-level tokenizer: {error!r}") from error


class LoadedT5(NamedTuple):
    """A pre-trained T5.

    Attributes:
        model: of transformers, in evaluation mode, float32.
        tokens: its tokenizer, from a text to the ids of its tokens.
    """

    model: Any
    tokens: Encode


def load_t5(folder: Path, device: torch.device) -> LoadedT5:
    """The model of a folder.

    Weights of a checkpoint are read from safetensors alone. Raises: LabError.
    Cost: the import of transformers, some seconds once.
    """
    for name in (T5_CONFIG, T5_WEIGHTS, T5_TOKENIZER):
        if not (folder / name).is_file():
            raise LabError(f"{folder / name} is absent: the model cannot be loaded.")
    declare_missing_operators()
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    try:
        config = T5Config.from_pretrained(folder)
        model: Any = T5ForConditionalGeneration(config)
        weights = read_checkpoint(folder / T5_WEIGHTS)
        model.load_state_dict(_with_tied({name: value.float() for name, value in weights.items()}))
        tokenizer: Any = PreTrainedTokenizerFast(tokenizer_file=str(folder / T5_TOKENIZER))  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError, LinesError) as error:
        raise LabError(f"transformers cannot load {folder}: {error}") from error
    model.to(device).eval().requires_grad_(False)
    return LoadedT5(model, lambda text: list(map(int, tokenizer(text)["input_ids"])))


def _with_tied(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state dict of a model whose embeddings are one tensor, saved under one name."""
    shared = weights["shared.weight"]
    names = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")
    return dict.fromkeys(names, shared) | weights
