"""The text world: each question has one right answer, splits are apart, hidden words can be known."""

from random import Random

import pytest

from training.language.corruption import SENTINELS, corrupt
from training.language.documents import KINDS_OF_TEXT
from training.language.tasks import TEXT_TASKS, TextTask, draw_questions, split_of

TASKS = [*TEXT_TASKS.values()]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.key)
def test_choices_differ_and_one_is_right(task: TextTask) -> None:
    random = Random(3)
    places = set()
    for _ in range(300):
        question = task.draw(random)
        assert 2 <= len(question.choices) <= 4
        assert len(set(question.choices)) == len(question.choices)
        assert 0 <= question.answer < len(question.choices)
        places.add(question.answer)
    assert len(places) == len(question.choices), "no place is always wrong"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.key)
def test_splits_have_no_question_in_common(task: TextTask) -> None:
    drawn = {split: draw_questions(task, split, 30, seed=1) for split in ("train", "val", "test")}
    for split, questions in drawn.items():
        assert {split_of(question) for question in questions} == {split}
        assert len({question.text for question in questions}) == 30
    assert draw_questions(task, "val", 30, seed=1) == drawn["val"]


def test_hidden_words_put_back_give_the_text() -> None:
    random = Random(0)
    for _ in range(200):
        document = random.choice(KINDS_OF_TEXT)(random)
        given, hidden = corrupt(document, random)
        assert given.startswith(f"{document.given} ")
        for mark in SENTINELS:
            if mark in given.split():
                span = hidden.split(f"{mark} ")[1].partition(" <extra")[0]
                given = given.replace(mark, span)
        assert given == f"{document.given} {document.follows}"
