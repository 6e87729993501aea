"""Fine-tunings to compare with the shipped ones: depth-dependent rates, LoRA, and the members of a soup."""

import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from open_clip.model import CLIP
from torch import Tensor

from evaluators.experiments.finetuning_variants import LORA, RATES
from evaluators.experiments.soup_search import SOUP
from evaluators.labs.variant import Variant
from evaluators.specs.merge_spec import task_of
from lines_core.atomic_write import atomic_write
from lines_core.packed import Packed, pack, pack_low_rank, save_packed
from training.finetuning import FinetuningConfig, finetune, training_head
from training.tiny_clip_model import load_tiny_clip
from training.training_log import save_entry
from training.variant_training import DEPTH_RATES, low_rank_updates
from training.vocabulary import tokenizer
from training.world.catalogue import FAMILIES, TASKS
from training.world.draws import draw_split

RANKS = (1, 2, 4, 8)
LOW_RANK_RATE = 2e-3
MEMBERS = 12
SOUP_SEED = 1


def soup_config(rng: random.Random) -> FinetuningConfig:
    """Hyper-parameters drawn as in Model Soups (Wortsman et al., 2022, appendix J.2.1): some runs are bad."""
    return FinetuningConfig(
        steps=rng.choice((150, 300, 450)),
        rate=10 ** rng.uniform(-4.0, -2.5),
        weight_decay=10 ** rng.uniform(-4.0, -0.2),
        augment=rng.choice(("none", "light", "strong")),
        smoothing=rng.choice((0.0, 0.1)),
        mixup=rng.choice((0.0, 0.2, 0.4)),
        seed=rng.randrange(1_000),
    )


def soup_configs() -> Mapping[str, FinetuningConfig]:
    """The members of the soup; the first has the settings of the shipped fine-tunings."""
    rng = random.Random(SOUP_SEED)
    drawn = [FinetuningConfig(), *(soup_config(rng) for _ in range(MEMBERS - 1))]
    return {f"soup-{index:02}.objects": config for index, config in enumerate(drawn)}


def compared_configs() -> Mapping[str, FinetuningConfig]:
    """Every fine-tuning by the key of its checkpoint: ``<variant>.<task>``."""
    regularised = {
        f"{rates}.{task}": FinetuningConfig(rates=rates)
        for rates in DEPTH_RATES
        if rates != "all"
        for task in TASKS
    }
    low_rank = {
        f"lora-{rank}.{task}": FinetuningConfig(rank=rank, rate=LOW_RANK_RATE)
        for rank in RANKS
        for task in TASKS
    }
    return {**soup_configs(), **regularised, **low_rank}


def soup_member_help(config: FinetuningConfig) -> str:
    """The hyper-parameters of a member, in words."""
    return (
        f"Learning rate {config.rate:.1e}, {config.steps} steps, weight decay {config.weight_decay:.1e}, "
        f"augmentation: {config.augment}, label smoothing {config.smoothing:g}, mixup {config.mixup:g}."
    )


def variants() -> list[Variant]:
    """Every variant of fine-tuning, in the order in which the pages show them."""
    rates = [Variant(key, RATES, row.title, row.help) for key, row in DEPTH_RATES.items() if key != "all"]
    low_rank = [
        Variant(
            f"lora-{rank}",
            LORA,
            f"LoRA, rank {rank}",
            f"Only an update of rank {rank} to each matrix of the blocks is trained.",
        )
        for rank in RANKS
    ]
    members = [
        Variant(key.rpartition(".")[0], SOUP, f"Member {index}", soup_member_help(config))
        for index, (key, config) in enumerate(soup_configs().items())
    ]
    return [*rates, *low_rank, *members]


def train_one(tiny_clip: Path, drawn: Path, key: str) -> tuple[Packed, float]:
    """Fine-tune by the configuration of a key; returns the packed residual and the seconds it took.

    Args:
        drawn: file of the task's training images.
    """
    torch.set_num_threads(1)
    config, task = compared_configs()[key], task_of(key)
    training = torch.load(drawn, weights_only=True)
    model = load_tiny_clip(tiny_clip)
    before = {name: value.detach().clone() for name, value in model.visual.named_parameters()}
    head = training_head(model, tokenizer(tiny_clip), FAMILIES[task])
    began = time.perf_counter()
    for _ in finetune(model, head, training["pixels"], training["labels"], config):
        pass
    seconds = time.perf_counter() - began
    if not config.rank:
        return packed_residual(model, before), seconds
    packed: dict[str, torch.Tensor] = {}
    for name, update in low_rank_updates(model.visual).items():
        packed |= pack_low_rank(f"visual.{name}", update.b, update.a)
    return packed, seconds


def packed_residual(model: CLIP, before: Mapping[str, Tensor]) -> Packed:
    """What training changed in the image tower, in four bits a weight.

    Args:
        before: the tower's parameters before training, by name.
    """
    packed: dict[str, Tensor] = {}
    for name, value in model.visual.named_parameters():
        residual = value.detach() - before[name]
        if residual.any():
            packed |= pack(f"visual.{name}", residual)
    return packed


def training_images(work: Path, task: str, workers: int, count: int = FinetuningConfig().images) -> Path:
    """The file of the first ``count`` training images of a task, drawn if it is missing."""
    path = work / "training" / f"{task}-{count}.pt"
    if not path.exists():
        pixels, labels = draw_split(task, "train", count, workers)
        drawn = {"pixels": torch.from_numpy(pixels), "labels": torch.from_numpy(labels)}
        atomic_write(path, lambda part: torch.save(drawn, part))
    return path


def write_variants(folder: Path, listed: Sequence[Variant]) -> None:
    """Write ``variants.json``, which names the checkpoints of a folder to a lab."""
    text = json.dumps([asdict(variant) for variant in listed], indent=1)
    (folder / "variants.json").write_text(text + "\n", encoding="utf-8")


def train_compared(tiny_clip: Path, work: Path, workers: int) -> Iterator[str]:
    """Train what is missing in ``tiny_clip/compared``, in processes of one thread each."""
    folder = tiny_clip / "compared"
    folder.mkdir(exist_ok=True)
    write_variants(folder, variants())
    configs = compared_configs()
    absent = [key for key in configs if not (folder / f"{key}.safetensors").exists()]
    drawn = {task: training_images(work, task, workers) for task in sorted({task_of(key) for key in absent})}
    with ProcessPoolExecutor(workers) as pool:
        running = {
            pool.submit(partial(train_one, tiny_clip, drawn[task_of(key)]), key): key for key in absent
        }
        for done in as_completed(running):
            key = running[done]
            packed, seconds = done.result()
            save_packed(folder / f"{key}.safetensors", packed, {"checkpoint": key})
            save_entry(tiny_clip, key, {**asdict(configs[key]), "seconds": seconds})
            yield f"{key}: {seconds:.0f} s"
