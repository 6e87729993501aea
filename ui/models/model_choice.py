"""Updates of the two drop-downs of the page Explore: the model, and its checkpoint."""

from __future__ import annotations

from typing import Any

import gradio as gr

from evaluators.service.studio import Studio


def choose_model(studio: Studio, model: str, checkpoint: str = "") -> tuple[Any, Any]:
    """Updates that choose a model and one of its checkpoints, the first one if none is named."""
    choices = [(info.title, info.key) for info in studio.checkpoints(model)]
    return (
        list_models(studio) | {"value": model},
        gr.update(choices=choices, value=checkpoint or choices[0][1]),
    )


def list_models(studio: Studio) -> Any:
    """An update that offers every model that is loaded."""
    return gr.update(choices=[(info.title, info.key) for info in studio.models()])
