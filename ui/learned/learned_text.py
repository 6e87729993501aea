"""Words of the page "Learned coefficients"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.experiments.coefficient_learning import LEARNERS
from evaluators.experiments.depth_trend import depth_trend
from evaluators.experiments.learned_merge import (
    LearnedMerge,
    MergeCost,
    mean_over_seeds,
    spread_over_seeds,
)
from evaluators.experiments.merge_search import Score
from evaluators.experiments.merge_starts import PAPER_BETA, PAPER_SCALE
from evaluators.zoo.published_merges import published_words
from ui.shell.difference_words import difference_words
from ui.shell.text import decimal, percent, thousands

LEAD = (
    "LiNeS *prescribes* how much of each layer's change goes into a merge: little in the shallow layers, "
    "more in the deep ones. Two other methods *learn* it, one number for each parameter and task. "
    "**AdaMerging** makes the merged model sure of itself on images without labels, **aTLAS** makes it right "
    "on labelled ones. Do they find LiNeS's line, and is the search worth its cost? (Section 5.5 of the "
    "paper)"
)
EQUATION_TITLE = "Show the equations"
EQUATION = (
    "$\\theta(c) = \\theta_0 + \\sum_t c_{t,g}\\,\\tau_t$ for every parameter $g$ and task $t$. LiNeS: "
    "$c_{t,g} = \\alpha + \\beta\\,\\frac{l-1}{L-1}$ in block $l$. AdaMerging: minimise the entropy "
    "$-\\sum_k p_k \\log p_k$ of the predicted probabilities; $c$ starts at 0.3 and is kept between 0 and 1 "
    "(as in the authors' code). aTLAS: minimise the cross-entropy $-\\log p_y$ of the label $y$; $c$ starts "
    "at 0 and is free. Gradients reach $c$ alone: $\\partial L / \\partial c_{t,g} = "
    "\\langle \\partial L / \\partial \\theta_g,\\, \\tau_{t,g} \\rangle$."
)
METHOD = ("Method", "what is made small, and whether it needs labels")
METHODS = {"adamerging": "AdaMerging (no labels)", "atlas": "aTLAS (labels)"}
STEPS = ("Steps", "of gradient descent, 16 images a task each; AdaMerging's authors take 500")
LEARN, CANCEL = "Learn them here", "Stop"
CHARTS = {
    "depth": (
        "Coefficient by depth",
        "mean over tasks; solid: attention, dashed: MLP; bars: range over seeds, if larger than the mark",
    ),
    "accuracy": ("Accuracy of the merged model", "mean over the merged tasks on test images, 95 % intervals"),
}
LINES, PLAIN = "LiNeS", "Task arithmetic"
ZERO_SHOT, FINETUNED = "Pre-trained", "Separate models"
HERE = "learned here"
ON_TEST = "on test images"
TABLE = "What it takes to find the coefficients, and what they give on test images"
COLUMNS = ("Method", "accuracy", "over seeds", "seconds", "labels", "images forward", "of these backward")
FIXED = f"{LINES}, β = {PAPER_BETA:g} as in the paper"
NOTE = (
    "Accuracy: the mean over the seeds, in brackets its 95 % interval for other images. A seed is the order "
    "in which the images are learned from; behind ± is the standard deviation from seed to seed. LiNeS has "
    "nothing random. Seconds are those of one core, measured when the page was made, of the fastest seed; of "
    "what is learned here, by the clock. "
    "Labels and images of LiNeS and task arithmetic are those of trying ten values on validation. AdaMerging "
    "learned from validation images without their labels, so that nothing was learned from what it is scored "
    "on; the paper's setting, the very test images, is the row “on test images”."
)
FEW = "This model has fewer than two fine-tuned checkpoints: load more on the page Models."
PREPARING = "Reading weights and images …"
WAITING = "Not learned yet for this model"
LEARNING = "The coefficients are being learned"
BUTTON = "The button above starts it."
TAKE_HOME = (
    "The merge of the method chosen above: the one that was learned here last, or else the one that ships. "
    "Weights as safetensors, a model card with its accuracies, and a recipe as YAML with every coefficient, "
    "which mergekit can run."
)
NOT_LEARNED = "{method} has not learned a merge of this model yet: press “{button}” first."
STOPPED = "Stopped: the coefficients so far are not kept."


def published() -> str:
    """What others measured with the same methods; nothing is known for aTLAS."""
    rows = {LEARNERS["adamerging"].title: "adamerging", PLAIN.lower(): "sum"}
    said = "; ".join(f"{title} {published_words(method)}" for title, method in rows.items())
    return f"Published for eight other tasks on ViT-B/32, each source with checkpoints of its own: {said}."


def title_of(run: LearnedMerge) -> str:
    """'AdaMerging', and which images it learned from if they are those it is scored on."""
    name = LEARNERS[run.learner].title
    return f"{name} {ON_TEST}" if run.split == "test" else name


def part_name(part: str) -> str:
    """'attention', 'MLP', or 'blocks' that are not divided."""
    return "MLP" if part == "mlp" else part or "blocks"


def progress(run: LearnedMerge, steps: int, seconds: float) -> str:
    """How far learning is, and how long it still takes."""
    name = LEARNERS[run.learner].title
    if run.tasks:
        images = sum(task.n for task in run.tasks)
        return f"{name}: all {steps} steps are made; counting test images, {images:,} so far"
    left = f", about {(steps - run.steps) * seconds / run.steps:.0f} s left" if run.steps else ""
    loss = f", loss {run.losses[-1]:.3f}" if run.losses else ""
    return f"{name}: step {run.steps} of {steps}{loss}{left}"


def finding(lines: Score | None, plain: Score | None, runs: Sequence[LearnedMerge]) -> str:
    """Whether LiNeS or a learned merge is better, as far as the intervals tell; empty before anything is.

    Args:
        lines, plain: with the coefficients of the paper, Eq. 2's alpha among them.
    """
    counted = [run for run in runs if run.counted]
    if lines is None or not counted:
        return ""
    said = [f"{title_of(run)}: {difference_words(lines.tasks, run.tasks, LINES)}" for run in counted]
    images, alpha = sum(task.n for task in lines.tasks), 1 / len(lines.tasks)
    start = (
        f"On {images:,} test images of {len(lines.tasks)} tasks, LiNeS with α = {alpha:.3g} and "
        f"β = {PAPER_BETA:g} scores {percent(lines.mean)}"
    )
    if plain is not None:
        start += (
            f": {difference_words(plain.tasks, lines.tasks, f'task arithmetic with λ = {PAPER_SCALE:g}')}"
        )
    return f"{start}. {'; '.join(said)}."


def rise(run: LearnedMerge, lines: Sequence[float]) -> str:
    """How the learned coefficients of the shallow and deep third of the blocks compare with LiNeS's."""
    profile = run.mean_profile()
    third = max(1, len(lines) // 3)

    def ends(values: Sequence[float]) -> str:
        shallow, deep = values[:third], values[-third:]
        return f"{decimal(sum(shallow) / third)} to {decimal(sum(deep) / third)}"

    parts = ", ".join(f"{part_name(part)} {ends(values)}" for part, values in profile.items())
    return f"{title_of(run)} {parts}"


def depth_sentence(runs: Sequence[LearnedMerge], lines: Sequence[float]) -> str:
    """From the first third of the blocks to the last: LiNeS, and what was learned."""
    if not runs:
        return ""
    third = max(1, len(lines) // 3)
    line = f"{decimal(sum(lines[:third]) / third)} to {decimal(sum(lines[-third:]) / third)}"
    learned = "; ".join(rise(run, lines) for run in runs)
    return (
        f"Mean coefficient from the first third of the blocks to the last: LiNeS {line}; {learned}. "
        f"{verdict(runs, lines)}"
    )


def verdict(runs: Sequence[LearnedMerge], lines: Sequence[float]) -> str:
    """For which methods the paper's claim holds, that what is learned is close to LiNeS's line.

    In part: for one kind of parameters alone. In brackets the best lines of the kinds for which it holds.
    """
    said = []
    for run in runs:
        trends = {part: depth_trend(values, lines) for part, values in run.mean_profile().items()}
        close = [
            f"{part_name(part)} {' to '.join(map(decimal, trend.ends))}"
            for part, trend in trends.items()
            if trend.close
        ]
        holds = "no" if not close else "yes" if len(close) == len(trends) else "in part"
        said.append(f"{title_of(run)} {holds}" + (f" ({', '.join(close)})" if close else ""))
    return (
        f"Close to LiNeS's line, as in the paper? {'; '.join(said)}. Close is what rises with depth and is "
        "nearer to LiNeS's line than to one value for all blocks; in brackets its own best line."
    )


def cost_row(name: str, score: Score | None, cost: MergeCost | None, seeds: str = "–") -> list[str]:
    """A row of the table; ``seeds`` says how far repetitions differ."""
    accuracy = "–"
    if score is not None and score.tasks:
        low, high = score.interval
        accuracy = f"{percent(score.mean)} ({100 * low:.1f} to {100 * high:.1f})"
    if cost is None:
        return [name, accuracy, seeds, "–", "–", "–", "–"]
    numbers = (cost.labels, cost.forward, cost.backward)
    return [name, accuracy, seeds, f"{cost.seconds:,.0f}", *map(thousands, numbers)]


def table_rows(
    scores: Mapping[str, Score | None],
    searches: Mapping[str, MergeCost],
    repeated: Sequence[Sequence[LearnedMerge]],
    here: Sequence[LearnedMerge],
) -> list[list[str]]:
    """The rows of the table.

    Args:
        scores, searches: of "plain" and "lines".
        repeated: what ships, the repetitions of each learning.
        here: what was learned here.
    """
    rows = [
        cost_row(PLAIN, scores["plain"], searches.get("plain")),
        cost_row(LINES, scores["lines"], searches.get("lines")),
        cost_row(FIXED, scores["lines"], MergeCost(0.0, 0, 0)),
    ]
    for runs in repeated:
        run = mean_over_seeds(runs)
        rows.append(cost_row(f"{title_of(run)}, {run.steps} steps", run.score, run.cost, seeds_of(runs)))
    for run in here:
        rows.append(cost_row(f"{title_of(run)}, {run.steps} steps, {HERE}", run.score, run.cost, "1 seed"))
    return rows


def seeds_of(runs: Sequence[LearnedMerge]) -> str:
    """'± 0.2 of 3', or that there is one seed."""
    if len(runs) == 1:
        return "1 seed"
    return f"± {100 * spread_over_seeds(runs):.1f} of {len(runs)}"
