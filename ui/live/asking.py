"""Asks the studio in a visitor's name: nobody waits untold, and only a newer move ends a request.

The studio counts requests in the order of its calls. Two of a visitor's that are begun at the same time, of a
move and of its rest, may call it in either order; the older one ends, and the newer one asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from evaluators.errors import Queued, Superseded
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import MergingAlpha

AT_ONCE = 0.6
"""Seconds that a moving slider waits for a turn. The browser sends the next position when it has an answer to
the last, so a longer wait would spend the turn on a place that the visitor has left."""
PATIENCE = 1.0
"""Seconds without a turn after which the page says so; later it does after four times as long."""


Answer = TypeVar("Answer")


def first_numbers(studio: Studio, spec: EditSpec, visitor: str, latest: Callable[[], bool]) -> Evaluation:
    """What is known, or else counted from the first chunk.

    Args:
        latest: whether nothing newer has arrived from the visitor.
    Raises: Superseded if something has; Queued if it would take long; and as ``Studio.first``.
    """
    return _asked(lambda: studio.first(spec, visitor=visitor, patience=AT_ONCE), latest)


def alpha_of_eq_2(
    studio: Studio, visitor: str, latest: Callable[[], bool], patience: float, model: str, merge: MergeSpec
) -> MergingAlpha:
    """Eq. 2's alpha of a merge.

    Args:
        latest: as for ``first_numbers``.
        patience: seconds to wait at most while the weights are merged.
    Raises: Superseded if something newer has arrived; Preparing after ``patience``; and as
        ``Studio.merging_alpha``.
    """
    return _asked(lambda: studio.merging_alpha(model, merge, visitor, patience), latest)


def all_numbers(
    studio: Studio, spec: EditSpec, visitor: str, latest: Callable[[], bool]
) -> Iterator[Evaluation | Queued]:
    """Answers from more and more images, and between them how long the line is whenever it lasts.

    Args:
        latest: as for ``first_numbers``.
    Raises: as ``Studio.stream``; Superseded also before an answer that is not wanted any more.
    """
    while True:
        try:
            for found in studio.patiently(spec, visitor, PATIENCE):
                if not latest():
                    raise Superseded("The visitor has moved on.")
                yield found
            return
        except Superseded:
            if not latest():
                raise


def _asked(ask: Callable[[], Answer], latest: Callable[[], bool]) -> Answer:
    """The answer, asked for again as long as only an older request of the visitor's came in between."""
    while True:
        try:
            return ask()
        except Superseded:
            if not latest():
                raise
