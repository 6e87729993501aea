"""Answers of the page "Learned coefficients": what ships, and a learning that streams while it runs."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from evaluators.errors import Cancelled, SpecError, Superseded
from evaluators.experiments.coefficient_learning import LEARNERS
from evaluators.experiments.learned_merge import (
    LearnedMerge,
    ShippedLearning,
    mean_over_seeds,
    read_shipped,
)
from evaluators.experiments.learning_desk import LearningDesk
from evaluators.experiments.learning_run import LearningRequest
from evaluators.experiments.merge_search import MergeConfig, Score, score
from evaluators.experiments.merge_starts import PAPER_BETA, PAPER_SCALE
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.export import export_learned
from evaluators.labs.embedded_lab import TINY_CLIP, EmbeddedLab
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.schedules import coefficients
from lines_core.untrusted_text import quoted
from ui.export.take_home import kept_files
from ui.learned import learned_text as words
from ui.learned.learned_figures import accuracy_alt, accuracy_figure, depth_alt, depth_figure
from ui.live.live_panel import Value, answer
from ui.live.subject import asked, line, model_title
from ui.merge.merge_controls import offered
from ui.shell import markup, text
from ui.shell.error_messages import message_of
from ui.sweep.sweep_status import status_line

PANEL = "learned"
KEPT = 256
"""Visitors whose last learned merges stay on their page."""
IDLE = gr.update(interactive=False)
READY = gr.update(interactive=True)
Buttons = tuple[Value, Any, Any]
"""The panel, and updates of the buttons to learn and to stop."""


@dataclass
class _Running:
    """A learning under way: of which model, its newest state and status, and what ends it."""

    model: str
    state: LearnedMerge | None = None
    status: str = ""
    stop: threading.Event = field(default_factory=threading.Event)


class LearnedAnswers:
    """Any method may be called from any thread.

    Args:
        studio: of no session: checkpoints of single visitors are left out.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._desk = LearningDesk()
        self._running: dict[str, _Running] = {}
        self._learned: OrderedDict[tuple[str, str], dict[str, LearnedMerge]] = OrderedDict()

    def shown(self, visitor: str, model: str) -> Buttons:
        """The panel for a model. Never raises: errors are in the status.

        A learning of another model stops at its next step.
        """
        running = self._running.get(visitor)
        if running is not None and running.model != model:
            running.stop.set()
            running = None
        try:
            value = self._drawn(visitor, str(model), running)
            return value, IDLE if running else READY, READY if running else IDLE
        except Exception as problem:  # noqa: BLE001 -- a live listener never raises
            return self._failed(str(model), problem), IDLE, IDLE

    def run(self, visitor: str, model: str, learner: str, steps: float) -> Iterator[Buttons]:
        """Learn, then count; yields the panel as the coefficients move."""
        earlier = self._running.get(visitor)
        if earlier is not None:
            earlier.stop.set()
        running = self._running[visitor] = _Running(str(model))
        message = ""
        try:
            config = self._config(running.model)
            request = LearningRequest(config.checkpoints, str(learner), config.model, steps=_whole(steps))
            ticket = self._studio.seen_by(visitor).ticket(PANEL)
            running.status = status_line(words.PREPARING)
            yield self._drawn(visitor, running.model, running), IDLE, READY
            began = time.monotonic()
            for state in self._desk.learn(self._studio, request, ticket, running.stop):
                began = began if state.steps else time.monotonic()
                said = words.progress(state, request.steps, time.monotonic() - began)
                running.state, running.status = state, _progress(said, state.steps, request.steps)
                yield self._drawn(visitor, running.model, running), IDLE, READY
            if running.state is not None and running.state.counted:
                self._keep(visitor, running.model, running.state)
            for spec in self._references(config):
                if self._studio.cached(spec) is None:
                    running.status = status_line(text.WAITING)
                    yield self._drawn(visitor, running.model, running), IDLE, READY
                    for _ in self._studio.stream(spec, ticket, background=True):
                        if running.stop.is_set():
                            raise Cancelled(words.STOPPED)
        except (Cancelled, Superseded):
            message = words.STOPPED
        except Exception as problem:  # noqa: BLE001 -- the buttons must become usable again
            message = message_of(problem)
        finally:
            if self._running.get(visitor) is running:
                del self._running[visitor]
        value, learn, cancel = self.shown(visitor, running.model)
        if message:
            value["slots"]["status"] = status_line(message)
        yield value, learn, cancel

    def cancel(self, visitor: str) -> None:
        """Stop the visitor's learning at its next step, if there is one."""
        running = self._running.get(visitor)
        if running is not None:
            running.stop.set()

    def files(self, visitor: str, values: Sequence[Any], layout: str, extras: Sequence[str]) -> list[str]:
        """Paths of a learned merge as files: the visitor's own of the model and learner, or else what ships.

        Args:
            values: key of the model, and of the learner.
            layout, extras: as ``export`` takes them.
        Raises: SpecError if there is none; as ``export_learned``.
        """
        model, learner = map(str, values)
        if learner not in LEARNERS:
            raise SpecError(f"A method is one of {', '.join(LEARNERS)}, got {quoted(learner)}.")
        own = self._learned.get((visitor, model), {}).get(learner)
        run = own or next(iter(self._shipped(model).of(learner, "val")), None)
        if run is None:
            method = LEARNERS[learner].title
            raise SpecError(words.NOT_LEARNED.format(method=method, button=words.LEARN))
        lab = self._studio.lab_of(model)
        return kept_files(visitor, lambda folder: export_learned(lab, run, layout, folder, extras))

    def _config(self, model: str) -> MergeConfig:
        """The merge of all checkpoints of a model. Raises: SpecError if there are fewer than two."""
        keys = tuple(sorted(key for _, key in offered(self._studio, model)))
        if len(keys) < 2:
            raise SpecError(words.FEW)
        return MergeConfig(keys, "sum", model=model)

    def _references(self, config: MergeConfig) -> tuple[EditSpec, ...]:
        """Zero-shot, the plain sum and LiNeS, on all test images; of a sum, Eq. 2's alpha is 1 / T."""
        alpha = round(1 / len(config.checkpoints), 9)
        return (
            *config.zero_shot(images=ALL_IMAGES),
            *config.specs(PAPER_SCALE, images=ALL_IMAGES),
            *config.specs(alpha, PAPER_BETA, images=ALL_IMAGES),
        )

    def _score(self, specs: Sequence[EditSpec]) -> Score | None:
        found = [self._studio.cached(spec) for spec in specs]
        return score(one for one in found if one) if all(found) else None

    def _shipped(self, model: str) -> ShippedLearning:
        lab = self._studio.lab
        if model != TINY_CLIP or not isinstance(lab, EmbeddedLab):
            return ShippedLearning()
        return read_shipped(lab.folder)

    def _keep(self, visitor: str, model: str, run: LearnedMerge) -> None:
        self._learned.setdefault((visitor, model), {})[run.learner] = run
        self._learned.move_to_end((visitor, model))
        while len(self._learned) > KEPT:
            self._learned.popitem(last=False)

    def _drawn(self, visitor: str, model: str, running: _Running | None) -> Value:
        config, shipped = self._config(model), self._shipped(model)
        zero_shot, plain, lines = (self._score([spec]) for spec in self._references(config))
        references = {
            words.ZERO_SHOT: zero_shot,
            words.PLAIN: plain,
            words.LINES: lines,
            words.FINETUNED: self._score(config.finetuned(images=ALL_IMAGES)),
        }
        scores = {title: found for title, found in references.items() if found is not None}
        own = dict(self._learned.get((visitor, model), {}))
        moving = running.state if running is not None else None
        if moving is not None:
            own[moving.learner] = moving
        newest = moving or next(reversed(own.values()), None)
        schedule = coefficients(
            "linear", 1 / len(config.checkpoints), PAPER_BETA, self._blocks(model)
        ).tolist()
        by_learner = {learner: shipped.of(learner, "val") for learner in LEARNERS}
        kinds = [(learner, split) for learner in LEARNERS for split in ("val", "test")]
        repeated = [found for kind in kinds if (found := shipped.of(*kind))]
        here = [run for run in own.values() if run.tasks]
        rows = [(words.title_of(found[0]), found) for found in repeated]
        rows += [(f"{words.title_of(run)}, {words.HERE}", (run,)) for run in here]
        means = [mean_over_seeds(found) for found in repeated]
        said = escape(words.finding(lines, plain, [*means, *here]))
        idle = f'{words.WAITING}. <span class="lx-served">{words.BUTTON}</span>'
        said = said or (f"{words.LEARNING}." if running else idle)
        drawn = [mean_over_seeds(found) for found in by_learner.values() if found]
        drawn += [newest] if newest else []
        return asked(
            answer(
                version=0,
                state="partial" if running else "complete",
                charts={
                    "depth": (
                        depth_figure(schedule, PAPER_SCALE, by_learner, newest),
                        depth_alt(schedule, drawn),
                    ),
                    "accuracy": (accuracy_figure(scores, rows), accuracy_alt(scores, rows)),
                },
                slots={
                    "subject": line(
                        f"{model_title(self._studio, model)}, {len(config.checkpoints)} tasks merged"
                    ),
                    "finding": markup.finding(said),
                    "depths": f"<p>{escape(words.depth_sentence(drawn, schedule))}</p>",
                    "status": running.status if running else _where_from(repeated, here),
                    "numbers": _table(
                        words.table_rows({"plain": plain, "lines": lines}, shipped.searches, repeated, here)
                    ),
                },
            ),
            [model],
        )

    def _blocks(self, model: str) -> int:
        return self._studio.lab_of(model).info.num_blocks

    def _failed(self, model: str, problem: Exception) -> Value:
        slots = {"status": status_line(message_of(problem)), "finding": "", "numbers": ""}
        return asked(answer(version=0, state="error", slots=slots), [model])


