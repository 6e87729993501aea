"""Pins in the live answer: their numbers, and the difference of the present position to each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import TARGET, Evaluation, TaskResult
from evaluators.specs.intervals import difference_interval
from evaluators.specs.paired_difference import Difference, paired_counts, paired_difference
from ui.explore import explore_text
from ui.explore.explore_json import accuracies_json, edit_json, rounded
from ui.explore.pins import Pin
from ui.live.schedule_figure import factors
from ui.live.subject import about
from ui.shell.roles import role_of

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

    def known(
        self, studio: Studio, name: str, evaluation: Evaluation, pins: Sequence[Pin], num_blocks: int
    ) -> list[Json]:
        """The part ``pins`` of an answer, as far as it is known without counting.

        Args:
            name: of the images, by content.
            evaluation: of the present position.
            num_blocks: L of its encoder.
        Cost: a look-up in the result cache a pin, and a pass over the predictions of all images.
        """
        labels = self._labels.get(name, ())
        return [
            self._own(studio, evaluation, pin, num_blocks, labels)
            if is_beside(pin.spec, evaluation.spec)
            else _elsewhere(studio, pin)
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

    def _own(self, studio: Studio, evaluation: Evaluation, pin: Pin, num_blocks: int, labels: Labels) -> Json:
        """A pin of the model, checkpoint and split that are shown."""
        spec = pin.spec
        scales = spec.scales(num_blocks)
        here = scales == evaluation.spec.scales(num_blocks)
        shown: Json = {
            "letter": pin.letter,
            "name": setting_words(spec),
            "here": here,
            "role": role_of(spec),
            "edit": edit_json(spec),
            "factors": [round(factor, 4) for factor in factors(scales)],
        }
        found = studio.cached(spec)
        if found is not None:
            shown |= accuracies_json(found)
            shown["tasks"] = [[task.correct, task.n] for task in found.tasks]
            if not here:
                shown["difference"] = difference_json(found, evaluation, labels)
        return shown


def is_beside(pin: EditSpec, spec: EditSpec) -> bool:
    """Whether a pin can be compared: the same model, checkpoint, split and images."""
    return all(
        getattr(pin, name) == getattr(spec, name) for name in ("model", "checkpoint", "split", "images")
    )


def difference_json(pin: Evaluation, evaluation: Evaluation, labels: Labels) -> Json:
    """Accuracy of the present position minus that of a pin: of the target, the controls, and each task.

    Paired where predictions of both are known; else as if the two were of different images.
    """
    roles = [task.role for task in evaluation.tasks]
    targets, controls = (
        [i for i, role in enumerate(roles) if (role == TARGET) == wanted] for wanted in (True, False)
    )
    paired = bool(pin.predictions and evaluation.predictions and labels)
    if paired:
        counts = [
            paired_counts(truth, pin.predicted(i), evaluation.predicted(i)) for i, truth in enumerate(labels)
        ]

    def difference(tasks: Sequence[int]) -> list[float]:
        if paired:
            found = paired_difference([counts[i] for i in tasks])
        else:
            found = _unpaired([pin.tasks[i] for i in tasks], [evaluation.tasks[i] for i in tasks])
        return [rounded(number) for number in (found.value, found.low, found.high)]

    return {
        "paired": paired,
        "target": difference(targets),
        "control": difference(controls),
        "tasks": [difference([i]) for i in range(len(roles))],
    }


def _unpaired(before: Sequence[TaskResult], after: Sequence[TaskResult]) -> Difference:
    counted, now = ([(task.correct, task.n) for task in tasks] for tasks in (before, after))
    value = sum(a.accuracy - b.accuracy for b, a in zip(before, after, strict=True)) / len(before)
    return Difference(value, *difference_interval(counted, now))


def _elsewhere(studio: Studio, pin: Pin) -> Json:
    """A pin of another model or checkpoint: what it is, and the link to it, but none of its numbers."""
    spec = pin.spec
    link = {"model": spec.model, "task": spec.checkpoint, "shape": spec.shape}
    numbers = ("mix",) if spec.free_form else ("alpha", "beta", "mix")
    link |= {name: f"{getattr(spec, name):.9g}" for name in numbers}
    if spec.free_form:
        link["free"] = ",".join(f"{factor:.9g}" for factor in spec.free_form)
    return {
        "letter": pin.letter,
        "name": about(studio, spec.model, spec.checkpoint, setting_words(spec)),
        "link": urlencode({**link, "outside": spec.outside}),
    }


def setting_words(spec: EditSpec) -> str:
    """The setting in words, with the rule for the parts outside the blocks where it is not the usual one."""
    outside = "" if spec.outside == "alpha" else f", outside the blocks {explore_text.OUTSIDE[spec.outside]}"
    return explore_text.edit_words(spec) + outside
