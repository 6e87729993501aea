"""Texts of the page "Merge"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.experiments.level_control import LevelControl
from evaluators.experiments.merge_search import Score
from evaluators.experiments.outside_rules import OutsideRules
from evaluators.experiments.table2 import Table2Row
from evaluators.experiments.task_counts import TaskCounts
from evaluators.specs.paired_counts import Change
from lines_core.merging import METHODS, MergingAlpha
from lines_core.update_notes import ORDINARY
from ui.merge.depth_words import depth_verdicts, over_seeds
from ui.shell.difference_words import against_words, change_words, difference_words
from ui.shell.text import percent

LEAD = (
    "Several fine-tuned models become **one**: their changes are added up, and then interfere with each "
    "other. LiNeS shrinks the shallow layers of the merged change, where they interfere most. (Section 5.2 "
    "of the paper)"
)
COUNT = ("How many tasks", "eight, or with more questions about the same images")
TASKS = ("Tasks", "the models fine-tuned on these are merged")
METHOD = ("Method", "how their changes are combined")
METHOD_HELP = "What the method does"
WEIGHTS = (
    "Weights",
    "of single tasks, named as above: House numbers 0.5, Scenes 2; the others have 1; Enter sets them",
)
AUTO = ("α from Eq. 2", "the paper's choice; untick to set it yourself")
ALPHA = ("α: factor of the first block", "LiNeS; for this merge")
BETA = ("β: rise to the last block", "LiNeS; the one number the paper tunes")
PLAIN = ("λ: factor of all blocks", "the plain merge, without LiNeS")
SHAPE = ("Scaling function", "how the factor rises with depth")
CHARTS = {
    "bars": ("Each merged task", "upper bar plain, lower bar with LiNeS; marks: zero-shot and fine-tuned"),
    "factors": ("Layer schedule", "factor of the merged change, block by block"),
    "curve": ("Coefficient", "normalised accuracy on validation against λ (plain) and β (LiNeS, α as set)"),
    "heat": ("α and β", "normalised accuracy on validation; ★ the best; click a cell to go there"),
}
TABLE_TITLE = "Does LiNeS still help?"
TABLE = "Tiny CLIP, its eight tasks merged by each method: mean accuracy on all test images"
TABLE_HEAD = ("Method", "Plain", "With LiNeS", "LiNeS changes")
LEVEL_HEAD = ("One factor for all layers", "LiNeS against one factor")
NOT_PAIRED = "not compared image by image"
PUBLISHED_HEAD = "Published, ViT-B/32"
TABLE_NOTE = (
    "Precomputed on Tiny CLIP. λ and β were chosen on validation images, α is that of Eq. 2; in brackets "
    "95 % intervals, for other images and these very fine-tunings. Published: plain → with LiNeS, eight "
    "other tasks; each source measures its own checkpoints, so compare within one only. On the public "
    "models: lines table2 --model ViT-B-32 --tasks 8. Masks keep one model a task: LiNeS is that of a single "
    "task there, β = 1 − α. Slerp takes two models only and has no row."
)
UNTOLD = ("TIES", "TSV-M")
"""Methods whose gain is not measurable over seeds of fine-tuning, one of the questions below the table."""
LEVEL_NOTE = (
    "One factor for all layers is LiNeS without its rise: all weights of the merged change get the same "
    "factor, chosen on validation images as well, from the means of LiNeS's candidates, α + β / 2. What "
    "LiNeS changes, against plain and against one factor, is compared image by image."
)
COUNT_TITLE = "More tasks"
COUNT_TABLE = "Tiny CLIP, 8, 14 and 20 tasks merged: mean accuracy on all test images, plain → with LiNeS"
COUNT_NOTE = (
    "Precomputed. After the colon what LiNeS changes, with its 95 % interval, image by image; λ and β "
    "were chosen on validation images. The added tasks ask further questions about the same images, such "
    "as their colours."
)
FEW = "Tick at least two tasks: one model alone is not a merge."
SEARCH_WAITING = "Not searched yet: the button measures the plain merge and LiNeS over the paper's grid."
ONE_MODEL = "This method gives one model per task: choose another method to download a single model."
CONVENTION = "**Which convention:**"
MASKS = "This method keeps one mask per task: each task is measured with its own model."
REVIEWER = "Questions a reviewer asks"
REVIEWER_TABLE = "The numbers"
REVIEWER_HOW = (
    "Measured beforehand on Tiny CLIP, precomputed with the shipped weights; a question opens its numbers."
)


def implausible(title: str, total: float) -> str:
    """Warning before a checkpoint is merged that hardly comes from the same pre-training."""
    low, high = ORDINARY
    return (
        f"{title} probably comes from another pre-trained model: its change has {percent(total, 0)} of the "
        f"norm of the pre-trained weights, ordinary fine-tunings have {percent(low)} to {percent(high, 0)}. "
        "Added to the other changes it most likely spoils the merge: untick it, or read the report on the "
        "page Models."
    )


def method_help(method: str) -> str:
    """What the chosen method does, by which convention, and its paper."""
    row = METHODS[method]
    masks = f" {MASKS}" if row.per_task else ""
    convention = f"\n\n{CONVENTION} {row.convention}" if row.convention else ""
    return f"{row.help}{masks} *{row.paper}*{convention}"


def sentence(lines: Score, plain: Score, finetuned: Score | None) -> str:
    """What LiNeS changes about the merge's mean accuracy."""
    kept = "" if finetuned is None else f", {percent(lines.normalised(finetuned))} of the separate models"
    change = difference_words(plain.tasks, lines.tasks, "plain")
    return f"With LiNeS the merged model scores {percent(lines.mean)} on average{kept}: {change}."


