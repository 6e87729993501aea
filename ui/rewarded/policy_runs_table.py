"""Section of the page Rewarded soups on why: policies from other trainings, and what each block does."""

from __future__ import annotations

from evaluators.policies.policy_runs import PolicyRun, ScaledFront
from evaluators.policies.reward_fronts import Measured
from evaluators.policies.shipped_fronts import RewardedSoups
from evaluators.policies.soup_setting import PLAIN
from ui.rewarded import rewarded_text as words
from ui.shell import markup
from ui.shell.text import minus, percent, signed


def policy_runs_html(shipped: RewardedSoups) -> str:
    """Both tables, each folded under what it says; empty if one training alone was measured."""
    if len(shipped.runs) < 2:
        return ""
    first = shipped.runs[0]
    runs = markup.plain_table(
        words.RUNS_TABLE, words.RUNS_HEADER, [_run_row(run) for run in shipped.runs], shown=True
    )
    blocks = [str(block + 1) for block in range(len(first.norms["faithful"]))]
    depth = markup.plain_table(words.BLOCKS_TABLE, ["Block", *blocks], _block_rows(first), shown=True)
    ordered = sorted(shipped.scaled, key=lambda front: (-front.strength, front.beta))
    scales = markup.plain_table(
        words.SCALES_TABLE, words.SCALES_HEADER, [_scale_row(front) for front in ordered], shown=True
    )
    return (
        markup.heading(words.RUNS_TITLE)
        + f'<p class="lx-note">{words.RUNS_NOTE.format(scenes=shipped.validated)}</p>'
        + markup.folded(words.SCALES_QUESTION, words.scales_finding(ordered), words.SCALES_HOW, scales)
        + markup.folded(words.RUNS_QUESTION, words.runs_finding(shipped.runs), words.RUNS_HOW, runs)
        + markup.folded(words.BLOCKS_QUESTION, words.blocks_finding(first), words.BLOCKS_HOW, depth)
    )


def _scale_row(front: ScaledFront) -> list[str]:
    blocks = f"{front.alpha:g} → {front.alpha + front.beta:g}"
    over = "" if front.over_level is None else _change(front.over_level)
    gain = "" if (front.alpha, front.beta) == PLAIN else _change(front.gain)
    return [blocks, f"{front.strength:g}", percent(front.hypervolume.value), gain, over]


def _run_row(run: PolicyRun) -> list[str]:
    return [
        run.title,
        *(percent(run.alone[name].value, 0) for name in ("faithful", "preferred")),
        percent(run.plain.value),
        *(_change(one) for one in (run.lines, run.doubling, run.level, run.depth)),
    ]


def _block_rows(run: PolicyRun) -> list[list[str]]:
    rows = []
    for name in ("faithful", "preferred"):
        rows.append([f"{name}: size of the update", *(percent(norm) for norm in run.norms[name])])
        rows.append([f"{name}: lost without it", *(minus(f"{100 * lost:.1f}") for lost in run.lost[name])])
    return rows


def _change(measured: Measured) -> str:
    return f"{signed(measured.value)} ({words.ends(measured)})".replace(" ", "\u00a0")
