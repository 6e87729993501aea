"""The report on learned coefficients: Fig. 5, and accuracy and cost of AdaMerging, aTLAS and LiNeS."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib import pyplot as plt

from evaluators import EditSpec, Evaluation
from evaluators.experiments.coefficient_learning import LEARNERS
from evaluators.experiments.depth_trend import depth_trend
from evaluators.experiments.learned_merge import (
    LearnedMerge,
    MergeCost,
    ShippedLearning,
    mean_over_seeds,
    read_shipped,
    spread_over_seeds,
)
from evaluators.experiments.merge_search import Score, score
from evaluators.experiments.merge_starts import PAPER_BETA, PAPER_SCALE
from evaluators.specs.intervals import difference_interval
from lines_core.schedules import coefficients
from training.learning_study import SWEEP
from training.report_tables import markdown, pct, with_interval
from training.study import read_evaluations
from ui.learned.learned_text import part_name, published, title_of, verdict
from ui.shell.text import decimal

COLOURS = {"adamerging": "#CC79A7", "atlas": "#D55E00"}
STYLES = {"attention": "-", "mlp": "--"}


def learned_section(assets: Path) -> Iterator[str]:
    """The lines of the section; draws its plot. Nothing if the lab ships no learned merge."""
    shipped = read_shipped(assets)
    if not shipped.runs:
        return
    plain, lines = _references(assets)
    _draw(shipped, lines, assets / "report" / "learned.png")
    yield from ("", "## Learned coefficients", "")
    yield (
        "Section 5.5 and Fig. 5: one coefficient for each parameter and task, learned by AdaMerging (entropy "
        "of the predictions on unlabelled images) and aTLAS (cross-entropy of the labels of validation "
        "images), 16 images a task and step. AdaMerging learns from validation images without their labels, "
        "so that nothing is learned from what it is scored on; the paper's setting, where these are the very "
        "test images, is a row of its own. Conventions of the authors' code: AdaMerging starts at 0.3, Adam "
        "at 1e-3, and clamps to [0, 1] in every forward pass; aTLAS starts at 0, AdamW with decay 0.1, the "
        "gradient's norm clipped at 1, its rate 1e-2 (at the code's 1e-3 no coefficient could get beyond "
        f"0.25 in {LEARNERS['atlas'].steps} steps). Accuracies are means over seeds, which are orders of the "
        "images, with 95 % intervals for other images; behind ± the standard deviation from seed to seed. "
        "Seconds are those of one core, of the fastest seed."
    )
    yield ""
    searches = shipped.searches
    rows = [
        _row("Task arithmetic, λ chosen on validation", score([plain]), searches["plain"]),
        _row("LiNeS, β chosen on validation", score([lines]), searches["lines"]),
        _row(f"LiNeS, β = {PAPER_BETA:g} as in the paper", score([lines]), MergeCost(0.0, 0, 0)),
        *(_repeated_row(repeated) for repeated in _kinds(shipped)),
    ]
    header = [
        "method",
        "mean test accuracy (%)",
        "over seeds",
        "seconds",
        "labels",
        "images forward",
        "of these backward",
    ]
    yield from markdown(header, rows)
    yield ""
    yield published()
    yield ""
    yield " ".join(_sentences(shipped, lines))
    yield ""
    yield from _trends(shipped, lines)
    yield ""
    yield "![Coefficient of each block: LiNeS, AdaMerging and aTLAS](report/learned.png)"


def _kinds(shipped: ShippedLearning) -> list[tuple[LearnedMerge, ...]]:
    """The repetitions of each learner on each kind of images."""
    kinds = [(learner, split) for learner in LEARNERS for split in ("val", "test")]
    return [found for kind in kinds if (found := shipped.of(*kind))]


def _title(repeated: Sequence[LearnedMerge]) -> str:
    run = repeated[0]
    return f"{LEARNERS[run.learner].title}{' on the test images' if run.split == 'test' else ''}"


def _row_title(repeated: Sequence[LearnedMerge]) -> str:
    run, usual = repeated[0], LEARNERS[repeated[0].learner].steps
    few = f" of the {usual} that its authors take" if run.steps < usual else ""
    return f"{_title(repeated)}, {run.steps} steps{few}"


def _repeated_row(repeated: Sequence[LearnedMerge]) -> list[str]:
    mean = mean_over_seeds(repeated)
    seeds = f"± {pct(spread_over_seeds(repeated))} of {len(repeated)}" if len(repeated) > 1 else "1 seed"
    return _row(_row_title(repeated), mean.score, mean.cost, seeds)


def _row(name: str, found: Score, cost: MergeCost, seeds: str = "–") -> list[str]:
    numbers = (cost.labels, cost.forward, cost.backward)
    return [name, with_interval(found), seeds, f"{cost.seconds:,.0f}", *(f"{number:,}" for number in numbers)]


def _references(assets: Path) -> tuple[Evaluation, Evaluation]:
    """The plain sum and LiNeS, both on all test images."""
    found = read_evaluations([assets / "sweeps" / SWEEP])

    def of(beta: float) -> Evaluation:
        return next(one for spec, one in found.items() if spec.beta == beta and _edited(spec))

    return of(0.0), of(PAPER_BETA)


def _edited(spec: EditSpec) -> bool:
    return spec.beta != 0 or spec.alpha == PAPER_SCALE


def _line(lines: Evaluation, blocks: int) -> list[float]:
    found: list[float] = coefficients("linear", lines.spec.alpha, lines.spec.beta, blocks).tolist()
    return found


def _sentences(shipped: ShippedLearning, lines: Evaluation) -> Iterator[str]:
    """Differences from LiNeS, repetitions, and how the coefficients rise with depth."""
    for repeated in _kinds(shipped):
        run, title = mean_over_seeds(repeated), _title(repeated)
        before, after = (
            [(task.correct, task.n) for task in side] for side in (lines.target_tasks, run.tasks)
        )
        low, high = difference_interval(before, after)
        verdict = "better than" if low > 0 else "worse than" if high < 0 else "not measurably different from"
        gain = run.score.mean - lines.target
        more = ""
        if len(repeated) > 1:
            means = ", ".join(pct(one.score.mean) for one in repeated)
            more = f"; seed by seed {means}"
        ends = f"{100 * low:.1f} to {100 * high:.1f}"
        yield f"{title} is {verdict} LiNeS: {100 * gain:+.1f} points ({ends}){more}."
    blocks = len(next(iter(shipped.runs[0].mean_profile().values())))
    third, line = blocks // 3, _line(lines, blocks)
    learned = []
    for repeated in _kinds(shipped):
        parts = mean_over_seeds(repeated).mean_profile().items()
        said = (f"{'MLP' if part == 'mlp' else part} {_ends(values, third)}" for part, values in parts)
        learned.append(f"{_title(repeated)} {', '.join(said)}")
    yield (
        f"Mean coefficient of the first {third} blocks and of the last {third}: LiNeS {_ends(line, third)}; "
        f"{'; '.join(learned)}."
    )


def _trends(shipped: ShippedLearning, lines: Evaluation) -> Iterator[str]:
    """Each learner and kind of parameters against depth and LiNeS's line, and the verdict."""
    runs = [mean_over_seeds(repeated) for repeated in _kinds(shipped)]
    line = _line(lines, len(next(iter(runs[0].mean_profile().values()))))
    found = [
        (f"{title_of(run)}, {part_name(part)}", depth_trend(values, line))
        for run in runs
        for part, values in run.mean_profile().items()
    ]
    yield verdict(runs, line)
    yield ""
    rows = [
        [
            title,
            decimal(trend.rank_correlation),
            " to ".join(map(decimal, trend.ends)),
            f"{trend.from_lines:.3f}",
            f"{trend.from_flat:.3f}",
            "yes" if trend.close else "no",
        ]
        for title, trend in found
    ]
    header = ["coefficients", "rank correlation with depth", "best line", "from LiNeS's line"]
    yield from markdown([*header, "from their mean", "close"], rows)
    yield ""
    yield (
        f"Rising with depth: a rank correlation above {decimal(found[0][1].least)}, which an order of "
        f"{len(line)} blocks by chance exceeds once in forty times. LiNeS's line goes from {line[0]:g} to "
        f"{line[-1]:g}; the one value for all blocks that is nearest is the mean. Best line: least squares, "
        "first to last block. Distances are root mean squares over the blocks, of the mean coefficients over "
        "tasks and seeds."
    )


