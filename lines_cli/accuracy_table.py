"""Accuracies with their intervals as a table of text: an edit task by task, or LiNeS by gamma."""

from collections.abc import Sequence

from evaluators.specs.evaluation import CONTROL, TARGET, Evaluation, TaskResult

LEGEND = (
    "Top-1 accuracy in %, in brackets its 95 % interval. The target task is what the model was fine-tuned "
    "on;\ncontrol tasks show what it forgot."
)
CHOICE = "Choose γ with --split val, and report with --split test."
WIDTH = 22
"""Characters of an accuracy's column."""


def edit_table(pretrained: Evaluation, finetuned: Evaluation, edited: Evaluation) -> list[str]:
    """Lines: the three models on each task, and their mean over the control tasks."""
    models = (pretrained, finetuned, edited)
    rows = [
        (task.title, task.role, f"{task.n}", tuple(_of_task(model.tasks[at]) for model in models))
        for at, task in enumerate(edited.tasks)
    ]
    rows.sort(key=lambda row: row[1] != TARGET)
    if len(edited.control_tasks) > 1:
        images = sum(task.n for task in edited.control_tasks)
        rows.append(("mean", CONTROL, f"{images}", tuple(map(_of_controls, models))))
    wide = max(len("task"), *(len(title) for title, *_ in rows))
    heads = ("pre-trained", "fine-tuned", "edited")
    return [
        f"{'task':>{wide}}  {'role':7} {'images':>6}{''.join(f'{head:>{WIDTH}}' for head in heads)}",
        *(
            f"{title:>{wide}}  {role:7} {images:>6}{''.join(f'{figure:>{WIDTH}}' for figure in figures)}"
            for title, role, images, figures in rows
        ),
        "",
        LEGEND,
    ]


def gamma_table(pretrained: Evaluation, finetuned: Evaluation, edited: Sequence[Evaluation]) -> list[str]:
    """Lines: target and mean control accuracy of LiNeS by gamma, its alpha, between the two references."""
    rows = [
        ("pre-trained", pretrained),
        *((f"γ = {found.spec.alpha:g}", found) for found in sorted(edited, key=lambda one: one.spec.alpha)),
        ("fine-tuned", finetuned),
    ]
    controls = pretrained.control_tasks
    control = controls[0].title if len(controls) == 1 else f"mean of {len(controls)}"
    heads = (f"target {pretrained.target_task.title}", f"control {control}")
    widths = [max(WIDTH, len(head) + 2) for head in heads]
    lines = [
        f"{name:>12}{_of_task(found.target_task):>{widths[0]}}{_of_controls(found):>{widths[1]}}"
        for name, found in rows
    ]
    titles = f"{'':12}{heads[0]:>{widths[0]}}{heads[1]:>{widths[1]}}"
    return [titles, *lines, "", LEGEND, CHOICE]


def _of_task(task: TaskResult) -> str:
    return in_percent(task.accuracy, (task.low, task.high))


def _of_controls(found: Evaluation) -> str:
    return in_percent(found.control, found.control_interval)


def in_percent(accuracy: float, interval: tuple[float, float]) -> str:
    """A fraction and its interval in percent.

    >>> in_percent(0.5, (0.4038, 0.5962))
    '50.0 (40.4 to 59.6)'
    """
    low, high = interval
    return f"{100 * accuracy:.1f} ({100 * low:.1f} to {100 * high:.1f})"
