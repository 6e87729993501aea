"""PCB merging: entries compete within a task and between tasks, and the merge weighs them by the outcome."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging.arithmetic import task_arithmetic
from lines_core.merging.known import Known, Needs
from lines_core.merging.method import Parameter
from lines_core.merging.slices import on_threads, over_slices
from lines_core.merging.threshold import kth_magnitudes

RATIO = Parameter(
    "ratio",
    "Winners",
    "Fraction of each task vector's entries, those with the highest scores, that enter the merge.",
    0.1,
    0.01,
    0.5,
    0.01,
)
OUTLIERS = 1e-4
"""Share of a task vector's magnitudes at either end that are set to the next ones."""

Score = Callable[[slice], Tensor]
"""The scores of a part of one task vector, float32."""


def pcb_merge(vectors: Sequence[Tensor], *, ratio: float, known: Known | None = None) -> Tensor:
    """sum_t w_t tau_t / sum_t w_t for every entry, w_t its scaled score in task t.

        score_t = exp(T n(|tau_t|)^2) tanh(tau_t sum_s tau_s),    w_t = n(max(score_t, cut_t))

    n maps the smallest value of a task to 0 and its largest to 1; cut_t is the score of rank
    int((1 - ratio) d) from below, at least 0: an entry that works against the sum never wins. Magnitudes are
    clipped at their `OUTLIERS` before n and in tau_t.

    Args:
        vectors: T task vectors, (numel,) float32.
        ratio: fraction of the entries that win.
        known: nothing, since `pcb_needs` refuses parts.
    Cost: seven reads of every vector; memory for one vector a core and the sum.
    Source: Du et al. (2024), arXiv:2410.02396, and its authors' code for the clipping and the cut.
    """
    numel, tasks = len(vectors[0]), len(vectors)
    total = task_arithmetic(vectors)
    ends = int(numel * OUTLIERS) + 1, int(numel * (1.0 - OUTLIERS) - 1) + 1
    bounds = on_threads(lambda vector: kth_magnitudes(vector, [max(1, end) for end in ends]), vectors)

    def score_of(task: int) -> Score:
        low, high = bounds[task]

        def score(part: slice) -> Tensor:
            entries = vectors[task][part].double()
            own = (entries.abs().clamp_(low, high) - low) / ((high - low) or 1.0)
            return (torch.exp(tasks * own * own) * torch.tanh(entries * total[part])).float()

        return score

    scores = [score_of(task) for task in range(tasks)]
    rank = int(numel * (1.0 - ratio)) + 1
    cuts = on_threads(lambda score: _cut(score, total, rank), scores)
    merged = torch.empty_like(total)

    def work(part: slice, scratch: list[Tensor]) -> None:
        weighted, weights = (each.zero_() for each in scratch)
        for vector, score, (low, high), (cut, best) in zip(vectors, scores, bounds, cuts, strict=True):
            if best <= cut:
                continue
            weight = (score(part).double().clamp_(min=cut) - cut) / (best - cut)
            entries = vector[part].double()
            weighted.add_(weight * entries.sign() * entries.abs().clamp_(low, high))
            weights.add_(weight)
        merged[part].copy_(weighted.div_(weights.clamp_(min=1e-12)))

    over_slices(merged, work, torch.float64, torch.float64)
    return merged


def _cut(score: Score, total: Tensor, rank: int) -> tuple[float, float]:
    """The score of a rank, and the best one, at least 0."""
    scores = torch.empty_like(total)

    def work(part: slice, scratch: list[Tensor]) -> None:
        scores[part] = score(part).clamp_(min=0.0)

    over_slices(scores, work)
    cut, best = kth_magnitudes(scores, [min(rank, len(scores)), len(scores)])
    return cut, best


def pcb_needs(numel: int, *, ratio: float) -> Needs:
    """Raises: MergeError: scores are ranked by the whole sum, which models in files are too large for."""
    raise MergeError(
        "PCB merging ranks scores of whole models and is not made from files: choose another method."
    )
