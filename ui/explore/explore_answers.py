"""The head of the page, from a spec to everything the browser shows: the functions behind the live listeners.

Tier 1 (`quick`) answers each move at once with cached or first-chunk numbers; tier 2 (`settle`) is asked when
the visitor pauses and counts on, chunk by chunk. Neither ever raises: Gradio would drop the slider's last
position. Tier 0, the schedule that bends under the finger, is JavaScript and asks nobody (`live.js`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from evaluators.errors import Queued, Superseded
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.normalise import normalised
from ui.explore.explore_controls import Controls
from ui.explore.references import anchors, missing_anchors, references_of
from ui.explore.schedule_figure import schedule_alt, schedule_bars
from ui.explore.tasks_figure import tasks_alt, tasks_figure
from ui.explore.tradeoff_figure import References, tradeoff_alt, tradeoff_figure
from ui.live.asking import all_numbers, first_numbers
from ui.live.live_panel import Value, answer, empty
from ui.live.queue_notice import in_line
from ui.live.visitors import Request, Visitors
from ui.shell import markup
from ui.shell.error_messages import message_of
from ui.shell.roles import role_of
from ui.shell.share_link import to_query

LANDMARKS_KEPT = 256


class ExploreAnswers:
    """Answers for the always-visible part of the page, for all visitors of one Studio."""

    def __init__(self, studio: Studio, visitors: Visitors) -> None:
        self.studio = studio
        self.visitors = visitors
        self._complete: dict[str, References] = {}

    def opening(self, controls: Controls) -> Value:
        """What the page opens with: the answer if it is known already, else nothing."""
        known = self.studio.cached(controls.spec())
        if known is None:
            return empty()
        return self._render(self.studio, controls, known, Request(0, known.spec.key())) | {"link": None}

    def quick(self, visitor: str, controls: Controls, moves: float | None = None) -> Value | None:
        """Tier 1: what is known at once about the edit, cached or from the first chunk of images.

        Args:
            moves: number of this move on the visitor's page, which tells it from those before.
        Returns: None when a newer move of the same visitor has already taken over, or tier 2 of this one.
        """
        request = None
        studio = self.studio.seen_by(visitor)
        try:
            spec = controls.spec()
            if _in_between(studio, spec) or self.visitors.settles(visitor, spec.key()):
                return None
            request = self.visitors.arrive(visitor, spec.key(), moves=moves)
            latest = partial(self.visitors.is_latest, visitor, request)
            evaluation = first_numbers(studio, spec, visitor, latest)
            return self._render(studio, controls, evaluation, request)
        except Superseded:
            return None
        except Queued as line:
            assert request is not None  # only what has arrived can wait
            return in_line(line, request.version, request.key)
        except Exception as problem:  # noqa: BLE001 -- a live listener answers, whatever happened
            return self.trouble(message_of(problem), request or self.visitors.arrive(visitor, ""))

    def settle(self, visitor: str, controls: Controls, moves: float | None = None) -> Iterator[Value]:
        """Tier 2: where the visitor has paused, the numbers chunk by chunk until all images are counted.

        Tells also what tier 1 may have told: that may be on its way, or have been turned away. Stops as soon
        as a newer move has arrived.
        """
        request = None
        studio = self.studio.seen_by(visitor)
        try:
            spec = controls.spec()
            if _in_between(studio, spec):
                return
            request = self.visitors.arrive(visitor, spec.key(), settles=True, moves=moves)
            evaluation = known = studio.cached(spec)
            missing = missing_anchors(studio, spec)
            latest = partial(self.visitors.is_latest, visitor, request)
            for wanted in (*(() if known else (spec,)), *missing):
                for found in all_numbers(studio, wanted, visitor, latest):
                    if isinstance(found, Queued):
                        yield in_line(found, request.version, request.key)
                    elif wanted is spec:
                        evaluation = found
                        yield self._render(studio, controls, found, request)
            if (known or missing) and evaluation is not None:
                yield self._render(studio, controls, evaluation, request)
        except Superseded:
            return
        except Exception as problem:  # noqa: BLE001 -- as above
            yield self.trouble(message_of(problem), request or self.visitors.arrive(visitor, ""))

    def _render(self, studio: Studio, controls: Controls, evaluation: Evaluation, request: Request) -> Value:
        """Everything the head shows for one evaluation."""
        spec = evaluation.spec
        num_blocks = next(one.num_blocks for one in studio.models() if one.key == spec.model)
        references = self._references(studio, spec)
        numbers = None
        if references.pretrained and references.finetuned:
            numbers = normalised(evaluation, references.pretrained, references.finetuned)
        total = self._total(evaluation, references)
        role = role_of(spec)
        return answer(
            version=request.version,
            state="complete" if evaluation.complete else "partial",
            key=spec.key(),
            charts={
                "schedule": (schedule_bars(spec, num_blocks), schedule_alt(spec, num_blocks)),
                "tradeoff": (
                    tradeoff_figure(evaluation, references),
                    tradeoff_alt(evaluation, references),
                ),
                "tasks": (
                    tasks_figure(evaluation, references.pretrained, references.finetuned),
                    tasks_alt(evaluation),
                ),
            },
            slots={
                "sentence": markup.sentence(evaluation, numbers, total),
                "tiles": markup.tiles(evaluation, references, role),
                "table": markup.table(evaluation, references, num_blocks),
            },
            link=to_query(controls),
            group=f"{spec.model}/{spec.checkpoint}",
            trail=_footprint(evaluation) if evaluation.complete else None,
        )

    def _references(self, studio: Studio, spec: EditSpec) -> References:
        """Landmarks beside the edit; once all are measured they are looked up no more (24 lookups a move)."""
        place = studio.fingerprint(anchors(spec)[1])  # another one once the model is loaded anew
        found = self._complete.get(place) or references_of(studio, spec)
        if found.complete:
            self._complete[place] = found
            while len(self._complete) > LANDMARKS_KEPT:
                self._complete.pop(next(iter(self._complete)))
        return found

    def trouble(self, message: str, request: Request) -> Value:
        """An answer that only says what went wrong; the charts stay as they are."""
        return answer(version=request.version, state="error", slots={"sentence": markup.trouble(message)})

    def _total(self, evaluation: Evaluation, references: References) -> int:
        """Images the complete evaluation will count, as far as a complete one of the same suite says."""
        reference = references.finetuned or references.pretrained
        if evaluation.complete or reference is None:
            each = evaluation.spec.images or max(task.n for task in evaluation.tasks)
            return each * len(evaluation.tasks)
        return sum(task.n for task in reference.tasks)


def _in_between(studio: Studio, spec: EditSpec) -> bool:
    """Whether the model was changed and its list of checkpoints is still on the way to the page."""
    here = {one.key for one in studio.checkpoints(spec.model)}
    elsewhere = {
        one.key
        for model in studio.models()
        if model.key != spec.model
        for one in studio.checkpoints(model.key)
    }
    return spec.checkpoint not in here and spec.checkpoint in elsewhere


def _footprint(evaluation: Evaluation) -> dict[str, object]:
    """One settled position for the trail in the scatter."""
    spec = evaluation.spec
    return {
        "group": f"{spec.model}/{spec.checkpoint}",
        "x": round(100 * evaluation.control, 2),
        "y": round(100 * evaluation.target, 2),
        "text": f"{spec.shape}, α {spec.alpha:g}, β {spec.beta:g}, mix {spec.mix:g}",
    }
