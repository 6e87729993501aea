"""Accuracy lost by storing residuals in four bits: the shipped fine-tunings, whole and packed."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from evaluators import EditSpec, Studio
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.labs.embedded_lab import EmbeddedModel
from lines_core.packed import pack, save_packed

FILE = "storing.json"
VARIANT = "packed"


@dataclass(frozen=True)
class StoringLoss:
    """One checkpoint on test; accuracies are fractions in [0, 1]."""

    checkpoint: str
    target: float
    control: float
    packed_target: float
    packed_control: float


def measure_storing(assets: Path, path: Path) -> Iterator[str]:
    """Write the losses of all shipped fine-tunings to ``path``."""
    with tempfile.TemporaryDirectory() as made:
        lab = Path(made)
        for part in ("tiny_clip", "eval"):
            shutil.copytree(assets / part, lab / part, ignore=shutil.ignore_patterns("compared"))
        compared = lab / "tiny_clip" / "compared"
        compared.mkdir()
        variant = {"key": VARIANT, "kind": "rates", "title": "Packed", "help": "Stored in four bits."}
        (compared / "variants.json").write_text(json.dumps([variant]), encoding="utf-8")
        whole = Studio(assets, None)
        keys = [checkpoint.key for checkpoint in whole.checkpoints()]
        for key in keys:
            packed: dict[str, Tensor] = {}
            encoder = whole.lab.encoder
            for name, residual in encoder.layout.unflatten(encoder.residual(key)).items():
                packed |= pack(name, residual)
            save_packed(compared / f"{VARIANT}.{key}.safetensors", packed, {})
        stored = Studio(lab, None)
        losses = []
        for key in keys:
            before = whole.evaluate(EditSpec.finetuned(key, images=ALL_IMAGES))
            after = stored.evaluate(EditSpec.finetuned(f"{VARIANT}.{key}", images=ALL_IMAGES))
            losses.append(StoringLoss(key, before.target, before.control, after.target, after.control))
            yield (
                f"{key}: target {before.target:.4f} -> {after.target:.4f}, "
                f"control {before.control:.4f} -> {after.control:.4f}"
            )
    path.write_text(json.dumps([asdict(loss) for loss in losses], indent=1) + "\n", encoding="utf-8")


def measure_packed(assets: Path, model: EmbeddedModel, whole: Path, path: Path) -> Iterator[str]:
    """Write the losses of a model that ships packed to ``path``, of each checkpoint that ``whole`` holds."""
    keys = sorted(file.stem for file in whole.glob("*.safetensors"))
    with tempfile.TemporaryDirectory() as made:
        lab = Path(made)
        for part in ("tiny_clip", "eval", model.folder):
            shutil.copytree(assets / part, lab / part, ignore=shutil.ignore_patterns("compared"))
        for key in keys:
            shutil.copy(whole / f"{key}.safetensors", lab / model.folder / "finetuned")
        losses = []
        for key in keys:
            spec = EditSpec.finetuned(key, model=model.key, images=ALL_IMAGES)
            before, after = (Studio(folder, None).evaluate(spec) for folder in (lab, assets))
            losses.append(StoringLoss(key, before.target, before.control, after.target, after.control))
            yield f"{key}: target {before.target:.4f} -> {after.target:.4f}"
    path.write_text(json.dumps([asdict(loss) for loss in losses], indent=1) + "\n", encoding="utf-8")


def read_losses(path: Path) -> list[StoringLoss]:
    """What was written."""
    return [StoringLoss(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]


def storing_section(path: Path) -> Iterator[str]:
    """The lines of the report's section."""
    losses = read_losses(path)
    target = [100 * (loss.packed_target - loss.target) for loss in losses]
    control = [100 * (loss.packed_control - loss.control) for loss in losses]
    yield from ("## What storing costs", "")
    mean_target, mean_control = sum(target) / len(target), sum(control) / len(control)
    yield (
        "Residuals of soup members and of the learning-rate variants ship in four bits a weight. The "
        f"{len(losses)} fine-tunings that ship whole, packed alike, change by {mean_target:+.2f} points of "
        f"target accuracy on average ({min(target):+.2f} to {max(target):+.2f}) and {mean_control:+.2f} of "
        f"control accuracy ({min(control):+.2f} to {max(control):+.2f}), on all test images. LoRA's "
        "factors ship in half precision."
    )
