"""Scores of the answers to single questions: a visitor's own, which are not kept."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Protocol

from torch import Tensor

from evaluators.data.image_batches import Chunk
from evaluators.data.text_questions import TextQuestion
from evaluators.engine.engine import Engine, LoadedEdit
from evaluators.errors import SpecError
from evaluators.labs.lab import Lab
from evaluators.labs.text_lab import TextLab
from evaluators.service.scheduler import Priority, Scheduler
from evaluators.service.shared_counts import Request
from evaluators.specs.resolved_spec import ResolvedSpec

Scores = tuple[tuple[float, ...], ...]
"""For each question the scores of its choices."""


class ScoringEdit(LoadedEdit, Protocol):
    """An edit that scores the answers to questions as well."""

    def score(self, questions: Sequence[TextQuestion]) -> Tensor:
        """Scores (n, C). Raises: as ``count``."""


class ScoringEngine(Engine, Protocol):
    """Counts edits, and scores the answers to questions with them."""

    def load(self, lab: Lab, resolved: ResolvedSpec, chunks: Sequence[Chunk]) -> ScoringEdit:
        """As ``Engine.load``."""


class QuestionRanker:
    """Ranks answers with edits of a text model. Any method may be called from any thread.

    Args:
        scheduler: gives turns.
        engine: of this machine.
    """

    def __init__(self, scheduler: Scheduler, engine: ScoringEngine) -> None:
        self._scheduler = scheduler
        self._engine = engine

    def scores(self, request: Request, questions: Sequence[TextQuestion], patience: float | None) -> Scores:
        """For each question the scores of its choices, the mean log-likelihood of a token.

        Args:
            patience: seconds to wait for the turn.
        Raises: SpecError if the model is not one of texts; Queued after ``patience``; Superseded; LabError
            or DeviceError if counting fails.
        """
        if not isinstance(request.lab, TextLab):
            raise SpecError(f"{request.lab.info.title} reads images, not questions: ask a text model.")
        ticket = request.ticket
        with closing(self._engine.load(request.lab, request.resolved, ())) as edit, ExitStack() as stack:
            stack.enter_context(edit.ready(ticket.check, patience))
            if self._engine.exclusive:
                stack.enter_context(self._scheduler.turn(ticket, Priority.MOVING, patience))
            self._scheduler.check(ticket)
            found = edit.score(questions)
        rows = zip(found.tolist(), questions, strict=True)
        return tuple(tuple(row[: len(question.choices)]) for row, question in rows)
