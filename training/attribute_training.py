"""Tiny CLIP fine-tuned on questions about attributes, as on the eight tasks; residuals ship in four bits."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from lines_core.packed import save_packed
from training.attribute_tasks import ATTRIBUTE_TASKS, AttributeTask
from training.comparisons import packed_residual, training_images
from training.finetuning import FinetuningConfig, class_head, finetune
from training.shipped_weights import save_finetuned
from training.tiny_clip_model import load_tiny_clip
from training.training_log import save_entry
from training.vocabulary import tokenizer

FINETUNING = FinetuningConfig()
WHOLE = "attributes"
"""Folder of the weights as they were before they were packed."""
DRAWN = 8_500
"""Training images drawn of each data set: enough that ``FINETUNING.images`` of them show each attribute."""


def shown_images(task: AttributeTask, drawn: Path) -> tuple[Tensor, Tensor]:
    """The first ``FINETUNING.images`` training images that show the attribute, and their labels.

    Args:
        drawn: file of the data set's training images.
    """
    pixels: Tensor = torch.load(drawn, weights_only=True)["pixels"]
    labels: dict[int, int] = {}
    for index in range(len(pixels)):
        if (label := task.label(index, "train")) is not None:
            labels[index] = label
        if len(labels) == FINETUNING.images:
            break
    return pixels[list(labels)], torch.tensor(list(labels.values()))


def adapt_attributes(tiny_clip: Path, work: Path, workers: int) -> Iterator[str]:
    """Fine-tune from the shipped weights on each task that is missing; resumable."""
    torch.set_num_threads(1)
    for task in ATTRIBUTE_TASKS:
        path = tiny_clip / "finetuned" / f"{task.key}.safetensors"
        if path.exists():
            continue
        pixels, labels = shown_images(task, training_images(work, task.images, workers, DRAWN))
        yield f"{task.key}: {len(labels)} images"
        model = load_tiny_clip(tiny_clip)
        before = {name: value.detach().clone() for name, value in model.visual.named_parameters()}
        head = class_head(model, tokenizer(tiny_clip), task.names, task.prompts)
        part, began = work / f"attribute-{task.key}.pt", time.perf_counter()
        for line in finetune(model, head, pixels, labels, FINETUNING, part):
            yield f"{task.key}: {line}"
        entry = {**asdict(FINETUNING), "images": len(labels), "seconds": time.perf_counter() - began}
        save_entry(tiny_clip, task.key, entry)
        save_finetuned(model, work / WHOLE / path.name)  # to measure what storing costs
        save_packed(path, packed_residual(model, before), {"checkpoint": task.key})
