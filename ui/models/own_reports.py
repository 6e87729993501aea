"""What is known of a visitor's checkpoints, on the page: how far fine-tuning moved each block, and notes."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from evaluators.hub.visitor_checkpoint import OWN
from evaluators.labs.checkpoint_report import CheckpointReport
from evaluators.service.studio import Studio
from ui.live.listeners import RAW
from ui.live.session_key import session_key
from ui.models import models_text as words
from ui.shell import markup

if TYPE_CHECKING:
    from ui.address.address_bar import AddressBar
    from ui.explore.explore_page import Explore

ROOM = 1.4
"""Height of the chart by that of the highest bar: there is a number above it."""
OUTSIDE = 0.45
"""Opacity of the bar of what is in no block."""


def report_section(studio: Studio, address: AddressBar, explore: Explore, yours: gr.Radio) -> None:
    """Lay out the reports on what a visitor has added; that of the checkpoint chosen in Explore is open.

    Args:
        yours: what the visitor has added; another one is chosen once one is removed.
    """
    reports = gr.HTML("", elem_id="lx-own-reports", apply_default_css=False)
    at_once: dict[str, Any] = {"queue": False, "show_progress": "hidden", "trigger_mode": "multiple", **RAW}
    for event in (address.opened("models"), explore.checkpoint.change, yours.change):
        event(_reports_listener(studio), explore.checkpoint, reports, **at_once)


def _reports_listener(studio: Studio) -> Callable[[gr.Request, str], str]:
    def show(request: gr.Request, chosen: str) -> str:
        return own_reports(studio.seen_by(session_key(request)), chosen)

    return show


def own_reports(studio: Studio, chosen: str) -> str:
    """HTML: a report on each checkpoint that the session has added, the latest first; empty without any."""
    parts = [
        report_html(info.title, report, info.key == chosen)
        for model in studio.models()
        for info in reversed(studio.checkpoints(model.key))
        if info.key.startswith(OWN) and (report := studio.reports(model.key).get(info.key)) is not None
    ]
    return f"{markup.heading(words.REPORT['heading'])}{''.join(parts)}" if parts else ""


def report_html(title: str, report: CheckpointReport, is_open: bool = False) -> str:
    """One report, to be folded: bars by block with their table for screen readers, and the notes."""
    mark = "" if not any(note.warning for note in report.notes) else f" {words.REPORT['warned']}"
    total = words.share(report.total)
    facts = f"{words.REPORT['total'].format(total)}{mark}"
    css = {True: ' class="lx-warned"', False: ""}
    notes = "".join(f"<li{css[note.warning]}>{escape(note.text)}</li>" for note in report.notes)
    stored = f"<li>{escape(words.stored(report.layout, report.dtype))}</li>"
    return (
        f'<details class="lx-report"{" open" if is_open else ""}>'
        f"<summary><b>{escape(title)}</b> <span>{escape(facts)}</span></summary>"
        f"<div><ul>{notes}{stored}</ul>{_bars(report)}</div></details>"
    )


def _bars(report: CheckpointReport) -> str:
    labels = [*(str(block + 1) for block in range(len(report.blocks))), words.REPORT["outside"]]
    values = [*report.blocks, report.outside]
    highest = max(*values, 1e-9)
    bars = "".join(
        f'<span class="lx-factor" style="--v: {value / highest:.4f}; --seen: {seen}">'
        f'<span class="lx-factor-value">{escape(words.share(value, sign=False))}</span>'
        f'<span class="lx-factor-label">{escape(label)}</span></span>'
        for label, value, seen in zip(labels, values, [1] * len(report.blocks) + [OUTSIDE], strict=True)
    )
    many = " lx-many lx-upright" if len(labels) > 18 else ""
    caption = words.REPORT["bars"]
    rows = [[label, words.share(value)] for label, value in zip(labels, values, strict=True)]
    rows.append([words.REPORT["all"], words.share(report.total)])
    table = markup.plain_table(caption, [words.REPORT["block"], words.REPORT["change"]], rows)
    return (
        f'<figure class="lx-norms"><figcaption>{escape(caption)}</figcaption>'
        f'<div class="lx-factors{many}" style="--low: 0; --high: {ROOM}" aria-hidden="true">'
        f'<span class="lx-rule" style="--v: 0"></span>{bars}</div>'
        f'<div class="lx-hidden">{table}</div></figure>'
    )
