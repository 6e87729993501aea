"""A gain is claimed only if its 95 % interval leaves out zero."""

from evaluators.specs.evaluation import TaskResult
from ui.shell.difference_words import difference_words


def tasks(*correct: int) -> list[TaskResult]:
    return [TaskResult(f"task{i}", "Task", "control", one, 400) for i, one in enumerate(correct)]


def test_words_follow_the_interval() -> None:
    same = difference_words(tasks(200, 280), tasks(206, 282), "plain")
    assert same == "no measurable difference from plain (−3.7 to 5.7 points)"
    better = difference_words(tasks(200, 280), tasks(240, 300), "plain")
    assert better == "+7.5 points against plain (2.9 to 12.1)"
    worse = difference_words(tasks(240, 300), tasks(200, 280), "plain")
    assert worse == "−7.5 points against plain (−12.1 to −2.9)"
