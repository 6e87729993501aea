"""A sweep on a page: drawn from cached points, measured at a button point by point, and cancelled.

It has its own queue and its own name in the studio, so that it never supersedes the page's live requests.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from evaluators.errors import Cancelled, Superseded
from evaluators.experiments.sweeps import Found, run_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from ui.live.live_panel import Value, answer, packed
from ui.live.session_key import session_key
from ui.live.subject import asked, counted_on
from ui.shell import text
from ui.shell.error_messages import message_of
from ui.sweep.sweep_status import (
    ProgressRate,
    agreement,
    button_label,
    known_points,
    progress,
    status_line,
)

Measure = Callable[..., Iterator[tuple[EditSpec, Evaluation]]]
IDLE = gr.update(interactive=False)
BUSY = IDLE, gr.update(interactive=True)
"""Updates of the two buttons, to measure and to stop, while a sweep runs."""


@dataclass
class _Running:
    """A measurement under way.

    Args:
        values: what the page is set to by now: settings, then view settings.
        specs: the points that do not depend on others.
        shown: the points that are drawn: those measured, and before them what was known.
        status: HTML of its progress.
        stop: ends it at its next chunk.
        left: the page is about something else by now.
    """

    values: tuple[Any, ...]
    specs: Sequence[EditSpec]
    shown: dict[EditSpec, Evaluation]
    status: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    left: bool = False


@dataclass(frozen=True)
class Sweep:
    """What a page measures and how it draws it.

    Args:
        name: of the page.
        specs: (studio, *settings) -> the points in the order in which they are measured.
        draw: (studio, *settings, points so far, *view settings) -> the panel's value without slot "status",
            and with the slot "subject", which says what it is about.
        next_specs: (studio, points so far, *settings) -> points that depend on those measured; called again
            until it returns no new ones.
        settings: number of values that `specs` depends on, or that decide what the page is about; by default
            model and checkpoint.
        measure: ``run_sweep`` or ``run_grid``.
        counted: what is counted of a point, in the plural.
        running: name in the studio -> the running sweep.
    """

    name: str
    specs: Callable[..., Sequence[EditSpec]]
    draw: Callable[..., Value]
    next_specs: Callable[..., Sequence[EditSpec]] | None = None
    settings: int = 2
    measure: Measure = run_sweep
    counted: str = "images"
    running: dict[str, _Running] = field(default_factory=dict)

    def cached(self, studio: Studio, settings: Sequence[Any]) -> dict[EditSpec, Evaluation]:
        """The points in the result cache. Raises: SpecError if the lab has no images for them."""
        found: dict[EditSpec, Evaluation] = {}
        while True:
            missing = [spec for spec in self._all(studio, found, settings) if spec not in found]
            cached = {spec: point for spec in missing if (point := studio.cached(spec)) is not None}
            if not cached:
                return found
            found |= cached

    def shown(self, studio: Studio, visitor: str, *values: Any) -> tuple[Value, Any, Any]:
        """The panel and the two buttons for the settings as they are now. Never raises: errors are in the
        status.

        A running sweep of these points goes on; one of others stops at its next chunk, and what it has
        measured is kept.
        """
        settings = values[: self.settings]
        try:
            running = self.running.get(f"{visitor}:{self.name}")
            if running is not None:
                running.values = values
                running.left = list(self.specs(studio, *settings)) != list(running.specs)
                if not running.left:
                    return self._drawn(studio, running), *BUSY
                running.stop.set()
            found = self.cached(studio, settings)
            total = len({*found, *self._all(studio, found, settings)})
            value = self._draw(studio, found, values)
            value["slots"]["status"] = known_points(found, total, self.counted)
            return value, gr.update(value=button_label(found, total), interactive=True), IDLE
        except Exception as problem:  # noqa: BLE001 -- a live listener never raises
            nothing = gr.update(value=text.SWEEP["run"], interactive=False)
            return asked(_error(problem), settings), nothing, IDLE

    def run(self, studio: Studio, visitor: str, *values: Any) -> Iterator[tuple[Value, Any, Any]]:
        """Measure what is missing, or everything again if nothing is; yields the panel at each point.

        What was known stays on the page until its new measurement replaces it.
        """
        name = f"{visitor}:{self.name}"
        running = self.running[name] = _Running(values, (), {})
        ticket = studio.ticket(f"sweep {self.name}")
        settings = values[: self.settings]
        before: Found = {}
        message = ""
        try:
            running.specs = self.specs(studio, *settings)
            before = self.cached(studio, settings)
            running.shown |= before
            fresh = all(spec in before for spec in self._all(studio, before, settings))
            found: dict[EditSpec, Evaluation] = {} if fresh else dict(before)
            rate = ProgressRate()
            running.status = progress(len(found), len(self._all(studio, found, settings)), rate)
            yield self._drawn(studio, running), *BUSY
            while missing := [spec for spec in self._all(studio, found, settings) if spec not in found]:
                total = len(found) + len(missing)
                for spec, evaluation in self.measure(studio, missing, ticket, running.stop, fresh=fresh):
                    found[spec] = running.shown[spec] = evaluation
                    rate.points += 1
                    running.status = progress(len(found), total, rate)
                    if not running.left:
                        yield self._drawn(studio, running), *BUSY
            message = agreement(before, found) if fresh else ""
        except (Cancelled, Superseded):
            message = text.SWEEP["stopped"]
        except Exception as problem:  # noqa: BLE001 -- the buttons must become usable again
            message = message_of(problem)
        finally:
            if self.running.get(name) is running:  # else the same visitor has started another one
                del self.running[name]
        value, run, cancel = self.shown(studio, visitor, *running.values)
        if message and not running.left:
            value["slots"]["status"] = value["slots"].get("status", "") + status_line(message)
        yield value, run, cancel

    def _drawn(self, studio: Studio, running: _Running) -> Value:
        """The panel while its sweep runs."""
        value = self._draw(studio, running.shown, running.values)
        value["slots"]["status"] = running.status
        return value | {"state": "partial"}

    def _draw(self, studio: Studio, found: Found, values: Sequence[Any]) -> Value:
        settings, view = values[: self.settings], values[self.settings :]
        value = self.draw(studio, *settings, found, *view) | {"sample": counted_on(found.values())}
        return asked(value, settings)

    def _all(self, studio: Studio, found: Found, settings: Sequence[Any]) -> list[EditSpec]:
        """The points that are to be measured as far as ``found`` decides, in order."""
        more = self.next_specs(studio, found, *settings) if self.next_specs is not None else ()
        return list(dict.fromkeys((*self.specs(studio, *settings), *more)))

    def cancel(self, visitor: str) -> None:
        """Cancel the visitor's running sweep, if there is one, at its next chunk."""
        running = self.running.get(f"{visitor}:{self.name}")
        if running is not None:
            running.stop.set()


