"""Local files of a T5: configuration, weights and tokenizer, checked, and loaded without a download."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from evaluators.data.question_batches import Encode
from evaluators.encoder.open_clip_import import import_transformers
from evaluators.encoder.t5_weights import HEAD, T5Weights
from evaluators.errors import LabError
from lines_core.checkpoints import compare
from lines_core.errors import LinesError
from lines_core.serial_layout import SerialLayout
from lines_core.untrusted_text import excerpt

T5_CONFIG, T5_WEIGHTS, T5_TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
MOST_CONFIG, MOST_TOKENIZER = 1 << 20, 64 << 20
"""Bytes; those of Flan-T5 have 1.4 kB and 2.4 MB."""
MOST_OF = {
    "d_model": 8192,
    "d_ff": 65536,
    "d_kv": 1024,
    "num_heads": 256,
    "num_layers": 96,
    "num_decoder_layers": 96,
    "vocab_size": 1 << 20,
    "relative_attention_num_buckets": 1024,
}
"""Limits of the numbers in a configuration; the largest T5 has 1024, 65536, 128, 128 and 24 layers."""


class T5Files(NamedTuple):
    """The files of a model.

    Attributes:
        config, tokenizer: of transformers and of tokenizers, JSON.
        weights: safetensors, or the index of several.
    """

    config: Path
    weights: Path
    tokenizer: Path

    @classmethod
    def of(cls, folder: Path) -> "T5Files":
        """By the usual names."""
        return cls(folder / T5_CONFIG, folder / T5_WEIGHTS, folder / T5_TOKENIZER)


def read_serial_layout(weights: Path) -> SerialLayout:
    """The blocks of a model, from the header of its weights file. Raises: LabError. Cost: milliseconds."""
    try:
        shapes = T5Weights(weights).shapes
        return SerialLayout.of({name: torch.empty(shape, device="meta") for name, shape in shapes.items()})
    except LinesError as error:
        raise LabError(f"{weights} does not hold a T5: {error}") from error


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


def load_t5(files: T5Files, device: torch.device, title: str, most_tokens: int | None = None) -> LoadedT5:
    """The model of some files. Everything is checked before weights are read into it.

    Weights are read from safetensors alone, and no code of a repository is run.

    Args:
        title: of the model, for messages.
        most_tokens: to which a text is cut; None never cuts.
    Raises: LabError. Cost: the import of transformers, some seconds once, and the weights' size in memory.
    """
    for path in files:
        if not path.is_file():
            raise LabError(f"{path} is absent: the model cannot be loaded.")
    try:
        weights = T5Weights(files.weights)
        model = _empty_t5(_config(files.config), untied=HEAD in weights)
        named = dict(model.named_parameters())
        compare(named, weights, "configuration")
        tokens = _tokenizer(files.tokenizer, model.config, most_tokens)
        flat = SerialLayout.of(named).flat  # one block of memory, which returns whole once it is left
        state = flat.unflatten(torch.empty(flat.numel, device=device))
        for name, value in state.items():
            value.copy_(weights[name])
    except LinesError as error:
        raise LabError(f"The files of {title} cannot be used: {error}") from error
    model.load_state_dict(state, strict=False, assign=True)
    tied = [model.encoder.embed_tokens, model.decoder.embed_tokens]
    for layer in [*tied, *([] if HEAD in state else [model.lm_head])]:
        layer.weight = model.shared.weight
    return LoadedT5(model.eval().requires_grad_(False), tokens)


def _config(path: Path) -> Any:
    """The configuration of a T5. Raises: LabError for anything else, or numbers beyond `MOST_OF`."""
    transformers = import_transformers()
    if path.stat().st_size > MOST_CONFIG:
        raise LabError(f"{path.name} has {path.stat().st_size:,} bytes, at most {MOST_CONFIG:,} are read.")
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        if written["model_type"] != "t5":
            raise LabError(f"{path.name} is of a {excerpt(str(written['model_type']), 40)!r}, expected 't5'.")
        wrong = [
            f"{name} {excerpt(repr(written[name]), 40)}"
            for name, most in MOST_OF.items()
            if name in written and not (type(written[name]) is int and 0 < written[name] <= most)
        ]
        if wrong:
            raise LabError(f"{path.name} has {', '.join(wrong)}: no size of a T5.")
        return transformers.T5Config(**written)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise LabError(f"{path.name} is no configuration of a T5: {excerpt(str(error))}") from error


def _empty_t5(config: Any, untied: bool) -> Any:
    """The model on the meta device. transformers 5 always ties the output layer, Flan-T5 does not."""
    transformers = import_transformers()
    try:
        with torch.device("meta"):
            model: Any = transformers.T5ForConditionalGeneration(config)
    except (ValueError, LookupError, TypeError, RuntimeError) as error:
        raise LabError(f"transformers makes no T5 of its configuration: {excerpt(str(error))}") from error
    if untied:
        model.lm_head.weight = nn.Parameter(torch.empty_like(model.lm_head.weight), requires_grad=False)
    return model


def _tokenizer(path: Path, config: Any, most_tokens: int | None) -> Encode:
    """Raises: LabError if it is no tokenizer, or not of this model."""
    from tokenizers import Tokenizer

    if path.stat().st_size > MOST_TOKENIZER:
        raise LabError(f"{path.name} has {path.stat().st_size:,} bytes, at most {MOST_TOKENIZER:,} are read.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_padding()
        if most_tokens is None:
            tokenizer.no_truncation()
        else:
            tokenizer.enable_truncation(most_tokens)
        largest, last = max(tokenizer.get_vocab().values()), tokenizer.encode("a").ids[-1:]
    except Exception as error:  # tokenizers raises no narrower one
        raise LabError(f"{path.name} is no tokenizer: {excerpt(str(error))}") from error
    if largest >= config.vocab_size or last != [config.eos_token_id]:
        raise LabError(
            f"{path.name} is not of this model: its largest token is {largest} and a text ends with {last}, "
            f"expected less than {config.vocab_size} and {[config.eos_token_id]}."
        )
    return lambda text: tokenizer.encode(text).ids
