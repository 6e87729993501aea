"""Steps of the story: what each sets, points at and asks. Its words are in ``words/``, by language."""

from __future__ import annotations

from dataclasses import dataclass

from ui.start.story_values import MIDDLE, TASK

EXPLORE = f"page=explore&task={TASK}"


@dataclass(frozen=True)
class Step:
    """One step.

    Args:
        id: key of its words.
        link: query of the page and its controls.
        spot: CSS selector of what it speaks of.
        kind: "tell" has text only, "guess" a number to guess, "quiz" a question, "goal" an exercise.
        right: position of a quiz's right option.
        answer: name of the story value that is guessed.
        reveal: link that is opened after the guess.
        task: checkpoint that the exercise is about.
    """

    id: str
    link: str
    spot: str
    kind: str = "tell"
    right: int | None = None
    answer: str | None = None
    reveal: str | None = None
    task: str | None = None


STEPS = (
    Step("clip", f"{EXPLORE}&shape=flat&gamma=0", "#lx-head-live .lx-tasks"),
    Step("forget", f"{EXPLORE}&gamma=1", "#lx-head-live .lx-tiles"),
    Step("pictures", f"{EXPLORE}&gamma=1", "#lx-head-live .lx-strip"),
    Step("change", f"{EXPLORE}&gamma=1", "#lx-head-live .lx-schedule"),
    Step(
        "predict",
        f"{EXPLORE}&gamma=1",
        "#lx-gamma",
        "guess",
        answer="mid_control",
        reveal=f"{EXPLORE}&gamma={MIDDLE:g}",
    ),
    Step(
        "depth",
        f"{EXPLORE}&shape=reverse&gamma={MIDDLE:g}&outside=depth",
        "#lx-head-live .lx-schedule",
    ),
    Step("why", f"{EXPLORE}&gamma={MIDDLE:g}", "#lx-head-live .lx-schedule", "quiz", right=0),
    Step("wise", f"{EXPLORE}&gamma=0.6", "#lx-head-live .lx-tradeoff"),
    Step("goal", f"{EXPLORE}&gamma=1", "#lx-head-live .lx-tiles", "goal", task=TASK),
    Step("validation", f"{EXPLORE}&gamma=0.2", "#lx-tune", "quiz", right=1),
    Step("merge", f"page=merge&task={TASK}&method=sum", "#lx-merge-live", "quiz", right=2),
    Step("limits", f"page=models&task={TASK}", "#lx-page-models-button"),
)
