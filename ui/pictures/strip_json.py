"""The strip of test images as JSON: what each model says of each image, and what became of it."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from typing import Any

from evaluators.errors import Queued
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from ui.pictures.picture_answers import letters
from ui.pictures.sprites import EACH, Sprites

ANCHORS_KEPT = 256
_LOG = logging.getLogger(__name__)


class Strips:
    """Strips of all visitors of one Studio. Any method may be called from any thread."""

    def __init__(self) -> None:
        self._sprites = Sprites()
        self._anchors: dict[str, list[Evaluation]] = {}

    def known(
        self, studio: Studio, name: str, anchors: Sequence[EditSpec], evaluation: Evaluation
    ) -> dict[str, Any] | None:
        """The part ``pictures`` of an answer, as far as it is known without counting; None if it is not.

        Args:
            name: of the anchors and their images, by content.
            anchors: the pre-trained and the fine-tuned model.
            evaluation: of the edit.
        Returns: `images` (address of their description, see ``Sprites.of``), `target` (key of a task), and by
            task `predicted` (of each image the classes that the three models say) and `states` (a digit an
            image, a place in ``STATES``).
        """
        shown = self._shown(studio, name, anchors)
        edit = evaluation if evaluation.predictions else studio.known_pictures(evaluation.spec)
        sprite = self._sprites.known(name)
        if len(shown) < len(anchors) or edit is None or sprite is None:
            return None
        address, tasks = sprite
        predicted, states = [], []
        for position, task in enumerate(tasks):
            said = [model.predicted(position)[:EACH] for model in (*shown, edit)]
            predicted.append([list(row) for row in zip(*said, strict=False)])
            states.append(letters(task.labels, said))
        target = evaluation.spec.targets[0]
        return {"images": address, "target": target, "predicted": predicted, "states": states}

    def has(self, name: str) -> bool:
        """Whether all is counted and drawn that ``known`` gives for every edit alike."""
        return name in self._anchors and self._sprites.known(name) is not None

    def count(
        self,
        studio: Studio,
        name: str,
        anchors: Sequence[EditSpec],
        evaluation: Evaluation,
        ticket: Ticket,
        patience: float,
    ) -> Generator[Queued, None, Evaluation]:
        """Count and draw what ``known`` lacks; yields while it waits for the model.

        Returns: the evaluation, or one of the same edit that has predictions.
        Raises: as ``Studio.pictured`` but for Queued.
        """
        found = []
        for model in () if name in self._anchors else anchors:
            found.append((yield from _pictured(studio, model, ticket, patience)))
        if found:
            self._keep(name, found)
        if evaluation.predictions is None:
            evaluation = yield from _pictured(studio, evaluation.spec, ticket, patience)
        try:
            self._sprites.of(studio, evaluation.spec, name)
        except OSError as error:
            _LOG.warning("Test images are not shown: %s.", error)
        return evaluation

    def forget(self, task: str) -> None:
        """Delete the images of a task that a visitor has deleted, and what is known of it."""
        self._sprites.forget(task)
        for name, pair in [*self._anchors.items()]:
            if any(task in (one.key, *model.spec.sources) for model in pair for one in model.tasks):
                self._anchors.pop(name, None)

    def _shown(self, studio: Studio, name: str, anchors: Sequence[EditSpec]) -> list[Evaluation]:
        """Evaluations of the anchors, as far as they have predictions; kept once both do."""
        known = self._anchors.get(name)
        if known is None:
            known = [found for spec in anchors if (found := studio.known_pictures(spec)) is not None]
            if len(known) == len(anchors):
                self._keep(name, known)
        return known

    def _keep(self, name: str, anchors: list[Evaluation]) -> None:
        self._anchors[name] = anchors
        while len(self._anchors) > ANCHORS_KEPT:
            self._anchors.pop(next(iter(self._anchors)))


def _pictured(
    studio: Studio, spec: EditSpec, ticket: Ticket, patience: float
) -> Generator[Queued, None, Evaluation]:
    while True:
        try:
            return studio.pictured(spec, ticket=ticket, patience=patience)
        except Queued as queued:
            yield queued
