"""Flan-T5-base, its checkpoints and GLUE in their public layouts, with random weights, small or full size."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from evaluators.encoder.torchvision_operators import declare_missing_operators
from evaluators.zoo.public_texts import GLUE_REPO, GLUE_TASKS, TEXT_MODELS, GlueTask, TextModel
from tests.hub.server import Hub

FLAN_T5_BASE: Mapping[str, Any] = {
    "architectures": ["T5ForConditionalGeneration"],
    "d_ff": 2048,
    "d_kv": 64,
    "d_model": 768,
    "decoder_start_token_id": 0,
    "dropout_rate": 0.1,
    "eos_token_id": 1,
    "feed_forward_proj": "gated-gelu",
    "initializer_factor": 1.0,
    "is_encoder_decoder": True,
    "layer_norm_epsilon": 1e-06,
    "model_type": "t5",
    "n_positions": 512,
    "num_decoder_layers": 12,
    "num_heads": 12,
    "num_layers": 12,
    "output_past": True,
    "pad_token_id": 0,
    "relative_attention_max_distance": 128,
    "relative_attention_num_buckets": 32,
    "tie_word_embeddings": False,
    "transformers_version": "4.23.1",
    "use_cache": True,
    "vocab_size": 32128,
}
"""Its configuration: gated GELU, and an output layer of its own."""
SMALL: Mapping[str, Any] = {
    **FLAN_T5_BASE,
    "d_ff": 32,
    "d_kv": 8,
    "d_model": 16,
    "num_heads": 2,
    "num_layers": 3,
    "num_decoder_layers": 3,
    "vocab_size": 96,
}
MODEL = "flan-t5-base"
CHANGE = 0.3
WORDS = "film plot is it good bad dull does that say who where no not cat sat on mat the a".split()
"""Words of the small rows, and with the answers those of the small tokenizer."""


def random_t5(config: Mapping[str, Any], seed: int = 0) -> dict[str, Tensor]:
    """All weights by the names of transformers 4, in which Flan-T5 was saved."""
    declare_missing_operators()
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(seed)
    model = T5ForConditionalGeneration(T5Config(**config))
    named = {name: value.detach().clone() for name, value in model.named_parameters()}
    shape = (config["vocab_size"], config["d_model"])
    return named | {"lm_head.weight": torch.randn(shape) * config["d_model"] ** -0.5}


def changed_t5(pretrained: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """The same model, fine-tuned."""
    torch.manual_seed(seed)
    return {
        name: value + CHANGE * value.std() * torch.randn_like(value) for name, value in pretrained.items()
    }


def small_model() -> TextModel:
    """The zoo's row with the numbers of the small model."""
    parameters = sum(value.numel() for value in random_t5(SMALL).values())
    return replace(TEXT_MODELS[MODEL], blocks=3, parameters=parameters)


def save_tokenizer(path: Path) -> None:
    """A tokenizer of a few words whose texts end as T5's do."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    answers = [word for task in GLUE_TASKS.values() for word in task.words]
    known = dict.fromkeys(["<pad>", "</s>", "<unk>", *WORDS, *answers])
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(known)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(path))


def serve_t5(hub: Hub, repo: str, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Path:
    """A repository as transformers saves it, with the tokenizer of the small model."""
    folder = hub.folder(repo)
    (folder / "config.json").write_text(json.dumps(dict(config)))
    save_tokenizer(folder / "tokenizer.json")
    save_file(dict(weights), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def in_shards(folder: Path, weights: Mapping[str, Tensor], shards: int = 3) -> None:
    """The weights of a repository in several files with an index, in the place of the one."""
    (folder / "model.safetensors").unlink()
    where: dict[str, str] = {}
    for number in range(shards):
        name = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        part = {key: weights[key] for key in sorted(weights)[number::shards]}
        save_file(part, folder / name)
        where |= dict.fromkeys(part, name)
    index = {"metadata": {}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def serve_glue(hub: Hub, tasks: Sequence[str], rows: int) -> None:
    """The labelled split of each task, as nyu-mll/glue lays it out."""
    import datasets

    folder = hub.folder(GLUE_REPO, "dataset")
    configs = []
    for key in tasks:
        task = GLUE_TASKS[key]
        columns = {
            column: [_sentence(place + number) for number in range(rows)]
            for place, column in enumerate(task.columns)
        }
        label = datasets.ClassLabel(names=[f"label {place}" for place in range(len(task.words))])
        features = datasets.Features({**dict.fromkeys(columns, datasets.Value("string")), "label": label})
        data = {**columns, "label": [number % len(task.words) for number in range(rows)]}
        (folder / key).mkdir()
        datasets.Dataset.from_dict(data, features=features).to_parquet(glue_file(hub, task))
        files = [{"split": task.split, "path": f"{key}/{task.split}-*"}]
        configs.append({"config_name": key, "data_files": files})
    (folder / "README.md").write_text("\n".join(["---", f"configs: {json.dumps(configs)}", "---"]))


def glue_file(hub: Hub, task: GlueTask) -> Path:
    """The only file of a task's split."""
    return hub.folder(GLUE_REPO, "dataset") / task.key / f"{task.split}-00000-of-00001.parquet"


def _sentence(number: int) -> str:
    return " ".join(WORDS[(number * step) % len(WORDS)] for step in (1, 2, 3, 5)) + f" {number} {{braces}}"


def serve_texts(
    hub: Hub, tasks: Sequence[str], rows: int, config: Mapping[str, Any] = SMALL
) -> dict[str, dict[str, Tensor]]:
    """All that a load of these tasks asks for; the weights by task, the pre-trained ones under ""."""
    row = TEXT_MODELS[MODEL]
    weights = {"": random_t5(config)}
    serve_t5(hub, row.repo, config, weights[""])
    serve_glue(hub, tasks, rows)
    for number, key in enumerate(tasks):
        weights[key] = changed_t5(weights[""], seed=number + 1)
        serve_t5(hub, row.checkpoints.format(task=key), config, weights[key])
    return weights
