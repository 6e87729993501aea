"""Writes an edited model with its card and recipe: all files whole, or none."""

import json
import tempfile
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from safetensors import SafetensorError
from torch import Tensor

from evaluators.data.task_list import Task
from evaluators.export.edit_sources import BaseModel, SourceCheckpoint, base_of, sources_of
from evaluators.export.edited_weights import edited_weights
from evaluators.export.export_error import ExportError
from evaluators.export.export_layouts import CONFIG_FILE, ExportLayout, activation, layout_for
from evaluators.export.export_limits import MOST_BYTES, check_size
from evaluators.export.export_names import export_name, model_folders, said_keys, said_spec
from evaluators.export.folder_files import (
    PREPROCESSOR_FILE,
    preprocessor_config,
    text_tower,
)
from evaluators.export.loading_snippets import WEIGHTS_FILE
from evaluators.export.mergekit_recipe import recipe
from evaluators.export.model_card import FORMULA, card
from evaluators.labs.lab import Lab
from evaluators.labs.own_task import OWN_TASK
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from lines_core.checkpoints import save_checkpoint

CARD_FILE = "README.md"
RECIPE_FILE = "recipe.yaml"
WHOLE, MODELS = "clip", "models"
EXTRAS: Mapping[str, str] = MappingProxyType(
    {
        WHOLE: "The text tower: a whole CLIP, which the library of these tensor names loads by itself",
        MODELS: "The models it was made of: mergekit can run the recipe",
    }
)
"""What an export can hold besides, by key; titles for the page."""


@dataclass(frozen=True)
class Exported:
    """The files of an edited model, all in one folder.

    Attributes:
        weights: float32 safetensors, of the image tower or of the whole CLIP.
        card: model card.
        recipe: in mergekit's form.
        bundle: a zip of the others, named by `export_name`.
        config: ``config.json`` for the layouts whose library wants one.
        inside: names of all files in the bundle, which are in the folder too.
    """

    weights: Path
    card: Path
    recipe: Path
    bundle: Path
    config: Path | None
    inside: tuple[str, ...]


def export(
    lab: Lab,
    spec: EditSpec,
    layout: str,
    folder: Path,
    evaluations: Sequence[Evaluation] = (),
    extras: Collection[str] = (),
    most_bytes: int = MOST_BYTES,
) -> Exported:
    """The model of a spec as files that other programs read, in place of an earlier export in the folder.

    Args:
        lab: of the spec's model, ``Studio.lab_of(spec.model)``.
        spec: whatever it says of images does not matter.
        layout: a key of `LAYOUTS`.
        folder: one that is there.
        evaluations: for the card, as `card` takes them.
        extras: keys of `EXTRAS`.
        most_bytes: of its weights, without the bundle.
    Raises: ExportError for a layout that is unknown or cannot hold the tower, for an unknown extra, for
        weights that are too large or do not fit onto the disk, or if the folder is absent or does not take
        the files;
        SpecError, LabError and CheckpointError as `sources_of` and `edited_weights`; EvaluationError as
        `card`. An earlier export is as it was then, unless replacing one of its files was what failed: none
        of this one is left in any case.
    Lock: none; the live model goes on serving.
    Cost: an edit, and the weights written twice, once into the bundle; with the models it was made of, as
        much again for each of them.
    """
    plan = planned(lab, spec, layout, folder, extras, most_bytes)
    encoder, base, sources, titles = lab.encoder, plan.base, plan.sources, plan.titles
    scales = spec.scales(encoder.layout.num_blocks)
    weights = plan.names.rename(edited_weights(encoder, spec))
    size = (encoder.layout.numel, len(weights))
    look, whole = activation(encoder.loaded.clip.visual), plan.whole
    texts = {
        CARD_FILE: card(spec, scales, base, sources, plan.names, size, look, evaluations, whole, plan.added),
        RECIPE_FILE: recipe(spec, scales, base, sources, plan.names, plan.models, said_keys(spec, titles)),
    }
    metadata = {
        "spec": json.dumps(said_spec(spec, titles), sort_keys=True),
        "formula": FORMULA,
        "coefficients": json.dumps(scales._asdict()),
    }
    return written(plan, weights, texts, metadata, export_name(spec, layout, titles))


