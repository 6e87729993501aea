"""The run of a leg of a sweep: what is missing is counted, then what follows from it."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from evaluators.experiments.grid import run_grid
from evaluators.experiments.sweep_plans.outlook import Outlook, outlook
from evaluators.experiments.sweep_plans.plan_part import PlanPart
from evaluators.experiments.sweeps import Found
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation

Count = Callable[[Studio, Sequence[EditSpec]], Iterator[tuple[EditSpec, Evaluation]]]
"""Evaluates specs in any order, and yields each once complete."""
Report = Callable[[int, int], None]
"""Called with images counted and images in total."""


def ignore_progress(done: int, total: int) -> None:
    """Progress that nobody follows."""


def measure_parts(
    studio: Studio,
    parts: Sequence[PlanPart],
    report: Report = ignore_progress,
    count: Count = run_grid,
    seen: Callable[[Outlook], None] | None = None,
) -> Found:
    """Evaluations of every position of some parts, each kept in the result store as soon as it is complete.

    So a run that was killed goes on where it was: what it had finished is known then.

    Args:
        report: progress of the first positions, then of those that follow from them.
        count: what counts them.
        seen: called with what is left, before each of these.
    Raises: as ``PlanPart.first`` and ``count``.
    """
    found: dict[EditSpec, Evaluation] = {}

    def measure(specs: Iterable[EditSpec]) -> None:
        wanted = dict.fromkeys(specs)
        ahead = outlook(studio, wanted)
        if seen is not None:
            seen(ahead)
        sizes, done = dict(zip(ahead.missing, ahead.images, strict=True)), 0
        measured = {}
        for spec, evaluation in count(studio, ahead.missing):
            measured[spec] = evaluation
            done += sizes[spec]
            report(done, ahead.total)
        for spec in wanted:
            known = measured.get(spec) or studio.cached(spec)
            if known is not None:
                found[spec] = known

    measure(spec for part in parts for spec in part.first(studio))
    while wanted := [spec for part in parts for spec in part.then(found) if spec not in found]:
        measure(wanted)
    return found
