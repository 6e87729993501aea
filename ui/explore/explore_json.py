"""The answer of the live panel as JSON: what the server sends to the browser, which draws it.

`explore_json.schema.json` describes every member and is tested against what this module makes. The browser's
side is `ui/live/charts/explore_view.js`. Accuracies are fractions in [0, 1] with their 95 % interval.
Readers ignore members that they do not know; `SCHEMA` grows when one changes its meaning or goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from evaluators.export.export_names import export_name
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation, TaskResult
from ui.explore.references import WHOLE_SWEEP, References
from ui.live.schedule_figure import factors
from ui.shell.roles import role_of
from ui.shell.theme import ROLES

SCHEMA = 1
"""Version of the schema."""
DECIMALS = 6
"""Of every fraction, so that nothing is rounded twice when the browser writes 97.5 %."""

Json = dict[str, Any]


def live_answer(*, version: int, state: str, key: str = "", words: Mapping[str, str], **rest: Any) -> Json:
    """One answer.

    Args:
        version: of the request's ticket; the page ignores an older one than it shows.
        state: "empty", "partial", "complete", "waiting" or "error".
        key: of the spec that is shown or awaited.
        words: sentences as plain text.
        rest: `evaluation`, `landmarks`, `preset`, `pictures` and `pins` of a partial or complete answer.
    """
    return {"schema": SCHEMA, "version": version, "state": state, "key": key, "words": dict(words), **rest}


def evaluation_json(evaluation: Evaluation, num_blocks: int, total: int) -> Json:
    """An evaluation as the charts need it.

    Args:
        num_blocks: L of its encoder.
        total: images that the complete evaluation counts.
    """
    seen = sum(task.n for task in evaluation.tasks)
    scales = evaluation.spec.scales(num_blocks)
    return {
        "spec": evaluation.spec.as_dict(),
        "file": export_name(evaluation.spec),
        "role": role_of(evaluation.spec),
        "factors": [rounded(factor) for factor in factors(scales)],
        **accuracies_json(evaluation),
        "tasks": _tasks(evaluation.tasks),
        "counted": 1.0 if evaluation.complete else rounded(min(seen / max(total, 1), 1.0)),
        "complete": evaluation.complete,
        "seconds": round(evaluation.seconds, 3),
        "dtype": evaluation.dtype,
        "device": evaluation.device,
        "precomputed": evaluation.precomputed,
    }


def landmarks_json(references: References) -> Json:
    """What stands still while the visitor moves, under an id made of its content."""
    anchors = [
        {"role": role, "tasks": _tasks(anchor.tasks), **_point(ROLES[role].title, anchor)}
        for role, anchor in (("pretrained", references.pretrained), ("finetuned", references.finetuned))
        if anchor is not None
    ]
    wise_ft = [_point(f"WiSE-FT, mix {point.spec.mix:g}", point) for point in references.wise_line]
    lines = [_point(f"LiNeS, γ = {point.spec.alpha:g}", point) for point in references.gamma_path]
    content = {"anchors": anchors, "paths": [_path("wise_ft", wise_ft), _path("lines", lines)]}
    packed = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return {"id": sha256(packed.encode()).hexdigest()[:12], **content}


def _path(role: str, points: Sequence[Json]) -> Json:
    return {"role": role, "whole": len(points) >= WHOLE_SWEEP, "points": list(points)}


def _point(name: str, evaluation: Evaluation) -> Json:
    return {"name": name, "edit": edit_json(evaluation.spec), **accuracies_json(evaluation)}


def edit_json(spec: EditSpec) -> Json:
    """What the controls need to go there; model, checkpoint, split and images stay."""
    names = ("shape", "alpha", "beta", "outside", "mix", *(["free_form"] if spec.free_form else []))
    return {name: getattr(spec, name) for name in names}


def accuracies_json(evaluation: Evaluation) -> Json:
    """Target and mean control accuracy."""
    return {
        "target": _interval(evaluation.target, evaluation.target_interval),
        "control": _interval(evaluation.control, evaluation.control_interval),
    }


def _tasks(tasks: Sequence[TaskResult]) -> list[Json]:
    return [
        {
            "key": task.key,
            "title": task.title,
            "role": task.role,
            "correct": task.correct,
            "n": task.n,
            "low": rounded(task.low),
            "high": rounded(task.high),
        }
        for task in tasks
    ]


def _interval(value: float, ends: tuple[float, float]) -> Json:
    return {"value": rounded(value), "low": rounded(ends[0]), "high": rounded(ends[1])}


def rounded(value: float) -> float:
    """A fraction as it is sent."""
    return round(value, DECIMALS)
