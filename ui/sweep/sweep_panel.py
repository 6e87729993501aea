"""A sweep on a page: drawn from cached points, measured at a button point by point, and cancelled.

It has its own queue and its own name in the studio, so that it never supersedes the page's live requests.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from evaluators.errors import Cancelled, Superseded
from evaluators.experiments.sweeps import Found, largest_difference, run_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from ui.live.live_panel import Value, answer, packed
from ui.live.session_key import session_key
from ui.shell import text
from ui.shell.error_messages import message_of

Measure = Callable[..., Iterator[tuple[EditSpec, Evaluation]]]


@dataclass(frozen=True)
class Sweep:
    """What a page measures and how it draws it.

    Args:
        name: of the page.
        specs: (studio, *settings) -> the points in the order in which they are measured.
        draw: (studio, *settings, points so far, *view settings) -> the panel's value without slot "status".
        next_specs: (studio, points so far, *settings) -> points that depend on those measured; called again
            until it returns no new ones.
        settings: number of values that `specs` depends on; by default model and checkpoint.
        measure: ``run_sweep`` or ``run_grid``.
        running: name in the studio -> the event that cancels the running sweep.
    """

    name: str
    specs: Callable[..., Sequence[EditSpec]]
    draw: Callable[..., Value]
    next_specs: Callable[..., Sequence[EditSpec]] | None = None
    settings: int = 2
    measure: Measure = run_sweep
    running: dict[str, threading.Event] = field(default_factory=dict)

    def cached(self, studio: Studio, settings: Sequence[Any]) -> dict[EditSpec, Evaluation]:
        """The points in the result cache. Raises: SpecError if the lab has no images for them."""
        found: dict[EditSpec, Evaluation] = {}
        while True:
            missing = [spec for spec in self._all(studio, found, settings) if spec not in found]
            cached = {spec: point for spec in missing if (point := studio.cached(spec)) is not None}
            if not cached:
                return found
            found |= cached

    def shown(self, studio: Studio, *values: Any) -> tuple[Value, Any, Any]:
        """The panel and the two buttons while nothing runs. Never raises: errors are in the status."""
        settings, view = values[: self.settings], values[self.settings :]
        try:
            found = self.cached(studio, settings)
            total = len({*found, *self._all(studio, found, settings)})
            value = self.draw(studio, *settings, found, *view)
            value["slots"]["status"] = _idle(found, total)
            return (
                value,
                gr.update(value=_label(found, total), interactive=True),
                gr.update(interactive=False),
            )
        except Exception as problem:  # noqa: BLE001 -- a live listener never raises
            return _error(problem), gr.update(interactive=False), gr.update(interactive=False)

    def run(self, studio: Studio, visitor: str, *values: Any) -> Iterator[tuple[Value, Any, Any]]:
        """Measure what is missing, or everything again if nothing is; yields the panel at each point."""
        name = f"{visitor}:{self.name}"
        stop = self.running[name] = threading.Event()
        ticket = studio.ticket(f"sweep {self.name}")
        busy = gr.update(interactive=False), gr.update(interactive=True)
        settings, view = values[: self.settings], values[self.settings :]
        before: Found = {}
        found: dict[EditSpec, Evaluation] = {}
        message = ""
        try:
            before = self.cached(studio, settings)
            fresh = all(spec in before for spec in self._all(studio, before, settings))
            found = {} if fresh else dict(before)
            total, rate = len(self._all(studio, found, settings)), _ProgressRate()
            yield _measuring(self.draw(studio, *settings, found, *view), len(found), total, rate), *busy
            while missing := [spec for spec in self._all(studio, found, settings) if spec not in found]:
                total = len(found) + len(missing)
                for spec, evaluation in self.measure(studio, missing, ticket, stop, fresh=fresh):
                    found[spec] = evaluation
                    rate.points += 1
                    value = self.draw(studio, *settings, found, *view)
                    yield _measuring(value, len(found), total, rate), *busy
            message = _agreement(before, found) if fresh else ""
        except (Cancelled, Superseded):
            message = text.SWEEP["stopped"]
        except Exception as problem:  # noqa: BLE001 -- the buttons must become usable again
            message = message_of(problem)
        finally:
            if self.running.get(name) is stop:  # else the same visitor has started another one
                del self.running[name]
        value, run, cancel = self.shown(studio, *values)
        if message:
            value["slots"]["status"] = value["slots"].get("status", "") + _status(message)
        yield value, run, cancel

    def _all(self, studio: Studio, found: Found, settings: Sequence[Any]) -> list[EditSpec]:
        """The points that are to be measured as far as ``found`` decides, in order."""
        more = self.next_specs(studio, found, *settings) if self.next_specs is not None else ()
        return list(dict.fromkeys((*self.specs(studio, *settings), *more)))

    def cancel(self, visitor: str) -> None:
        """Cancel the visitor's running sweep, if there is one, at its next chunk."""
        stop = self.running.get(f"{visitor}:{self.name}")
        if stop is not None:
            stop.set()


def without_studio(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that needs no studio as a callable of a sweep."""
    return lambda studio, *values: function(*values)


@dataclass
class _ProgressRate:
    """Points that a sweep has measured, by wall clock: it shares the device with other requests."""

    points: int = 0
    started: float = field(default_factory=time.monotonic)

    def left(self, points: int) -> str:
        """The time that so many further points take, in words; empty before the first one."""
        if not self.points:
            return ""
        return f", about {points * (time.monotonic() - self.started) / self.points:.0f} s left"


def _measuring(value: Value, done: int, total: int, rate: _ProgressRate) -> Value:
    """The panel's value with progress and time left in its status."""
    left = rate.left(total - done)
    value["slots"]["status"] = (
        f'<p class="lx-status" role="status">measuring: {done} of {total} positions{left}'
        f'<progress value="{done}" max="{total}" aria-label="Progress of the sweep"></progress></p>'
    )
    value["state"] = "partial"
    return value


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
        value, run, cancel = sweep.shown(studio.seen_by(session_key(request)), *values)
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


def _label(found: Found, total: int) -> str:
    return text.SWEEP["again"] if found and len(found) == total else text.SWEEP["run"]


def _idle(found: Found, total: int) -> str:
    if not found:
        return _status(text.SWEEP["nothing"])
    if all(point.precomputed for point in found.values()):
        badge, more = "precomputed", text.SWEEP["precomputed"]
    else:
        badge, more = "measured", text.SWEEP["measured"]
    images = {sum(task.n for task in point.tasks) for point in found.values()}
    each = f"{'up to ' if len(images) > 1 else ''}{max(images):,} images each"
    return _status(f"{len(found)} of {total} positions, {each}; {more}", badge)


def _status(message: str, badge: str = "") -> str:
    mark = f'<span class="lx-badge">{escape(badge)}</span>' if badge else ""
    return f'<p class="lx-status" role="status">{mark}{escape(message)}</p>'


def _agreement(before: Found, after: Found) -> str:
    """How a repeated measurement compares with the points that were cached."""
    worst = largest_difference(before, after)
    if worst == 0.0:
        return f"Reproduced: all {len(after)} positions agree to the last image."
    return f"Reproduced: the largest difference of any task is {100 * worst:.2f} points."


def _error(problem: Exception) -> Value:
    return answer(version=0, state="error", slots={"status": _status(message_of(problem)), "finding": ""})
