"""The steps that make the embedded lab, in order; each skips what already exists."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from evaluators.experiments.level_control import FILE as LEVELS_FILE
from evaluators.labs.tiny_text_lab import TEXT_FOLDER
from training.alpha_study import FILE as ALPHA_FILE
from training.alpha_study import measure_alpha
from training.ample_targets import measure_ample_targets
from training.attribute_tasks import FILE as ATTRIBUTES_FILE
from training.attribute_tasks import measure_attributes
from training.attribute_training import adapt_attributes
from training.cards import write_cards
from training.careful_study import FILE as CAREFUL_FILE
from training.careful_study import measure_careful
from training.comparisons import train_compared
from training.convnext_study import measure_convnext
from training.convnext_training import adapt_convnext, train_convnext
from training.default_sweeps import measure_sweeps
from training.evaluation_sets import save_evaluation_sets
from training.finetuning import FinetuningConfig, finetune, training_head
from training.learning_study import measure_learning
from training.level_study import measure_levels
from training.measured_grid import measure_gamma_grid
from training.merging_study import measure_merging
from training.outside_study import measure_outside_rules
from training.pretraining import PretrainingConfig, pretrain
from training.question_sets import save_questions
from training.repeated_finetuning import (
    SEED_SETS,
    SEED_TASKS,
    SMALL_STEP_SET,
    long_members,
    shipped_lab,
    train_repeated,
)
from training.repeated_study import LARGE, SEEDS_FILE, SMALL, STEPS_FILE, measure_sets
from training.report import AMPLE, write_report
from training.shipped_weights import save_finetuned, save_pretrained
from training.soup_ample import FILE as SOUPS_FILE
from training.soup_ample import LONG_FILE, measure_ample_soups
from training.soup_study import measure_soups
from training.storing import FILE as STORING
from training.storing import measure_storing
from training.task_count_study import measure_task_counts
from training.tiny_clip_model import fresh_model, load_tiny_clip, save_config
from training.training_log import save_entry
from training.trimming_study import FILE as TRIMMING_FILE
from training.trimming_study import measure_trimming
from training.variants_study import measure_variants
from training.vocabulary import save_merges, tokenizer
from training.web import draw_web_shards, load_web
from training.world.catalogue import FAMILIES, TASKS
from training.world.draws import draw_split

PRETRAINING = PretrainingConfig()
FINETUNING: Mapping[str, FinetuningConfig] = {key: FinetuningConfig() for key in (*TASKS, "objects")}


@dataclass(frozen=True)
class Folders:
    """Folders that the steps read and write.

    Args:
        assets: the folder that ships.
        work: drawn images and training checkpoints; not shipped, may be deleted.
        workers: processes that draw, threads that count the gamma grid.
    """

    assets: Path
    work: Path
    workers: int = os.cpu_count() or 1

    @property
    def tiny_clip(self) -> Path:
        """Model folder, as open_clip's ``local-dir:`` loader wants it."""
        return self.assets / "tiny_clip"

    @property
    def tiny_convnext(self) -> Path:
        """The same with a ConvNeXt as image tower."""
        return self.assets / "tiny_convnext"


def configure(folders: Folders) -> Iterator[str]:
    """Model configuration and tokenizer."""
    folders.tiny_clip.mkdir(parents=True, exist_ok=True)
    save_config(folders.tiny_clip)
    save_merges(folders.tiny_clip)
    yield f"configuration in {folders.tiny_clip}"


def draw(folders: Folders) -> Iterator[str]:
    """Images of the pre-training web."""
    yield from draw_web_shards(folders.work / "web", tokenizer(folders.tiny_clip), folders.workers)


def train(folders: Folders) -> Iterator[str]:
    """Pre-training and its shipped weights."""
    if (folders.tiny_clip / "open_clip_model.safetensors").exists():
        return
    checkpoint = folders.work / "pretraining.pt"
    yield from pretrain(load_web(folders.work / "web"), PRETRAINING, checkpoint)
    model = fresh_model(PRETRAINING.seed)
    state = torch.load(checkpoint, weights_only=True)
    model.load_state_dict(state["model"])
    save_entry(folders.tiny_clip, "pretrained", {**asdict(PRETRAINING), "seconds": state["seconds"]})
    yield f"saved {save_pretrained(model, folders.tiny_clip)}"


def adapt(folders: Folders) -> Iterator[str]:
    """Fine-tuning on each task, from the shipped pre-trained weights."""
    for key, config in FINETUNING.items():
        path = folders.tiny_clip / "finetuned" / f"{key}.safetensors"
        if path.exists():
            continue
        model = load_tiny_clip(folders.tiny_clip)
        head = training_head(model, tokenizer(folders.tiny_clip), FAMILIES[key])
        pixels, labels = draw_split(key, "train", config.images, folders.workers)
        began = time.perf_counter()
        for line in finetune(model, head, torch.from_numpy(pixels), torch.from_numpy(labels), config):
            yield f"{key}: {line}"
        save_entry(folders.tiny_clip, key, {**asdict(config), "seconds": time.perf_counter() - began})
        save_finetuned(model, path)


def compare(folders: Folders) -> Iterator[str]:
    """The variants of fine-tuning, and the members of the soup."""
    yield from train_compared(folders.tiny_clip, folders.work, folders.workers)


