"""The public repositories of the zoo in their exact layouts, with random weights, small or full size."""

import io
import json
import tarfile
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from evaluators.encoder.torchvision_operators import declare_missing_operators
from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest, LoadStep
from evaluators.hub.loader import Loader
from evaluators.zoo import ENCODERS, FAMILIES, TASKS
from evaluators.zoo.public_encoders import Encoder
from evaluators.zoo.public_tasks import HubTask
from tests.hub.server import Hub

SMALL_CONFIG: dict[str, Any] = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 3, "width": 64, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
SMALL_NAME = "lines-small-quickgelu"
CHANGE = 0.3
"""Of a fine-tuning, in standard deviations of the weights: large enough to move answers."""


def small_encoder(folder: Path) -> Encoder:
    """The zoo's ViT-B/32 with a tower of 3 blocks under the same names; open_clip knows it afterwards."""
    declare_missing_operators()
    import open_clip

    path = folder / f"{SMALL_NAME}.json"
    path.write_text(json.dumps(SMALL_CONFIG))
    open_clip.add_model_config(path)
    clip = open_clip.create_model(SMALL_NAME)
    return replace(
        ENCODERS["ViT-B-32"],
        open_clip=SMALL_NAME,
        num_blocks=3,
        width=64,
        patch_size=8,
        image_size=32,
        embed_dim=32,
        parameters=sum(value.numel() for value in clip.parameters()),
        tower_parameters=sum(value.numel() for value in clip.visual.parameters()),
    )


def random_clip(encoder: Encoder, seed: int = 0) -> dict[str, Tensor]:
    """All parameters of a CLIP with random weights, by open_clip's names."""
    declare_missing_operators()
    import open_clip

    torch.manual_seed(seed)
    clip = open_clip.create_model(encoder.open_clip)
    return {name: value.detach().contiguous() for name, value in clip.state_dict().items()}


