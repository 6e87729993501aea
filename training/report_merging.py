"""The report on merging: Tables 2, 6 and 8, Figs. 8 and 9, the paper's numbers beside ours."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from matplotlib import pyplot as plt

from evaluators.experiments.merge_search import HEAT_ALPHAS, MergeConfig, heat_betas
from lines_core.merging import METHODS
from training.findings import Measured
from training.merging_study import (
    FILE,
    HEAT_IMAGES,
    HEAT_METHODS,
    SHAPES,
    Chosen,
    MethodFinding,
    best_cell,
    heat_cells,
    magnitude_masks_test,
    measured_alpha,
    measured_recipes,
    method_finding,
    references,
    tall_masks_test,
)
from training.study import Study, markdown, percent, with_interval

PAPER: Mapping[str, tuple[float, ...]] = {
    "sum": (69.7, 74.2, 73.9, 73.8),
    "ties": (73.6, 77.2, 76.9, 76.1),
    "consensus": (74.5, 77.6, 77.1, 77.1),
}
"""Tables 2 and 6, ViT-B/32, 8 tasks: plain, linear, square root, quadratic."""
PAPER_BEST = {"sum": (0.125, 0.3), "ties": (0.21, 1.4), "consensus": (0.21, 0.9)}
"""Table 8: alpha of Eq. 2 and the best beta."""
PAPER_ENDS = (48.3, 90.5)
"""Zero-shot and fine-tuned."""
COLOURS = {"sum": "#0072B2", "ties": "#D55E00", "consensus": "#009E73"}


WHY = (
    "The paper's order of the methods, TIES and Consensus above task arithmetic, does not hold in the "
    "lab: the residuals of a few hundred large steps are spread over all weights, so trimming to the "
    "largest fifth loses more of them than it removes interference. Square root and quadratic schedules "
    "are as good as the line, as in the paper's Table 6; all gains with α by Eq. 2, which was never "
    "tuned."
)
"""What differs from the paper and why, in words; the numbers around it are measured."""


def merging_section(assets: Path) -> Iterator[str]:
    """Its lines; draws its two plots."""
    study = Study(assets / "report" / FILE)
    recipes = measured_recipes(study)
    alphas = {method: measured_alpha(study, method) for method in recipes}
    found = {method: method_finding(study, recipe, alphas[method]) for method, recipe in recipes.items()}
    zero_shot, finetuned = references(study, recipes["sum"])
    yield from ("## Merging the eight tasks into one model", "")
    yield (
        f"Mean accuracy over the eight tasks on all test images (%), with 95 % intervals. Zero-shot "
        f"{with_interval(zero_shot)}, the eight fine-tuned models {with_interval(finetuned)} (paper, "
        f"ViT-B/32: {PAPER_ENDS[0]} and {PAPER_ENDS[1]}). The coefficient of every column was chosen on "
        "validation: λ without LiNeS, β with it, α by Eq. 2. In brackets the paper's Tables 2 and 6."
    )
    yield ""
    header = ["method", "plain", "LiNeS, linear", "square root", "quadratic", "gain (linear)"]
    yield from markdown(header, [_row(one) for one in found.values()])
    keys = recipes["sum"].checkpoints
    tall, magnitude = tall_masks_test(study, keys), magnitude_masks_test(study, keys)
    yield ""
    yield (
        f"With a mask a task, that is eight models: TALL masks {with_interval(tall)} ("
        f"{percent(tall.normalised(finetuned))} % of the fine-tuned models; λ chosen a task on validation), "
        f"magnitude masks {with_interval(magnitude)}."
    )
    yield ""
    yield _said(found)
    yield ""
    yield WHY
    yield from ("", "### Best α and β (Table 8)", "")
    measured = Measured(assets / "sweeps")
    rows = []
    for method in HEAT_METHODS:
        (alpha, beta), cell = best_cell(measured, recipes[method])
        theirs = PAPER_BEST[method]
        chosen = found[method].lines["linear"]
        rows.append(
            [
                METHODS[method].title,
                f"{chosen.alpha:.3f} ({theirs[0]:g})",
                f"{chosen.beta:g} ({theirs[1]:g})",
                f"α {alpha:g}, β {beta:g}",
                f"{percent(cell)} %",
            ]
        )
    yield from markdown(
        ["method", "α by Eq. 2 (paper)", "best β (paper)", "best cell of the map", "normalised, validation"],
        rows,
    )
    yield from ("", "![Validation accuracy against the coefficient](report/coefficients.png)", "")
    yield f"![Normalised validation accuracy over α and β, {HEAT_IMAGES} images a task](report/heat.png)"
    draw_curves(found, assets / "report" / "coefficients.png")
    draw_heat(measured, recipes, assets / "report" / "heat.png")


def _row(found: MethodFinding) -> list[str]:
    theirs = PAPER.get(found.method, ())
    columns = [found.plain, *(found.lines[shape] for shape in SHAPES)]
    cells = [_cell(one, theirs[index] if theirs else None) for index, one in enumerate(columns)]
    gain = 100 * (found.lines["linear"].test.mean - found.plain.test.mean)
    paper = f" ({theirs[1] - theirs[0]:+.1f})" if theirs else ""
    return [METHODS[found.method].title, *cells, f"{gain:+.1f}{paper}"]


def _cell(chosen: Chosen, paper: float | None) -> str:
    coefficient = f"λ {chosen.alpha:g}" if chosen.beta is None else f"β {chosen.beta:g}"
    beside = "" if paper is None else f" [{paper}]"
    return f"{with_interval(chosen.test)}{beside}, {coefficient}"


def _said(found: Mapping[str, MethodFinding]) -> str:
    gains = {
        METHODS[key].title: 100 * (one.lines["linear"].test.mean - one.plain.test.mean)
        for key, one in found.items()
    }
    helped = [f"{title} ({gain:+.1f})" for title, gain in gains.items() if gain > 0]
    not_helped = [f"{title} ({gain:+.1f})" for title, gain in gains.items() if gain <= 0]
    first = f"LiNeS improves {', '.join(helped)}" if helped else "LiNeS improves none of them"
    rest = f"; it does not improve {', '.join(not_helped)}" if not_helped else ""
    return f"{first}{rest}."


def draw_curves(found: Mapping[str, MethodFinding], path: Path) -> None:
    """Fig. 8: normalised validation accuracy against lambda (dashed) and beta (solid)."""
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for method, colour in COLOURS.items():
        for curve, style, name in (
            (found[method].plain.curve, "--", "plain"),
            (found[method].lines["linear"].curve, "-", "LiNeS"),
        ):
            at = sorted(curve)
            axes.plot(
                at,
                [100 * curve[value] for value in at],
                style,
                color=colour,
                marker=".",
                label=f"{METHODS[method].title}, {name}",
            )
    axes.set_xlabel("λ (plain), β (LiNeS)")
    axes.set_ylabel("normalised accuracy, validation (%)")
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def draw_heat(measured: Measured, recipes: Mapping[str, MergeConfig], path: Path) -> None:
    """Fig. 9: normalised validation accuracy over alpha and beta."""
    figure, grid = plt.subplots(1, len(HEAT_METHODS), figsize=(13, 3.8), layout="constrained")
    for axes, method in zip(grid, HEAT_METHODS, strict=True):
        cells = heat_cells(measured, recipes[method])
        betas = heat_betas(method)
        values = [[100 * cells[alpha, beta] for beta in betas] for alpha in HEAT_ALPHAS]
        shown = axes.pcolormesh(betas, HEAT_ALPHAS, values, shading="nearest")
        (alpha, beta), _ = best_cell(measured, recipes[method])
        axes.plot(beta, alpha, "*", color="white", markeredgecolor="black", markersize=14)
        axes.set_title(METHODS[method].title, fontsize=10)
        axes.set_xlabel("β")
        figure.colorbar(shown, ax=axes)
    grid[0].set_ylabel("α")
    figure.savefig(path, dpi=90)
    plt.close(figure)
