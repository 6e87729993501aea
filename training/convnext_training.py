"""Tiny ConvNeXt from nothing: pre-trained against Tiny CLIP, then fine-tuned on each task; resumable."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch

from lines_core.packed import save_packed
from training.comparisons import packed_residual, training_images
from training.convnext_model import fresh_convnext, load_convnext, save_convnext_config
from training.finetuning import FinetuningConfig, finetune, training_head
from training.shipped_weights import save_finetuned, save_pretrained
from training.tiny_clip_model import load_tiny_clip
from training.tower_pretraining import TowerConfig, pretrain_tower
from training.training_log import save_entry
from training.vocabulary import FILE_NAME as MERGES
from training.vocabulary import tokenizer
from training.web import load_web
from training.world.catalogue import FAMILIES, TASKS

PRETRAINING = TowerConfig()
FINETUNING = FinetuningConfig()


def train_convnext(tiny_clip: Path, folder: Path, work: Path) -> Iterator[str]:
    """Pre-train on the web images in ``work``; writes ``folder`` as open_clip's ``local-dir:`` wants it."""
    if (folder / "open_clip_model.safetensors").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    save_convnext_config(folder)
    shutil.copy(tiny_clip / MERGES, folder)
    teacher, checkpoint = load_tiny_clip(tiny_clip), work / "convnext.pt"
    web = load_web(work / "web")
    yield from pretrain_tower(web, teacher, PRETRAINING, checkpoint)
    model = fresh_convnext(teacher, PRETRAINING.seed)
    state = torch.load(checkpoint, weights_only=True)
    model.load_state_dict(state["model"])
    drawn = {"web_images": len(web.pixels), "seconds": state["seconds"]}
    save_entry(folder, "pretrained", {**asdict(PRETRAINING), **drawn})
    yield f"saved {save_pretrained(model, folder)}"


def adapt_convnext(folder: Path, work: Path, workers: int) -> Iterator[str]:
    """Fine-tune on each task from the shipped weights; residuals ship in four bits a weight."""
    (folder / "finetuned").mkdir(exist_ok=True)
    for key in TASKS:
        path = folder / "finetuned" / f"{key}.safetensors"
        if path.exists():
            continue
        drawn = torch.load(training_images(work, key, workers), weights_only=True)
        model = load_convnext(folder)
        before = {name: value.detach().clone() for name, value in model.visual.named_parameters()}
        head = training_head(model, tokenizer(folder), FAMILIES[key])
        part, began = work / f"convnext-{key}.pt", time.perf_counter()
        for line in finetune(model, head, drawn["pixels"], drawn["labels"], FINETUNING, part):
            yield f"{key}: {line}"
        save_entry(folder, key, {**asdict(FINETUNING), "seconds": time.perf_counter() - began})
        save_finetuned(model, work / "convnext" / f"{key}.safetensors")  # to measure what storing costs
        save_packed(path, packed_residual(model, before), {"checkpoint": key})