def finetuned(pretrained: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """The same CLIP with another image tower."""
    generator = torch.Generator().manual_seed(seed)
    changed = dict(pretrained)
    for name, value in pretrained.items():
        if name.startswith("visual."):
            spread = value.float().std().nan_to_num(0.01)
            changed[name] = value + CHANGE * spread * torch.randn(value.shape, generator=generator)
    return changed


def serve_encoder(hub: Hub, encoder: Encoder, pretrained: Mapping[str, Tensor]) -> Path:
    """The repository with the pre-trained weights."""
    folder = hub.folder(encoder.repo)
    (folder / "open_clip_config.json").write_text("{}")
    save_file(dict(pretrained), folder / encoder.weights[0])
    return folder / encoder.weights[0]


def tall_masks_state(weights: Mapping[str, Tensor]) -> "OrderedDict[str, Tensor]":
    """As nik-dim/tall_masks saves it: prefix ``model.``, the blocks of the text tower left out."""
    kept = (name for name in weights if not name.startswith("transformer."))
    return OrderedDict((f"model.{name}", weights[name].clone()) for name in kept)


def serve_tall_masks(hub: Hub, encoder: Encoder, task: HubTask, weights: Mapping[str, Tensor]) -> Path:
    """One checkpoint in nik-dim/tall_masks; for ViT-B/16 in the folder that is spelt VIT-B-16."""
    place = FAMILIES["tall-masks"].hub_file(encoder, task)
    path = hub.folder(place.repo) / place.pattern_path.replace("ViT-B-16", "VIT-B-16")
    path.parent.mkdir(parents=True)
    torch.save(tall_masks_state(weights), path)
    return path


def transformers_state(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The image tower as transformers' CLIPVisionModel saves it: no projection, q, k and v apart."""
    outside = {
        "class_embedding": "embeddings.class_embedding",
        "conv1.weight": "embeddings.patch_embedding.weight",
        "positional_embedding": "embeddings.position_embedding.weight",
    }
    inside = {
        "ln_1": "layer_norm1",
        "ln_2": "layer_norm2",
        "attn.out_proj": "self_attn.out_proj",
        "mlp.c_fc": "mlp.fc1",
        "mlp.c_proj": "mlp.fc2",
    }
    state = {}
    for name, value in weights.items():
        parts = name.removeprefix("visual.").split(".")
        if not name.startswith("visual.") or name == "visual.proj":
            continue
        if parts[:2] != ["transformer", "resblocks"]:
            joined = ".".join(parts)
            joined = joined.replace("ln_pre", "pre_layrnorm").replace("ln_post", "post_layernorm")
            state[outside.get(joined, joined)] = value.clone()
        elif parts[4].startswith("in_proj_"):
            for letter, part in zip("qkv", value.chunk(3), strict=True):
                kind = parts[4].removeprefix("in_proj_")
                state[f"encoder.layers.{parts[2]}.self_attn.{letter}_proj.{kind}"] = part.clone()
        else:
            state[f"encoder.layers.{parts[2]}.{inside['.'.join(parts[3:-1])]}.{parts[-1]}"] = value.clone()
    return {f"vision_model.{name}": value for name, value in state.items()}


def serve_fusion_bench(hub: Hub, encoder: Encoder, task: HubTask, weights: Mapping[str, Tensor]) -> Path:
    """One checkpoint of FusionBench, in a repository of its own."""
    place = FAMILIES["fusion-bench"].hub_file(encoder, task)
    path = hub.folder(place.repo) / place.pattern_path
    save_file(transformers_state(weights), path)
    return path


SOUPS = "mlfoundations/model-soups"
"""Where the local Hub has what is a release on GitHub: it redirects to another origin as well."""


def random_head(classes: int, features: int, seed: int) -> dict[str, Tensor]:
    """A classification head by the names of model-soups."""
    generator = torch.Generator().manual_seed(seed)
    return {
        "classification_head.weight": torch.randn((classes, features), generator=generator),
        "classification_head.bias": torch.randn(classes, generator=generator),
    }


def serve_soup_member(
    hub: Hub, member: str, weights: Mapping[str, Tensor], head: Mapping[str, Tensor]
) -> Path:
    """One ``model_{i}.pt`` as mlfoundations/model-soups saves it: the head beside the tall-masks names."""
    path = hub.folder(SOUPS) / f"{member}.pt"
    torch.save(tall_masks_state(weights) | {name: value.clone() for name, value in head.items()}, path)
    return path


def serve_images(hub: Hub, task: HubTask, count: int, seed: int = 0, side: int = 40) -> None:
    """The test split of a task, and its own validation split if it has one, as one file each."""
    if task.form == "webdataset":
        _serve_tar(hub, task, count, np.random.default_rng(seed), side)
        return
    for number, split in enumerate(filter(None, (task.test_split, task.validation_split))):
        folder = hub.folder(task.repo, "dataset") / (task.config or "data")
        folder.mkdir(parents=True, exist_ok=True)
        content = _split(task, count, (seed, number), side)
        (folder / f"{split}-00000-of-00001.parquet").write_bytes(content)
    if task.config:
        files = [{"split": task.test_split, "path": f"{task.config}/{task.test_split}-*"}]
        config = {"config_name": task.config, "data_files": files}
        lines = ["---", f"configs: {json.dumps([config])}", "---"]
        (hub.folder(task.repo, "dataset") / "README.md").write_text("\n".join(lines))


@cache
def _split(task: HubTask, count: int, seed: tuple[int, int], side: int) -> bytes:
    """Noise around one colour a class, as a parquet file."""
    import datasets

    generator = np.random.default_rng(seed)
    labels = [number % task.num_classes for number in range(count)]
    images = [_image(label, generator, side) for label in labels]
    features = datasets.Features(
        {
            task.image_column: datasets.Image(),
            task.label_column: datasets.ClassLabel(names=list(task.classes) or _wnids(task)),
        }
    )
    rows = {task.image_column: images, task.label_column: labels}
    written = io.BytesIO()
    datasets.Dataset.from_dict(rows, features=features).to_parquet(written, batch_size=20)
    return written.getvalue()


def _image(label: int, generator: np.random.Generator, side: int) -> Image.Image:
    colour = np.random.default_rng(label).integers(40, 216, 3)
    pixels = (colour + generator.normal(0, 40, (side, side, 3))).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def _wnids(task: HubTask) -> list[str]:
    """Names like ImageNet's own, which say nothing to the tasks."""
    return [f"n{number:08}" for number in range(task.num_classes)]


def _serve_tar(hub: Hub, task: HubTask, count: int, generator: np.random.Generator, side: int) -> None:
    """As clip-benchmark lays it out: sorted by class; how many tar files there are lies beside them."""
    folder = hub.folder(task.repo, "dataset")
    split = folder / task.test_split
    split.mkdir(exist_ok=True)
    (folder / "classnames.txt").write_text("\n".join(_wnids(task)))
    (split / "nshards.txt").write_text("1\n")
    with tarfile.open(split / "0.tar", "w") as tar:
        for number, label in enumerate(sorted(number % task.num_classes for number in range(count))):
            encoded = io.BytesIO()
            _image(label, generator, side).save(encoded, "jpeg")
            contents = {task.label_column: str(label).encode(), "jpg": encoded.getvalue()}
            for field, content in contents.items():
                member = tarfile.TarInfo(f"s{number:07}.{field}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def serve_zoo(
    hub: Hub, encoder: Encoder, tasks: Sequence[str], images: int, families: Sequence[str]
) -> dict[str, dict[str, Tensor]]:
    """Serve all that a load of these tasks asks for; the weights by task, the pre-trained ones under ""."""
    serve = {"tall-masks": serve_tall_masks, "fusion-bench": serve_fusion_bench}
    weights = {"": random_clip(encoder)}
    serve_encoder(hub, encoder, weights[""])
    for number, key in enumerate(tasks):
        weights[key] = finetuned(weights[""], seed=number + 1)
        serve_images(hub, TASKS[key], images, seed=number)
        for family in families:
            serve[family](hub, encoder, TASKS[key], weights[key])
    return weights


def load_lab(
    cache: Path, request: LoadRequest, earlier: HubLab | None = None
) -> tuple[HubLab, dict[str, LoadStep]]:
    """A lab from the local Hub, and the last state of each step of its load."""
    steps: dict[str, LoadStep] = {}

    def report(step: LoadStep) -> None:
        steps[step.key] = step

    return Loader(cache, torch.device("cpu")).load(request, report, threading.Event(), earlier), steps
