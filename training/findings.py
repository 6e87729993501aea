"""The paper's claims on the embedded lab, computed from the shipped sweeps alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import stdev

from evaluators import EditSpec, Evaluation
from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.sweeps import (
    ALL_IMAGES,
    Found,
    gamma_sweep,
    reference_specs,
    robust_sweep,
    wise_ft_sweep,
)
from evaluators.specs.checkpoint_means import Estimate, mean_control, mean_target
from training.ample_targets import AmpleTargets

Path2D = Sequence[tuple[float, float]]


def best_beyond(path: Path2D, least: float) -> float:
    """Largest second coordinate on the polyline ``path`` where the first is at least ``least``.

    The other method is thus compared at its best: of all models on its path that are as good on one axis,
    the best on the other. Ends of the path count; -inf if no point reaches ``least``.
    """
    reached = [y for x, y in path if x >= least]
    for (x0, y0), (x1, y1) in pairwise(path):
        if min(x0, x1) < least < max(x0, x1):
            reached.append(y0 + (y1 - y0) * (least - x0) / (x1 - x0))
    return max(reached, default=float("-inf"))


@dataclass(frozen=True)
class TaskFinding:
    """One checkpoint: pre-trained, fine-tuned, LiNeS, and other methods; accuracies in [0, 1].

    Args:
        pretrained, finetuned, lines: evaluations on all test images.
        gamma: chosen by C.1 on validation.
        ample_target: LiNeS's target accuracy on the ample test images.
        wise_ft_control: best control accuracy on the WiSE-FT line at no less than LiNeS's target accuracy, or
            than the line's own best target accuracy if that is lower; targets on the ample test images.
        wise_ft_control_shipped: the same with targets on the shipped test images.
        reverse_control: LiNeS's control accuracy, or deep shrinking's best if that is lower.
        reverse_target: best target accuracy of deep shrinking with at least that control accuracy.
        lines_target_at_control: best target accuracy on LiNeS's path with at least that control accuracy.
        lines_path, wise_ft_path, reverse_path: (target, control) from fine-tuned to pre-trained.
    """

    key: str
    gamma: float
    pretrained: Evaluation
    finetuned: Evaluation
    lines: Evaluation
    ample_target: float
    wise_ft_control: float
    wise_ft_control_shipped: float
    reverse_control: float
    reverse_target: float
    lines_target_at_control: float
    lines_path: Path2D
    wise_ft_path: Path2D
    reverse_path: Path2D


def _path(measured: Found, specs: Sequence[EditSpec]) -> Path2D:
    return [(measured[spec].target, measured[spec].control) for spec in specs]


def _swapped(path: Path2D) -> Path2D:
    return [(y, x) for x, y in path]


def equal_target_control(path: Path2D, target: float) -> float:
    """Best control accuracy on a path at no less than ``target``, or than the path's own best if lower."""
    return best_beyond(path, min(target, max(reached for reached, _ in path)))


def task_finding(measured: Found, ample: AmpleTargets, checkpoint: str) -> TaskFinding:
    """The finding of one of the eight checkpoints. Raises: KeyError if its sweeps were not measured."""
    search = GammaSearch(checkpoint, images=ALL_IMAGES)
    choice = search.choice(measured)
    if choice is None:
        raise KeyError(f"The validation sweep of {checkpoint} was not measured.")
    pretrained, finetuned = (measured[spec] for spec in search.references("test"))
    chosen = EditSpec.lines(checkpoint, choice.gamma, images=ALL_IMAGES)
    lines = measured[chosen]
    mixes = wise_ft_sweep(checkpoint, "test", ALL_IMAGES)[::-1]
    wise_ft = _path(measured, mixes)
    ample_wise_ft = [(ample[spec], measured[spec].control) for spec in mixes]
    lines_path = _path(measured, search.candidates("test"))
    reverse = _path(measured, gamma_sweep(checkpoint, "test", "reverse", ALL_IMAGES))
    reverse_level = min(lines.control, max(control for _, control in reverse))
    return TaskFinding(
        key=checkpoint,
        gamma=choice.gamma,
        pretrained=pretrained,
        finetuned=finetuned,
        lines=lines,
        ample_target=ample[chosen],
        wise_ft_control=equal_target_control(ample_wise_ft, ample[chosen]),
        wise_ft_control_shipped=equal_target_control(wise_ft, lines.target),
        reverse_control=reverse_level,
        reverse_target=best_beyond(_swapped(reverse), reverse_level),
        lines_target_at_control=best_beyond(_swapped(lines_path), reverse_level),
        lines_path=lines_path,
        wise_ft_path=wise_ft,
        reverse_path=reverse,
    )


