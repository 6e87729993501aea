"""The section "Questions a reviewer asks": the words of the file, as text, and nothing without a file."""

from pathlib import Path

from evaluators.experiments.reviewer_questions import (
    QUESTIONS,
    ReviewerQuestion,
    read_questions,
    save_questions,
)
from ui.merge.reviewer_answers import reviewer_answers

ASKED = ReviewerQuestion(
    "Is a < b?", "No: <b>", "400 images", ("method", "test (%)"), (("TIES", "66.0 (64.4 to 67.5)"),)
)


def test_questions_survive_the_file(tmp_path: Path) -> None:
    save_questions(tmp_path / QUESTIONS, [ASKED])
    assert read_questions(tmp_path) == (ASKED,)


def test_a_lab_without_the_file_asks_nothing(tmp_path: Path) -> None:
    assert read_questions(tmp_path) == ()
    assert reviewer_answers(read_questions(tmp_path)) == ""


def test_question_answer_and_numbers_are_shown_as_text() -> None:
    shown = reviewer_answers([ASKED])
    assert "<b>Is a &lt; b?</b> <span>No: &lt;b&gt;</span>" in shown
    assert '<div class="lx-small"><p>400 images</p></div>' in shown
    assert '<th scope="row">TIES</th><td>66.0\u00a0(64.4\u00a0to\u00a067.5)</td>' in shown  # on one line
