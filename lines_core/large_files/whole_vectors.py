"""What a merge needs of whole task vectors, found in a few passes over vectors that come in parts."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging import METHODS, Known, MergingAlpha, Needs, check_task, merge
from lines_core.merging.alpha import alpha_of, merging_norms
from lines_core.merging.scopes import SCOPE, WHOLE
from lines_core.merging.slerp import products
from lines_core.merging.slices import on_threads
from lines_core.merging.threshold import MagnitudeSearch
from lines_core.merging.ties import cuts_of, elected_sum


@dataclass(frozen=True)
class VectorPart:
    """The same part of T task vectors.

    Attributes:
        name: parameter that it belongs to.
        start: index of its first entry in the whole vectors.
        vectors: T tensors (n,) float32.
    """

    name: str
    start: int
    vectors: tuple[Tensor, ...]


Pass = Callable[[], Iterable[VectorPart]]
"""One pass over all parts of the vectors, in any order."""


@dataclass(frozen=True)
class MergePlan:
    """A merge whose parts can be computed one by one.

    Args:
        method: key of `METHODS`.
        settings: complete.
        task: for methods that make one model per task.
        count: T.
        numel: length of the whole vectors.
        longest: length of the longest part.
    Raises: MergeError if the method takes another number of models, the task is none of them, or the
        settings do not fit the length.
    """

    method: str
    settings: Mapping[str, float]
    task: int | None
    count: int
    numel: int
    longest: int

    def __post_init__(self) -> None:
        METHODS[self.method].check_count(self.count)
        check_task(self.method, self.task, self.count)
        if self.settings.get(SCOPE, WHOLE) != WHOLE:
            raise MergeError("Models in files are ranked as whole vectors only: leave out the setting scope.")
        _ = self.needs

    @property
    def needs(self) -> Needs:
        """What it needs of whole vectors."""
        needs = METHODS[self.method].needs
        settings = {key: value for key, value in self.settings.items() if key != SCOPE}
        return Needs() if needs is None else needs(self.numel, **settings)

    @property
    def passes(self) -> int:
        """Passes that `find` makes, without the one for alpha."""
        needs = self.needs
        return 2 * any(needs.ranks) + needs.majority + needs.products

    def merged(self, part: VectorPart, known: Known) -> Tensor:
        """tau_merged of one part, (n,). Raises: MergeError as `merge`."""
        here = replace(known, start=part.start)
        return merge(self.method, part.vectors, self.settings, task=self.task, known=here)

    def find(self, read: Pass) -> Known:
        """What it needs, in `passes` passes. Raises: MergeError if an entry is not finite."""
        needs = self.needs
        if needs.products:
            found = zip(*(products(part.vectors) for part in read()), strict=True)
            return Known(products=tuple(map(sum, found)))
        known = Known(self._magnitudes(needs.ranks, read))
        if not needs.majority:
            return known
        total = sum(elected_sum(part.vectors, cuts_of(known)) for part in read())
        return Known(known.magnitudes, (total > 0) - (total < 0))

    def alpha(self, known: Known, read: Pass) -> MergingAlpha:
        """Alpha of Eq. 2, in one pass. Raises: MergeError as `merging_alpha`."""
        sum_norm = merged_norm = 0.0
        for part in read():
            norms = merging_norms(part.vectors, self.merged(part, known))
            sum_norm, merged_norm = sum_norm + norms[0], merged_norm + norms[1]
        return alpha_of(sum_norm, merged_norm, self.count)

    def _magnitudes(self, ranks: tuple[int, ...], read: Pass) -> tuple[tuple[float, ...], ...]:
        wanted = [rank for rank in ranks if rank]
        if not wanted:
            return ((0.0,) * len(ranks),) * self.count
        like = torch.empty(self.longest)
        searches = [MagnitudeSearch(wanted, self.numel, like) for _ in range(self.count)]
        for step in (MagnitudeSearch.count, MagnitudeSearch.refine):
            for part in read():
                on_threads(partial(_step, step, searches, part.vectors), range(self.count))
        found = [iter(search.magnitudes()) for search in searches]
        return tuple(tuple(next(each) if rank else 0.0 for rank in ranks) for each in found)


def _step(
    step: Callable[[MagnitudeSearch, Tensor], None],
    searches: Sequence[MagnitudeSearch],
    vectors: Sequence[Tensor],
    number: int,
) -> None:
    step(searches[number], vectors[number])


def known_as_text(known: Known, alpha: float) -> str:
    """What a pass has found, for the next run."""
    return json.dumps(asdict(known) | {"alpha": alpha})


def known_from_text(text: str) -> tuple[Known, float]:
    """Inverse of `known_as_text`. Raises: MergeError if it is damaged."""
    try:
        found = json.loads(text)
        magnitudes = tuple(tuple(map(float, each)) for each in found["magnitudes"])
        products = tuple(map(float, found.get("products", ())))
        return Known(magnitudes, int(found["majority"]), products=products), float(found["alpha"])
    except (ValueError, KeyError, TypeError) as error:
        raise MergeError(f"What an earlier run has found is damaged ({error}): remove it.") from error