def without_studio(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that needs no studio as a callable of a sweep."""
    return lambda studio, *values: function(*values)


def sweep_buttons(sweep: Sweep) -> tuple[gr.Button, gr.Button]:
    """Lay out the buttons that start and cancel the sweep."""
    with gr.Row(elem_classes="lx-tools"):
        run = gr.Button(text.SWEEP["run"], size="sm", elem_id=f"lx-{sweep.name}-run")
        cancel = gr.Button(
            text.SWEEP["cancel"], size="sm", interactive=False, elem_id=f"lx-{sweep.name}-stop"
        )
    return run, cancel


def wire_sweep(
    sweep: Sweep,
    studio: Studio,
    panel: gr.HTML,
    buttons: tuple[gr.Button, gr.Button],
    inputs: Sequence[gr.components.Component],
    shows_on: Sequence[Any],
    dragged: Sequence[Any] = (),
) -> None:
    """All events of a sweep.

    Args:
        sweep: what to measure and draw.
        studio: evaluates the points.
        panel: the charts.
        buttons: from `sweep_buttons`.
        inputs: the settings that `sweep.settings` counts, then the view settings of `sweep.draw`.
        shows_on: events after which the panel is drawn again from the cache (page load, tab, checkpoint).
        dragged: the same for sliders without other listeners, of which only the last position counts.

    Only one listener of a trigger may be "always_last": when Gradio sends the kept event, it fires all
    listeners of that trigger again, and two such listeners would fire each other without end.
    """
    run, cancel = buttons
    outputs = [panel, run, cancel]
    # preprocess=False: see RAW in ui/live/listeners.py
    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}

    def show(request: gr.Request, *values: Any) -> tuple[str, Any, Any]:
        session = session_key(request)
        value, run, cancel = sweep.shown(studio.seen_by(session), session, *values)
        return packed(value), run, cancel

    def measure(request: gr.Request, *values: Any) -> Iterator[tuple[str, Any, Any]]:
        session = session_key(request)
        for value, run, cancel in sweep.run(studio.seen_by(session), session, *values):
            yield packed(value), run, cancel

    def stop(request: gr.Request) -> None:
        sweep.cancel(session_key(request))

    gr.on(shows_on, show, list(inputs), outputs, queue=False, trigger_mode="multiple", **private)
    if dragged:
        gr.on(dragged, show, list(inputs), outputs, queue=False, trigger_mode="always_last", **private)
    run.click(measure, list(inputs), outputs, concurrency_limit=None, **private)
    cancel.click(stop, None, None, queue=False, **private)


def _error(problem: Exception) -> Value:
    return answer(version=0, state="error", slots={"status": status_line(message_of(problem)), "finding": ""})
