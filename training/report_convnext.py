"""The report on Tiny ConvNeXt: Fig. 10 and Table 9, the paper's numbers beside ours."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from matplotlib import pyplot as plt

from evaluators.experiments.sweeps import gamma_sweep
from evaluators.labs.embedded_lab import TINY_CONVNEXT
from evaluators.specs.checkpoint_means import mean_control, mean_target
from lines_core.merging import METHODS
from training.convnext_study import (
    CONVNEXT_IMAGES,
    CONVNEXT_STORING,
    FILE,
    chosen_gamma,
    convnext_merge,
    convnext_references,
    gamma_specs,
    measured_alphas,
)
from training.merging_study import tested
from training.report_merging import gain_words
from training.report_tables import markdown, pct, target_and_control, with_interval
from training.storing import read_losses
from training.study import Study
from training.world.catalogue import TASKS
from training.world.settings import SETTINGS

PAPER: Mapping[str, tuple[float, float, float, float]] = {
    "sum": (77.9, 79.0, 83.8, 84.8),
    "ties": (79.7, 80.3, 85.8, 86.3),
}
"""Table 9, ConvNeXt, 8 tasks: accuracy plain and with LiNeS, then the same normalised."""
COLOURS = {"target": "#0072B2", "control": "#D55E00"}


def convnext_section(assets: Path) -> Iterator[str]:
    """The lines of the section; draws its plot."""
    study = Study(assets / "report" / FILE)
    curves = {key: study.measure(gamma_specs(key))[1:] for key in TASKS}
    gammas = {key: chosen_gamma(study, key) for key in TASKS}
    yield from ("## ConvNeXt (Fig. 10, Table 9)", "")
    before = study.measure(gamma_specs(key)[0] for key in TASKS)
    after = [curves[key][0] for key in TASKS]
    edited = [next(one for one in curves[key] if one.spec.alpha == gammas[key]) for key in TASKS]
    lost = mean_control(before).mean - mean_control(after).mean
    back = mean_control(edited).mean - mean_control(after).mean
    yield (
        f"Tiny ConvNeXt (10 blocks in four stages, timm's `convnext_zepto_rms_ols`), {CONVNEXT_IMAGES} test "
        f"images per task. Zero-shot {with_interval(mean_target(before))} %, fine-tuned "
        f"{with_interval(mean_target(after))} %; fine-tuning costs {pct(lost)} points of control accuracy "
        f"({with_interval(mean_control(before))} to {with_interval(mean_control(after))} %). LiNeS with γ "
        f"from validation keeps {pct(mean_target(edited).mean / mean_target(after).mean)} % of the target "
        f"accuracy ({with_interval(mean_target(edited))} %) and gives back {pct(back / lost)} % of what "
        f"control accuracy had lost ({with_interval(mean_control(edited))} %)."
    )
    yield ""
    rows = [
        [
            SETTINGS[key].title,
            target_and_control(zero),
            target_and_control(tuned),
            f"{gammas[key]:g}",
            target_and_control(lines),
        ]
        for key, zero, tuned, lines in zip(TASKS, before, after, edited, strict=True)
    ]
    yield from markdown(["task (target / control, %)", "zero-shot", "fine-tuned", "γ", "LiNeS"], rows)
    yield from ("", "![Target and control accuracy against γ](report/convnext.png)", "")
    draw_gammas(study, assets / "report" / "convnext.png")
    yield from _merges(study)
    yield ""
    losses = read_losses(assets / "report" / CONVNEXT_STORING)
    changes = [100 * (loss.packed_target - loss.target) for loss in losses]
    named = ", ".join(SETTINGS[loss.checkpoint].title for loss in losses)
    controls = [100 * (loss.packed_control - loss.control) for loss in losses]
    yield (
        f"Its residuals ship in four bits a weight. That changes the fine-tuned models by "
        f"{sum(changes) / len(changes):+.2f} points of target and {sum(controls) / len(controls):+.2f} of "
        f"control accuracy, on all test images ({named})."
    )


def _merges(study: Study) -> Iterator[str]:
    zero_shot, finetuned = convnext_references(study)
    yield (
        "Merging the eight checkpoints, on all test images (zero-shot "
        f"{with_interval(zero_shot)} %, fine-tuned {with_interval(finetuned)} %); λ or β from validation, α "
        "by Eq. 2. In brackets the paper's Table 9."
    )
    yield ""
    rows, findings = [], {}
    for method, alpha in measured_alphas(study).items():
        found = convnext_merge(study, method, alpha)
        plain, lines = tested(found.plain), tested(found.lines["linear"])
        assert found.plain.best is not None
        chosen = found.lines["linear"].best
        assert chosen is not None
        paper = PAPER.get(method)
        said = [f" [{value}]" for value in paper] if paper else [""] * 4
        findings[method] = found
        rows.append(
            [
                METHODS[method].title,
                f"{with_interval(plain)}{said[0]}, λ {found.plain.best[0]:g}",
                f"{with_interval(lines)}{said[1]}, α {chosen[0]:.3f}, β {chosen[1]:g}",
                f"{pct(plain.normalised(finetuned))}{said[2]}",
                f"{pct(lines.normalised(finetuned))}{said[3]}",
                f"{found.gain:+.1f}" + (f" ({paper[1] - paper[0]:+.1f})" if paper else ""),
            ]
        )
    header = ["method", "plain", "LiNeS", "plain, normalised", "LiNeS, normalised", "gain"]
    yield from markdown(header, rows)
    yield ""
    yield gain_words(findings)


def draw_gammas(study: Study, path: Path) -> None:
    """Fig. 10: target and control accuracy against gamma, a panel a checkpoint."""
    figure, grid = plt.subplots(2, 4, figsize=(13, 6.2), layout="constrained", sharex=True)
    for axes, key in zip(grid.flat, TASKS, strict=True):
        curve = study.measure(gamma_sweep(key, images=CONVNEXT_IMAGES, model=TINY_CONVNEXT))
        zero_shot = study.measure(gamma_specs(key)[:1])[0]
        gammas = [one.spec.alpha for one in curve]
        for name, values, intervals, level in (
            ("target", [one.target for one in curve], [one.target_interval for one in curve], None),
            (
                "control",
                [one.control for one in curve],
                [one.control_interval for one in curve],
                zero_shot.control,
            ),
        ):
            axes.plot(gammas, [100 * value for value in values], ".-", color=COLOURS[name], label=name)
            low, high = zip(*intervals, strict=True)
            axes.fill_between(
                gammas,
                [100 * value for value in low],
                [100 * value for value in high],
                color=COLOURS[name],
                alpha=0.15,
                linewidth=0,
            )
            if level is not None:
                axes.axhline(100 * level, color="#555555", linestyle=":", label="control, zero-shot")
        axes.set_title(SETTINGS[key].title, fontsize=10)
    grid.flat[0].legend(fontsize=7)
    figure.supxlabel("γ (1: fine-tuned)")
    figure.supylabel("accuracy (%)")
    figure.savefig(path, dpi=90)
    plt.close(figure)
