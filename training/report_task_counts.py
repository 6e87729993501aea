"""The report on merges of 8, 14 and 20 tasks (Table 2), the paper's numbers beside ours."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from evaluators.experiments.outside_rules import FILE as OUTSIDE
from evaluators.experiments.outside_rules import OutsideRules, read_outside_rules
from evaluators.experiments.task_counts import (
    FILE,
    SHRUNK,
    TaskCount,
    TaskCounts,
    change_on,
    read_task_counts,
)
from evaluators.specs.intervals import tasks_interval
from lines_core.merging import METHODS
from training.attribute_tasks import ATTRIBUTE_TASKS, PROBE_IMAGES, read_attributes
from training.attribute_tasks import FILE as ATTRIBUTES
from training.attribute_training import FINETUNING
from training.question_storing import FILE as STORING
from training.question_storing import question_storing_words
from training.report_change import change_cell
from training.report_outside import outside_section
from training.report_tables import markdown, pct, value_with_interval, with_interval
from training.task_count_study import CHOSEN_ON, LONG_GRID, MERGED
from training.world.settings import SETTINGS

PAPER: Mapping[str, tuple[tuple[float, float], ...]] = {
    "sum": ((69.7, 74.2), (65.0, 69.1), (60.3, 63.4)),
    "ties": ((73.6, 77.2), (67.6, 72.1), (63.1, 67.2)),
    "consensus": ((74.5, 77.6), (70.1, 73.6), (65.3, 68.6)),
}
"""Table 2, ViT-B/32, 8, 14 and 20 tasks: plain and with LiNeS."""
PAPER_ENDS = ((48.3, 57.3, 56.1), (90.5, 89.5, 90.4))
"""Zero-shot and fine-tuned."""


def task_counts_section(assets: Path) -> Iterator[str]:
    """The lines of the section; none if nothing was measured."""
    counts = read_task_counts(assets / "report" / FILE)
    if not counts.sets:
        return
    yield from ("## 8, 14 and 20 tasks (Table 2)", "")
    yield from _questions(assets, counts.sets[-1])
    rules = read_outside_rules(assets / "report" / OUTSIDE)
    yield from _table2(counts, rules)
    yield from _kinds(counts, rules)
    yield from outside_section(rules, counts.usual, counts.questions)


def _questions(assets: Path, largest: TaskCount) -> Iterator[str]:
    yield (
        f"Beside the eight tasks, the lab asks {len(ATTRIBUTE_TASKS)} further questions about the images "
        "that ship, whose answers the drawing code knows; no image is added, and images that do not show "
        f"what is asked about are left out. Fine-tuned as the eight were ({FINETUNING.steps} steps), on "
        f"{FINETUNING.images:,} training images that show it. The probe is a linear classifier on the frozen "
        f"features, fitted on {PROBE_IMAGES:,} training images. 14 tasks take the first six questions."
    )
    yield ""
    zero_shot, finetuned = (
        {task.key: task for task in side.tasks} for side in (largest.zero_shot, largest.finetuned)
    )
    rows = []
    for room in read_attributes(assets / "report" / ATTRIBUTES):
        tuned = finetuned[room.key]
        rows.append(
            [
                tuned.title,
                SETTINGS[room.source].title,
                str(room.classes),
                str(tuned.n),
                pct(zero_shot[room.key].accuracy),
                pct(room.probed / room.images),
                value_with_interval(tuned.accuracy, tasks_interval([(tuned.correct, tuned.n)])),
            ]
        )
    header = ["task", "images of", "classes", "test images", "zero-shot (%)", "probe (%)", "fine-tuned (%)"]
    yield from markdown(header, rows)
    yield ""
    yield (
        "Their residuals ship in four bits a weight, 0.925 MB each. That changes the models by "
        f"{question_storing_words(assets / 'report' / STORING)}, on all test images."
    )
    yield ""


def _table2(counts: TaskCounts, rules: OutsideRules) -> Iterator[str]:
    yield (
        "Mean accuracy on all test images (%), with 95 % intervals; in brackets the paper's, ViT-B/32. λ and "
        "β were chosen on validation images (all of them for eight tasks, as above; else "
        f"{CHOSEN_ON} of each data set; of grids of more than {LONG_GRID} values every second one, then the "
        "neighbours of the best), α is that of Eq. 2."
    )
    yield ""
    yield from markdown(["", *(f"{count.tasks} tasks" for count in counts.sets)], [*_rows(counts)])
    yield ""
    gains = [
        [METHODS[method].title, *(_gain(count, method, at, rules) for at, count in enumerate(counts.sets))]
        for method in MERGED
    ]
    yield from markdown(
        ["what LiNeS changes (points, image by image)", *(f"{count.tasks} tasks" for count in counts.sets)],
        gains,
    )
    yield ""


def _rows(counts: TaskCounts) -> Iterator[list[str]]:
    for name, ends, side in (
        ("zero-shot", PAPER_ENDS[0], "zero_shot"),
        ("fine-tuned", PAPER_ENDS[1], "finetuned"),
    ):
        scores = (getattr(count, side) for count in counts.sets)
        yield [
            name,
            *(f"{with_interval(score)} [{paper}]" for score, paper in zip(scores, ends, strict=True)),
        ]
    for method in MERGED:
        for lines in (False, True):
            cells = []
            for at, count in enumerate(counts.sets):
                row = count.row(method)
                score = row.lines if lines else row.plain
                chosen = f"α {row.alpha:.3f}, β {row.beta:g}" if lines else f"λ {row.scale:g}"
                paper = f" [{PAPER[method][at][lines]}]" if method in PAPER else ""
                kept = pct(score.normalised(count.finetuned))
                cells.append(f"{with_interval(score)}{paper}, normalised {kept}, {chosen}")
            yield [METHODS[method].title + (" + LiNeS" if lines else ""), *cells]


def _gain(count: TaskCount, method: str, at: int, rules: OutsideRules) -> str:
    paper = f" [{PAPER[method][at][1] - PAPER[method][at][0]:+.1f}]" if method in PAPER else ""
    return change_cell(rules.lines_gain(count, method)) + paper


def _kinds(counts: TaskCounts, rules: OutsideRules) -> Iterator[str]:
    """Does the gain grow with the number of tasks, or with their kind?"""
    grows = [METHODS[method].title for method in MERGED if _grows(counts, method)]
    said = f"it grows with each step for {', '.join(grows)}" if grows else "it grows steadily for no method"
    yield (
        f"Does the gain grow with the number of tasks? Over all of them {said}; in the paper it does for "
        "none: it falls for task arithmetic (4.5, 4.1, 3.1) and rises, then falls, for TIES (3.6, 4.5, 4.1) "
        "and Consensus (3.1, 3.5, 3.3). The tasks are of two kinds, and LiNeS does not do the same to both:"
    )
    yield ""
    header = ["what LiNeS changes (points, image by image)"]
    for count in counts.sets:
        header += [f"of {count.tasks} tasks: the usual eight"]
        header += [f"of {count.tasks} tasks: the questions"] if count.tasks > len(counts.usual) else []
    rows = []
    for method in MERGED:
        cells = [METHODS[method].title]
        for count in counts.sets:
            cells.append(change_cell(rules.lines_gain(count, method, counts.usual)))
            if count.tasks > len(counts.usual):
                added = [task.key for task in count.finetuned.tasks if task.key not in counts.usual]
                cells.append(change_cell(rules.lines_gain(count, method, added)))
        rows.append(cells)
    yield from markdown(header, rows)
    yield ""
    if counts.shrunk is not None:
        every = counts.sets[-1].finetuned
        usual, asked = (
            change_cell(change_on(keys, every, counts.shrunk)) for keys in (counts.usual, counts.questions)
        )
        yield (
            f"A part of it needs no merge: each task's own model with LiNeS at γ = {SHRUNK:g} changes by "
            f"{usual} points on the usual eight and by {asked} on the questions."
        )
    yield from _drawn(counts)


def _drawn(counts: TaskCounts) -> Iterator[str]:
    if counts.drawn:
        gains = [count.rows[0].lines.mean - count.rows[0].plain.mean for count in counts.drawn]
        plain = [count.rows[0].plain.mean for count in counts.drawn]
        yield (
            f"{len(gains)} sets of eight, drawn from all twenty and merged by "
            f"{METHODS[counts.drawn[0].rows[0].method].title}: plain {_span(plain)} %, gain {_span(gains)} "
            f"points, against {_plain_and_gain(counts.sets[0])} for the usual eight and "
            f"{_plain_and_gain(counts.sets[-1])} for all twenty."
        )
    yield ""


def _grows(counts: TaskCounts, method: str) -> bool:
    gains = [count.row(method).lines.mean - count.row(method).plain.mean for count in counts.sets]
    return gains == sorted(gains)


def _span(values: list[float]) -> str:
    return f"{pct(sum(values) / len(values))} on average ({pct(min(values))} to {pct(max(values))})"


def _plain_and_gain(count: TaskCount) -> str:
    row = count.row("sum")
    return f"{pct(row.plain.mean)} % and {row.gain:+.1f}"