@dataclass(frozen=True)
class ExportPlan:
    """What is known of an export before its weights are computed.

    Attributes:
        lab, spec, folder: as `export` takes them; of the spec only its sources matter.
        names: the layout for the tower.
        base, sources: where it comes from.
        added: the visitor's tasks.
        titles: of these, by key.
        models: folders of the models it was made of; empty if they do not go along.
        text: the text tower as renamed, empty if it does not go along.
    """

    lab: Lab
    spec: EditSpec
    folder: Path
    names: ExportLayout
    base: BaseModel
    sources: tuple[SourceCheckpoint, ...]
    added: tuple[Task, ...]
    titles: Mapping[str, str]
    models: tuple[str, ...]
    text: Mapping[str, Tensor]

    @property
    def whole(self) -> bool:
        """Whether the text tower goes along."""
        return bool(self.text)


def planned(
    lab: Lab, spec: EditSpec, layout: str, folder: Path, extras: Collection[str], most_bytes: int = MOST_BYTES
) -> ExportPlan:
    """The plan of an export, everything checked. Args, Raises: as `export`."""
    unknown = [key for key in extras if key not in EXTRAS]
    if unknown:
        raise ExportError(f"Unknown extra {unknown[0]!r}: pick from {', '.join(EXTRAS)}.")
    if not folder.is_dir():
        raise ExportError(f"There is no folder {folder} to write to: make it first.")
    names = layout_for(layout, lab.encoder.loaded.clip.visual)
    base, sources = base_of(lab), sources_of(lab, spec)
    added = tuple(task for task in lab.target_tasks() if task.key.startswith(OWN_TASK))
    titles = {task.key: task.title for task in added}
    models = model_folders(spec, titles) if MODELS in extras else ()
    text = names.rename_text(text_tower(base)) if WHOLE in extras else {}
    tower_bytes, text_bytes = 4 * lab.encoder.layout.numel, sum(value.nbytes for value in text.values())
    check_size(tower_bytes * (1 + len(models)) + text_bytes, len(models), folder, most_bytes)
    return ExportPlan(lab, spec, folder, names, base, sources, added, titles, models, text)


def written(
    plan: ExportPlan,
    weights: Mapping[str, Tensor],
    texts: Mapping[str, str],
    metadata: Mapping[str, str],
    stem: str,
) -> Exported:
    """All files of an export, or none.

    Args:
        weights: of the tower, by the names of the layout.
        texts: card and recipe, by the files' names.
        metadata: of the weights; where they come from is added.
        stem: name of the bundle.
    Raises: ExportError if the folder does not take them.
    """
    encoder, names, base, folder = plan.lab.encoder, plan.names, plan.base, plan.folder
    visual = encoder.loaded.clip.visual
    contents = dict(texts)
    if names.config is not None:
        contents[CONFIG_FILE] = names.config(visual, base, plan.text)
        contents[PREPROCESSOR_FILE] = preprocessor_config(base)
    said = {
        "format": "pt",  # transformers before version 5 refuses a file without it
        **metadata,
        "base_model": base.file,
        "source": json.dumps([source.origin for source in plan.sources]),
        "layout": names.title,
    }
    try:
        with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as hidden:
            staged = Path(hidden)
            save_checkpoint(staged / WEIGHTS_FILE, {**weights, **plan.text}, said)
            for name, content in contents.items():
                (staged / name).write_text(content, encoding="utf-8")
            inside = [WEIGHTS_FILE, *contents]
            inside += names.write_beside(base, staged) if plan.whole else []
            inside += _write_models(plan, staged)
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
        folder / CONFIG_FILE if names.config else None,
        tuple(inside),
    )


def _write_models(plan: ExportPlan, staged: Path) -> list[str]:
    """Write theta_0 and each theta_t to its folder, as the layout's files; returns their names."""
    if not plan.models:
        return []
    encoder, spec, names = plan.lab.encoder, plan.spec, plan.names
    edits = [EditSpec.pretrained(spec.sources[0], model=spec.model)]
    edits += [EditSpec.finetuned(key, model=spec.model) for key in spec.sources]
    config = names.config(encoder.loaded.clip.visual, plan.base, {}) if names.config else None
    written = []
    for folder, edit in zip(plan.models, edits, strict=True):
        (staged / folder).mkdir(parents=True)
        save_checkpoint(
            staged / folder / WEIGHTS_FILE, names.rename(edited_weights(encoder, edit)), {"format": "pt"}
        )
        written.append(f"{folder}/{WEIGHTS_FILE}")
        if config is not None:
            (staged / folder / CONFIG_FILE).write_text(config, encoding="utf-8")
            written.append(f"{folder}/{CONFIG_FILE}")
    return written


def _move(staged: Path, folder: Path, names: Sequence[str]) -> None:
    """Rename all files into place; if one of them cannot be, take back those that were."""
    moved: list[Path] = []
    try:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).replace(folder / name)
            moved.append(folder / name)
    except OSError:
        for path in moved:
            path.unlink()
        raise
