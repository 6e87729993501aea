"""Where an edit comes from: the pre-trained model, the fine-tuned checkpoints, and the residual they give."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.encoder.open_clip_folder import CONFIG, MERGES, WEIGHTS, read_tower_info
from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.errors import LabError, SpecError
from evaluators.hub.hub_lab import HubLab
from evaluators.labs.embedded_lab import EmbeddedLab
from evaluators.labs.lab import Lab
from evaluators.labs.tiny_encoder import checkpoint_path
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.resolved_spec import ResidualSpec
from lines_core.checkpoints import read_metadata
from lines_core.packed import is_packed

SHIPPED = Path("assets")
"""The embedded models in a checkout of the LiNeS Explorer, which everything written out is relative to."""


@dataclass(frozen=True)
class BaseModel:
    """The pre-trained model.

    Attributes:
        title: what the page calls it.
        name: of its repository on the Hub, or its key.
        on_hub: whether it is there.
        open_clip: what open_clip's factory loads it by, with its text tower and its transform.
        file: its weights, as a repository or a checkout has them.
        image_size: pixels a side.
        mean, std: per channel, of images in [0, 1].
        clip_config: ``open_clip_config.json`` of the whole CLIP.
        clip_file: its weights on this machine, never written out.
        merges: its vocabulary here, unless it is open_clip's own.
    """

    title: str
    name: str
    on_hub: bool
    open_clip: str
    file: str
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    clip_config: dict[str, Any]
    clip_file: Path
    merges: Path | None = None


@dataclass(frozen=True)
class SourceCheckpoint:
    """A fine-tuned checkpoint.

    Attributes:
        key: as a spec names it.
        title: what the page calls it.
        origin: where its weights came from: a file in a checkout, one on the Hub with its commit, or the
            name of a visitor's own file. Free text: whoever writes it out makes it harmless.
        open_clip: whether that file holds weights under open_clip's names, ``visual.*``, as they are.
        head: whether it was fine-tuned together with a classification head of its own.
    """

    key: str
    title: str
    origin: str
    open_clip: bool
    head: bool = False


def base_of(lab: Lab) -> BaseModel:
    """The pre-trained model of a lab. Raises: LabError for a kind of lab that says nothing of it."""
    if isinstance(lab, HubLab):
        row = lab.live.row
        config = {
            "model_cfg": import_open_clip().get_model_config(row.open_clip),
            "preprocess_cfg": {"mean": list(row.mean), "std": list(row.std)},
        }
        return BaseModel(
            title=row.title,
            name=row.repo,
            on_hub=True,
            open_clip=f"hf-hub:{row.repo}",
            file=f"{row.repo}/{lab.live.weights.name}",
            image_size=row.image_size,
            mean=row.mean,
            std=row.std,
            clip_config=config,
            clip_file=lab.weights,
        )
    if isinstance(lab, EmbeddedLab):
        folder, shipped = lab.folder / lab.model.folder, SHIPPED / lab.model.folder
        tower = read_tower_info(folder)
        return BaseModel(
            title=lab.info.title,
            name=lab.info.key,
            on_hub=False,
            open_clip=f"local-dir:{shipped.as_posix()}",
            file=(shipped / WEIGHTS).as_posix(),
            image_size=tower.image_size,
            mean=tower.mean,
            std=tower.std,
            clip_config=json.loads((folder / CONFIG).read_text(encoding="utf-8")),
            clip_file=lab.weights,
            merges=folder / MERGES,
        )
    raise _unknown(lab)


def sources_of(lab: Lab, spec: EditSpec) -> tuple[SourceCheckpoint, ...]:
    """The checkpoints whose residuals are in a spec.

    Raises: SpecError if the spec is of another model, or names a checkpoint that the lab does not have;
        LabError as `base_of`; CheckpointError if a file that says where it came from is damaged.
    """
    if spec.model != lab.info.key:
        raise SpecError(f"The edit is one of {spec.model!r}, not of {lab.info.key!r}.")
    titles = {one.key: one.title for one in (*lab.checkpoints(), *lab.compared())}
    absent = [key for key in spec.sources if key not in titles]
    if absent:
        raise SpecError(f"There is no checkpoint {absent[0]!r}: pick one of {', '.join(titles)}.")
    return tuple(_source(lab, key, titles[key]) for key in spec.sources)


def residual_key(spec: EditSpec) -> ResidualSpec:
    """What `LiveEncoder.residual` knows the spec's tau by."""
    return spec.merge or spec.checkpoint


def residual_of(encoder: LiveEncoder, spec: EditSpec) -> Tensor:
    """tau of a spec, float32 (numel,) on the tower's device. Raises, Cost: as ``LiveEncoder.residual``."""
    return encoder.residual(residual_key(spec))


def _source(lab: Lab, key: str, title: str) -> SourceCheckpoint:
    loaded = lab.loaded_checkpoints if isinstance(lab, HubLab) else lab.own_checkpoints()
    imported = next((one for one in loaded if one.info.key == key), None)
    if imported is not None:
        origin = read_metadata(imported.residual).get("source", key)
        return SourceCheckpoint(key, title, origin, open_clip=False, head=imported.head is not None)
    if isinstance(lab, EmbeddedLab):
        origin = checkpoint_path(SHIPPED / lab.model.folder, key).as_posix()
        packed = is_packed(checkpoint_path(lab.folder / lab.model.folder, key))
        return SourceCheckpoint(key, title, origin, open_clip=not packed)
    raise _unknown(lab)


def _unknown(lab: Lab) -> LabError:
    return LabError(f"{lab.info.title} does not say where its weights came from: it cannot be exported.")