def _ends(values: Sequence[float], third: int) -> str:
    return f"{sum(values[:third]) / third:.3f} and {sum(values[-third:]) / third:.3f}"


def _draw(shipped: ShippedLearning, lines: Evaluation, path: Path) -> None:
    """Fig. 5: the mean coefficient of each block, for each learner on validation images."""
    figure, grid = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharex=True)
    for axes, (learner, row) in zip(grid, LEARNERS.items(), strict=True):
        repeated = shipped.of(learner, "val")
        for part in repeated[0].profile if repeated else ():
            curves = list(zip(*(run.mean_profile()[part] for run in repeated), strict=True))
            blocks = range(1, len(curves) + 1)
            means = [sum(values) / len(values) for values in curves]
            label = "MLP" if part == "mlp" else part
            axes.plot(blocks, means, STYLES.get(part, "-"), color=COLOURS[learner], label=label)
            axes.fill_between(blocks, *zip(*((min(v), max(v)) for v in curves), strict=True), alpha=0.2)
            axes.plot(blocks, _line(lines, len(curves)), "o-", color="#0072B2", markersize=3)
        axes.axhline(PAPER_SCALE, color="#999999", linestyle=":")
        axes.set_title(f"{row.title} (blue: LiNeS, dotted: task arithmetic)", fontsize=10)
        axes.set_xlabel("block")
        axes.legend(fontsize=8)
    grid[0].set_ylabel("mean coefficient over the tasks")
    figure.savefig(path, dpi=90)
    plt.close(figure)
