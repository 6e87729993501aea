"""Words and numbers around the charts as HTML: the sentence, the two tiles, the screen reader's table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from evaluators.errors import Preparing, Queued
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.normalise import Normalised
from ui.explore.schedule_figure import factors, positions
from ui.explore.tradeoff_figure import References
from ui.shell import text
from ui.shell.theme import ROLES


def sentence(evaluation: Evaluation, numbers: Normalised | None, total: int) -> str:
    """The plain sentence, and below it what it rests on."""
    said = text.verdict(evaluation.target_task.title, numbers)
    seen = sum(task.n for task in evaluation.tasks)
    bar = (
        ""
        if evaluation.complete
        else f'<i class="lx-bar" style="--part:{min(seen / max(total, 1), 1):.3f}"></i>'
    )
    return (
        f'<p class="lx-sentence">{escape(said)}</p>'
        f'<p class="lx-evidence">{escape(text.evidence(evaluation, total))}{bar}</p>'
    )


def trouble(message: str) -> str:
    """A failure in the place of the sentence."""
    return f'<p class="lx-sentence lx-trouble">{escape(message)}</p>'


def in_line(line: Queued) -> str:
    """How long the line is, or for how long weights have been in the making."""
    said = (
        text.preparing(line.seconds)
        if isinstance(line, Preparing)
        else text.in_line(line.ahead, line.seconds)
    )
    return f"<span>{escape(said)}</span>"


def tiles(evaluation: Evaluation, references: References, role: str) -> str:
    """Target and control in large figures, each with its interval and its distance from fine-tuned."""
    finetuned = references.finetuned
    target = evaluation.target_task
    others = text.controls_named(evaluation)
    return (
        f'<div class="lx-tiles" style="--role: var(--c-{role})">'
        + _tile(
            "Target",
            target.title,
            evaluation.target,
            evaluation.target_interval,
            None if finetuned is None else finetuned.target,
        )
        + _tile(
            "Control",
            others,
            evaluation.control,
            evaluation.control_interval,
            None if finetuned is None else finetuned.control,
        )
        + "</div>"
    )


def _tile(name: str, what: str, value: float, interval: tuple[float, float], finetuned: float | None) -> str:
    low, high = interval
    change = "" if finetuned is None else f" · {text.points(value - finetuned)} against fine-tuned"
    return tile(name, what, value, f"{100 * low:.1f} to {100 * high:.1f}{change}")


def tile(name: str, what: str, value: float, more: str, role: str = "") -> str:
    """One accuracy in large figures; its edge has the colour of ``role``, or of the tiles around it."""
    edge = f' style="--role: var(--c-{role})"' if role else ""
    return (
        f'<div class="lx-tile"{edge}>'
        f'<div class="lx-tile-name">{escape(name)} <span>{escape(what)}</span></div>'
        f'<div class="lx-tile-value">{text.percent(value)}</div>'
        f'<div class="lx-tile-more">{escape(more)}</div></div>'
    )


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
    return plain_table("Accuracy per task", ["Task", *(name for name, _ in columns)], rows) + plain_table(
        "Layer schedule", ["Block", "Factor"], scales
    )


def _counts(evaluation: Evaluation, index: int) -> str:
    task = evaluation.tasks[index]
    interval = f"{100 * task.low:.1f} to {100 * task.high:.1f}"
    return f"{100 * task.accuracy:.1f} % ({task.correct} of {task.n}, {interval})"


def plain_table(
    caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], shown: bool = False
) -> str:
    """A table with a caption, column heads and row heads; everything in it is escaped here."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    css = ' class="lx-table"' if shown else ""
    head = f"<thead><tr>{head}</tr></thead>"
    return f"<table{css}><caption>{escape(caption)}</caption>{head}<tbody>{body}</tbody></table>"


def legend() -> str:
    """One legend for the whole page: every role with its symbol in its colour."""
    entries = "".join(
        f'<li><span aria-hidden="true" style="color: var(--c-{name})">{role.glyph}</span> '
        f"{escape(role.title)}</li>"
        for name, role in ROLES.items()
    )
    return f'<ul class="lx-legend" aria-label="Colours and symbols">{entries}</ul>'


def notice(complaints: Sequence[str]) -> str:
    """What could not be followed in a link, one line each; nothing when all was well."""
    return "".join(f'<p role="status">{escape(complaint)}</p>' for complaint in complaints)


def code(title: str, source: str) -> str:
    """Code under its title, in the page's own ink: Gradio's highlighter fails the contrast check."""
    block = f'<pre class="lx-code" tabindex="0"><code>{escape(source)}</code></pre>'
    return f'<h2 class="lx-code-title">{escape(title)}</h2>{block}'
