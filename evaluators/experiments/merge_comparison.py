"""Specs of one merge beside its baselines: with LiNeS, without, zero-shot and fine-tuned."""

from dataclasses import dataclass
from typing import Literal

from evaluators.experiments.merge_search import MergeConfig
from evaluators.experiments.merge_starts import MASK_ALPHA
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from lines_core.merging import METHODS, MergingAlpha

Alpha = float | Literal["auto"]
"""Alpha of LiNeS; "auto" is Eq. 2's."""


@dataclass(frozen=True)
class MergeComparison:
    """The specs of a comparison, each a group of one spec or of one a task.

    Args:
        lines: the merge with LiNeS.
        plain: the merge times its coefficient.
        finetuned: the model fine-tuned on each task.
        zero_shot: the pre-trained model.
        alpha: of LiNeS.
        eq_2: the ingredients of alpha; None if it was given.
    """

    lines: tuple[EditSpec, ...]
    plain: tuple[EditSpec, ...]
    finetuned: tuple[EditSpec, ...]
    zero_shot: tuple[EditSpec, ...]
    alpha: float
    eq_2: MergingAlpha | None

    @property
    def all(self) -> tuple[EditSpec, ...]:
        """All specs, in the order in which they should be measured."""
        return (*self.lines, *self.plain, *self.finetuned, *self.zero_shot)


def lines_alpha(
    studio: Studio,
    config: MergeConfig,
    alpha: Alpha,
    ticket: Ticket | None = None,
    patience: float | None = None,
) -> tuple[float, MergingAlpha | None]:
    """Alpha of LiNeS for a merge, and its ingredients if Eq. 2 gave it.

    Methods with one residual a task have no merged task vector for Eq. 2: for them "auto" is
    ``MASK_ALPHA``.

    Args, Raises: as ``merge_comparison``.
    """
    if alpha != "auto":
        return alpha, None
    if METHODS[config.method].per_task:
        return MASK_ALPHA, None
    eq_2 = studio.merging_alpha(config.model, config.merges[0], ticket, patience)
    return eq_2.alpha, eq_2


def merge_comparison(
    studio: Studio,
    config: MergeConfig,
    *,
    alpha: Alpha = "auto",
    beta: float,
    plain: float,
    shape: str = "linear",
    images: int = 200,
    ticket: Ticket | None = None,
    patience: float | None = None,
) -> MergeComparison:
    """The specs to measure for a merge, on test images.

    Args:
        alpha, beta, shape: of LiNeS (Eq. 1).
        plain: lambda of the merge without LiNeS.
        images: a task.
        ticket, patience: as for ``Studio.merging_alpha``.
    Raises: SpecError for a wrong value; with "auto" as ``Studio.merging_alpha``.
    Cost: with "auto" that of merging, unless the weights are kept.
    """
    chosen, eq_2 = lines_alpha(studio, config, alpha, ticket, patience)
    return MergeComparison(
        config.specs(chosen, beta, shape, images=images),
        config.specs(plain, images=images),
        config.finetuned(images=images),
        config.zero_shot(images=images),
        chosen,
        eq_2,
    )
