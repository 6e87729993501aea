"""Questions that a reviewer asks of the paper's claims, answered by measurements that ship with the lab."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lines_core.atomic_write import atomic_write

QUESTIONS = Path("report") / "questions.json"
"""In a lab's folder."""


@dataclass(frozen=True)
class ReviewerQuestion:
    """One question with its answer.

    Args:
        question: in plain words.
        answer: words that were chosen by the intervals of what was measured.
        how: what was compared, on how many images.
        header, rows: of the table behind the answer.
    """

    question: str
    answer: str
    how: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def save_questions(path: Path, questions: Sequence[ReviewerQuestion]) -> None:
    """Write the questions as JSON."""
    text = json.dumps([asdict(question) for question in questions], indent=1, ensure_ascii=False) + "\n"
    atomic_write(path, lambda part: part.write_text(text, encoding="utf-8"))


def read_questions(lab: Path) -> tuple[ReviewerQuestion, ...]:
    """The questions that ship with a lab; none if it has no such file."""
    path = lab / QUESTIONS
    if not path.is_file():
        return ()
    return tuple(
        ReviewerQuestion(
            question=entry["question"],
            answer=entry["answer"],
            how=entry["how"],
            header=tuple(entry["header"]),
            rows=tuple(map(tuple, entry["rows"])),
        )
        for entry in json.loads(path.read_text(encoding="utf-8"))
    )
