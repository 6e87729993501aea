"""The text models beside the image encoders: their labs, and what they answer to single questions."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import torch

from evaluators.data.text_questions import TextQuestion
from evaluators.errors import SpecError
from evaluators.hub.public_loader import PublicLab, PublicRequest
from evaluators.hub.texts.hub_text_lab import HubTextLab
from evaluators.hub.texts.text_request import TextLoadRequest
from evaluators.labs.lab import Lab
from evaluators.labs.text_lab import TextLab
from evaluators.labs.tiny_text_lab import TEXT_FOLDER, TinyTextLab
from evaluators.service.load_jobs import LoadJob
from evaluators.service.loaded_models import LoadedModels
from evaluators.service.question_ranker import QuestionRanker, Scores, ScoringEngine
from evaluators.service.result_cache import ResultCache
from evaluators.service.scheduler import Scheduler, Ticket
from evaluators.service.shared_counts import Request
from evaluators.specs.edit_spec import EditSpec
from evaluators.zoo.public_texts import TEXT_MODELS


class TextModels(LoadedModels):
    """Models that a spec may name.

    Attributes:
        text_lab: the lab of the text model that ships, None if it does not. Text models are not among
            ``models``, which encode images.
    """

    text_lab: TinyTextLab | None = None
    _hub_texts: dict[str, HubTextLab]
    _ranker: QuestionRanker
    _results: ResultCache
    _scheduler: Scheduler

    @abstractmethod
    def _accept(self, spec: EditSpec, ticket: Ticket | None) -> Request:
        """The request for a spec. Raises: SpecError."""

    def _open_texts(self, assets: Path, device: torch.device, chunk: int, engine: ScoringEngine) -> None:
        """Open the text lab among the assets, if there is one. Raises: LabError."""
        self._ranker, self._hub_texts = QuestionRanker(self._scheduler, engine), {}
        if (folder := assets / TEXT_FOLDER).is_dir():
            self.text_lab = TinyTextLab(folder, device, torch.float32, chunk)
            self._results.ship(self.text_lab)

    def lab_of(self, model: str) -> Lab:
        """The lab of a model, as this session sees it. Raises: SpecError if it is not loaded."""
        if self.text_lab is not None and model == self.text_lab.info.key:
            return self.text_lab
        if model in self._hub_texts:
            return self._hub_texts[model]
        if model in TEXT_MODELS:
            raise SpecError(f"{TEXT_MODELS[model].title} is not loaded yet: press Load on the page Text.")
        return super().lab_of(model)

    def text_labs(self) -> dict[str, TextLab]:
        """The labs of the text models that are there, by key: the one that ships, then those loaded."""
        shipped = {} if self.text_lab is None else {self.text_lab.info.key: self.text_lab}
        return {**shipped, **self._hub_texts}

    def load(self, request: PublicRequest) -> LoadJob:
        """As ``LoadedModels.load``, also of a text model."""
        if not isinstance(request, TextLoadRequest):
            return super().load(request)
        return self._jobs.start(request, self._hub_texts.get(request.model), self._session)

    def _loaded(self, lab: PublicLab, job: LoadJob) -> None:
        if isinstance(lab, HubTextLab):
            self._hub_texts[lab.info.key] = lab
        else:
            super()._loaded(lab, job)

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
