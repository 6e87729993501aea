"""Writes an edited model with its card and recipe: all files whole, or none."""

import json
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from evaluators.export.edit_sources import base_of, sources_of
from evaluators.export.edited_weights import edited_weights
from evaluators.export.export_error import ExportError
from evaluators.export.export_layouts import CONFIG_FILE, LAYOUTS, WEIGHTS_FILE, activation
from evaluators.export.export_names import export_name
from evaluators.export.mergekit_recipe import recipe
from evaluators.export.model_card import FORMULA, card
from evaluators.labs.lab import Lab
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from lines_core.checkpoints import save_checkpoint

CARD_FILE = "README.md"
RECIPE_FILE = "recipe.yaml"


@dataclass(frozen=True)
class Exported:
    """The files of an edited model, all in one folder.

    Attributes:
        weights: of the image tower, float32 safetensors.
        card: model card.
        recipe: in mergekit's form.
        bundle: a zip of the others, named by `export_name`.
        config: ``config.json`` for the layouts whose library wants one.
    """

    weights: Path
    card: Path
    recipe: Path
    bundle: Path
    config: Path | None = None


def export(
    lab: Lab, spec: EditSpec, layout: str, folder: Path, evaluations: Sequence[Evaluation] = ()
) -> Exported:
    """The model of a spec as files that other programs read, in place of an earlier export in the folder.

    Args:
        lab: of the spec's model, ``Studio.lab_of(spec.model)``.
        spec: whatever it says of images does not matter.
        layout: a key of `LAYOUTS`.
        folder: one that is there.
        evaluations: for the card, as `card` takes them.
    Raises: ExportError for an unknown layout, or if the folder is absent or does not take the files;
        SpecError, LabError and CheckpointError as `sources_of` and `edited_weights`; EvaluationError as
        `card`. An earlier export is as it was then, unless replacing one of its files was what failed: none
        of this one is left in any case.
    Lock: none; the live model goes on serving.
    Cost: an edit, and the weights written twice, once into the bundle.
    """
    if layout not in LAYOUTS:
        raise ExportError(f"Unknown layout {layout!r}: pick one of {', '.join(LAYOUTS)}.")
    if not folder.is_dir():
        raise ExportError(f"There is no folder {folder} to write to: make it first.")
    names = LAYOUTS[layout]
    base, sources = base_of(lab), sources_of(lab, spec)
    encoder = lab.encoder
    scales = spec.scales(encoder.layout.num_blocks)
    visual = encoder.loaded.clip.visual
    config = names.config(visual) if names.config else None
    weights = names.rename(edited_weights(encoder, spec))
    size = (encoder.layout.numel, len(weights))
    texts = {
        CARD_FILE: card(spec, scales, base, sources, names, size, activation(visual), evaluations),
        RECIPE_FILE: recipe(spec, scales, base, sources, names),
        **({} if config is None else {CONFIG_FILE: config}),
    }
    metadata = {
        "format": "pt",  # transformers before version 5 refuses a file without it
        "spec": json.dumps(spec.as_dict(), sort_keys=True),
        "formula": FORMULA,
        "coefficients": json.dumps(scales._asdict()),
        "base_model": base.file,
        "source": json.dumps([source.origin for source in sources]),
        "layout": names.title,
    }
    stem = export_name(spec, layout)
    try:
        with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as hidden:
            staged = Path(hidden)
            save_checkpoint(staged / WEIGHTS_FILE, weights, metadata)
            for name, text in texts.items():
                (staged / name).write_text(text, encoding="utf-8")
            inside = [WEIGHTS_FILE, *texts]
            with zipfile.ZipFile(staged / f"{stem}.zip", "w", zipfile.ZIP_STORED) as bundle:
                for name in inside:
                    bundle.write(staged / name, f"{stem}/{name}")
            _move(staged, folder, [*inside, f"{stem}.zip"])
    except (OSError, SafetensorError) as error:
        raise ExportError(
            f"The model ({4 * encoder.layout.numel / 1e6:.0f} MB, and as much again in the bundle) cannot be "
            f"written to {folder}: {error}. Make room, or choose another folder."
        ) from error
    return Exported(
        folder / WEIGHTS_FILE,
        folder / CARD_FILE,
        folder / RECIPE_FILE,
        folder / f"{stem}.zip",
        None if config is None else folder / CONFIG_FILE,
    )


def _move(staged: Path, folder: Path, names: Sequence[str]) -> None:
    """Rename all files into place; if one of them cannot be, take back those that were."""
    moved: list[Path] = []
    try:
        for name in names:
            (staged / name).replace(folder / name)
            moved.append(folder / name)
    except OSError:
        for path in moved:
            path.unlink()
        raise
