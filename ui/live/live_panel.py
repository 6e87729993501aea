"""Live panel: one `gr.HTML` whose charts the browser keeps across updates.

`gr.Plot` rebuilds its node on every update, which loses the zoom, jumps the page to its top and takes two to
five times as long. `panel` holds Plotly charts and text slots: `live.js` passes new data to `Plotly.react`.
The head of the page draws its charts itself, which is faster still: `ui/explore/explore_charts.py`.
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

from ui.live.schedule_figure import Bars
from ui.shell import text
from ui.shell.figure_style import Figure
from ui.shell.theme import palette

HERE = Path(__file__).parent
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

SCRIPTS = ("bars.js", "zoom.js", "cursor.js", "following.js", "subject.js", "server_source.js", "live.js")
QUIET = 0.15
"""Seconds without a move after which the controls are at rest."""
LATE = 3 * QUIET
"""The same while tier 1 has not answered: a busy server is not asked twice for what it may answer at once."""
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


def plotly_address() -> str:
    """Address of the Plotly bundle, which this server serves from the installed package."""
    gr.set_static_paths([PLOTLY])
    return f"/gradio_api/file={PLOTLY.as_posix()}"


def panel(
    charts: Sequence[Chart],
    *,
    elem_id: str,
    slots: Sequence[str] = (),
    after: Sequence[str] = (),
    grid: str = "",
    subject: Sequence[int] = (),
    moves: Sequence[int] = (),
) -> gr.HTML:
    """The component: slots of text above, a grid of charts, slots below, and a table for screen readers.

    While a request is queued, a line above everything says how long it has to wait.

    Args:
        charts: in reading order.
        elem_id: id in the page.
        slots, after: names of the text slots above and below the charts; "subject", what the numbers are
            about, and "table", visually hidden, always are some.
        grid: CSS class of the grid.
        subject: places in the address of the controls that decide what the numbers are about; answers carry
            their values, see `ui/live/subject.py`.
        moves: places of the controls whose moves the panel answers.
    """
    cards = "".join(
        f'<figure class="lx-card {chart.area}"><figcaption>'
        f'<h3 class="lx-title">{html.escape(chart.title)}</h3>'
        f'<span class="lx-note">{html.escape(chart.note)}</span></figcaption>'
        f'<div class="lx-chart" role="img" aria-label="{html.escape(chart.title)}" '
        f'data-chart="{chart.name}"></div>'
        "</figure>"
        for chart in charts
    )
    above, below = ("".join(f'<div data-slot="{name}"></div>' for name in names) for names in (slots, after))
    inside = (
        f'<div class="lx-line" data-slot="line" role="status"></div>'
        f'<div class="lx-subject" data-slot="subject"></div>{above}'
        f'<div class="lx-grid {grid}">{cards}</div>{below}'
        f'<div class="lx-hidden" data-slot="table"></div>'
    )
    fixed = {
        "palette": {"light": palette(False), "dark": palette(True)},
        "plotly": plotly_address(),
        "words": dict(text.ZOOM),
        "subject": list(subject),
        "moves": list(moves),
    }
    return component(SCRIPTS, fixed, empty(), elem_id=elem_id, inside=inside)


def component(
    scripts: Sequence[str], fixed: Mapping[str, Any], value: Value, *, elem_id: str, inside: str = ""
) -> gr.HTML:
    """A `gr.HTML` that scripts draw into.

    Args:
        scripts: files beside this one, which run as one script in this order.
        fixed: what they know from the start; the waiting times are added.
        value: shown when the page opens.
        elem_id: id in the page.
        inside: HTML of the root node ``.lx-live`` before anything is drawn.
    """
    return gr.HTML(
        value=packed(value),
        html_template=f'<div class="lx-live" data-state="empty" data-key="" data-version="-1">{inside}</div>',
        js_on_load="".join((HERE / name).read_text(encoding="utf-8") for name in scripts),
        apply_default_css=False,
        elem_id=elem_id,
        fixed=packed({**fixed, "quiet": 1000 * QUIET, "late": 1000 * LATE, "silence": 1000 * SILENCE}),
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
        rest: `hide` for live.js, and `sample`, `ui.live.subject.counted_on` of what is drawn.
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
