"""A gain is claimed only if its 95 % interval leaves out zero."""

from evaluators.specs.evaluation import TaskResult
from ui.shell.difference_words import difference_words, gain_words


def tasks(*correct: int) -> list[TaskResult]:
    return [TaskResult(f"task{i}", "Task", "control", one, 400) for i, one in enumerate(correct)]


def test_words_follow_the_interval() -> None:
    same = difference_words(tasks(200, 280), tasks(206, 282), "plain")
    assert same == "no measurable difference from plain (−3.7 to 5.7 points)"
    better = difference_words(tasks(200, 280), tasks(240, 300), "plain")
    assert better == "+7.5 points against plain (2.9 to 12.1)"
    worse = difference_words(tasks(240, 300), tasks(200, 280), "plain")
    assert worse == "−7.5 points against plain (−12.1 to −2.9)"


def test_a_change_is_told_as_its_interval_tells_it() -> None:
    """It read "its own questions no measurable difference from fine-tuned"."""

    def counted(correct: int) -> list[TaskResult]:
        return [TaskResult("a", "A", "target", correct, 300)]

    assert gain_words(counted(300), counted(275)) == "lose 8.3 points (5.4 to 12.0)"
    assert gain_words(counted(275), counted(300)) == "gain 8.3 points (5.4 to 12.0)"
    assert gain_words(counted(150), counted(151)) == "do not change measurably (−7.6 to 8.3 points)"
