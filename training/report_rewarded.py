"""The report on rewarded soups: Fig. 4, and what moves its front."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt

from evaluators.policies.live_llama import FOLDER
from evaluators.policies.policy_runs import PolicyRun, policy_run
from evaluators.policies.reward_fronts import Measured
from evaluators.policies.shipped_fronts import SHIPPED
from evaluators.policies.soup_setting import LINES, WEIGHTS
from training.report_policy_runs import in_percent, in_points, policy_runs_section
from training.report_tables import markdown
from training.training_log import read_training_log

FIGURE = "rewarded_fronts.png"
STYLES = {"plain": ("Rewarded soups", "#E69F00", "^"), "lines": ("with LiNeS", "#0072B2", "o")}


def rewarded_section(assets: Path) -> Iterator[str]:
    """The lines of the section, and its figure in ``assets/report``; none without measurements."""
    if not (assets / SHIPPED).exists():
        return
    report: dict[str, Any] = json.loads((assets / SHIPPED).read_text(encoding="utf-8"))
    log = read_training_log(assets / FOLDER)
    _plot(report, assets / "report" / FIGURE)
    policy = log["faithful"]
    yield from ("## Rewarded soups (Fig. 4)", "")
    yield (
        "A `LlamaForCausalLM` with "
        f"{log['supervised']['blocks']} blocks learned to sum up scenes, {log['supervised']['steps']} steps "
        "(`training/policies`). GRPO (TRL) then trained two policies on LoRA updates of rank "
        f"{policy['rank']} (α = {policy['lora_alpha']}, dropout {policy['dropout']}: the paper's numbers, in "
        f"a model whose width is a 43rd; it has PPO), {policy['steps']} steps each: *faithful*, the "
        "share of the summary's statements that are in the scene, and *preferred*, the mean of length, order "
        "and style. "
        f"Means over {report['prompts']} test scenes with 95 % intervals, words drawn at temperature 1 as in "
        "training (%). LiNeS has α = 0.5 and β = 1: as strong on average as the plain soup, so that the two "
        "differ by depth alone."
    )
    yield ""
    yield f"![Preferred against faithful for both fronts](report/{FIGURE})"
    yield ""
    header = ["w", "plain: faithful", "preferred", "LiNeS: faithful", "preferred"]
    rows = [["before any reward", *_pair(report["supervised"]), "", ""]]
    for index, w in enumerate(WEIGHTS):
        pairs = [_pair(report["fronts"][name]["points"][index]) for name in STYLES]
        rows.append([f"{w:g}", *pairs[0], *pairs[1]])
    yield from markdown(header, rows)
    yield ""
    for title, key in (("words drawn at temperature 1", "fronts"), ("most probable words", "greedy")):
        plain, lines = report[key]["plain"], report[key]["lines"]
        yield (
            f"- Hypervolume over (0, 0), % of the square, {title}: plain {in_percent(plain['hypervolume'])}, "
            f"LiNeS {in_percent(lines['hypervolume'])}, difference {in_points(lines['gain'])} (paired "
            "bootstrap over the scenes)."
        )
    yield ""
    yield from policy_runs_section(report)
    yield verdict(report)
    yield ""


def verdict(report: Mapping[str, Any]) -> str:
    """What the intervals say: whether the front moves out, and whether depth or strength matters."""
    gain = report["fronts"]["lines"]["gain"]
    runs = list(map(policy_run, report["runs"]))
    shows = {1: "The effect shows", 0: "The effect does not show", -1: "The opposite shows"}[_side(gain)]
    alpha, beta = LINES
    return (
        f"{shows} with the policies that ship and α = {alpha:g}, β = {beta:g}, as strong on average as the "
        f"plain soup: {in_points(gain)} on test scenes. What validation scenes tell of all trainings: "
        f"{_told({run.title: run.lines for run in runs})}. With α = β = 1, our reading of the paper: "
        f"{_told({run.title: run.doubling for run in runs})}. The latter against the same strength in every "
        f"block: {_told({run.title: run.depth for run in runs})}. {_why(runs)}"
    )


def _why(runs: Sequence[PolicyRun]) -> str:
    """What the tables have in common."""
    same = sum((run.doubling.value > 0) == (run.level.value > 0) for run in runs)
    first = [max(range(len(lost)), key=lost.__getitem__) == 0 for run in runs for lost in run.lost.values()]
    return (
        "Why: α = β = 1 does two things, it makes the mix 1.5 times as strong and it rises with depth. "
        f"Strength alone (1.5 level) has the sign of both together in {same} of {len(runs)} trainings: "
        "policies that changed the model little mostly gain from more of their update, those that changed it "
        "much from less. At equal strength depth adds to that where the last column says so. The updates are "
        "hardly smaller in shallow blocks, and against the paper's premise they are not dispensable "
        f"there: the first block is the one that is missed most by {sum(first)} of {len(first)} policies. "
        "What α = 0.5 spares the strong policies is half of that block's update."
    )


def _told(gains: Mapping[str, Measured]) -> str:
    better = [title for title, gain in gains.items() if gain.low > 0]
    worse = [title for title, gain in gains.items() if gain.high < 0]
    return f"better with {_listed(better)}, worse with {_listed(worse)}"


def _side(gain: Sequence[float]) -> int:
    return (gain[1] > 0) - (gain[2] < 0)


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(f"*{title}*" for title in titles) or "none"


def _pair(entry: Mapping[str, Sequence[float]]) -> list[str]:
    return [in_percent(entry[name]) for name in ("faithful", "preferred")]


def _plot(report: Mapping[str, Any], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 4.2))
    for name, (title, colour, symbol) in STYLES.items():
        points = report["fronts"][name]["points"]
        x, y = ([100 * point[reward][0] for point in points] for reward in ("faithful", "preferred"))
        errors = [[100 * (point[r][2] - point[r][0]) for point in points] for r in ("faithful", "preferred")]
        axes.errorbar(
            x, y, yerr=errors[1], xerr=errors[0], color=colour, marker=symbol, label=title, elinewidth=0.7
        )
    start = report["supervised"]
    axes.plot(
        100 * start["faithful"][0], 100 * start["preferred"][0], "s", color="#555555", label="supervised"
    )
    axes.set_xlabel("faithful (%)")
    axes.set_ylabel("preferred (%)")
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
