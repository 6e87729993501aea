"""Questions on texts with the answers to choose from, and the files that they ship in."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from evaluators.errors import LabError
from lines_core.atomic_write import atomic_write


class TextQuestion(NamedTuple):
    """A question.

    Attributes:
        text: what the model reads.
        choices: possible answers, in the order in which they are shown.
        answer: index of the right one; -1 if nobody knows, as for a visitor's own.
    """

    text: str
    choices: tuple[str, ...]
    answer: int


def questions_path(folder: Path, task: str, split: str) -> Path:
    """File with the questions of a task and split."""
    return folder / f"{task}-{split}.json"


def save_questions(path: Path, questions: Sequence[TextQuestion]) -> None:
    """Write questions, whole or not at all."""
    lines = ",\n".join(json.dumps(question, ensure_ascii=False) for question in questions)
    atomic_write(path, lambda part: Path(part).write_text(f"[\n{lines}\n]\n", encoding="utf-8"))


def read_questions(path: Path, most_choices: int) -> tuple[TextQuestion, ...]:
    """The questions of a file.

    Args:
        most_choices: choices that one may have.
    Raises: LabError if the file is absent, or holds something else.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        found = tuple(
            TextQuestion(str(text), tuple(map(str, choices)), int(answer)) for text, choices, answer in plain
        )
    except FileNotFoundError as error:
        raise LabError(f"{path} is absent: there are no questions.") from error
    except (ValueError, TypeError) as error:
        raise LabError(f"{path} is not a list of [text, [choices], answer]: {error}") from error
    wrong = [
        one
        for one in found
        if not 2 <= len(one.choices) <= most_choices or not 0 <= one.answer < len(one.choices)
    ]
    if wrong or not found:
        raise LabError(
            f"{path} must hold questions of 2 to {most_choices} choices, got {wrong[:1] or 'none'}."
        )
    return found
