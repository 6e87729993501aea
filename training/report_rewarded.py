"""The report on rewarded soups: Fig. 4, and what moves its front."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt

from evaluators.policies.live_llama import FOLDER
from evaluators.policies.shipped_fronts import SHIPPED
from evaluators.policies.soup_setting import LINES, PLAIN, WEIGHTS
from training.report_tables import markdown
from training.training_log import read_training_log

FIGURE = "rewarded_fronts.png"
TITLES = {
    PLAIN: "plain soup",
    LINES: "LiNeS, α = β = 1",
    (1.5, 0.0): "as strong on average, level",
    (2.0, -1.0): "as strong on average, falling with depth",
}
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
        f"{policy['rank']} (α = {policy['lora_alpha']}, dropout {policy['dropout']}; the paper has PPO, and "
        f"rank 64, α 128, in a model 43 times as wide), {policy['steps']} steps each: *faithful*, the "
        "share of the summary's statements that are in the scene, and *preferred*, the mean of length, order "
        "and style. "
        f"Means over {report['prompts']} test scenes with 95 % intervals, words drawn at temperature 1 as in "
        "training (%)."
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
            f"- Hypervolume over (0, 0), % of the square, {title}: plain {_interval(plain['hypervolume'])}, "
            f"LiNeS {_interval(lines['hypervolume'])}, difference {_signed(lines['gain'])} (paired bootstrap "
            "over the scenes)."
        )
    yield ""
    yield (
        f"Whether strength or depth does it, on {report['validation']} validation scenes and "
        f"w = {', '.join(f'{w:g}' for w in report['coarse'])}: hypervolume against the plain soup's."
    )
    yield ""
    columns = [("final policies", report["alternatives"])]
    columns += [(run["title"], run["rows"]) for run in report["runs"]]
    yield from markdown(["α, β", *(title for title, _ in columns)], _alternatives(columns))
    yield ""
    yield _verdict(report)
    yield ""


def _alternatives(columns: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> list[list[str]]:
    rows = []
    for row in columns[0][1]:
        scale = (row["alpha"], row["beta"])
        found = [next((r for r in rows_ if (r["alpha"], r["beta"]) == scale), None) for _, rows_ in columns]
        title = f"{scale[0]:g}, {scale[1]:g}" + (f" ({TITLES[scale]})" if scale in TITLES else "")
        cells = [
            ""
            if cell is None
            else _interval(cell["hypervolume"])
            if scale == PLAIN
            else _signed(cell["gain"])
            for cell in found
        ]
        rows.append([title, *cells])
    return rows


def _verdict(report: Mapping[str, Any]) -> str:
    """What the intervals say: whether the front moves out, and whether depth or strength matters."""
    _, low, high = report["fronts"]["lines"]["gain"]
    shows = (
        "The effect shows" if low > 0 else "The opposite shows" if high < 0 else "The effect does not show"
    )
    gains = {(row["alpha"], row["beta"]): row["gain"] for row in report["alternatives"]}
    lines, level, falling = gains[LINES], gains[(1.5, 0.0)], gains[(2.0, -1.0)]
    others = {"as strong but level": level, "as strong but falling with depth": falling}
    told = "; ".join(f"{title} {_signed(gain)}, {_apart(lines, gain)}" for title, gain in others.items())
    fronts = report["fronts"]
    ends = [
        100 * (fronts["lines"]["points"][at][reward][0] - fronts["plain"]["points"][at][reward][0])
        for at, reward in ((-1, "faithful"), (0, "preferred"))
    ]
    return (
        f"{shows}. Strength and depth on validation: LiNeS {_signed(lines)}; {told}. At the ends, where a "
        "policy alone is as strong as its training made it and LiNeS counts its last block twice, its own "
        f"reward changes by {ends[0]:+.1f} points (faithful, w = 1) and {ends[1]:+.1f} (preferred, w = 0)."
    )


def _apart(lines: Sequence[float], other: Sequence[float]) -> str:
    if lines[1] > other[2]:
        return "worse than LiNeS"
    return "better than LiNeS" if lines[2] < other[1] else "not told from LiNeS (the intervals overlap)"


def _pair(entry: Mapping[str, Sequence[float]]) -> list[str]:
    return [_interval(entry[name]) for name in ("faithful", "preferred")]


def _interval(measured: Sequence[float]) -> str:
    value, low, high = (100 * number for number in measured)
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


def _signed(measured: Sequence[float]) -> str:
    value, low, high = (100 * number for number in measured)
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


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