def language(folders: Folders) -> Iterator[str]:
    """The text lab: tokenizer, questions, pre-training and fine-tuning of the tiny T5, and what they tell."""
    from training.language.reading_attempt import attempt_reading  # imports transformers, which takes seconds
    from training.language.text_assets import make_text_lab
    from training.language.text_strength import measure_strength
    from training.language.text_study import measure_text_lab

    yield from make_text_lab(folders.assets / TEXT_FOLDER, folders.work)
    yield from measure_text_lab(folders.assets, folders.work / "measured")
    yield from measure_strength(folders.assets, folders.work)
    yield from attempt_reading(folders.assets / TEXT_FOLDER)


def convnext(folders: Folders) -> Iterator[str]:
    """Tiny ConvNeXt, against the shipped text tower, and its fine-tunings."""
    yield from train_convnext(folders.tiny_clip, folders.tiny_convnext, folders.work)
    yield from adapt_convnext(folders.tiny_convnext, folders.work, folders.workers)


def stages(folders: Folders) -> Iterator[str]:
    """Fig. 10 and Table 9 on Tiny ConvNeXt, and the sweeps that its pages open with."""
    yield from measure_convnext(folders.assets, folders.work / "measured", folders.work / "convnext")


def attributes(folders: Folders) -> Iterator[str]:
    """Fine-tuning on questions about attributes, for merges of 14 and 20 tasks. A quarter of an hour."""
    yield from adapt_attributes(folders.tiny_clip, folders.work, folders.workers)


def sample(folders: Folders) -> Iterator[str]:
    """Evaluation subsets, and labels for further questions about their images."""
    yield from save_evaluation_sets(folders.assets / "eval", folders.workers)
    yield save_questions(folders.assets / "eval")


def measure(folders: Folders) -> Iterator[str]:
    """Default sweeps, and the targets of two of them on more images than ship."""
    yield from measure_sweeps(folders.assets, folders.work / "measured")
    storing = folders.assets / "report" / STORING
    if not storing.exists():
        yield from measure_storing(folders.assets, storing)
    for study in (measure_merging, measure_soups, measure_variants, measure_learning):
        yield from study(folders.assets, folders.work / "measured")
    ample = folders.assets / "report" / AMPLE
    if not ample.exists():
        yield from measure_ample_targets(folders.assets, ample, folders.workers)


def repeat(folders: Folders) -> Iterator[str]:
    """Fine-tunings with small steps, other seeds, long soup members; measured. An hour and a half of a core.

    Checkpoints stay in the working folder; ``steps.json``, ``seeds.json`` and ``soups_long.json`` ship.
    """
    assets, work, report = folders.assets, folders.work, folders.assets / "report"
    if not (report / STEPS_FILE).exists():
        yield from train_repeated(assets, work, SMALL_STEP_SET, folders.workers)
        shipped = shipped_lab(assets, work / "repeated" / "large-steps", SMALL_STEP_SET.configs)
        labs = {LARGE: shipped, SMALL: SMALL_STEP_SET.folder(work)}
        yield from measure_sets(report / STEPS_FILE, labs, work / "measured")
    if not (report / SEEDS_FILE).exists():
        labs = {"1": shipped_lab(assets, work / "repeated" / "seed-1", SEED_TASKS)}
        for seed, repeated in SEED_SETS.items():
            yield from train_repeated(assets, work, repeated, folders.workers)
            labs[str(seed)] = repeated.folder(work)
        yield from measure_sets(report / SEEDS_FILE, labs, work / "measured")
    if not (report / LONG_FILE).exists():
        members = long_members()
        yield from train_repeated(assets, work, members, folders.workers)
        yield from measure_ample_soups(members.folder(work), report / LONG_FILE, folders.workers)


def question(folders: Folders) -> Iterator[str]:
    """Why the lab differs from the paper, depth or strength, alpha tuned, and merges of 14 and 20 tasks."""
    report = folders.assets / "report"
    if not (report / LEVELS_FILE).exists():
        yield from measure_levels(folders.assets, folders.work / "measured")
    if not (report / ALPHA_FILE).exists():
        yield from measure_alpha(folders.assets, folders.work / "measured")
    if not (report / SOUPS_FILE).exists():
        yield from measure_ample_soups(folders.assets, report / SOUPS_FILE, folders.workers)
    if not (report / CAREFUL_FILE).exists():
        yield from measure_careful(folders.assets, folders.work / "measured")
    if not (report / TRIMMING_FILE).exists():
        yield from measure_trimming(folders.assets, folders.work / "measured")
    if not (report / ATTRIBUTES_FILE).exists():
        yield from measure_attributes(folders.assets, folders.workers)
    yield from measure_task_counts(folders.assets, folders.work)
    yield from measure_outside_rules(folders.assets)


def grid(folders: Folders) -> Iterator[str]:
    """The gamma grid. Hours on a CPU; one worker is enough."""
    yield from measure_gamma_grid(folders.assets, folders.work / "measured", folders.workers)


def policies(folders: Folders) -> Iterator[str]:
    """The language model, its two policies and their soups. Half an hour."""
    from training.policies.policy_steps import make_policies  # imports trl, which takes seconds

    yield from make_policies(folders.assets, folders.work / "policies")


def report(folders: Folders) -> Iterator[str]:
    """REPORT.md with its plots, and the cards."""
    yield from write_report(folders.assets)
    yield from write_cards(folders.assets)


STEPS: Mapping[str, Callable[[Folders], Iterator[str]]] = {
    "configure": configure,
    "draw": draw,
    "train": train,
    "adapt": adapt,
    "compare": compare,
    "language": language,
    "convnext": convnext,
    "attributes": attributes,
    "sample": sample,
    "measure": measure,
    "stages": stages,
    "question": question,
    "repeat": repeat,
    "grid": grid,
    "policies": policies,
    "report": report,
}
