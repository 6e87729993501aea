"""A language model with random weights and updates, in the form that ships."""

import json
from pathlib import Path
from typing import Any

import torch

from evaluators.encoder.torchvision_operators import declare_missing_operators
from evaluators.policies.live_llama import CONFIG, POLICIES, WEIGHTS_FILE
from evaluators.policies.scene_words import END, PAD, TOKENS, WORDS
from lines_core import save_checkpoint
from lines_core.packed import pack_low_rank, save_packed

SETTINGS: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
    "initializer_range": 0.5,
    "bos_token_id": None,
    "eos_token_id": TOKENS[END],
    "pad_token_id": TOKENS[PAD],
}


def write_llama(folder: Path) -> None:
    """The files of a ``LiveLlama``."""
    declare_missing_operators()
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(SETTINGS), encoding="utf-8")
    torch.manual_seed(0)
    named = dict(LlamaForCausalLM(LlamaConfig(**SETTINGS)).named_parameters())
    save_checkpoint(folder / WEIGHTS_FILE, {name: value.detach().half() for name, value in named.items()}, {})
    for policy in POLICIES:
        packed: dict[str, torch.Tensor] = {}
        for name, value in named.items():
            if name.endswith("_proj.weight"):
                rows, columns = value.shape
                packed |= pack_low_rank(name, torch.randn(rows, 2), torch.randn(2, columns))
        save_packed(folder / f"{policy}.safetensors", packed, {})
