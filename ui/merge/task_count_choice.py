"""The choice of how many tasks are merged: embedded models with the same weights and more tasks."""

from __future__ import annotations

from typing import Any

import gradio as gr

from evaluators.service.studio import Studio
from ui.explore.explore_page import Explore, checkpoints_of
from ui.live.listeners import RAW
from ui.live.session_key import session_key
from ui.merge import merge_text as words
from ui.merge.merge_controls import offered


def task_counts(studio: Studio, model: str) -> list[tuple[str, str]]:
    """(number of tasks, key) of the embedded models that share a model's weights; none if it is alone."""
    labs = {info.key: lab for info in studio.models() if (lab := studio.embedded(info.key)) is not None}
    if model not in labs:
        return []
    alike = [lab for lab in labs.values() if lab.model.folder == labs[model].model.folder]
    if len(alike) < 2:
        return []
    return [(str(len(offered(studio, lab.info.key))), lab.info.key) for lab in alike]


def task_count_choice(studio: Studio, explore: Explore) -> gr.Radio | None:
    """Lay the choice out, which sets the page's model; None if no model has alternatives."""
    start = studio.models()[0].key
    choices = task_counts(studio, start)
    if not choices:
        return None
    count = gr.Radio(
        choices,
        value=start,
        label=words.COUNT[0],
        info=words.COUNT[1],
        elem_id="lx-merge-count",
        interactive=True,
    )
    offer = checkpoints_of(studio)
    private: dict[str, Any] = {"queue": False, "show_progress": "hidden", **RAW}

    def choose(request: gr.Request, model: str, checkpoint: str) -> tuple[Any, Any]:
        if model not in {info.key for info in studio.seen_by(session_key(request)).models()}:
            return gr.skip(), gr.skip()
        return model, offer(request, model, checkpoint)

    def follow(model: str) -> Any:
        found = task_counts(studio, model)
        if not found:
            return gr.update(visible="hidden")
        return gr.update(choices=found, value=model, visible=True)

    chosen = [explore.model, explore.checkpoint]
    count.input(choose, [count, explore.checkpoint], chosen, trigger_mode="always_last", **private)
    explore.model.change(follow, explore.model, count, trigger_mode="always_last", **private)
    return count
