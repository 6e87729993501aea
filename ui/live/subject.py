"""What an answer is about: shown as one line beside its numbers, and compared with what the controls name.

Every panel sends with its answer the values of the controls that decide its subject ("asked"). The browser
does not draw an answer to other values than the controls have by then (`subject.js`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.service.studio import Studio
from evaluators.specs.evaluation import Evaluation


def asked(value: dict[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    """The answer with the values of the controls that decide its subject, as the browser sent them."""
    return value | {"asked": list(values)}


def line(said: str) -> str:
    """HTML of the slot "subject"."""
    return f"<span>{escape(said)}</span>"


def counted_on(evaluations: Iterable[Evaluation]) -> str:
    """The images that numbers were counted on, for the caption of a saved chart.

    'test split, images: Handwritten digits 200, Faces 100 to 200' and the same for each other split.
    """
    seen: dict[str, dict[str, set[int]]] = {}
    for evaluation in evaluations:
        tasks = seen.setdefault(evaluation.spec.split, {})
        for task in evaluation.tasks:
            tasks.setdefault(task.title, set()).add(task.n)
    return "; ".join(
        f"{'validation' if split == 'val' else split} split, images: "
        + ", ".join(
            f"{title} {min(n):,}" + (f" to {max(n):,}" if len(n) > 1 else "") for title, n in tasks.items()
        )
        for split, tasks in sorted(seen.items())
    )


def model_title(studio: Studio, model: str) -> str:
    """The model as the page calls it; its key if it is not loaded."""
    return next((info.title for info in studio.models() if info.key == model), model)


def about(studio: Studio, model: str, checkpoint: str, more: str = "") -> str:
    """'Tiny CLIP, fine-tuned on Handwritten digits' and what else was set."""
    title = next((info.title for info in studio.checkpoints(model) if info.key == checkpoint), checkpoint)
    return f"{model_title(studio, model)}, fine-tuned on {title}{more and ', '}{more}"


def instead(chosen: str, shown: str) -> str:
    """For a panel that has nothing for what is chosen: 'Not available for ViT-B/32: shown for Tiny CLIP'."""
    return f"Not available for {chosen}: shown for {shown}"


def for_tiny_clip(studio: Studio, chosen: str, more: str) -> str:
    """What a page is about that only the embedded lab has checkpoints for."""
    shown = f"{model_title(studio, TINY_CLIP)}, {more}"
    return shown if chosen == TINY_CLIP else instead(model_title(studio, chosen), shown)
