"""A question that a visitor typed, with the answers to choose from."""

from evaluators.data.text_questions import TextQuestion
from evaluators.errors import SpecError
from lines_core.untrusted_text import quoted

MOST_QUESTION = 240
"""Letters of a question."""
MOST_ANSWERS = 6
MOST_ANSWER = 60
"""Letters of an answer."""
MARKS = ".,?!:;"


def typed_question(text: object, choices: object, by_words: bool = True) -> TextQuestion:
    """The question as the model reads it.

    Args:
        text: at most ``MOST_QUESTION`` letters.
        by_words: whether the model reads whole words: all is then in lower case, and marks stand apart.
        choices: 2 to ``MOST_ANSWERS`` different answers with commas between them, each of at most
            ``MOST_ANSWER`` letters.
    Raises: SpecError that says what is wrong.

    >>> typed_question("Where is the harp?", "Mill, cave")
    TextQuestion(text='where is the harp ?', choices=('mill', 'cave'), answer=-1)
    """
    if not isinstance(text, str) or not isinstance(choices, str):
        raise SpecError("Type a question and its possible answers.")
    if len(text) > MOST_QUESTION:
        raise SpecError(f"A question has at most {MOST_QUESTION} letters, got {len(text):,}: shorten it.")
    as_read = _separated if by_words else _plain
    question = as_read(text)
    if not question:
        raise SpecError(f"Type a question of 1 to {MOST_QUESTION} letters.")
    if len(choices) > MOST_ANSWERS * (MOST_ANSWER + 2):
        raise SpecError(f"The answers are at most {MOST_ANSWERS} of {MOST_ANSWER} letters.")
    answers = [answer for choice in choices.split(",") if (answer := as_read(choice))]
    if not 2 <= len(answers) <= MOST_ANSWERS or len(set(answers)) < len(answers):
        raise SpecError(
            f"Name 2 to {MOST_ANSWERS} different answers with commas between them, got {quoted(choices)}."
        )
    if any(len(answer) > MOST_ANSWER for answer in answers):
        raise SpecError(f"An answer has at most {MOST_ANSWER} letters.")
    return TextQuestion(question, tuple(answers), -1)


def _plain(text: str) -> str:
    """Without what nobody sees, such as the joiners of an emoji or control characters."""
    return " ".join("".join(one for one in text if one.isprintable() or one.isspace()).split())


def _separated(text: str) -> str:
    for mark in MARKS:
        text = text.replace(mark, f" {mark} ")
    return _plain(text.lower())
