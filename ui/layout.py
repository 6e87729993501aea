"""Layout of the whole page: title, the Explore panel, and the tabs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from evaluators.service.studio import Studio
from ui.about.about_page import about_tab
from ui.api import declare_api
from ui.compared.compared_page import compared_tab
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_page import explore_panel
from ui.export.take_home import forget
from ui.forgetting.forgetting_page import forgetting_tab
from ui.live.live_panel import plotly_script
from ui.live.session_key import session_key
from ui.merge.merge_page import merge_tab
from ui.models.models_page import models_tab
from ui.robust.robust_page import robust_tab
from ui.shell import text
from ui.shell.theme import gradio_theme, style_variables
from ui.soup.soup_page import soup_tab
from ui.tune.tune_page import tune_tab

HERE = Path(__file__).parent
THREADS = 256
"""Threads for requests; most of them wait in the queue."""
SESSIONS = 500
"""Sessions of which Gradio keeps what each component was last set to: 0.2 MB each, after they left too."""
CACHE = (3600, 3600)
"""Seconds between two looks for files that visitors downloaded, and the age at which they are deleted."""


def build(studio: Studio, uploads: bool = True) -> gr.Blocks:
    """The whole page for one studio; every visitor shares it and nobody sees another's numbers.

    Args:
        uploads: whether visitors may bring checkpoints of their own.
    """
    with gr.Blocks(title=text.TITLE, analytics_enabled=False, fill_width=True, delete_cache=CACHE) as blocks:
        page: gr.Blocks = blocks
        with gr.Column(elem_classes="lx-top"):
            gr.HTML(f"<h1>{text.TITLE}</h1>", apply_default_css=False)
            gr.Markdown(text.INTRO)
        explore = explore_panel(studio, page, ExploreAnswers(studio))
        with gr.Tabs(overflow_behavior="wrap"):
            forgetting_tab(studio, page, explore)
            robust_tab(studio, explore)
            tune_tab(studio, explore)
            merge_tab(studio, explore)
            soup_tab(studio)
            compared_tab(studio)
            models_tab(studio, explore, uploads)
            about_tab()
        declare_api(studio)
        page.unload(_left(studio))
    return page


def _left(studio: Studio) -> Callable[[gr.Request], None]:
    """The listener for a closed tab: its requests are stopped, its checkpoints and exports are deleted."""

    def left(request: gr.Request) -> None:
        session = session_key(request)
        studio.leave(session)
        forget(session)

    return left


def number_fields_script() -> str:
    """The script that keeps impossible entries of number fields from their listeners."""
    return f"<script>{(HERE / 'shell' / 'number_fields.js').read_text(encoding='utf-8')}</script>"


def launch_settings() -> dict[str, Any]:
    """How the page is launched everywhere: our theme and style, and nothing that leaves the machine.

    Run history is off because it stores every answer in the browser and triples the time of an update.
    """
    return {
        "theme": gradio_theme(),
        "head": plotly_script() + number_fields_script(),
        "css": style_variables() + (HERE / "shell" / "style.css").read_text(encoding="utf-8"),
        "run_history": False,
        "ssr_mode": False,
        "share": False,
        "footer_links": ["api"],
        "enable_monitoring": False,
        "max_threads": THREADS,
        "state_session_capacity": SESSIONS,
        "num_workers": 0,
    }
