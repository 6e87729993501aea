"""Small models as folders of shards, and what comes back from them."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from lines_core.checkpoints.weight_files import INDEX_SUFFIX

Weights = dict[str, Tensor]
SHAPES = {
    "wte.weight": (9, 6),
    "wpe.weight": (5, 6),
    **{f"h.{block}.mlp.c_fc.weight": (6, 11) for block in range(4)},
    **{f"h.{block}.ln_1.bias": (6,) for block in range(4)},
    "ln_f.bias": (6,),
}


def random_model(seed: int, dtype: torch.dtype = torch.float32) -> Weights:
    """GPT-2's names, four blocks."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator).to(dtype) for name, shape in SHAPES.items()}


def finetuning_of(pretrained: Mapping[str, Tensor], seed: int, share: float = 0.1) -> Weights:
    """The weights moved a little, in their dtype; a third of the entries are as they were."""
    generator = torch.Generator().manual_seed(seed)
    moved = {}
    for name, tensor in pretrained.items():
        change = share * torch.randn(tensor.shape, generator=generator)
        change *= torch.rand(tensor.shape, generator=generator) > 1 / 3
        moved[name] = (tensor.float() + change).to(tensor.dtype)
    return moved


def write_folder(folder: Path, weights: Mapping[str, Tensor], shards: int = 2) -> Path:
    """A model as transformers saves it, with a tokenizer, and a pickle that nobody should copy."""
    folder.mkdir(parents=True)
    names = list(weights)
    weight_map: dict[str, str] = {}
    for number in range(shards):
        shard = f"model-{number + 1:05d}-of-{shards:05d}.safetensors"
        mine = {
            name: weights[name].clone(memory_format=torch.contiguous_format) for name in names[number::shards]
        }
        save_file(mine, folder / shard, {"format": "pt", "by": "somebody"})
        weight_map |= dict.fromkeys(mine, shard)
    index = {"metadata": {"total_size": 1, "kind": "kept"}, "weight_map": weight_map}
    (folder / f"model{INDEX_SUFFIX}").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", "torch_dtype": "float32"}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "README.md").write_text("About the model this was made from.")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    return folder


def read_folder(folder: Path) -> Weights:
    """All weights of a folder, read by the library of the format."""
    read: Weights = {}
    for file in sorted(folder.glob("*.safetensors")):
        read |= load_file(file)
    return read


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
