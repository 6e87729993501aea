"""Answers of the head of the page: from the controls' spec to everything that the browser shows."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from evaluators.errors import Queued, QueueFull
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import FREE, EditSpec
from evaluators.specs.evaluation import Evaluation
from ui.explore.explore_controls import Controls
from ui.explore.explore_json import Json, evaluation_json, landmarks_json, live_answer
from ui.explore.free_form import fits
from ui.explore.pins import read_pins
from ui.explore.pins_json import PinComparisons
from ui.explore.presets import tuned_gamma
from ui.explore.references import References, anchors, missing_anchors, nearly_known, references_of
from ui.live.answer_pace import AnswerPace
from ui.live.browser_engine import BrowserEngine
from ui.live.live_answers import QUICK_PATIENCE, SETTLE_PATIENCE, LiveAnswers
from ui.live.live_panel import Value
from ui.live.subject import about
from ui.pictures.strip_json import Strips
from ui.shell import text

REFERENCES_KEPT = 256


class ExploreAnswers(LiveAnswers[Controls]):
    """Answers for the always-visible part of the page, for all visitors of one Studio."""

    panel = "explore"

    def __init__(self, studio: Studio, browser: BrowserEngine | None = None) -> None:
        super().__init__(studio)
        self._browser = browser
        self._complete: dict[str, tuple[References, Json]] = {}
        self._strips = Strips()
        self._pins = PinComparisons()
        studio.on_drop.append(self._strips.forget)

    def opening(self, controls: Controls) -> Value:
        """What the page opens with: the answer if it is cached, else nothing."""
        known = self.studio.cached(controls.spec())
        if known is None:
            return live_answer(version=-1, state="empty")
        return self._render(self.studio, controls, known, version=0)

    def key(self, studio: Studio, controls: Controls) -> str | None:
        """The spec's key; None while what a newly chosen model or shape needs is on its way to the page."""
        blocks = _blocks(studio, controls.model)
        if controls.shape == FREE and blocks and not fits(controls.free_form, blocks):
            return None
        spec = controls.spec()
        return None if _in_between(studio, spec) else spec.key()

    def at_once(self, studio: Studio, controls: Controls) -> bool:
        """Whether the edit and all that stands beside it is in memory."""
        spec = controls.spec()
        name = studio.fingerprint(anchors(spec)[1])
        return name in self._complete and self._strips.has(name) and studio.cached(spec) is not None

    def first(self, studio: Studio, controls: Controls, ticket: Ticket) -> Value:
        """The edit, cached or from its first chunk."""
        if self._left(studio, controls):
            return self._leaves(ticket)
        evaluation = studio.first(controls.spec(), ticket, QUICK_PATIENCE)
        return self._render(studio, controls, evaluation, ticket.version)

    def all(self, studio: Studio, controls: Controls, ticket: Ticket) -> Iterator[Value | Queued]:
        """The edit until it is complete, then what is missing of its two references, then of the pins, then
        of the curves, where it is a visitor's own images alone.
        """
        spec = controls.spec()
        if self._left(studio, controls):
            yield self._leaves(ticket)
            return
        evaluation = known = studio.cached(spec)
        missing, pictured = missing_anchors(studio, spec), None
        pace = AnswerPace(lambda: studio.status().running)
        for wanted in (*(() if known else (spec,)), *missing):
            for found in studio.stream(wanted, ticket, patience=SETTLE_PATIENCE):
                if isinstance(found, Queued):
                    yield found
                elif wanted is spec:
                    evaluation = found
                    if not pace.due(found.complete):
                        continue
                    yield self._render(studio, controls, found, ticket.version)
                    yield from self._pictures(studio, found, ticket)
        if evaluation is None:  # no request ends without an answer
            return
        if known or missing:
            pictured = yield from self._pictures(studio, evaluation, ticket)
            yield self._render(studio, controls, evaluation, ticket.version, pictured)
        if controls.pins:
            name, (pins, _) = studio.fingerprint(anchors(spec)[1]), read_pins(controls.pins)
            counted = self._pins.count(studio, name, evaluation, pins, ticket)
            if counted is not None:
                evaluation = counted
                yield self._render(studio, controls, evaluation, ticket.version)
        for point in nearly_known(studio, spec):
            try:
                studio.evaluate(point, ticket, background=True)
            except QueueFull:  # the answer is there: the curves are completed another time
                return
            yield self._render(studio, controls, evaluation, ticket.version, pictured)

    def _left(self, studio: Studio, controls: Controls) -> bool:
        """Whether the browser is to count."""
        return self._browser is not None and self._browser.takes(studio, controls.spec())

    def _leaves(self, ticket: Ticket) -> Value:
        return _waiting(ticket, text.WAITING) | {"browser": True}

    def waits(self, queued: Queued, ticket: Ticket) -> Value:
        """What the request waits for."""
        return _waiting(ticket, text.queued(queued))

    def fails(self, message: str, version: int) -> Value:
        """What went wrong, in place of the sentence."""
        return live_answer(version=version, state="error", words={"sentence": message})

    def _pictures(
        self, studio: Studio, evaluation: Evaluation, ticket: Ticket
    ) -> Generator[Queued, None, Evaluation]:
        """Count what the strip of images lacks; yields while it waits."""
        pair = anchors(evaluation.spec)
        return self._strips.count(
            studio, studio.fingerprint(pair[1]), pair, evaluation, ticket, SETTLE_PATIENCE
        )

    def _render(
        self,
        studio: Studio,
        controls: Controls,
        evaluation: Evaluation,
        version: int,
        pictured: Evaluation | None = None,
    ) -> Value:
        """Everything the head shows for one evaluation.

        Args:
            pictured: of the same edit, with predictions, if the evaluation has none.
        """
        spec = evaluation.spec
        pair = anchors(spec)
        name = studio.fingerprint(pair[1])  # another one once the model is loaded anew
        references, landmarks = self._references(studio, controls, evaluation, name)
        pins, _ = read_pins(controls.pins)
        pictures = self._strips.known(studio, name, pair, pictured or evaluation)
        return live_answer(
            version=version,
            state="complete" if evaluation.complete else "partial",
            key=spec.key(),
            evaluation=evaluation_json(evaluation, self._total(evaluation, references)),
            landmarks=landmarks,
            pictures=pictures,
            settled=bool(evaluation.complete and references.complete and pictures and not pins),
            **({"pins": self._pins.known(studio, name, evaluation, pins)} if pins else {}),
        )

    def _references(
        self, studio: Studio, controls: Controls, evaluation: Evaluation, fingerprint: str
    ) -> tuple[References, Json]:
        """References of the edit, also as JSON; kept once all are measured, which saves 70 lookups a move.

        Args:
            fingerprint: of the fine-tuned model.
        """
        found = self._complete.get(fingerprint)
        if found is None:
            spec, tuned = evaluation.spec, tuned_gamma(studio, controls)
            references = references_of(studio, spec)
            said = about(studio, spec.model, spec.checkpoint)
            found = references, landmarks_json(references, evaluation.tasks, said, tuned)
            if references.complete and tuned is not None:
                self._complete[fingerprint] = found
                while len(self._complete) > REFERENCES_KEPT:
                    self._complete.pop(next(iter(self._complete)))
        return found

    def _total(self, evaluation: Evaluation, references: References) -> int:
        """Images that the complete evaluation will count, as a complete one of the same suite shows."""
        reference = references.finetuned or references.pretrained
        if evaluation.complete or reference is None:
            each = evaluation.spec.images or max(task.n for task in evaluation.tasks)
            return each * len(evaluation.tasks)
        return sum(task.n for task in reference.tasks)


def _waiting(ticket: Ticket, line: str) -> Value:
    return live_answer(version=ticket.version, state="waiting", key=ticket.key, words={"line": line})


def _blocks(studio: Studio, model: str) -> int:
    """L of a model's encoder; 0 for one that is not loaded."""
    return next((info.num_blocks for info in studio.models() if info.key == model), 0)


def _in_between(studio: Studio, spec: EditSpec) -> bool:
    """Whether the model was changed and its list of checkpoints has not reached the page yet."""
    own = {info.key for info in studio.checkpoints(spec.model)}
    others = {
        info.key
        for model in studio.models()
        if model.key != spec.model
        for info in studio.checkpoints(model.key)
    }
    return spec.checkpoint not in own and spec.checkpoint in others
