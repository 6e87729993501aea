"""Page "About": the equation, the code, the sources, and how the small lab was made."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from evaluators.service.studio import Studio
from ui.address.address_bar import AddressBar
from ui.explore.explore_page import Explore
from ui.shell import markup

HERE = Path(__file__).parent
ABOUT = (HERE / "about_method.md").read_text(encoding="utf-8")
ABOUT_LAB = (HERE / "about_lab.md").read_text(encoding="utf-8")
CODE_TITLE = "The method in ten lines"
CODE = """\
from lines_core import line_scaling

# both: name -> tensor, of the same model before and after fine-tuning
task_vector = {name: finetuned[name] - pretrained[name] for name in pretrained}

gamma = 0.4
scaled = line_scaling(task_vector, alpha=gamma, beta=1 - gamma)   # Eq. 1, block by block

edited = {name: pretrained[name] + scaled[name] for name in pretrained}
model.load_state_dict(edited)
"""


def about_page(studio: Studio, address: AddressBar, explore: Explore) -> None:
    """Prose only; nothing here is measured."""
    with gr.Column(elem_classes="lx-prose"):
        gr.Markdown(
            ABOUT,
            latex_delimiters=[
                {"left": "$$", "right": "$$", "display": True},
                {"left": "$", "right": "$", "display": False},
            ],
        )
        gr.HTML(markup.code(CODE_TITLE, CODE), apply_default_css=False)
        gr.Markdown(ABOUT_LAB)
