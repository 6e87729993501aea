"""Interface of a part of a sweep: edits that are measured, and those that the measured ones decide on."""

from collections.abc import Sequence
from typing import Protocol

from evaluators.experiments.sweeps import Found
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec


class PlanPart(Protocol):
    """Edits of one encoder."""

    def first(self, studio: Studio) -> Sequence[EditSpec]:
        """The edits to begin with.

        Raises: SpecError if the studio lacks something; of a merge whose alpha is Eq. 2's also as
            ``Studio.merging_alpha``.
        Cost: with Eq. 2, that of the merges.
        """

    def then(self, found: Found) -> Sequence[EditSpec]:
        """The edits that follow from what was found so far, such as what was chosen, on test images.

        Asked again until all of them are known.
        """

    def lines(self, found: Found) -> Sequence[str]:
        """The result as lines of text; none where the evaluations say it all."""
