"""A sweep in a tab: shown from what is known, measured at a button, streamed point by point, and stopped.

It waits in a queue of its own and asks the studio under a name of its own, so the sliders stay live.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from evaluators.errors import Cancelled, Superseded
from evaluators.experiments.sweeps import run_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from ui.live.live_panel import Value, answer, packed
from ui.live.visitors import session_of
from ui.shell import text
from ui.shell.error_messages import message_of

Found = Mapping[EditSpec, Evaluation]
Measure = Callable[..., Iterator[tuple[EditSpec, Evaluation]]]


@dataclass(frozen=True)
class Sweep:
    """What a tab sweeps and how it shows it.

    Args:
        name: of the tab, for names in the studio.
        specs: (studio, what is set) -> the points in the order in which they are measured.
        draw: (studio, what is set, points so far, further settings) -> the panel's value, `slots` without
        "status".
        follow: (studio, points so far, what is set) -> further points, which only those can name; asked again
        until it names no new ones.
        settings: how many values say what is set: model and checkpoint, if nothing else is said.
        measure: how points are measured, ``run_sweep`` or ``run_grid``.
        running: visitors whose sweep runs now, and the event that stops it.
    """

    name: str
    specs: Callable[..., Sequence[EditSpec]]
    draw: Callable[..., Value]
    follow: Callable[..., Sequence[EditSpec]] | None = None
    settings: int = 2
    measure: Measure = run_sweep
    running: dict[str, threading.Event] = field(default_factory=dict)

    def known(self, studio: Studio, chosen: Sequence[Any]) -> dict[EditSpec, Evaluation]:
        """The points that have been measured. Raises: SpecError if the lab has no images for them."""
        found = _cached(studio, self.specs(studio, *chosen))
        while further := _cached(
            studio, [s for s in self._following(studio, found, chosen) if s not in found]
        ):
            found |= further
        return found

    def shown(self, studio: Studio, *values: Any) -> tuple[Value, Any, Any]:
        """The panel and the two buttons while nothing runs."""
        chosen, more = values[: self.settings], values[self.settings :]
        try:
            found = self.known(studio, chosen)
            total = len({*found, *self._all(studio, found, chosen)})
            value = self.draw(studio, *chosen, found, *more)
            value["slots"]["status"] = _idle(found, total)
            return (
                value,
                gr.update(value=_label(found, total), interactive=True),
                gr.update(interactive=False),
            )
        except Exception as problem:  # noqa: BLE001 -- a live listener answers, whatever happened
            return _trouble(problem), gr.update(interactive=False), gr.update(interactive=False)

    def run(self, studio: Studio, visitor: str, *values: Any) -> Iterator[tuple[Value, Any, Any]]:
        """Measure: only what is missing, or everything anew if nothing is. One answer a point."""
        name = f"{visitor}:{self.name}"
        stop = self.running[name] = threading.Event()
        busy = gr.update(interactive=False), gr.update(interactive=True)
        chosen, more = values[: self.settings], values[self.settings :]
        before: Found = {}
        found: dict[EditSpec, Evaluation] = {}
        ended = ""
        try:
            before = self.known(studio, chosen)
            fresh = all(spec in before for spec in self._all(studio, before, chosen))
            found = {} if fresh else dict(before)
            total, progress_rate = len(self._all(studio, found, chosen)), _ProgressRate()
            yield _busy(self.draw(studio, *chosen, found, *more), len(found), total, progress_rate), *busy
            while missing := [spec for spec in self._all(studio, found, chosen) if spec not in found]:
                total = len(found) + len(missing)
                for spec, evaluation in self.measure(studio, missing, name, stop, fresh=fresh):
                    found[spec] = evaluation
                    progress_rate.points += 1
                    yield (
                        _busy(self.draw(studio, *chosen, found, *more), len(found), total, progress_rate),
                        *busy,
                    )
            ended = _agreement(before, found) if fresh else ""
        except (Cancelled, Superseded):
            ended = text.SWEEP["stopped"]
        except Exception as problem:  # noqa: BLE001 -- the buttons must come back, whatever happened
            ended = message_of(problem)
        finally:
            if self.running.get(name) is stop:  # else the same visitor has begun another one
                del self.running[name]
        value, run, cancel = self.shown(studio, *values)
        if ended:
            value["slots"]["status"] = value["slots"].get("status", "") + _line(ended)
        yield value, run, cancel

    def _following(self, studio: Studio, found: Found, chosen: Sequence[Any]) -> Sequence[EditSpec]:
        return self.follow(studio, found, *chosen) if self.follow is not None else ()

    def _all(self, studio: Studio, found: Found, chosen: Sequence[Any]) -> list[EditSpec]:
        """The points that are known to be wanted so far, in order."""
        return list(dict.fromkeys((*self.specs(studio, *chosen), *self._following(studio, found, chosen))))

    def cancel(self, visitor: str) -> None:
        """Stop the visitor's running sweep at its next chunk; without one, do nothing."""
        stop = self.running.get(f"{visitor}:{self.name}")
        if stop is not None:
            stop.set()


