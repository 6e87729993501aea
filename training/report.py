"""``assets/REPORT.md``: the paper's claims on the embedded lab, from the shipped sweeps."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from evaluators.experiments.robust_fronts import areas
from training.ample_targets import IMAGES, read_ample_targets
from training.findings import (
    RobustFinding,
    Summary,
    TaskFinding,
    robust_claim,
    summarise,
    task_finding,
)
from training.language.text_report import text_section
from training.report_convnext import convnext_section
from training.report_learned import learned_section
from training.report_merging import merging_section
from training.report_questions import questions_section
from training.report_rewarded import rewarded_section
from training.report_soups import soups_section
from training.report_tables import markdown, pct, target_and_control, with_interval
from training.report_task_counts import task_counts_section
from training.report_variants import variants_section
from training.storing import FILE as STORING
from training.storing import storing_section
from training.study import shipped_evaluations
from training.world.catalogue import TASKS
from training.world.settings import SETTINGS

COLOURS = {"LiNeS": "#0072B2", "WiSE-FT": "#E69F00", "deep shrunk": "#CC79A7"}
AMPLE = "ample_targets.json"
PRETRAINED, FINETUNED = "#555555", "#D55E00"


def _claims(summary: Summary) -> list[tuple[str, str, str, bool]]:
    zero_shot = summary.zero_shot
    return [
        ("zero-shot accuracy", "40 to 60 %", f"{with_interval(zero_shot)} %", 0.4 <= zero_shot.mean <= 0.6),
        (
            "fine-tuned target accuracy",
            "at least 92 %",
            f"{with_interval(summary.finetuned_target)} %",
            summary.finetuned_target.mean >= 0.92,
        ),
        (
            "control accuracy lost by fine-tuning",
            "at least 8 points",
            f"{pct(summary.drop)} points (control {with_interval(summary.finetuned_control)} %)",
            summary.drop >= 0.08,
        ),
        (
            "target kept by LiNeS, of fine-tuned",
            "at least 99 %",
            f"{pct(summary.kept)} % (target {with_interval(summary.lines_target)} %)",
            summary.kept >= 0.99,
        ),
        (
            "lost control accuracy given back by LiNeS",
            "at least 75 %",
            f"{pct(summary.regained)} % (control {with_interval(summary.lines_control)} %)",
            summary.regained >= 0.75,
        ),
        (
            "target, LiNeS above deep shrinking at equal control",
            "clearly",
            f"{pct(summary.reverse_margin)} points; on {summary.reverse_falls_short} of 8 tasks deep "
            "shrinking never gets LiNeS's control accuracy, and is taken at its own best",
            summary.reverse_margin >= 0.02,
        ),
        (
            "control, LiNeS above WiSE-FT at equal target",
            "above",
            f"{pct(summary.wise_ft_margin, 2)} ± {pct(summary.wise_ft_error, 2)} points (standard "
            f"error over tasks), target accuracy on {IMAGES:,} test images per task; on those that ship "
            f"{pct(summary.wise_ft_margin_shipped, 2)}, too few to tell",
            summary.wise_ft_margin > 0,
        ),
    ]


def _claims_table(summary: Summary) -> Iterator[str]:
    rows = [[*texts, "yes" if holds else "**no**"] for *texts, holds in _claims(summary)]
    return markdown(["mean over the eight tasks", "wanted", "measured", "holds"], rows)


def _task_table(findings: Sequence[TaskFinding]) -> Iterator[str]:
    header = "task | zero-shot | fine-tuned | γ | LiNeS | kept | given back | WiSE-FT control | deep shrunk"
    rows = []
    for found in findings:
        before, after, edited = found.pretrained, found.finetuned, found.lines
        lost = before.control - after.control
        rows.append(
            [
                SETTINGS[found.key].title,
                target_and_control(before),
                target_and_control(after),
                f"{found.gamma:g}",
                target_and_control(edited),
                f"{pct(edited.target / after.target)} %",
                f"{pct((edited.control - after.control) / lost)} %" if lost > 0 else "nothing lost",
                pct(found.wise_ft_control),
                f"{pct(found.reverse_target)} / {pct(found.reverse_control)}",
            ]
        )
    return markdown(header.split(" | "), rows)


def _draw_paths(axes: Axes, found: TaskFinding) -> None:
    paths = {"LiNeS": found.lines_path, "WiSE-FT": found.wise_ft_path, "deep shrunk": found.reverse_path}
    for name, path in paths.items():
        axes.plot(
            [100 * x for x, _ in path], [100 * y for _, y in path], ".-", color=COLOURS[name], label=name
        )
    for evaluation, colour, label in (
        (found.pretrained, PRETRAINED, "pre-trained"),
        (found.finetuned, FINETUNED, "fine-tuned"),
        (found.lines, COLOURS["LiNeS"], "LiNeS, γ from validation"),
    ):
        (low_x, high_x), (low_y, high_y) = evaluation.target_interval, evaluation.control_interval
        axes.errorbar(
            100 * evaluation.target,
            100 * evaluation.control,
            xerr=[[100 * (evaluation.target - low_x)], [100 * (high_x - evaluation.target)]],
            yerr=[[100 * (evaluation.control - low_y)], [100 * (high_y - evaluation.control)]],
            fmt="*" if label.startswith("LiNeS") else "o",
            markersize=9,
            color=colour,
            label=label,
            elinewidth=0.8,
        )
    axes.set_title(SETTINGS[found.key].title, fontsize=10)


def draw_tasks(findings: Sequence[TaskFinding], path: Path) -> None:
    """Target against control for each of the eight checkpoints: LiNeS, WiSE-FT and deep shrinking."""
    figure, grid = plt.subplots(2, 4, figsize=(13, 6.2), layout="constrained")
    for axes, found in zip(grid.flat, findings, strict=True):
        _draw_paths(axes, found)
    grid.flat[0].legend(fontsize=7)
    figure.supxlabel("target accuracy (%)")
    figure.supylabel("control accuracy (%)")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def draw_robust(found: RobustFinding, path: Path) -> None:
    """ID accuracy against the mean of the five shifts along both fronts."""
    figure, axes = plt.subplots(figsize=(5.6, 4.2), layout="constrained")
    for name, front in (("WiSE-FT", found.wise_ft), ("LiNeS + WiSE-FT", found.lines_wise_ft)):
        colour = COLOURS[name.split(" ")[0]]
        axes.plot(
            [100 * e.target for e in front], [100 * e.control for e in front], ".-", color=colour, label=name
        )
    axes.plot(100 * found.pretrained.target, 100 * found.pretrained.control, "o", color=PRETRAINED)
    axes.plot(100 * found.finetuned.target, 100 * found.finetuned.control, "o", color=FINETUNED)
    axes.set_xlabel("objects, in distribution (%)")
    axes.set_ylabel("mean of five shifts (%)")
    axes.legend()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _robust_table(found: RobustFinding) -> Iterator[str]:
    models = {"pre-trained": found.pretrained, "fine-tuned": found.finetuned}
    for name, front in (("WiSE-FT", found.wise_ft), ("LiNeS + WiSE-FT", found.lines_wise_ft)):
        best = max(front, key=lambda evaluation: evaluation.target + evaluation.control)
        models[f"{name}, best sum (mix {best.spec.mix:g})"] = best
    shifts = [task.title for task in found.pretrained.control_tasks]
    rows = [
        [
            name,
            pct(evaluation.target),
            *(pct(task.accuracy) for task in evaluation.control_tasks),
            pct(evaluation.control),
        ]
        for name, evaluation in models.items()
    ]
    yield from markdown(["model", "ID", *shifts, "mean of shifts"], rows)
    corner = (found.pretrained.target, min(found.pretrained.control, found.finetuned.control))
    area = areas(found.wise_ft, found.lines_wise_ft, corner=corner)
    assert area is not None
    yield ""
    yield (
        "Area beyond (zero-shot ID, lower end of the shifts), in square points: "
        f"WiSE-FT {area.wise_ft:.0f}, LiNeS + WiSE-FT {area.lines:.0f}."
    )


def write_report(assets: Path) -> Iterator[str]:
    """Write ``REPORT.md`` and its two plots from ``sweeps/`` and the ample targets."""
    measured = shipped_evaluations(assets)
    ample = read_ample_targets(assets / "report" / AMPLE)
    findings = [task_finding(measured, ample, key) for key in TASKS]
    summary, robust = summarise(findings), robust_claim(measured)
    plots = assets / "report"
    plots.mkdir(exist_ok=True)
    draw_tasks(findings, plots / "tasks.png")
    draw_robust(robust, plots / "robust.png")
    images = sorted({task.n for found in findings for task in found.pretrained.tasks})
    objects, *shifts = (task.n for task in robust.pretrained.tasks)
    text = [
        "# What the embedded lab shows",
        "",
        "Written by `python -m training report` from what ships in `assets`. Where a section names no other "
        "images, its numbers are measured on the test split: "
        f"{images[0]} to {images[-1]} images for each of the eight tasks, {objects} of objects, "
        f"{min(shifts)} for each of their shifts. Others name theirs: validation images, drawn scenes, "
        "questions in words, fewer images for each task. γ is chosen by C.1 (w = 2) on "
        "validation. Intervals are 95 %. Other methods are compared at their best: the best point of the "
        "WiSE-FT line with no less target accuracy than LiNeS, the best point of deep shrinking with no less "
        "control accuracy (or with its own best, where that is lower).",
        "",
        *_claims_table(summary),
        "",
        "## Task by task (target / control accuracy, %)",
        "",
        *_task_table(findings),
        "",
        "![Target against control for the eight checkpoints](report/tasks.png)",
        "",
        "## Robust fine-tuning: objects and five shifts (%)",
        "",
        *_robust_table(robust),
        "",
        "![In distribution against the mean of five shifts](report/robust.png)",
        "",
        *merging_section(assets),
        *learned_section(assets),
        "",
        *soups_section(assets),
        "",
        *rewarded_section(assets),
        *text_section(assets),
        "",
        *variants_section(assets),
        "",
        *convnext_section(assets),
        "",
        *questions_section(assets),
        *task_counts_section(assets),
        *storing_section(assets / "report" / STORING),
        "",
    ]
    (assets / "REPORT.md").write_text("\n".join(text), encoding="utf-8")
    yield f"{assets / 'REPORT.md'}: " + "; ".join(f"{a} {c}" for a, _, c, _ in _claims(summary))
