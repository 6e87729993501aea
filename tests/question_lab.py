"""Further questions about the small lab's images, with checkpoints: what its labs of 14 and 20 tasks need."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from lines_core.packed import pack, save_packed
from tests.conftest import IMAGES

QUESTIONS = tuple(f"question_{number:02}" for number in range(12))


def add_questions(lab: Path, seed: int = 0) -> Path:
    """Write ``questions.json`` and packed checkpoints; every third image shows nothing. Returns the lab."""
    entries: list[dict[str, Any]] = []
    for number, key in enumerate(QUESTIONS):
        labels = {
            split: [(row + number) % 3 - 1 for row in range(count)]
            for split, count in (("val", IMAGES["val"]), ("test", IMAGES["test"]))
        }
        entries.append(
            {
                "key": key,
                "title": f"Question {number}",
                "suite": "tasks",
                "classes": ["light", "dark"],
                "prompts": ["an image in a {} colour"],
                "images": "digits" if number % 2 else "textures",
                "labels": labels,
            }
        )
    (lab / "eval" / "questions.json").write_text(json.dumps({"tasks": entries}))
    weights = load_file(lab / "tiny_clip" / "open_clip_model.safetensors")
    torch.manual_seed(seed)
    for key in QUESTIONS:
        packed: dict[str, torch.Tensor] = {}
        for name, value in weights.items():
            if name.startswith("visual."):
                spread = 0.3 * value.float().std().nan_to_num(0.1)
                packed |= pack(name, spread * torch.randn(value.shape))
        save_packed(lab / "tiny_clip" / "finetuned" / f"{key}.safetensors", packed, {"checkpoint": key})
    return lab
