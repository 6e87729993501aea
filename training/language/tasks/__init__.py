"""Seven tasks, a file each: a function that draws one question."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from evaluators.data.text_questions import TextQuestion
from training.language.tasks.asked_place import asked_place
from training.language.tasks.coreference import coreference
from training.language.tasks.entailment import entailment
from training.language.tasks.multiple_choice import multiple_choice
from training.language.tasks.paraphrase import paraphrase
from training.language.tasks.quantities import quantities
from training.language.tasks.same_meaning import same_meaning
from training.language.tasks.story_ending import story_ending
from training.language.tasks.true_place import true_place


@dataclass(frozen=True)
class TextTask:
    """A task and the data set of the paper's seven that it mirrors."""

    key: str
    title: str
    blurb: str
    mirrors: str
    draw: Callable[[Random], TextQuestion]


TEXT_TASKS: Mapping[str, TextTask] = {
    task.key: task
    for task in (
        TextTask("paraphrase", "Paraphrase", "Which sentence says the same?", "PAWS", paraphrase),
        TextTask("entailment", "Entailment", "Does the claim follow?", "RTE", entailment),
        TextTask("lookup", "Reading", "Where is it, as the text says?", "WikiQA", true_place),
        TextTask("quantities", "Quantities", "Who has more, or less, of it?", "QuaRTz", quantities),
        TextTask("story", "Story ending", "How does the story end?", "Story Cloze", story_ending),
        TextTask("coreference", "Coreference", "Whom does a word stand for?", "Winogrande", coreference),
        TextTask("choice", "Multiple choice", "Which thing has the property?", "QASC", multiple_choice),
    )
}


_PRACTISED = {"paraphrase": same_meaning, "lookup": asked_place}
PRACTICE: Sequence[TextTask] = tuple(
    replace(task, draw=_PRACTISED.get(task.key, task.draw)) for task in TEXT_TASKS.values()
)
"""What pre-training has a few questions of."""


def split_of(question: TextQuestion) -> str:
    """The split that a question belongs to by its text: no question is in two of them."""
    return {0: "val", 1: "test"}.get(zlib.crc32(question.text.encode()) % 10, "train")


def draw_questions(task: TextTask, split: str, count: int, seed: int) -> list[TextQuestion]:
    """Different questions of one split, in the order drawn."""
    random = Random(f"{task.key} {split} {seed}")
    found: dict[TextQuestion, None] = {}
    while len(found) < count:
        question = task.draw(random)
        if split_of(question) == split:
            found[question] = None
    return list(found)
