"""Layout of the whole page: the title, and a tab for each of its pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from evaluators.experiments.soup_search import soup_members
from evaluators.policies.shipped_fronts import SHIPPED
from evaluators.service.studio import Studio
from ui.about.about_page import about_page
from ui.address.address_bar import AddressBar
from ui.address.document import Document
from ui.address.link_tools import link_tools
from ui.address.page_link import LinkRow
from ui.api import declare_api
from ui.chart_files.chart_files import chart_files_script
from ui.compared.compared_page import compared_page
from ui.explore.explore_answers import ExploreAnswers
from ui.explore.explore_page import Explore, explore_panel
from ui.explore.share_link import chosen
from ui.export.take_home import forget
from ui.forgetting.forgetting_page import forgetting_section
from ui.language.language_page import language_page
from ui.learned.learned_page import learned_page
from ui.live.browser_engine import SCRIPT, BrowserEngine
from ui.live.session_key import session_key
from ui.merge.merge_page import merge_page
from ui.models.models_page import models_page
from ui.rewarded.rewarded_page import rewarded_page
from ui.robust.robust_page import EMBEDDED, robust_page
from ui.shell import markup, text
from ui.shell.theme import gradio_theme, style_variables
from ui.soup.soup_page import soup_page
from ui.start.start_page import start_page, story_card
from ui.start.story_values import story_values
from ui.tune.tune_page import tune_section

HERE = Path(__file__).parent
STYLE_SHEETS = tuple(
    HERE / name
    for name in (
        "shell/style.css",
        "live/charts/charts.css",
        "chart_files/chart_files.css",
        "pictures/pictures.css",
        "start/story.css",
        "address/presentation.css",
    )
)
SHELL_SCRIPTS = ("number_fields.js", "finished_text.js", "expanded.js", "print_caption.js")
THREADS = 256
"""Threads for requests; most of them wait in the queue."""
SESSIONS = 500
"""Sessions of which Gradio keeps what each component was last set to: 0.2 MB each, after they left too."""
CACHE = (3600, 3600)
"""Seconds between two looks for files that visitors downloaded, and the age at which they are deleted."""


LayOut = Callable[[Studio, AddressBar, Explore], None]
"""Lays a page out inside its tab."""


def build(studio: Studio, uploads: bool = True, browser: BrowserEngine | None = None) -> gr.Blocks:
    """The whole page for one studio; every visitor shares it and nobody sees another's numbers.

    Args:
        uploads: whether visitors may bring checkpoints of their own.
        browser: which requests are left to the engine in the browser; None for no such engine.
    """
    pages: dict[str, LayOut] = {
        "robust": robust_page,
        "merge": merge_page,
        "learned": learned_page,
        "soup": soup_page,
        "rewarded": rewarded_page,
        "text": language_page,
        "compared": compared_page,
        "models": partial(models_page, uploads=uploads),
        "about": about_page,
    }
    for page in _absent(studio):
        del pages[page]
    story = story_values(studio)
    with gr.Blocks(title=text.TITLE, analytics_enabled=False, fill_width=True, delete_cache=CACHE) as made:
        blocks: gr.Blocks = made
        with gr.Row(elem_classes="lx-top"):
            gr.HTML(f"<h1>{text.TITLE}</h1>", apply_default_css=False)
            link_tools()
            if browser is not None:
                gr.HTML(text.STATIC_LINK, apply_default_css=False, elem_classes="lx-static-link")
        titles = {page: text.PAGES[page] for page in (*(["start"] if story else []), "explore", *pages)}
        address = AddressBar(titles, default="explore")
        with gr.Tabs(overflow_behavior="wrap", elem_id="lx-pages") as tabs:
            if story:
                with _tab("start"):
                    start_page(story)
            with _tab("explore"):
                _title("explore")
                intro = text.INTRO.replace("CLIP", markup.term("clip", "CLIP"))
                gr.HTML(f"<p>{intro}</p>", elem_classes=["lx-lead", "lx-intro"], apply_default_css=False)
                explore = explore_panel(studio, address, ExploreAnswers(studio, browser))
                forgetting_section(studio, address, explore)
                tune_section(studio, address, explore)
            for page, lay_out in pages.items():
                with _tab(page):
                    _title(page)
                    lay_out(studio, address, explore)
        if story:
            story_card(story)
        shared = [LinkRow("model", explore.model, explore.model.value), LinkRow("task", explore.checkpoint)]
        address.connect(studio, blocks, tabs, shared, chosen)
        declare_api(studio)
        blocks.unload(_left(studio))
    return blocks


def _tab(page: str) -> gr.Tab:
    return gr.Tab(text.PAGES[page], id=page, elem_id=f"lx-page-{page}")


def _title(page: str) -> None:
    gr.HTML(markup.page_title(text.PAGES[page]), elem_classes="lx-aside", apply_default_css=False)


def _absent(studio: Studio) -> list[str]:
    """Pages that the embedded lab has nothing for."""
    absent = {
        "robust": EMBEDDED[1] not in {checkpoint.key for checkpoint in studio.checkpoints(EMBEDDED[0])},
        "soup": not soup_members(studio),
        "rewarded": not (studio.lab.folder / SHIPPED).exists(),
        "compared": not studio.compared(),
        "text": studio.text_lab is None,
    }
    return [page for page, missing in absent.items() if missing]


def _left(studio: Studio) -> Callable[[gr.Request], None]:
    """The listener for a closed tab: its requests are stopped, its checkpoints and exports are deleted."""

    def left(request: gr.Request) -> None:
        session = session_key(request)
        studio.leave(session)
        forget(session)

    return left


def shell_head() -> str:
    """Scripts that keep impossible numbers and unfinished texts from their listeners, say which openers are
    open, and caption what is printed; and how it is printed.
    """
    shell = HERE / "shell"
    scripts = (f"<script>{(shell / name).read_text(encoding='utf-8')}</script>" for name in SHELL_SCRIPTS)
    return f"<style>{(shell / 'print.css').read_text(encoding='utf-8')}</style>{''.join(scripts)}"


def launch_settings(browser: BrowserEngine | None = None) -> dict[str, Any]:
    """How the page is launched everywhere: our theme and style, and nothing that leaves the machine.

    Run history is off because it stores every answer in the browser and triples the time of an update.
    Gradio's request to itself is left out: where it took over 3 seconds, on a busy machine, the start ended
    with "localhost is not accessible".
    """
    return {
        "_frontend": False,
        "theme": gradio_theme(),
        "head": shell_head() + chart_files_script() + (SCRIPT if browser else ""),
        "favicon_path": HERE / "shell" / "favicon.svg",
        "app_kwargs": {"middleware": [Middleware(Document)]},
        "css": style_variables() + "".join(sheet.read_text(encoding="utf-8") for sheet in STYLE_SHEETS),
        "run_history": False,
        "ssr_mode": False,
        "share": False,
        "footer_links": ["api"],
        "enable_monitoring": False,
        "max_threads": THREADS,
        "state_session_capacity": SESSIONS,
        "num_workers": 0,
    }
