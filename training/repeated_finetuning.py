"""The lab's fine-tunings once more: with small steps as the paper's, and from other seeds; not shipped.

Each set is a lab folder of its own under the working folder: the shipped encoder and images, other
checkpoints. What is measured on the sets ships in ``assets/report``.
"""

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from evaluators.experiments.finetuning_variants import RATES
from evaluators.experiments.soup_search import SOUP
from evaluators.labs.tiny_encoder import checkpoint_path
from evaluators.specs.merge_spec import task_of
from lines_core.packed import save_packed
from training.comparisons import SOUP_SEED, packed_residual, training_images, variants, write_variants
from training.finetuning import FinetuningConfig, finetune, training_head
from training.shipped_weights import save_finetuned
from training.tiny_clip_model import load_tiny_clip
from training.training_log import save_entry
from training.variant_training import DEPTH_RATES
from training.vocabulary import tokenizer
from training.world.catalogue import FAMILIES, TASKS

SMALL_STEPS = FinetuningConfig(steps=3_000, batch=32, rate=8e-5, warmup=250, images=20_000)
"""Ten times the steps of the shipped fine-tunings at a tenth of their rate, on five times the images."""
SMALL_STEP_TASKS = ("traffic_signs", "satellite", "vehicles")
CAREFUL = ("lastft", "explr")
"""Of the careful fine-tunings, those that are above LiNeS in both accuracies with the shipped large steps."""
SEEDS = (2, 3)
"""Beside the shipped seed 1."""
SEED_TASKS = TASKS
LONG_MEMBERS = 8


def careful_keys(tasks: tuple[str, ...]) -> tuple[str, ...]:
    """Checkpoints of the careful fine-tunings of some tasks."""
    return tuple(f"{rates}.{task}" for rates in CAREFUL for task in tasks)


@dataclass(frozen=True)
class RepeatedSet:
    """A set of fine-tunings.

    Args:
        key: of its folder and its file of measurements.
        configs: by the key of the checkpoint, a task or ``<variant>.<task>``, in the order of training.
    """

    key: str
    configs: Mapping[str, FinetuningConfig]

    @property
    def tasks(self) -> tuple[str, ...]:
        """Those fine-tuned as usual, in the order of the lab."""
        return tuple(task for task in TASKS if task in self.configs)

    def folder(self, work: Path) -> Path:
        """Of its lab."""
        return work / "repeated" / self.key


def rates_of(checkpoint: str) -> str:
    """The key in ``DEPTH_RATES`` of a checkpoint."""
    variant, _, _ = checkpoint.rpartition(".")
    return variant if variant in DEPTH_RATES else "all"


SMALL_STEP_SET = RepeatedSet(
    "small-steps",
    {
        key: replace(SMALL_STEPS, rates=rates_of(key))
        for key in (*SMALL_STEP_TASKS, *careful_keys(SMALL_STEP_TASKS))
    },
)
SEED_SETS = {
    seed: RepeatedSet(f"seed-{seed}", {task: FinetuningConfig(seed=seed) for task in SEED_TASKS})
    for seed in SEEDS
}


def long_member(rng: random.Random) -> FinetuningConfig:
    """Hyper-parameters nearer to the paper's members: long, small rates, more images, augmentation."""
    return FinetuningConfig(
        steps=rng.choice((900, 1_200, 1_500)),
        rate=10 ** rng.uniform(-4.3, -3.7),
        warmup=100,
        images=20_000,
        weight_decay=10 ** rng.uniform(-4.0, -0.2),
        augment=rng.choice(("light", "strong")),
        smoothing=rng.choice((0.0, 0.1)),
        mixup=rng.choice((0.0, 0.2)),
        seed=rng.randrange(1_000),
    )


def long_members() -> RepeatedSet:
    """The members of another soup of the objects."""
    rng = random.Random(SOUP_SEED)
    members = {f"{SOUP}-{index:02}.objects": long_member(rng) for index in range(LONG_MEMBERS)}
    return RepeatedSet("long-members", members)


def make_lab(assets: Path, lab: Path) -> None:
    """A lab folder with the shipped encoder and images, and no checkpoint yet."""
    model = lab / "tiny_clip"
    for folder in (model / "finetuned", model / "compared"):
        folder.mkdir(parents=True, exist_ok=True)
    shipped = [path for path in (assets / "tiny_clip").iterdir() if path.is_file()]
    links = {model / path.name: path for path in shipped if path.name != "training.json"}
    links[lab / "eval"] = assets / "eval"
    for link, path in links.items():
        if not link.exists():
            link.symlink_to(path.resolve())
    write_variants(model / "compared", [variant for variant in variants() if variant.kind == RATES])


def shipped_lab(assets: Path, lab: Path, checkpoints: Iterable[str]) -> Path:
    """A lab folder with some of the shipped checkpoints, and without their evaluations."""
    make_lab(assets, lab)
    for key in checkpoints:
        link = checkpoint_path(lab / "tiny_clip", key)
        if not link.exists():
            link.symlink_to(checkpoint_path(assets / "tiny_clip", key).resolve())
    return lab


def train_repeated(assets: Path, work: Path, chosen: RepeatedSet, workers: int) -> Iterator[str]:
    """Train what a set lacks, one after another on one thread; a stopped training goes on where it was."""
    torch.set_num_threads(1)
    lab = chosen.folder(work)
    make_lab(assets, lab)
    model_folder = lab / "tiny_clip"
    for key, config in chosen.configs.items():
        path = checkpoint_path(model_folder, key)
        if path.exists():
            continue
        task = task_of(key)
        drawn = torch.load(training_images(work, task, workers, config.images), weights_only=True)
        model = load_tiny_clip(model_folder)
        before = {name: value.detach().clone() for name, value in model.visual.named_parameters()}
        head = training_head(model, tokenizer(model_folder), FAMILIES[task])
        began = time.perf_counter()
        for line in finetune(
            model, head, drawn["pixels"], drawn["labels"], config, lab / f"{key}.training.pt"
        ):
            yield f"{chosen.key} {key}: {line}"
        save_entry(model_folder, key, {**asdict(config), "seconds": time.perf_counter() - began})
        if path.parent.name == "finetuned":
            save_finetuned(model, path)
        else:
            save_packed(path, packed_residual(model, before), {"checkpoint": key})
