"""Values of an axis, and what is refused."""

import pytest

from evaluators.errors import SpecError
from evaluators.experiments.sweep_plans.axis_values import axis_names, axis_numbers


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (0.30000000000000004, (0.3,)),
        ("0:1:0.25", (0.0, 0.25, 0.5, 0.75, 1.0)),
        ("1:0:-0.5,0.2", (1.0, 0.5, 0.0, 0.2)),
        ([1, "0.5", 1.0], (1.0, 0.5)),
        ("0:0.35:0.1", (0.0, 0.1, 0.2, 0.3)),
    ],
)
def test_numbers(given: object, values: tuple[float, ...]) -> None:
    assert axis_numbers("gamma", given) == values


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("0:1", "a number, a list of numbers or a range from:to:step"),
        ("half", "must be a number"),
        ("0;0.5", "decimals take a point, and a comma separates two numbers"),
        ("0:1:0,1", "decimals take a point"),
        (True, "must be a number"),
        (None, "must be a number"),
        ("nan", "must be a number"),
        ("0:1:0", "does not lead from 0 to 1"),
        ("0:1:-0.1", "does not lead from 0 to 1"),
        ("0:1:1e-9", "at most 10,001 steps"),
        ([], "at least one value"),
    ],
)
def test_what_is_no_number_is_refused(given: object, reason: str) -> None:
    with pytest.raises(SpecError, match=f"gamma.*{reason}"):
        axis_numbers("gamma", given)


def test_names() -> None:
    assert axis_names("split", "val, test,val") == ("val", "test")
    with pytest.raises(SpecError, match="split must be among val, test, got 'train'"):
        axis_names("split", ["val", "train"], ("val", "test"))
    for given in ([], "", [1], {"val": 1}):
        with pytest.raises(SpecError, match="split must be a name or a list of names"):
            axis_names("split", given)
