"""A visitor's question: what the model reads of it, and what is refused."""

import pytest

from evaluators.data.typed_question import MOST_ANSWERS, MOST_QUESTION, typed_question
from evaluators.errors import SpecError


def test_marks_become_words_of_their_own_and_case_is_dropped() -> None:
    question = typed_question("Mira has the CUP.  Who has it?", " Mira , Dax ,")
    assert question.text == "mira has the cup . who has it ?"
    assert question.choices == ("mira", "dax")


def test_letters_are_the_only_limit_of_a_question() -> None:
    """A text within the label's limit was refused for its 120 words, of which no label spoke."""
    assert len(typed_question("a " * (MOST_QUESTION // 2), "a, b").text.split()) == 120


@pytest.mark.parametrize("by_words", [True, False])
def test_what_nobody_sees_is_left_out(by_words: bool) -> None:
    """A family of emoji or a pasted tab was refused as a question without letters."""
    question = typed_question("who\tis 👨\u200d👩\u200d👧 \x00 ?", "\u200b, a\nb, c", by_words)
    assert question.text == "who is 👨👩👧 ?"
    assert question.choices == ("a b", "c")


@pytest.mark.parametrize(
    ("text", "choices", "message"),
    [
        ("", "a, b", "Type a question of 1 to 240 letters"),
        (" \n\x00", "a, b", "Type a question of 1 to 240 letters"),
        ("x" * (MOST_QUESTION + 1), "a, b", "at most 240 letters, got 241: shorten it"),
        ("who ?", "a", "2 to 6 different answers"),
        ("who ?", "a, A", "2 to 6 different answers"),
        ("who ?", ",".join("abcdefg"), "2 to 6 different answers"),
        ("who ?", "a, " + "b" * 61, "at most 60 letters"),
        ("who ?", "a," * 1000, f"at most {MOST_ANSWERS} of 60 letters"),
        (None, "a, b", "Type a question"),
        ("who ?", ["a", "b"], "Type a question"),
    ],
)
def test_impossible_questions_say_what_is_expected(text: object, choices: object, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        typed_question(text, choices)
