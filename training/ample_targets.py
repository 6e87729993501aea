"""Target accuracy on 2,000 test images per task, for a comparison that the shipped few hundred cannot make.

LiNeS and the WiSE-FT line are a point or two apart. With 400 images a target accuracy is uncertain by two
points, and the best of eleven uncertain points of another method looks better than it is. Control accuracy is
a mean over seven tasks and needs no more images.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

from evaluators import EditSpec
from evaluators.encoder.classifier_heads import zero_shot_head
from evaluators.experiments.sweeps import ALL_IMAGES, gamma_sweep, wise_ft_sweep
from evaluators.labs.tiny_encoder import TinyEncoder
from training.tiny_clip_model import to_input
from training.world.catalogue import FAMILIES, TASKS
from training.world.draws import draw_split

IMAGES = 2_000
CHUNK = 200

AmpleTargets = Mapping[EditSpec, float]
"""Target accuracy of a spec on ``IMAGES`` images, a fraction in [0, 1]."""


def ample_specs(checkpoint: str) -> tuple[EditSpec, ...]:
    """The two paths that are compared, as the shipped sweeps name them."""
    return tuple(
        dict.fromkeys(
            (
                *gamma_sweep(checkpoint, "test", images=ALL_IMAGES),
                *wise_ft_sweep(checkpoint, "test", ALL_IMAGES),
            )
        )
    )


def measure_ample_targets(assets: Path, path: Path, workers: int) -> Iterator[str]:
    """Write the counts of every checkpoint to ``path``; each draw begins with the images that ship."""
    encoder = TinyEncoder(assets / "tiny_clip", torch.device("cpu"), torch.float32)
    clip, tokens = encoder.loaded.clip, encoder.loaded.tokenizer
    found = []
    for key in TASKS:
        pixels, labels = map(torch.from_numpy, draw_split(key, "test", IMAGES, workers))
        family = FAMILIES[key]
        head = zero_shot_head(clip, tokens, [concept.name for concept in family.concepts], family.prompts)
        for spec in ample_specs(key):
            encoder.write_edit(key, spec.scales(encoder.layout.num_blocks))
            correct = 0
            with torch.inference_mode():
                for start in range(0, IMAGES, CHUNK):
                    features = encoder.encode(to_input(pixels[start : start + CHUNK]))
                    named = (features @ head).argmax(dim=1)
                    correct += int((named == labels[start : start + CHUNK]).sum())
            found.append({"spec": spec.as_dict(), "correct": correct, "n": IMAGES})
        yield f"{key}: {IMAGES} test images under {len(ample_specs(key))} models"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")


def read_ample_targets(path: Path) -> AmpleTargets:
    """What ``measure_ample_targets`` wrote."""
    found: Sequence[Mapping[str, int]] = json.loads(path.read_text(encoding="utf-8"))
    return {EditSpec.from_dict(entry["spec"]): entry["correct"] / entry["n"] for entry in found}  # type: ignore[arg-type]
