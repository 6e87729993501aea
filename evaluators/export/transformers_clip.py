"""What lies beside a whole CLIP in transformers' names: its configuration and its tokenizer."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.export.edit_sources import BaseModel
from lines_core.clip_layouts.transformers_names import TEXT_PREFIX

VOCABULARY_FILE, MERGES_FILE, TOKENIZER_FILE = "vocab.json", "merges.txt", "tokenizer_config.json"
START, END = "<|startoftext|>", "<|endoftext|>"
"""In transformers' words; the last two tokens of every vocabulary of open_clip."""


def clip_config(vision: Mapping[str, Any], base: BaseModel, text: Mapping[str, Tensor]) -> str:
    """``config.json`` of the CLIPModel that the two towers are.

    Args:
        vision: configuration of the image tower.
        text: the text tower in transformers' names.
    """
    said = base.clip_config["model_cfg"]["text_cfg"]
    length, width = text[f"{TEXT_PREFIX}embeddings.position_embedding.weight"].shape
    tokens = len(text[f"{TEXT_PREFIX}embeddings.token_embedding.weight"])
    config = {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": vision["projection_dim"],
        "vision_config": {name: value for name, value in vision.items() if name != "architectures"},
        "text_config": {
            "model_type": "clip_text_model",
            "vocab_size": tokens,
            "hidden_size": width,
            "intermediate_size": len(text[f"{TEXT_PREFIX}encoder.layers.0.mlp.fc1.weight"]),
            "projection_dim": vision["projection_dim"],
            "num_hidden_layers": said["layers"],
            "num_attention_heads": said["heads"],
            "max_position_embeddings": length,
            "hidden_act": vision["hidden_act"],
            "layer_norm_eps": vision["layer_norm_eps"],
            "bos_token_id": tokens - 2,
            "eos_token_id": tokens - 1,
            "pad_token_id": tokens - 1,
        },
    }
    return json.dumps(config, indent=2) + "\n"


def write_tokenizer(base: BaseModel, folder: Path) -> list[str]:
    """Write open_clip's vocabulary as that of transformers' ``CLIPTokenizer``; returns the files' names.

    Tokens are those of open_clip (tests) for text without HTML entities and broken encodings, which open_clip
    repairs first. A text longer than the context is an error there, unless ``truncation=True`` is given.
    """
    words = {} if base.merges is None else {"bpe_path": str(base.merges)}
    tokenizer = import_open_clip().tokenizer.SimpleTokenizer(**words)
    vocabulary = dict(tokenizer.encoder)
    for ours, theirs in zip(tokenizer.all_special_ids, (START, END), strict=True):
        del vocabulary[tokenizer.decoder[ours]]
        vocabulary[theirs] = ours
    merges = [" ".join(pair) for pair in tokenizer.bpe_ranks]
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": base.clip_config["model_cfg"]["text_cfg"]["context_length"],
        "bos_token": START,
        "eos_token": END,
        "pad_token": END,
        "unk_token": END,
    }
    texts = {
        VOCABULARY_FILE: json.dumps(vocabulary, ensure_ascii=False),
        MERGES_FILE: "\n".join(["#version: 0.2", *merges]) + "\n",
        TOKENIZER_FILE: json.dumps(config, indent=2) + "\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return list(texts)
