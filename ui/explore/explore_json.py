"""The answer of the live panel as JSON: counts, and what they are of.

`explore_json.schema.json` describes every member and is tested against what this module makes. The browser
makes accuracies, intervals and words of the counts, in `ui/live/answers/answer_reader.js`. Readers ignore
members that they do not know; `SCHEMA` grows when one changes its meaning or goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import TARGET, Evaluation, TaskResult
from ui.explore.explore_text import controls_are_shifts, inside
from ui.explore.references import WHOLE_SWEEP, References

SCHEMA = 2
"""Version of the schema."""

Json = dict[str, Any]


def live_answer(*, version: int, state: str, key: str = "", **rest: Any) -> Json:
    """One answer.

    Args:
        version: of the request's ticket; the page ignores an older one than it shows.
        state: "empty", "partial", "complete", "waiting" or "error".
        key: of the spec that is shown or awaited.
        rest: `evaluation`, `landmarks`, `pictures`, `pins` and `settled` of a partial or complete answer;
            `words` of another.
    """
    return {"schema": SCHEMA, "version": version, "state": state, "key": key, **rest}


def evaluation_json(evaluation: Evaluation, total: int) -> Json:
    """An evaluation: its spec, counts in the order of the landmarks' tasks, and how they came about.

    Args:
        total: images that the complete evaluation counts.
    """
    return {
        "spec": evaluation.spec.as_dict(),
        "counts": counts_json(evaluation),
        "total": total,
        "complete": evaluation.complete,
        "seconds": round(evaluation.seconds, 3),
        "dtype": evaluation.dtype,
        "device": evaluation.device,
        "precomputed": evaluation.precomputed,
    }


def landmarks_json(
    references: References, tasks: Sequence[TaskResult], about: str, tuned: float | None
) -> Json:
    """What stands still while the visitor moves, under an id made of its content.

    Args:
        tasks: of the model's suite, whatever their counts.
        about: the model and what it was fine-tuned on, in words.
        tuned: gamma of the tuned presets, None while it is not known.
    """
    target = next(task for task in tasks if task.role == TARGET)
    pair = {"pretrained": references.pretrained, "finetuned": references.finetuned}
    content = {
        "about": about,
        "named": inside(target.title),
        "shifts": controls_are_shifts(tasks),
        "tuned": tuned,
        "tasks": [{"key": task.key, "title": task.title, "role": task.role} for task in tasks],
        "anchors": {role: anchor and _point(anchor) for role, anchor in pair.items()},
        "paths": [_path("wise_ft", references.wise_line), _path("lines", references.gamma_path)],
    }
    packed = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return {"id": sha256(packed.encode()).hexdigest()[:12], **content}


def _path(role: str, points: Iterable[Evaluation]) -> Json:
    measured = [_point(point) for point in points]
    return {"role": role, "whole": len(measured) >= WHOLE_SWEEP, "points": measured}


def _point(evaluation: Evaluation) -> Json:
    return {"edit": edit_json(evaluation.spec), "counts": counts_json(evaluation)}


def edit_json(spec: EditSpec) -> Json:
    """What the controls need to go there; model, checkpoint, split and images stay."""
    names = ("shape", "alpha", "beta", "outside", "mix", *(["free_form"] if spec.free_form else []))
    return {name: getattr(spec, name) for name in names}


def place_json(spec: EditSpec) -> Json:
    """The link to an edit on Explore, for charts of other pages; free-form schedules are not on them."""
    names = ("model", "shape", "alpha", "beta", "mix", "outside")
    said = {"page": "explore", "task": spec.checkpoint, **{name: getattr(spec, name) for name in names}}
    return {"link": urlencode(said)}


def counts_json(evaluation: Evaluation) -> list[list[int]]:
    """Correct and counted images of each task."""
    return [[task.correct, task.n] for task in evaluation.tasks]
