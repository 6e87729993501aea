"""The report on what moves the front of rewarded soups: depth or strength, other policies, single blocks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evaluators.policies.policy_runs import PolicyRun, policy_run
from evaluators.policies.reward_fronts import Measured
from evaluators.policies.soup_setting import DOUBLING, LINES, PLAIN
from training.report_tables import markdown

TITLES = {PLAIN: "plain soup", LINES: "LiNeS of the page", DOUBLING: "LiNeS, our reading of the paper"}


def policy_runs_section(report: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the section.

    Args:
        report: as ``shipped_fronts.SHIPPED`` holds it.
    """
    runs = [policy_run(read) for read in report["runs"]]
    yield (
        f"Depth or strength: the same policies on {report['validation']} validation scenes, at w = "
        f"{', '.join(f'{w:g}' for w in report['coarse'])}. Hypervolume of the plain soups, and what other "
        "scales add to it (95 %, paired bootstrap over the scenes)."
    )
    yield ""
    yield from markdown(
        ["α, β", "first to last block", "mean", "hypervolume", "against level"],
        list(_scale_rows(report["alternatives"])),
    )
    yield ""
    yield (
        "Other trainings of the two policies, measured in the same way. The paper's rank, 64 of a width of "
        "4,096, would be 1.5 of 96 here. *alone* is the own reward of each policy alone; before, it is "
        f"{_both(report['runs'], 0)} after the short supervised training"
        f"{_long(report['runs'])}. *size* is the norm of the updates over that of the weights, first and "
        "last block, mean of both policies."
    )
    yield ""
    header = [
        "policies",
        "supervised steps",
        "rank",
        "rate",
        "KL penalty",
        "steps",
        "alone: faithful / preferred",
        "size",
        "plain",
        "0.5 to 1.5",
        "1 to 2",
        "1.5 level",
        "1 to 2 against level",
    ]
    yield from markdown(header, [_run_row(run) for run in runs])
    yield ""
    for read in report["runs"]:
        if "test" in read:
            _, doubling, level = read["test"]
            yield (
                f"*{read['title']}*, on {report['prompts']} test scenes: α = β = 1 adds "
                f"{in_points(doubling['gain'])}, 1.5 level {in_points(level['gain'])}; the first against the "
                f"second {in_points(doubling['over_level'])}."
            )
            yield ""
    yield (
        "Single blocks: size of each policy's update by block, and by how many points its own reward falls "
        "when the update of this block alone is left out (validation scenes)."
    )
    yield ""
    blocks = [f"block {block + 1}" for block in range(len(runs[0].norms["faithful"]))]
    yield from markdown(["policy", *blocks], [row for run in runs for row in _block_rows(run)])
    yield ""


def _scale_rows(alternatives: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Strongest first; those of equal strength beside each other."""
    for row in sorted(alternatives, key=lambda row: (-row["alpha"] - row["beta"] / 2, row["beta"])):
        scale = alpha, beta = row["alpha"], row["beta"]
        title = f"{alpha:g}, {beta:g}" + (f" ({TITLES[scale]})" if scale in TITLES else "")
        measured = in_percent(row["hypervolume"]) if scale == PLAIN else in_points(row["gain"])
        over = in_points(row["over_level"]) if "over_level" in row else ""
        yield [title, f"{alpha:g} to {alpha + beta:g}", f"{alpha + beta / 2:g}", measured, over]


def _run_row(run: PolicyRun) -> list[str]:
    alone = " / ".join(f"{100 * run.alone[name].value:.1f}" for name in ("faithful", "preferred"))
    first, last = (50 * sum(norms[block] for norms in run.norms.values()) for block in (0, -1))
    return [
        run.title,
        *(f"{run.facts[name]:g}" for name in ("supervised_steps", "rank", "rate", "penalty", "steps")),
        alone,
        f"{first:.1f} %, {last:.1f} %",
        in_percent(_ends(run.plain)),
        *(in_points(_ends(one)) for one in (run.lines, run.doubling, run.level, run.depth)),
    ]


def _block_rows(run: PolicyRun) -> Iterator[list[str]]:
    for name in ("faithful", "preferred"):
        cells = zip(run.norms[name], run.lost[name], strict=True)
        yield [f"{run.title}, {name}", *(f"{100 * norm:.1f} %, {-100 * lost:+.1f}" for norm, lost in cells)]


def _both(runs: Sequence[Mapping[str, Any]], index: int) -> str:
    supervised = runs[index]["supervised"]
    return " / ".join(f"{100 * supervised[name][0]:.1f}" for name in ("faithful", "preferred"))


def _long(runs: Sequence[Mapping[str, Any]]) -> str:
    longer = [i for i, run in enumerate(runs) if run["supervised_steps"] > runs[0]["supervised_steps"]]
    return f" and {_both(runs, longer[0])} after the long one" if longer else ""


def in_percent(measured: Sequence[float]) -> str:
    """An estimate and its interval, '81.4 (80.1 to 82.6)'."""
    value, low, high = (100 * number for number in measured)
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


def in_points(measured: Sequence[float]) -> str:
    """A difference with its sign and its interval."""
    value, low, high = (100 * number for number in measured)
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


def _ends(measured: Measured) -> tuple[float, float, float]:
    return measured.value, measured.low, measured.high
