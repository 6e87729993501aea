"""A drop-down whose list changes while the page is open."""

from __future__ import annotations

from typing import Any

import gradio as gr


def open_dropdown(*arguments: Any, **settings: Any) -> gr.Dropdown:
    """A gr.Dropdown that hands on whatever the page sends; its listeners say what they do not know.

    Gradio refuses a value that is not in the newest list before any listener sees it. A request that was
    sent just before the list changed would fail with it, and with the request the deferred last position of
    every control. (Set on the instance: a subclass of a component makes Gradio write a file beside it.)
    """
    dropdown = gr.Dropdown(*arguments, **settings)
    dropdown.preprocess = lambda payload: payload  # type: ignore[method-assign]
    return dropdown
