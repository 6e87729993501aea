"""Class names that visitors type."""

import pytest

from evaluators.errors import SpecError
from evaluators.specs.class_names import MOST_CLASSES, TEMPLATE, ClassNames


def test_names_are_read_from_what_is_typed() -> None:
    read = ClassNames.read(" a cat,a  dog\n a tram ,, a cat", " a sketch of {} ")
    assert read == ClassNames(("a cat", "a dog", "a tram"), "a sketch of {}")
    assert ClassNames.read("a, b").template == TEMPLATE


@pytest.mark.parametrize(
    ("names", "template", "said"),
    [
        ("", "", "2 to 50"),
        ("a cat", "", "2 to 50"),
        ("a cat, a cat", "", "2 to 50"),
        (", ".join(map(str, range(MOST_CLASSES + 1))), "", "2 to 50"),
        ("a cat, " + "x" * 81, "", "1 to 80 letters"),
        ("a cat, \u202edog", "", "1 to 80 letters"),
        ("x" * 100_000, "", "short text"),
        (3, "", "short text"),
        ("a, b", 3, "is a text"),
        ("a, b", "no place", "one {}"),
        ("a, b", "{} and {}", "one {}"),
        ("a, b", "{0.__class__}", "one {}"),
        ("a, b", "{} {name}", "one {}"),
        ("a, b", "{" * 3 + "}" * 3, "one {}"),
        ("a, b", "x" * 200 + "{}", "160 letters"),
    ],
)
def test_what_makes_no_classifier_is_refused(names: object, template: object, said: str) -> None:
    with pytest.raises(SpecError, match=said) as raised:
        ClassNames.read(names, template)
    assert len(str(raised.value)) < 400