@dataclass(frozen=True)
class Summary:
    """The eight checkpoints together: means over them, fractions in [0, 1].

    Args:
        kept: LiNeS's mean target over the fine-tuned models'.
        regained: share of the mean control accuracy lost by fine-tuning that LiNeS gives back.
        wise_ft_margin: LiNeS's mean control minus WiSE-FT's at no less than equal target accuracy, the
            targets on the ample test images.
        wise_ft_error: standard error of that mean over the checkpoints.
        wise_ft_margin_shipped: the same margin with targets on the shipped test images.
        reverse_margin: mean of LiNeS's target minus deep shrinking's, both with at least ``reverse_control``.
        reverse_falls_short: checkpoints on which no deep shrinking gives as much control accuracy as LiNeS.
    """

    zero_shot: Estimate
    finetuned_target: Estimate
    finetuned_control: Estimate
    lines_target: Estimate
    lines_control: Estimate
    drop: float
    kept: float
    regained: float
    wise_ft_margin: float
    wise_ft_error: float
    wise_ft_margin_shipped: float
    reverse_margin: float
    reverse_falls_short: int


def summarise(findings: Sequence[TaskFinding]) -> Summary:
    """Means over checkpoints."""

    def mean(value: Callable[[TaskFinding], float]) -> float:
        return sum(map(value, findings)) / len(findings)

    margins = [finding.lines.control - finding.wise_ft_control for finding in findings]
    before = mean(lambda finding: finding.pretrained.control)
    after = mean(lambda finding: finding.finetuned.control)
    lines_control = mean_control([finding.lines for finding in findings])
    lines_target = mean_target([finding.lines for finding in findings])
    finetuned_target = mean_target([finding.finetuned for finding in findings])
    return Summary(
        zero_shot=mean_target([finding.pretrained for finding in findings]),
        finetuned_target=finetuned_target,
        finetuned_control=mean_control([finding.finetuned for finding in findings]),
        lines_target=lines_target,
        lines_control=lines_control,
        drop=before - after,
        kept=lines_target.mean / finetuned_target.mean,
        regained=(lines_control.mean - after) / (before - after),
        wise_ft_margin=sum(margins) / len(margins),
        wise_ft_error=stdev(margins) / len(margins) ** 0.5,
        wise_ft_margin_shipped=lines_control.mean - mean(lambda finding: finding.wise_ft_control_shipped),
        reverse_margin=mean(lambda finding: finding.lines_target_at_control - finding.reverse_target),
        reverse_falls_short=sum(finding.reverse_control < finding.lines.control for finding in findings),
    )


@dataclass(frozen=True)
class RobustFinding:
    """The objects checkpoint: (ID accuracy, mean accuracy on the five shifts) along both fronts."""

    pretrained: Evaluation
    finetuned: Evaluation
    wise_ft: tuple[Evaluation, ...]
    lines_wise_ft: tuple[Evaluation, ...]


def robust_claim(measured: Found, checkpoint: str = "objects") -> RobustFinding:
    """The finding of the objects checkpoint. Raises: KeyError if its sweeps were not measured."""
    pretrained, finetuned = (measured[spec] for spec in reference_specs(checkpoint, images=ALL_IMAGES))
    wise_ft, lines_wise_ft = (
        tuple(measured[spec] for spec in sweep(checkpoint, "test", ALL_IMAGES))
        for sweep in (wise_ft_sweep, robust_sweep)
    )
    return RobustFinding(pretrained, finetuned, wise_ft, lines_wise_ft)
