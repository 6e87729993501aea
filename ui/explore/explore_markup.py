"""HTML around the charts of an edit: the verdict, the two tiles, the table for screen readers."""

from __future__ import annotations

from html import escape

from evaluators.specs.evaluation import Evaluation
from ui.explore import explore_text
from ui.explore.tradeoff_figure import References
from ui.explore.verdict import verdict
from ui.live.schedule_figure import factors, positions
from ui.shell import markup, text


def sentence(evaluation: Evaluation, references: References, total: int) -> str:
    """The plain sentence, and below it what it rests on."""
    said = verdict(evaluation, references.pretrained, references.finetuned)
    seen = sum(task.n for task in evaluation.tasks)
    bar = (
        ""
        if evaluation.complete
        else f'<i class="lx-bar" style="--part:{min(seen / max(total, 1), 1):.3f}"></i>'
    )
    return (
        f'<p class="lx-sentence">{escape(said)}</p>'
        f'<p class="lx-evidence">{escape(explore_text.evidence(evaluation, total))}{bar}</p>'
    )


def tiles(evaluation: Evaluation, references: References, role: str) -> str:
    """Target and control in large figures, each with its interval and its distance from fine-tuned."""
    finetuned = references.finetuned
    target = evaluation.target_task
    others = explore_text.controls_named(evaluation)
    return (
        f'<div class="lx-tiles" style="--role: var(--c-{role})">'
        + _accuracy_tile(
            "Target",
            target.title,
            evaluation.target,
            evaluation.target_interval,
            None if finetuned is None else finetuned.target,
        )
        + _accuracy_tile(
            "Control",
            others,
            evaluation.control,
            evaluation.control_interval,
            None if finetuned is None else finetuned.control,
        )
        + "</div>"
    )


def _accuracy_tile(
    name: str, what: str, value: float, interval: tuple[float, float], finetuned: float | None
) -> str:
    low, high = interval
    change = "" if finetuned is None else f" · {text.points(value - finetuned)} against fine-tuned"
    return markup.tile(name, what, value, f"{100 * low:.1f} to {100 * high:.1f}{change}")


def table(evaluation: Evaluation, references: References, num_blocks: int) -> str:
    """All numbers of the three charts as tables: the twin of the charts for screen readers."""
    columns = [("This edit", evaluation)]
    columns += [("Pre-trained", references.pretrained)] if references.pretrained else []
    columns += [("Fine-tuned", references.finetuned)] if references.finetuned else []
    rows = [
        [f"{task.title} ({task.role})"] + [_counts(column, index) for _, column in columns]
        for index, task in enumerate(evaluation.tasks)
    ]
    rows.append(["Mean of the control tasks"] + [text.percent(column.control) for _, column in columns])
    values = factors(evaluation.spec.scales(num_blocks))
    scales = [[place, f"{value:.3f}"] for place, value in zip(positions(num_blocks), values, strict=True)]
    return markup.plain_table(
        "Accuracy per task", ["Task", *(name for name, _ in columns)], rows
    ) + markup.plain_table("Layer schedule", ["Block", "Factor"], scales)


def _counts(evaluation: Evaluation, index: int) -> str:
    task = evaluation.tasks[index]
    interval = f"{100 * task.low:.1f} to {100 * task.high:.1f}"
    return f"{100 * task.accuracy:.1f} % ({task.correct} of {task.n}, {interval})"
