"""A panel of charts that stay alive in the browser: one `gr.HTML` that holds Plotly graphs and text slots.

`gr.Plot` rebuilds its node on every update, which loses the zoom, jumps the page to its top and takes two to
five times as long; here `live.js` keeps the graphs and hands new data to `Plotly.react`.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import plotly

from ui.explore.schedule_figure import Bars
from ui.shell.figure_style import Figure
from ui.shell.share_link import NAMES
from ui.shell.theme import palette

HERE = Path(__file__).parent
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

SCRIPTS = ("bars.js", "live.js")
QUIET = 0.15
"""Seconds without a move after which the controls are at rest."""
SILENCE = 6.0
"""Seconds without an answer after which the panel asks again; whoever waits in a line hears of it sooner."""

Value = dict[str, Any]


def packed(value: Any) -> str:
    """The value of a panel as the JSON string that `live.js` parses.

    Gradio clones and proxies whatever is nested in a value, several times an update: for the three charts of
    the page's head that takes longer than drawing one of them. A string costs it nothing.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


NOTHING = packed({"state": "nothing"})
"""The answer that changes nothing. Gradio's own, ``gr.skip()``, makes the component anew: 2.1 ms, not 0.3."""


@dataclass(frozen=True)
class Chart:
    """One graph of a panel.

    Args:
        name: how the figure is addressed in a value.
        title: heading above it.
        note: one line below the heading in plain words.
        area: CSS class that sets its height and its place in the grid.
    """

    name: str
    title: str
    note: str = ""
    area: str = ""


def plotly_script() -> str:
    """The script tag of the Plotly bundle, which this server serves from the installed package.

    For the head of the page, so that it is fetched and compiled while Gradio still builds the components.
    """
    gr.set_static_paths([PLOTLY])
    return f'<script async src="/gradio_api/file={PLOTLY.as_posix()}"></script>'


def panel(
    charts: Sequence[Chart],
    *,
    elem_id: str,
    slots: Sequence[str] = (),
    after: Sequence[str] = (),
    grid: str = "",
    value: Value | None = None,
    affine: Mapping[str, Any] | None = None,
) -> gr.HTML:
    """The component: slots of text above, a grid of charts, slots below, and a table for screen readers.

    A line above all says how long a visitor has to wait, while that is so.

    Args:
        charts: the graphs, in reading order.
        elem_id: id in the page.
        slots, after: names of the text slots above and below the charts; "table" is always there, visually
        hidden.
        grid: CSS class of the grid.
        value: what it shows when the page opens; nothing if left out.
        affine: tables of `ui/live/schedule_tables.py` for the panel whose schedule follows the sliders.
    """
    cards = "".join(
        f'<figure class="lx-card {chart.area}"><figcaption>'
        f'<span class="lx-title">{html.escape(chart.title)}</span>'
        f'<span class="lx-note">{html.escape(chart.note)}</span></figcaption>'
        f'<div class="lx-chart" role="img" aria-label="{html.escape(chart.title)}" '
        f'data-chart="{chart.name}"></div>'
        "</figure>"
        for chart in charts
    )
    above, below = ("".join(f'<div data-slot="{name}"></div>' for name in names) for names in (slots, after))
    template = (
        f'<div class="lx-live" data-state="empty" data-key="" data-version="-1">'
        f'<div class="lx-line" data-slot="line" role="status"></div>{above}'
        f'<div class="lx-grid {grid}">{cards}</div>{below}'
        f'<div class="lx-hidden" data-slot="table"></div></div>'
    )
    return gr.HTML(
        value=packed(value or empty()),
        html_template=template,
        js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
        apply_default_css=False,
        elem_id=elem_id,
        fixed=packed(
            {
                "palette": {"light": palette(False), "dark": palette(True)},
                "link_names": list(NAMES),
                "affine": affine,
                "quiet": 1000 * QUIET,
                "silence": 1000 * SILENCE,
            }
        ),
    )


def empty() -> Value:
    """What a panel holds before its first answer."""
    return answer(version=-1, state="empty")


def answer(
    *,
    version: int,
    state: str,
    key: str = "",
    charts: Mapping[str, tuple[Figure | Bars, str]] | None = None,
    slots: Mapping[str, str] | None = None,
    **rest: Any,
) -> Value:
    """The value of a panel: figures with their description in words, text slots, and how far the numbers are.

    Args:
        version: of the visitor's request; the page ignores what is older than what it shows.
        state: "empty", "partial", "complete", "waiting" or "error".
        key: of the spec shown.
        charts: name -> (figure or bars, description).
        slots: name -> HTML, already escaped; "line" is empty unless it is given.
        rest: `link`, `trail`, `group`, `hide` for live.js.
    """
    drawn = {
        name: {"bars": asdict(drawing), "alt": alt}
        if isinstance(drawing, Bars)
        else {"figure": drawing, "alt": alt}
        for name, (drawing, alt) in (charts or {}).items()
    }
    return {
        "version": version,
        "state": state,
        "key": key,
        "charts": drawn,
        "slots": {"line": ""} | dict(slots or {}),
        **rest,
    }