def alone(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that needs no studio, as a sweep calls it."""
    return lambda studio, *values: function(*values)


@dataclass
class _ProgressRate:
    """How fast a sweep goes, by the clock: others may be measuring as well."""

    points: int = 0
    began: float = field(default_factory=time.monotonic)

    def left(self, points: int) -> str:
        """The time that so many further points take, in words; nothing before the first one."""
        if not self.points:
            return ""
        return f", about {points * (time.monotonic() - self.began) / self.points:.0f} s left"


def _busy(value: Value, done: int, total: int, progress_rate: _ProgressRate) -> Value:
    """A panel that is being measured."""
    left = progress_rate.left(total - done)
    value["slots"]["status"] = (
        f'<p class="lx-status" role="status">measuring: {done} of {total} positions{left}'
        f'<progress value="{done}" max="{total}" aria-label="Progress of the sweep"></progress></p>'
    )
    value["state"] = "partial"
    return value


def sweep_buttons(sweep: Sweep) -> tuple[gr.Button, gr.Button]:
    """The buttons that start and stop the sweep, laid out where this is called."""
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
        studio: that measures.
        panel: the charts.
        buttons: from `sweep_buttons`.
        inputs: what `sweep.settings` counts, and the further settings that `sweep.draw` takes.
        shows_on: events after which the panel is drawn again from what is known (page load, tab, checkpoint).
        dragged: the same for sliders that no one else listens to, where only the last position counts.

    Only one listener of a trigger may keep the last event: when Gradio sends it, it fires all listeners of
    that trigger again, and two that do so would fire each other for ever.
    """
    run, cancel = buttons
    outputs = [panel, run, cancel]
    # as they come: see ui/live/listeners.py, RAW
    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}

    def show(request: gr.Request, *values: Any) -> tuple[str, Any, Any]:
        value, run, cancel = sweep.shown(studio.seen_by(session_of(request)), *values)
        return packed(value), run, cancel

    def measure(request: gr.Request, *values: Any) -> Iterator[tuple[str, Any, Any]]:
        session = session_of(request)
        for value, run, cancel in sweep.run(studio.seen_by(session), session, *values):
            yield packed(value), run, cancel

    def stop(request: gr.Request) -> None:
        sweep.cancel(session_of(request))

    gr.on(shows_on, show, list(inputs), outputs, queue=False, trigger_mode="multiple", **private)
    if dragged:
        gr.on(dragged, show, list(inputs), outputs, queue=False, trigger_mode="always_last", **private)
    run.click(measure, list(inputs), outputs, concurrency_limit=None, **private)
    cancel.click(stop, None, None, queue=False, **private)


def _cached(studio: Studio, specs: Sequence[EditSpec]) -> dict[EditSpec, Evaluation]:
    pairs = ((spec, studio.cached(spec)) for spec in specs)
    return {spec: found for spec, found in pairs if found is not None}


def _label(found: Found, total: int) -> str:
    return text.SWEEP["again"] if found and len(found) == total else text.SWEEP["run"]


def _idle(found: Found, total: int) -> str:
    if not found:
        return _line(text.SWEEP["nothing"])
    if all(point.precomputed for point in found.values()):
        badge, more = "precomputed", text.SWEEP["precomputed"]
    else:
        badge, more = "measured", text.SWEEP["measured"]
    images = {sum(task.n for task in point.tasks) for point in found.values()}
    each = f"{'up to ' if len(images) > 1 else ''}{max(images):,} images each"
    return _line(f"{len(found)} of {total} positions, {each}; {more}", badge)


def _line(said: str, badge: str = "") -> str:
    mark = f'<span class="lx-badge">{escape(badge)}</span>' if badge else ""
    return f'<p class="lx-status" role="status">{mark}{escape(said)}</p>'


def _agreement(before: Found, after: Found) -> str:
    """How what was just measured compares with what was known: the point of reproducing it."""
    gaps = [
        abs(one.accuracy - other.accuracy)
        for spec, point in after.items()
        if spec in before
        for one, other in zip(point.tasks, before[spec].tasks, strict=True)
    ]
    worst = max(gaps, default=0.0)
    if worst == 0.0:
        return f"Reproduced: all {len(after)} positions agree to the last image."
    return f"Reproduced: the largest difference of any task is {100 * worst:.2f} points."


def _trouble(problem: Exception) -> Value:
    return answer(version=0, state="error", slots={"status": _line(message_of(problem)), "finding": ""})
