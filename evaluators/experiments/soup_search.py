"""Soups of one task: greedy selection, and the factor or beta of a soup, on validation (section 5.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluators.experiments.sweeps import ALL_IMAGES, Found
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from lines_core.soups import SOUP_ALPHA, SOUP_BETAS, SOUP_SCALES, GreedySoup, greedy_soup

AVERAGE, STOCK = "average", "model-stock"
SOUP = "soup"


def soup_members(studio: Studio) -> tuple[str, ...]:
    """Keys of the embedded lab's checkpoints that are members of the soup."""
    kinds = {variant.key: variant.kind for variant in studio.variants()}
    keys = (checkpoint.key for checkpoint in studio.compared())
    return tuple(key for key in keys if kinds.get(key.rpartition(".")[0]) == SOUP)


def soup_spec(
    members: Sequence[str],
    beta: float = 0.0,
    scale: float = SOUP_ALPHA,
    split: str = "test",
    images: int = ALL_IMAGES,
    model: str = TINY_CLIP,
) -> EditSpec:
    """theta_0 + lambda(l) * mean tau_i (Eq. 3), lambda rising from ``scale`` by ``beta``.

    With beta = 0 and scale = 1 it is the plain soup, of one member that member; with another scale the task
    arithmetic variant; with scale = 1 and another beta the LiNeS variant.

    Raises: SpecError as ``MergeSpec``.
    """
    merge = MergeSpec(tuple(members), AVERAGE)
    return EditSpec.merged(merge, scale, beta, model=model, split=split, images=images)


@dataclass(frozen=True)
class TunedSoup:
    """A soup under the factor or the beta that validation chose.

    Args:
        value: the factor or beta.
        spec: of the soup on test images.
    """

    value: float
    spec: EditSpec


@dataclass(frozen=True)
class SoupSearch:
    """The uniform and the greedy soup of some members and their variants, as far as they are measured.

    Args:
        members: keys of checkpoints.
        images: of each task, 0 for all.
    """

    members: tuple[str, ...]
    images: int = ALL_IMAGES

    def spec(
        self, members: Sequence[str], beta: float = 0.0, scale: float = SOUP_ALPHA, split: str = "test"
    ) -> EditSpec:
        """A soup of some of the members, as ``soup_spec``."""
        return soup_spec(members, beta, scale, split, self.images)

    def alone(self, split: str = "test") -> tuple[EditSpec, ...]:
        """Every member by itself."""
        return tuple(self.spec([member], split=split) for member in self.members)

    def stock(self) -> EditSpec:
        """Model Stock of all members, on test images; it has no coefficient to choose."""
        return EditSpec.merged(
            MergeSpec(self.members, STOCK), SOUP_ALPHA, model=TINY_CLIP, images=self.images
        )

    def scaled(self, members: Sequence[str], split: str) -> dict[float, EditSpec]:
        """The task arithmetic variant of a soup under every factor."""
        return {scale: self.spec(members, scale=scale, split=split) for scale in SOUP_SCALES}

    def lines(self, members: Sequence[str], split: str) -> dict[float, EditSpec]:
        """The LiNeS variant of a soup under every beta."""
        return {beta: self.spec(members, beta, split=split) for beta in SOUP_BETAS}

    def variants(self, members: Sequence[str]) -> tuple[EditSpec, ...]:
        """One soup under every beta and every factor, on both splits."""
        return tuple(
            spec
            for split in ("val", "test")
            for spec in (*self.lines(members, split).values(), *self.scaled(members, split).values())
        )

    def specs(self) -> tuple[EditSpec, ...]:
        """Every member alone on both splits, Model Stock, and the uniform soup with its variants."""
        return (*self.alone("val"), *self.alone("test"), self.stock(), *self.variants(self.members))

    def next_specs(self, found: Found) -> tuple[EditSpec, ...]:
        """The soup that the greedy selection has to try next; after it, the variants of the greedy soup."""
        selected = self._select(found)
        return self.variants(selected.members) if isinstance(selected, GreedySoup) else (selected,)

    def greedy(self, found: Found) -> GreedySoup | None:
        """The greedy soup by validation accuracy; None while a soup that it tries is not measured.

        Raises: MergeError as ``lines_core.soups.greedy_soup``.
        """
        selected = self._select(found)
        return selected if isinstance(selected, GreedySoup) else None

    def _select(self, found: Found) -> GreedySoup | EditSpec:
        """The greedy soup, or the first soup it tries that is not measured."""

        def accuracy(soup: Sequence[str]) -> float:
            return found[self.spec(soup, split="val")].target

        try:
            held_out = {member: accuracy([member]) for member in self.members}
            return greedy_soup(self.members, held_out, accuracy)
        except KeyError as missing:
            spec: EditSpec = missing.args[0]
            return spec

    def tuned_scale(self, members: Sequence[str], found: Found) -> TunedSoup | None:
        """The task arithmetic variant that validation chooses; None while a factor is not measured."""
        return _tuned(self.scaled(members, "val"), self.scaled(members, "test"), found)

    def tuned_beta(self, members: Sequence[str], found: Found) -> TunedSoup | None:
        """The LiNeS variant that validation chooses; None while a beta is not measured."""
        return _tuned(self.lines(members, "val"), self.lines(members, "test"), found)


def _tuned(
    validation: Mapping[float, EditSpec], test: Mapping[float, EditSpec], found: Found
) -> TunedSoup | None:
    if any(spec not in found for spec in validation.values()):
        return None
    best = max(validation, key=lambda value: found[validation[value]].target)  # of equal ones the smallest
    return TunedSoup(best, test[best])
