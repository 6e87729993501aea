"""What a merge needs of whole task vectors, found in a few passes over vectors that come in parts."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging import METHODS, Known, Needs, check_task, merge
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
        shape: of the parameter, if the part is all of it.
    """

    name: str
    start: int
    vectors: tuple[Tensor, ...]
    shape: tuple[int, ...] = ()


Pass = Callable[[], Iterable[VectorPart]]
"""One pass over all parts of the vectors, in any order."""


_SIGNS = (1, -1)
"""Majorities whose norms are added up while the majority is being counted. The third, 0, is rare."""


@dataclass
class _Norms:
    """Terms of Eq. 2 for T vectors, added up part by part."""

    count: int
    sum_norm: float = 0.0
    merged_norm: float = 0.0

    def add(self, norms: tuple[float, float]) -> None:
        self.sum_norm += norms[0]
        self.merged_norm += norms[1]

    @property
    def alpha(self) -> float:
        """Raises: MergeError as `alpha_of`."""
        return alpha_of(self.sum_norm, self.merged_norm, self.count).alpha


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
        _ = self.needs

    @property
    def by_tensor(self) -> bool:
        """Whether each part must be a whole parameter, and nothing is needed of whole vectors."""
        return METHODS[self.method].by_tensor or self.settings.get(SCOPE, WHOLE) != WHOLE

    @property
    def needs(self) -> Needs:
        """What it needs of whole vectors."""
        needs = METHODS[self.method].needs
        settings = {key: value for key, value in self.settings.items() if key != SCOPE}
        return Needs() if needs is None or self.by_tensor else needs(self.numel, **settings)

    def passes(self, eq_2: bool) -> int:
        """Passes that `find` makes."""
        needs = self.needs
        return 2 * any(needs.ranks) + max(needs.majority, eq_2) + needs.products

    def merged(self, part: VectorPart, known: Known) -> Tensor:
        """tau_merged of one part, (n,). Raises: MergeError as `merge`."""
        return merge(
            self.method,
            part.vectors,
            self.settings,
            task=self.task,
            known=replace(known, start=part.start),
            shapes=[part.shape] if self.by_tensor else None,
            names=[part.name],
        )

    def find(self, read: Pass, eq_2: bool) -> tuple[Known, float | None]:
        """What it needs, and alpha of Eq. 2 if that is asked for, in as many passes as `passes` says.

        One more, for Eq. 2, if the elected signs add up to exactly zero.

        Raises: MergeError if an entry is not finite, or as `merging_alpha`.
        """
        needs = self.needs
        if needs.products:
            found = zip(*(products(part.vectors) for part in read()), strict=True)
            known = Known(products=tuple(map(sum, found)))
        else:
            known = Known(self._magnitudes(needs.ranks, read))
        if not needs.majority:
            return known, self._alpha(known, read) if eq_2 else None
        total, by_sign = 0, {sign: _Norms(self.count) for sign in _SIGNS if eq_2}
        for part in read():
            elected, undecided = elected_sum(part.vectors, cuts_of(known))
            total += elected
            norms = None
            for sign, sums in by_sign.items():
                if norms is None or undecided:
                    norms = self._norms(part, replace(known, majority=sign))
                sums.add(norms)
        known = replace(known, majority=(total > 0) - (total < 0))
        if not eq_2:
            return known, None
        decided = by_sign.get(known.majority)
        return known, self._alpha(known, read) if decided is None else decided.alpha

    def _alpha(self, known: Known, read: Pass) -> float:
        sums = _Norms(self.count)
        for part in read():
            sums.add(self._norms(part, known))
        return sums.alpha

    def _norms(self, part: VectorPart, known: Known) -> tuple[float, float]:
        return merging_norms(part.vectors, self.merged(part, known))

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
