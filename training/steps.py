"""The steps from nothing to the shipped lab, in order; each skips what its output already holds."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from training.ample_targets import measure_ample_targets
from training.cards import write_cards
from training.comparisons import train_compared
from training.default_sweeps import measure_sweeps
from training.evaluation_sets import save_evaluation_sets
from training.finetuning import FinetuningConfig, finetune, zero_shot_head
from training.merging_study import measure_merging
from training.pretraining import PretrainingConfig, pretrain
from training.report import AMPLE, write_report
from training.soup_study import measure_soups
from training.storing import FILE as STORING
from training.storing import measure_storing
from training.tiny_clip_model import fresh_model, load_model, save_config
from training.training_log import save_entry
from training.variants_study import measure_variants
from training.vocabulary import save_merges, tokenizer
from training.web import draw_web_shards, load_web
from training.weight_files import save_finetuned, save_pretrained
from training.world.catalogue import FAMILIES, TASKS
from training.world.draws import draw_split

PRETRAINING = PretrainingConfig()
FINETUNING: Mapping[str, FinetuningConfig] = {key: FinetuningConfig() for key in (*TASKS, "objects")}


@dataclass(frozen=True)
class Place:
    """Where the steps read and write.

    Args:
        assets: the folder that ships.
        work: drawn images and training checkpoints; not shipped, may be deleted.
        workers: processes that draw.
    """

    assets: Path
    work: Path
    workers: int = os.cpu_count() or 1

    @property
    def tiny_clip(self) -> Path:
        """Model folder, as open_clip's ``local-dir:`` loader wants it."""
        return self.assets / "tiny_clip"


def configure(place: Place) -> Iterator[str]:
    """Model configuration and tokenizer."""
    place.tiny_clip.mkdir(parents=True, exist_ok=True)
    save_config(place.tiny_clip)
    save_merges(place.tiny_clip)
    yield f"configuration in {place.tiny_clip}"


def draw(place: Place) -> Iterator[str]:
    """Images of the pre-training web."""
    yield from draw_web_shards(place.work / "web", tokenizer(place.tiny_clip), place.workers)


def train(place: Place) -> Iterator[str]:
    """Pre-training and its shipped weights."""
    if (place.tiny_clip / "open_clip_model.safetensors").exists():
        return
    checkpoint = place.work / "pretraining.pt"
    yield from pretrain(load_web(place.work / "web"), PRETRAINING, checkpoint)
    model = fresh_model(PRETRAINING.seed)
    state = torch.load(checkpoint, weights_only=True)
    model.load_state_dict(state["model"])
    save_entry(place.tiny_clip, "pretrained", {**asdict(PRETRAINING), "seconds": state["seconds"]})
    yield f"saved {save_pretrained(model, place.tiny_clip)}"


def adapt(place: Place) -> Iterator[str]:
    """Fine-tuning on each task, from the shipped pre-trained weights."""
    for key, config in FINETUNING.items():
        path = place.tiny_clip / "finetuned" / f"{key}.safetensors"
        if path.exists():
            continue
        model = load_model(place.tiny_clip)
        head = zero_shot_head(model, tokenizer(place.tiny_clip), FAMILIES[key])
        pixels, labels = draw_split(key, "train", config.images, place.workers)
        began = time.perf_counter()
        for line in finetune(model, head, torch.from_numpy(pixels), torch.from_numpy(labels), config):
            yield f"{key}: {line}"
        save_entry(place.tiny_clip, key, {**asdict(config), "seconds": time.perf_counter() - began})
        save_finetuned(model, path)


def compare(place: Place) -> Iterator[str]:
    """The variants of fine-tuning, and the members of the soup."""
    yield from train_compared(place.tiny_clip, place.work, place.workers)


def sample(place: Place) -> Iterator[str]:
    """Evaluation subsets."""
    yield from save_evaluation_sets(place.assets / "eval", place.workers)


def measure(place: Place) -> Iterator[str]:
    """Default sweeps, and the targets of two of them on more images than ship."""
    yield from measure_sweeps(place.assets, place.work / "measured")
    storing = place.assets / "report" / STORING
    if not storing.exists():
        yield from measure_storing(place.assets, storing)
    for study in (measure_merging, measure_soups, measure_variants):
        yield from study(place.assets, place.work / "measured")
    ample = place.assets / "report" / AMPLE
    if not ample.exists():
        yield from measure_ample_targets(place.assets, ample, place.workers)


def report(place: Place) -> Iterator[str]:
    """REPORT.md with its plots, and the cards."""
    yield from write_report(place.assets)
    yield from write_cards(place.assets)


STEPS: Mapping[str, Callable[[Place], Iterator[str]]] = {
    "configure": configure,
    "draw": draw,
    "train": train,
    "adapt": adapt,
    "compare": compare,
    "sample": sample,
    "measure": measure,
    "report": report,
}
