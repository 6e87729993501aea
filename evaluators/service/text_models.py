"""The text model beside the image encoders: its lab, and what it answers to single questions."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import torch

from evaluators.data.text_questions import TextQuestion
from evaluators.labs.lab import Lab
from evaluators.labs.tiny_text_lab import TEXT_FOLDER, TinyTextLab
from evaluators.service.loaded_models import LoadedModels
from evaluators.service.question_ranker import QuestionRanker, Scores, ScoringEngine
from evaluators.service.result_cache import ResultCache
from evaluators.service.scheduler import Scheduler, Ticket
from evaluators.service.shared_counts import Request
from evaluators.specs.edit_spec import EditSpec


class TextModels(LoadedModels):
    """Models that a spec may name.

    Attributes:
        text_lab: the lab of the text model, None if it does not ship. It is not among ``models``, which
            encode images.
    """

    text_lab: TinyTextLab | None = None
    _ranker: QuestionRanker
    _results: ResultCache
    _scheduler: Scheduler

    @abstractmethod
    def _accept(self, spec: EditSpec, ticket: Ticket | None) -> Request:
        """The request for a spec. Raises: SpecError."""

    def _open_texts(self, assets: Path, device: torch.device, chunk: int, engine: ScoringEngine) -> None:
        """Open the text lab among the assets, if there is one. Raises: LabError."""
        self._ranker = QuestionRanker(self._scheduler, engine)
        if (folder := assets / TEXT_FOLDER).is_dir():
            self.text_lab = TinyTextLab(folder, device, torch.float32, chunk)
            self._results.ship(self.text_lab)

    def lab_of(self, model: str) -> Lab:
        """The lab of a model, as this session sees it. Raises: SpecError if it is not loaded."""
        if self.text_lab is not None and model == self.text_lab.info.key:
            return self.text_lab
        return super().lab_of(model)

    def rank(
        self,
        specs: Sequence[EditSpec],
        questions: Sequence[TextQuestion],
        ticket: Ticket | None = None,
        patience: float | None = None,
    ) -> tuple[Scores, ...]:
        """For each spec, of the text model, the scores of each question's choices. Nothing is kept.

        Args:
            ticket, patience: as for ``Studio.first``.
        Raises: as ``Studio.first``. Turns: one a spec.
        """
        requests = [self._accept(spec, ticket) for spec in specs]
        return tuple(self._ranker.scores(request, questions, patience) for request in requests)
