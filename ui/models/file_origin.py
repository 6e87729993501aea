"""What a file of *Download this model* says of itself, compared with the task that the visitor names."""

from __future__ import annotations

import json
from html import escape

from evaluators.errors import SpecError
from evaluators.export.export_names import said_task
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.checkpoints import read_metadata
from lines_core.errors import CheckpointError
from ui.models import models_text as words


def edit_in(path: str | None) -> EditSpec | None:
    """The edit that an exported file was made with; None for any other file, or none at all."""
    if not path or not path.endswith(".safetensors"):
        return None
    try:
        said = read_metadata(path).get("spec")
        return None if said is None else EditSpec.from_dict(json.loads(said))
    except (CheckpointError, SpecError, ValueError, TypeError, RecursionError):  # whatever a client sends
        return None


def suggested_task(studio: Studio, model: str, spec: EditSpec | None) -> str | None:
    """The task that an exported file was fine-tuned on, None if the model has no such task."""
    offered = {said_task(task.key, task.title): task.key for task in studio.target_tasks(model)}
    return next((offered[task] for task in (spec.targets if spec else ()) if task in offered), None)


def origin_note(studio: Studio, model: str, spec: EditSpec | None, task: str | None) -> str:
    """HTML: what an exported file holds, and a warning if another task is named; empty for any other file."""
    if spec is None:
        return ""
    titles = {said_task(one.key, one.title): one.title for one in studio.target_tasks(model)}
    keys = {one.key: said_task(one.key, one.title) for one in studio.target_tasks(model)}
    told = words.listed([titles.get(one, one) for one in spec.targets])
    scales = spec.scales(2 if spec.free_form is None else len(spec.free_form))
    whole = spec.merge is None and {*scales.blocks, scales.before, scales.after} == {1.0}
    lines = [words.exported(told) if whole else words.exported_edited(told)]
    chosen = None if task is None else keys.get(task, task)
    if wrong := chosen is not None and chosen not in spec.targets:
        lines.append(words.contradiction(told, titles.get(chosen, chosen)))
    kind = 'class="lx-notice" role="alert"' if wrong else 'class="lx-status" role="status"'
    return f"<p {kind}>{escape(' '.join(lines))}</p>"
