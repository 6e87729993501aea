"""The report on merging: Tables 2, 6 and 8, Figs. 8 and 9, the paper's numbers beside ours."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from matplotlib import pyplot as plt

from evaluators.experiments.level_control import FILE as LEVELS_FILE
from evaluators.experiments.level_control import LevelControl, read_levels
from evaluators.experiments.merge_search import (
    HEAT_ALPHAS,
    HEAT_IMAGES,
    MERGE_SHAPES,
    GridResult,
    MergeSearch,
    heat_betas,
)
from evaluators.experiments.table2 import Table2Row
from evaluators.zoo.published_merges import published_words
from lines_core.merging import METHODS
from training.merging_study import (
    FILE,
    HEAT_METHODS,
    MethodFinding,
    magnitude_masks_test,
    mask_row,
    measured_alpha,
    measured_configs,
    method_finding,
    references,
    tall_masks_test,
    tested,
)
from training.repeated_study import SEEDS_FILE, read_sets
from training.report_change import change_cell
from training.report_questions import untold_over_seeds
from training.report_tables import markdown, pct, with_interval
from training.study import Study, shipped_evaluations
from ui.merge.depth_words import depth_verdicts, mean_alone, over_seeds

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
COLOURS = {"sum": "#0072B2", "ties": "#D55E00", "consensus": "#009E73", "tsv-m": "#CC79A7"}


WHY = (
    "The paper's order of the methods, TIES and Consensus above task arithmetic, does not hold in the lab; "
    "what trimming and electing signs cost here is measured below, among the questions a reviewer asks. "
    "With the paper's methods square root and quadratic schedules are as good as the line, as in Table 6; "
    "TSV-M loses its gain under the square root; it, Iso-C and Iso-CTS are best with the quadratic one. "
    "All gains with α by Eq. 2, which was never tuned. Model Stock goes back towards the pre-trained model "
    "where changes point in different directions, as those of different tasks do; Eq. 2 undoes that with its "
    "large α."
)
"""What differs from the paper and why, in words; the numbers around it are measured."""
BY_IMAGE = "Image by image, which tells smaller differences, and against a level factor as well:"
LEVEL_HOW = (
    "The level factor is strength without depth, the same in all blocks and outside them, and chosen on "
    "validation as β is: from the means of LiNeS's candidates, α + β / 2. Accuracy on all test images (%); "
    "differences in points, image by image, with 95 % intervals for other images and these fine-tunings."
)


def merging_section(assets: Path) -> Iterator[str]:
    """The lines of the section; draws its two plots."""
    study = Study(assets / "report" / FILE)
    configs = measured_configs(study)
    findings = {
        method: method_finding(study, config, measured_alpha(study, method))
        for method, config in configs.items()
    }
    zero_shot, finetuned = references(study, configs["sum"])
    yield from ("## Merging the eight tasks into one model", "")
    yield (
        f"Mean accuracy over the eight tasks on all test images (%), with 95 % intervals. Zero-shot "
        f"{with_interval(zero_shot)}, the eight fine-tuned models {with_interval(finetuned)} (paper, "
        f"ViT-B/32: {PAPER_ENDS[0]} and {PAPER_ENDS[1]}). The coefficient of every column was chosen on "
        "validation: λ without LiNeS, β with it, α by Eq. 2. In brackets the paper's Tables 2 and 6."
    )
    yield ""
    header = ["method", "plain", "LiNeS, linear", "square root", "quadratic", "gain (linear)"]
    yield from markdown(header, [_row(finding) for finding in findings.values()])
    keys = configs["sum"].checkpoints
    masks = {
        method: row
        for method in METHODS
        if METHODS[method].per_task and (row := mask_row(study, keys, method))
    }
    tall, magnitude = tall_masks_test(study, keys), magnitude_masks_test(study, keys)
    yield ""
    yield (
        f"With a mask a task, that is eight models: TALL masks {with_interval(tall)} ("
        f"{pct(tall.normalised(finetuned))} % of the fine-tuned models; λ chosen a task on validation), "
        f"magnitude masks {with_interval(magnitude)}.{_masks_with_lines(masks.values())}"
    )
    yield ""
    yield gain_words({**findings, **masks})
    yield ""
    controls = read_levels(assets / "report" / LEVELS_FILE)
    if controls:
        untold = untold_over_seeds(read_sets(assets / "report" / SEEDS_FILE))
        yield from (f"{BY_IMAGE} {depth_verdicts(controls)}{over_seeds(untold)}", "")
    yield from published_lines(findings)
    yield ""
    yield WHY
    yield from depth_table(controls)
    yield from ("", "### Best α and β (Table 8)", "")
    shipped = shipped_evaluations(assets)
    maps = {
        method: MergeSearch(configs[method], measured_alpha(study, method)).heat.result(shipped)
        for method in HEAT_METHODS
    }
    rows = []
    for method, heat in maps.items():
        best, chosen = heat.best, findings[method].lines["linear"].best
        assert best is not None
        assert chosen is not None
        alpha, beta = (f" ({value:g})" for value in PAPER_BEST[method]) if method in PAPER_BEST else ("", "")
        rows.append(
            [
                METHODS[method].title,
                f"{chosen[0]:.3f}{alpha}",
                f"{chosen[1]:g}{beta}",
                f"α {best[0]:g}, β {best[1]:g}",
                f"{pct(heat.normalised[best])} %",
            ]
        )
    yield from markdown(
        ["method", "α by Eq. 2 (paper)", "best β (paper)", "best cell of the map", "normalised, validation"],
        rows,
    )
    yield from ("", "![Validation accuracy against the coefficient](report/coefficients.png)", "")
    yield f"![Normalised validation accuracy over α and β, {HEAT_IMAGES} images per task](report/heat.png)"
    draw_curves(findings, assets / "report" / "coefficients.png")
    draw_heat(maps, assets / "report" / "heat.png")


def _row(finding: MethodFinding) -> list[str]:
    paper = PAPER.get(finding.method, ())
    results = [finding.plain, *finding.lines.values()]
    cells = [_cell(result, paper[index] if paper else None) for index, result in enumerate(results)]
    cells += ["–"] * (1 + len(MERGE_SHAPES) - len(cells))
    gain = f" ({paper[1] - paper[0]:+.1f})" if paper else ""
    return [METHODS[finding.method].title, *cells, f"{finding.gain:+.1f}{gain}"]


def _cell(result: GridResult, paper: float | None) -> str:
    assert result.best is not None
    alpha, beta = result.best
    coefficient = f"β {beta:g}" if beta else f"λ {alpha:g}"
    return f"{with_interval(tested(result))}{'' if paper is None else f' [{paper}]'}, {coefficient}"


def _masks_with_lines(rows: Iterable[Table2Row]) -> str:
    """What LiNeS of a single task does to each model of a task."""
    said = [
        f"{METHODS[row.method].title} {with_interval(row.plain)} → {with_interval(row.lines)} (γ {row.alpha})"
        for row in rows
    ]
    how = " With LiNeS of a single task on top, γ chosen on validation, default settings: "
    return f"{how}{'; '.join(said)}." if said else ""


def gain_words(findings: Mapping[str, MethodFinding | Table2Row]) -> str:
    """Which methods LiNeS improves or harms, by the intervals of their gains."""
    improved: list[str] = []
    unclear: list[str] = []
    harmed: list[str] = []
    for method, finding in findings.items():
        low, high = finding.gain_interval
        ends = f"{finding.gain:+.1f}, {100 * low:+.1f} to {100 * high:+.1f}"
        verdict = improved if low > 0 else harmed if high < 0 else unclear
        verdict.append(f"{METHODS[method].title} ({ends})")
    first = f"LiNeS improves {', '.join(improved)}" if improved else "LiNeS improves none of them"
    rest = f"; no improvement can be measured for {', '.join(unclear)}" if unclear else ""
    worse = f"; it harms {', '.join(harmed)}" if harmed else ""
    return f"{first}{rest}{worse}."


def depth_table(controls: Mapping[str, LevelControl]) -> Iterator[str]:
    """LiNeS against a level factor, method by method; nothing if that was not measured."""
    if not controls:
        return
    yield from ("", "### Depth or strength", "", f"{LEVEL_HOW} {mean_alone(controls)}".strip(), "")
    header = ["method", "LiNeS − plain", "level factor", "level − plain", "LiNeS − level"]
    yield from markdown(header, [_control_row(control) for control in controls.values()])


def _control_row(control: LevelControl) -> list[str]:
    level = control.chosen
    scored = f"{with_interval(level.score)}, λ {level.scale:.3g}"
    changes = (change_cell(change) for change in (level.strength, level.depth))
    return [METHODS[control.method].title, change_cell(control.gain), scored, *changes]


def published_lines(methods: Iterable[str]) -> Iterator[str]:
    """What others published of the methods, as a list."""
    yield "Published for eight other tasks on ViT-B/32; each source measures checkpoints of its own:"
    yield ""
    for method in methods:
        if words := published_words(method):
            yield f"- {METHODS[method].title}: {words}"


def draw_curves(findings: Mapping[str, MethodFinding], path: Path) -> None:
    """Fig. 8: normalised validation accuracy against lambda (dashed) and beta (solid)."""
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for method, colour in COLOURS.items():
        plain, lines = findings[method].plain.normalised, findings[method].lines["linear"].normalised
        for curve, style, name in (
            ({scale: value for (scale, _), value in plain.items()}, "--", "plain"),
            ({beta: value for (_, beta), value in lines.items()}, "-", "LiNeS"),
        ):
            axes.plot(
                list(curve),
                [100 * value for value in curve.values()],
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


def draw_heat(maps: Mapping[str, GridResult], path: Path) -> None:
    """Fig. 9: normalised validation accuracy over alpha and beta."""
    figure, grid = plt.subplots(1, len(maps), figsize=(16, 3.6), layout="constrained")
    for axes, (method, heat) in zip(grid, maps.items(), strict=True):
        assert heat.best is not None
        betas = heat_betas(method)
        values = [[100 * heat.normalised[alpha, beta] for beta in betas] for alpha in HEAT_ALPHAS]
        shown = axes.pcolormesh(betas, HEAT_ALPHAS, values, shading="nearest")
        axes.plot(heat.best[1], heat.best[0], "*", color="white", markeredgecolor="black", markersize=14)
        axes.set_title(METHODS[method].title, fontsize=10)
        axes.set_xlabel("β")
        figure.colorbar(shown, ax=axes)
    grid[0].set_ylabel("α")
    figure.savefig(path, dpi=90)
    plt.close(figure)
