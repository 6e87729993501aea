"""A soup as one tries it out: its members, their average, the greedy selection, and variants of both."""

from collections.abc import Mapping, Sequence

from evaluators.labs.lab import CheckpointInfo, Variant
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec
from lines_core.soups import SOUP_ALPHA, GreedySoup, greedy_soup

AVERAGE = "average"
SOUP = "soup"


def members_of(checkpoints: Sequence[CheckpointInfo], variants: Sequence[Variant]) -> tuple[str, ...]:
    """Keys of the checkpoints that are members of the soup."""
    kinds = {variant.key: variant.kind for variant in variants}
    return tuple(one.key for one in checkpoints if kinds.get(one.key.rpartition(".")[0]) == SOUP)


def soup_spec(
    members: Sequence[str],
    beta: float = 0.0,
    scale: float = SOUP_ALPHA,
    split: str = "test",
    images: int = 200,
    model: str = "tiny-clip",
) -> EditSpec:
    """theta_0 + lambda(l) * mean tau_i (Eq. 3), lambda rising from ``scale`` by ``beta``.

    With beta = 0 and scale = 1 it is the plain soup, of one member that member; with another scale the task
    arithmetic variant; with scale = 1 and another beta the LiNeS variant.

    Raises: SpecError as ``MergeSpec``.
    """
    merge = MergeSpec(tuple(members), AVERAGE)
    return EditSpec.merged(merge, scale, beta, model=model, split=split, images=images)


def greedy_selection(held_out: Mapping[tuple[str, ...], Evaluation], members: Sequence[str]) -> GreedySoup:
    """Greedy soup from validation results that are there already.

    Args:
        held_out: complete validation evaluations of plain soups, by their sorted members.
        members: to select from.
    Raises: KeyError of the first soup whose result is missing: measure it and ask again; EvaluationError as
        ``lines_core.soups.greedy_soup`` for no members.
    """

    def accuracy(soup: Sequence[str]) -> float:
        return held_out[tuple(sorted(soup))].target

    alone = {member: accuracy((member,)) for member in members}
    return greedy_soup(members, alone, accuracy)