def evidence(
    lines: Score, row: Table2Row | None, shown_below: bool = True, gain: Change | None = None
) -> str:
    """How many images were counted, and what all of them say where the table has the same merge.

    Args:
        row: of the table, None if it has no such merge or the images counted are those of the table.
        shown_below: the table is on the page.
        gain: what LiNeS changes in that row, image by image; without it the models are independent.
    """
    images, tasks = sum(task.n for task in lines.tasks), len(lines.tasks)
    said = f"{images:,} images of {tasks} tasks" + ("" if lines.complete else ", still counting")
    if row is None:
        return said
    change = (
        against_words(gain, "plain") if gain else difference_words(row.plain.tasks, row.lines.tasks, "plain")
    )
    where = ", as in the table below" if shown_below else ""
    return (
        f"{said}: a part of them, so that a move is answered at once. Fewer images tell only larger "
        f"differences. On all {sum(task.n for task in row.lines.tasks):,}, with λ = {row.scale:g} and "
        f"β = {row.beta:g} from validation{where}: {change}."
    )


def start_text(title: str) -> str:
    """Where beta and lambda come from that no validation images of this very merge chose.

    Args:
        title: of the model whose images did; empty for the paper's.
    """
    if not title:
        return "β and λ start at the paper's for task arithmetic."
    return (
        f"β and λ start where validation images of all tasks of {title} put them with this method; "
        "this merge may need others."
    )


def alpha_text(found: MergingAlpha | None, alpha: float, by_equation: bool = False) -> str:
    """Eq. 2 with its terms, or that alpha was set by hand, or that Eq. 2 says nothing."""
    if found is None:
        by_hand = f"α = {alpha:g}, set by hand."
        return f"α = {alpha:g}, from validation: Eq. 2 is for one merged model." if by_equation else by_hand
    return (
        f"Eq. 2: α = (1 / T) · ‖Σ τ‖₁ / ‖τ merged‖₁ = (1 / {found.count}) · {found.sum_norm:,.0f} / "
        f"{found.merged_norm:,.0f} = {found.alpha:.3f}"
    )


def table_answer(rows: Sequence[Table2Row], controls: Mapping[str, LevelControl]) -> str:
    """Whether LiNeS helps on top of the methods, and by what, after the best merge."""
    best = max((row for row in rows if not METHODS[row.method].per_task), key=lambda row: row.lines.mean)
    title = METHODS[best.method].title
    said = depth_verdicts(controls) + over_seeds(UNTOLD) if controls else verdicts(rows)
    return f"The best merge of Tiny CLIP is {title} with LiNeS, {percent(best.lines.mean)}. {said}"


def verdicts(rows: Sequence[Table2Row]) -> str:
    """Whether LiNeS helps on top of the methods, by its intervals."""
    by_verdict: dict[str, list[str]] = {"helps": [], "harms": [], "": []}
    for row in rows:
        low, high = row.gain_interval
        by_verdict["helps" if low > 0 else "harms" if high < 0 else ""].append(METHODS[row.method].title)
    said = []
    for word, titles in by_verdict.items():
        if titles:
            names = ", ".join(titles)
            said.append(f"LiNeS measurably {word} {names}." if word else f"No clear change: {names}.")
    return " ".join(said)


def count_answer(counts: TaskCounts, rules: OutsideRules) -> str:
    """Which methods LiNeS helps measurably with the fewest and with the most tasks.

    Args:
        rules: what LiNeS changes image by image.
    """
    said = []
    for count in (counts.sets[0], counts.sets[-1]):
        gains = {row.method: rules.lines_gain(count, row.method) for row in count.rows}
        helped = [METHODS[method].title for method, (_, low, _) in gains.items() if low > 0]
        names = ", ".join(helped) or "no method"
        scores = {
            f"{METHODS[row.method].title} {how}": side.mean
            for row in count.rows
            for how, side in (("with LiNeS", row.lines), ("alone", row.plain))
        }
        best = max(scores, key=lambda name: scores[name])
        said.append(
            f"With {count.tasks} tasks LiNeS measurably helps {names}; the best merge is {best}, "
            f"{percent(scores[best])}."
        )
    last = max(counts.sets[-1].rows, key=lambda row: row.plain.mean)
    usual, asked = (
        rules.lines_gain(counts.sets[-1], last.method, keys) for keys in (counts.usual, counts.questions)
    )
    said.append(
        f"Of these {counts.sets[-1].tasks}, merged by {METHODS[last.method].title}, the usual "
        f"{len(counts.usual)} change by {change_words(usual)}, the added questions by "
        f"{change_words(asked)}."
    )
    return " ".join(said)


def measuring(number: int, total: int) -> str:
    """Progress of a method that makes one model per task."""
    return f"Measuring model {number} of {total} …"
