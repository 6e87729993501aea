"""Pins in the live answer: their counts, and image by image how the present position differs from each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.paired_counts import paired_counts
from ui.explore.explore_json import counts_json, edit_json
from ui.explore.pins import Pin
from ui.live.subject import about

Json = dict[str, Any]
Labels = tuple[tuple[int, ...], ...]
"""By task the class of each image."""
EVERY = 10**9
"""Images per task that are asked for: all that are counted."""
LABELS_KEPT = 64


class PinComparisons:
    """Pins of all visitors of one Studio. Any method may be called from any thread."""

    def __init__(self) -> None:
        self._labels: dict[str, Labels] = {}

    def known(self, studio: Studio, name: str, evaluation: Evaluation, pins: Sequence[Pin]) -> list[Json]:
        """The part ``pins`` of an answer, as far as it is known without counting.

        Args:
            name: of the images, by content.
            evaluation: of the present position.
        Cost: a look-up in the result cache a pin, and a pass over the predictions of all images.
        """
        labels = self._labels.get(name, ())
        return [
            self._own(studio, evaluation, pin, labels)
            if is_beside(pin.spec, evaluation.spec)
            else _pin(pin) | {"about": about(studio, pin.spec.model, pin.spec.checkpoint)}
            for pin in pins
        ]

    def count(
        self, studio: Studio, name: str, evaluation: Evaluation, pins: Sequence[Pin], ticket: Ticket
    ) -> Evaluation | None:
        """Measure what ``known`` lacks, behind all other requests: pins, and predictions of shipped results.

        Returns: the present position with predictions; None if nothing was lacking.
        Raises: as ``Studio.stream``.
        """
        beside = [pin.spec for pin in pins if is_beside(pin.spec, evaluation.spec)]
        if not beside:
            return None
        news = name not in self._labels
        if news:
            tasks = studio.images_of(evaluation.spec, EVERY)
            self._labels[name] = tuple(task.labels for task in tasks)
            while len(self._labels) > LABELS_KEPT:
                self._labels.pop(next(iter(self._labels)))
        for spec in (*beside, evaluation.spec):
            found = studio.cached(spec)
            if found is None:
                studio.evaluate(spec, ticket, background=True)
            elif found.precomputed and found.predictions is None:
                studio.pictured(spec, EVERY, ticket, background=True)
            else:
                continue
            news = True
        return (studio.cached(evaluation.spec) or evaluation) if news else None

    def _own(self, studio: Studio, evaluation: Evaluation, pin: Pin, labels: Labels) -> Json:
        """A pin of what is shown; with pairs where predictions of both are known."""
        found = studio.cached(pin.spec)
        shown = _pin(pin)
        if found is not None:
            shown["counts"] = counts_json(found)
            if found.predictions and evaluation.predictions and labels:
                pairs = (
                    paired_counts(truth, found.predicted(i), evaluation.predicted(i))
                    for i, truth in enumerate(labels)
                )
                shown["pairs"] = [[pair.gained, pair.lost, pair.n] for pair in pairs]
        return shown


def is_beside(pin: EditSpec, spec: EditSpec) -> bool:
    """Whether a pin can be compared: the same model, checkpoint, split and images."""
    return all(
        getattr(pin, name) == getattr(spec, name) for name in ("model", "checkpoint", "split", "images")
    )


def _pin(pin: Pin) -> Json:
    names = ("model", "checkpoint", "split")
    return {
        "letter": pin.letter,
        "spec": {name: getattr(pin.spec, name) for name in names} | edit_json(pin.spec),
    }
