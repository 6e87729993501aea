"""Tab "About the method": the equation, the code, the sources, and how the small lab was made."""

from __future__ import annotations

import gradio as gr

from ui.shell import markup, text


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
            gr.HTML(markup.code(text.CODE_TITLE, text.CODE), apply_default_css=False)
            gr.Markdown(text.ABOUT_LAB)
