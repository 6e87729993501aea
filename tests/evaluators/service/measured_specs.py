"""Specs whose counts all differ, for tests of the studio."""

from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation

Counts = dict[str, tuple[int, int]]
SPECS = (
    EditSpec.pretrained("digits"),
    EditSpec.finetuned("digits"),
    EditSpec.lines("digits", 0.0),
    EditSpec.lines("digits", 0.5, shape="reverse", outside="depth"),
    EditSpec.wise_ft("faces", 0.6),
    EditSpec.lines("faces", 0.3, split="val"),
    EditSpec("tiny-clip", "objects", "free", 0.5, free_form=(0.0, 2.0, -1.0, 1.0), images=17),
    EditSpec.lines("digits", 0.2, shape="sqrt", images=10),
)


def counts(evaluation: Evaluation) -> Counts:
    return {task.key: (task.correct, task.n) for task in evaluation.tasks}
