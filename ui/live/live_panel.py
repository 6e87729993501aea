"""Live panel: one `gr.HTML` that holds Plotly charts and text slots, and keeps them across updates.

`gr.Plot` rebuilds its node on every update, which loses the zoom, jumps the page to its top and takes two to
five times as long; `live.js` keeps the charts and passes new data to `Plotly.react`.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import plotly

from ui.live.schedule_figure import Bars
from ui.shell.figure_style import Figure
from ui.shell.theme import palette

HERE = Path(__file__).parent
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

SCRIPTS = ("bars.js", "live.js")
QUIET = 0.15
"""Seconds without a move after which the controls are at rest."""
SILENCE = 6.0
"""Seconds without an answer after which the panel asks again; a queued request reports itself sooner."""

Value = dict[str, Any]


def packed(value: Any) -> str:
    """The value of a panel as the JSON string that `live.js` parses.

    Gradio clones and proxies every nested value several times an update: for the three charts of the page's
    head that takes longer than drawing one of them. A string costs nothing.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


NOTHING = packed({"state": "nothing"})
"""The answer that changes nothing. ``gr.skip()`` would build the component anew: 2.1 ms instead of 0.3."""


@dataclass(frozen=True)
class Chart:
    """One chart of a panel.

    Args:
        name: key of the figure in a value.
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
    link_names: Iterable[str] = (),
) -> gr.HTML:
    """The component: slots of text above, a grid of charts, slots below, and a table for screen readers.

    While a request is queued, a line above everything says how long it has to wait.

    Args:
        charts: in reading order.
        elem_id: id in the page.
        slots, after: names of the text slots above and below the charts; "table", visually hidden, always is
            one.
        grid: CSS class of the grid.
        value: shown when the page opens; nothing if left out.
        affine: tables of `ui/live/schedule_tables.py` for the panel whose schedule follows the sliders.
        link_names: parameters of the share link that the panel's settings are read from.
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
                "link_names": list(link_names),
                "affine": affine,
                "quiet": 1000 * QUIET,
                "silence": 1000 * SILENCE,
            }
        ),
    )


def empty() -> Value:
    """The value of a panel before its first answer."""
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
    """The value of a panel: figures with their descriptions, text slots, and the state of the numbers.

    Args:
        version: of the request's ticket; the page ignores an older one than it shows.
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
