"""Ranges stay text, numbers are those of YAML 1.2, and a key that is there twice is an error."""

import pytest

from evaluators.errors import SpecError
from evaluators.experiments.sweep_plans.plain_yaml import read_plain_yaml


@pytest.mark.parametrize(
    ("scalar", "meaning"),
    [
        ("0:1:0.1", "0:1:0.1"),
        ("1:2:1", "1:2:1"),
        ("-1:1:0.5", "-1:1:0.5"),
        ("10:20", "10:20"),
        ("2026-01-01", "2026-01-01"),
        ("7", 7),
        ("-7", -7),
        ("010", 10.0),
        ("0.25", 0.25),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("true", True),
        ("~", None),
        ("'0.5'", "0.5"),
        ("auto", "auto"),
    ],
)
def test_plain_scalars(scalar: str, meaning: object) -> None:
    found = read_plain_yaml(f"[{scalar}]".encode())
    assert found == [meaning]
    assert isinstance(found, list)
    assert type(found[0]) is type(meaning)


def test_a_key_that_is_there_twice_is_refused() -> None:
    """The first of them was once dropped without a word."""
    assert read_plain_yaml(b"a: {x: 1}\nb: {x: 1}") == {"a": {"x": 1}, "b": {"x": 1}}
    with pytest.raises(SpecError, match=r"'gamma' is there twice in what begins in line 2"):
        read_plain_yaml(b"sweeps:\n- gamma: 0\n  gamma: 1\n")