def _whole(steps: float) -> int:
    """Raises: SpecError unless it is a whole number above 0."""
    number = isinstance(steps, int | float) and not isinstance(steps, bool) and math.isfinite(steps)
    if not number or steps != int(steps) or steps < 1:
        raise SpecError(f"The number of steps is a whole number from 1 on, got {quoted(steps)}.")
    return int(steps)


def _progress(said: str, step: int, steps: int) -> str:
    return (
        f'<p class="lx-status" role="status">{escape(said)}'
        f'<progress value="{step}" max="{steps}" aria-label="Progress of learning"></progress></p>'
    )


def _where_from(repeated: Sequence[Sequence[LearnedMerge]], here: Sequence[LearnedMerge]) -> str:
    """Where the numbers come from."""
    if here:
        return status_line(text.SWEEP["measured"], "measured")
    if repeated:
        return status_line(text.SWEEP["precomputed"], "precomputed")
    return status_line(text.SWEEP["nothing"])


def _table(rows: Sequence[Sequence[str]]) -> str:
    table = markup.plain_table(words.TABLE, words.COLUMNS, rows, shown=True)
    note = escape(f"{words.NOTE} {words.published()}")
    return f'<div class="lx-scroll" tabindex="0">{table}</div><p class="lx-small">{note}</p>'
