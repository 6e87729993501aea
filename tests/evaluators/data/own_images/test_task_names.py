"""What a visitor types about a task."""

from collections import Counter

import pytest

from evaluators.data.own_images.listed_images import from_folders
from evaluators.data.own_images.task_names import TaskNames, proposed
from evaluators.errors import TaskError

FOUND = ("a = b", "old_boot", "tram")


def test_what_is_proposed_is_read_back() -> None:
    names = TaskNames.read(" My  things ", proposed(FOUND), "", FOUND)
    assert names == TaskNames("My things", (("a = b", "a = b"), ("old_boot", "old boot"), ("tram", "tram")))
    assert names.prompts == ("a photo of a {}.",)
    assert proposed(["a_b", "a b"]) == "a_b = a_b\na b = a b", "two names that would be one stay apart"


def test_names_prompts_order_and_classes_that_are_left_out() -> None:
    names = TaskNames.read("T", "tram = a  tram\n\nold_boot", "a {}.\n\n the {}", FOUND)
    assert names.classes == (("tram", "a tram"), ("old_boot", "old_boot"))
    assert names.prompts == ("a {}.", "the {}")
    listed = from_folders(["old_boot/1.png", "tram/1.png", "ship/1.png"], Counter())
    chosen = names.chosen(listed)
    assert chosen.classes == ("a tram", "old_boot")
    assert [(one.name, one.label) for one in chosen.images] == [("old_boot/1.png", 1), ("tram/1.png", 0)]
    with pytest.raises(TaskError, match="not those of the images"):
        names.chosen(from_folders(["tram/1.png", "ship/1.png"], Counter()))


@pytest.mark.parametrize(
    ("title", "classes", "prompts", "message"),
    [
        ("", "tram\nold_boot", "", "name of 1 to 40"),
        ("x" * 41, "tram\nold_boot", "", "name of 1 to 40"),
        ("T", "tram", "", "2 to 500 classes, got 1"),
        ("T", "tram = it\nold_boot = it", "", "Two classes are called 'it'"),
        ("T", "tram = " + "x" * 81 + "\nold_boot", "", "1 to 80 letters"),
        ("T", "tram = \u202egnp\nold_boot", "", "1 to 80 letters"),
        ("T", "bus = a bus\nold_boot", "", "'bus = a bus' names no class"),
        ("T", "tram\nold_boot", "a photo", "one {} where"),
        ("T", "tram\nold_boot", "{} and {0}", "one {} where"),
        ("T", "tram\nold_boot", "{}\n" * 9, "1 to 8 prompts"),
        ("T", "tram\ntram = other", "", "not those of the images"),
    ],
)
def test_what_is_refused(title: str, classes: str, prompts: str, message: str) -> None:
    listed = from_folders(["old_boot/1.png", "tram/1.png", "a = b/1.png"], Counter())
    with pytest.raises(TaskError, match=message):
        TaskNames.read(title, classes, prompts, listed.classes).chosen(listed)


def test_too_many_texts_are_refused() -> None:
    many = tuple((str(number), str(number)) for number in range(300))
    with pytest.raises(TaskError, match="300 classes times 7 prompts"):
        TaskNames("T", many, ("{}",) * 7)
