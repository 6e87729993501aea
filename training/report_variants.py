"""The report on ways of fine-tuning: Tables 10 and 11, the paper's numbers beside ours."""

from collections.abc import Iterator
from pathlib import Path

from evaluators.specs.checkpoint_means import Estimate
from training.comparisons import RANKS
from training.study import Study, markdown, percent
from training.variant_training import DEPTH_RATES
from training.variants_study import FILE, USUAL, WayFinding, way_finding

PAPER = {
    USUAL: ("90.5 / 38.0", "90.3 / 48.0"),
    "linlr": ("90.7 / 46.9", "–"),
    "explr": ("89.6 / 46.0", "–"),
    "halfft": ("90.4 / 46.8", "–"),
    "lastft": ("85.6 / 46.6", "–"),
}
PAPER_RANKS = (
    ("84.4 / 44.2", "84.3 / 46.7"),
    ("85.8 / 42.8", "85.5 / 46.7"),
    ("86.6 / 41.6", "86.4 / 46.2"),
    ("87.5 / 41.6", "87.2 / 46.3"),
)
"""Table 11, four ranks in rising order; their values are lost in our copy of the paper."""


def ways_section(assets: Path) -> Iterator[str]:
    """Its lines."""
    study = Study(assets / "report" / FILE)
    rates = [USUAL, *(key for key in DEPTH_RATES if key != "all")]
    found = {key: way_finding(study, key) for key in (*rates, *(f"lora-{rank}" for rank in RANKS))}
    titles = {USUAL: "fine-tuned", **{key: row.title for key, row in DEPTH_RATES.items()}}
    theirs = {**PAPER, **dict(zip((f"lora-{rank}" for rank in RANKS), PAPER_RANKS, strict=True))}
    yield from ("## Other ways of fine-tuning, with and without LiNeS", "")
    yield (
        "Mean target / mean control accuracy over the eight checkpoints on all test images (%), γ by C.1 "
        "on 200 validation images a task for each checkpoint; beside them the paper's Tables 10 and 11."
    )
    yield ""
    rows = [
        [
            titles.get(key, f"LoRA, rank {key.rpartition('-')[2]}"),
            _pair(one.target, one.control),
            theirs[key][0],
            _pair(one.lines_target, one.lines_control),
            theirs[key][1],
        ]
        for key, one in found.items()
    ]
    yield from markdown(["way", "plain", "paper", "with LiNeS", "paper"], rows)
    yield ""
    yield _said(found[USUAL], {titles[key]: found[key] for key in rates[1:]})
    yield ""
    yield WHY
    yield ""
    ranks = [found[f"lora-{rank}"] for rank in RANKS]
    gains = ", ".join(f"{100 * (one.lines_control.mean - one.control.mean):+.1f}" for one in ranks)
    costs = ", ".join(f"{100 * (one.lines_target.mean - one.target.mean):+.1f}" for one in ranks)
    yield (
        f"On LoRA of rank {', '.join(map(str, RANKS))} LiNeS changes control accuracy by {gains} points and "
        f"target accuracy by {costs}."
    )


def _pair(target: Estimate, control: Estimate) -> str:
    return (
        f"{percent(target.mean)} ({percent(target.low)} to {percent(target.high)}) / "
        f"{percent(control.mean)} ({percent(control.low)} to {percent(control.high)})"
    )


def _said(usual: WayFinding, others: dict[str, WayFinding]) -> str:
    below = [
        title
        for title, one in others.items()
        if one.target.mean <= usual.lines_target.mean and one.control.mean <= usual.lines_control.mean
    ]
    above = [
        title
        for title, one in others.items()
        if one.target.mean > usual.lines_target.mean and one.control.mean > usual.lines_control.mean
    ]
    rest = [title for title in others if title not in (*below, *above)]
    parts = []
    if below:
        parts.append(f"is better than {', '.join(below)} in both")
    if above:
        parts.append(f"is worse than {', '.join(above)} in both")
    if rest:
        parts.append(f"trades one for the other with {', '.join(rest)}")
    return f"The usual fine-tuning edited by LiNeS {'; it '.join(parts)}."


WHY = (
    "In the paper LiNeS after training remembers more than every careful way of training; here the "
    "careful ways come as close or closer. The lab's usual fine-tuning takes few and large steps, chosen "
    "so that it forgets visibly, and those disturb the shallow layers more than the task needs: whoever "
    "spares these layers while training loses nothing of the target. The paper's takes many small steps, "
    "and sparing layers costs target accuracy. LiNeS still adds control accuracy on top of each of them."
)
"""The likely reason of the difference to the paper, in words; the numbers above it are measured."""
