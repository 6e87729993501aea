"""Tab "About the method": the equation, the code, the sources, and how the small lab was made."""

from __future__ import annotations

import gradio as gr

from ui import text


def about_tab() -> None:
    """Prose only; nothing here is measured."""
    with gr.Tab(text.TABS["about"]):
        with gr.Column(elem_classes="lx-prose"):
            gr.Markdown(
                text.ABOUT,
                latex_delimiters=[
                    {"left": "$$", "right": "$$", "display": True},
                    {"left": "$", "right": "$", "display": False},
                ],
            )
            gr.Code(text.CODE, language="python", label=text.CODE_TITLE, interactive=False)
            gr.Markdown(text.ABOUT_LAB)
