"""Answers of a single visitor, with which every answer of a load test is compared."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.load_test.http_visitor import Counts
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec


def wrong_answers(studio: Studio, returned: Iterable[tuple[EditSpec, Counts]]) -> tuple[int, list[str]]:
    """Number of answers compared, and those that differ from a single visitor's.

    Args:
        studio: with an empty cache and no other visitor.
        returned: all answers.
    Cost: one evaluation per spec, up to the most images that an answer had.
    """
    by_spec: dict[EditSpec, list[Counts]] = {}
    for spec, counts in returned:
        by_spec.setdefault(spec, []).append(counts)
    wrong = []
    for spec, answers in by_spec.items():
        right = single(studio, spec, max(sum(n for _, n in counts) for counts in answers))
        wrong += [f"{spec}: {counts}" for counts in answers if counts not in right]
    return sum(map(len, by_spec.values())), wrong


def single(studio: Studio, spec: EditSpec, images: int) -> set[Counts]:
    """All partial answers to a spec up to so many images."""
    right: set[Counts] = set()
    for evaluation in studio.stream(spec):
        right.add(tuple((task.correct, task.n) for task in evaluation.tasks))
        if sum(task.n for task in evaluation.tasks) >= images:
            break
    return right
