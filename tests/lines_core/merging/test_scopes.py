"""Ranking within tensors and rows, by hand, and as the programs do whose convention it is."""

import pytest
import torch

from lines_core.errors import MergeError
from lines_core.merging import merge

SHAPES = ((2, 4), (3,))
ONE = torch.tensor([8.0, -7.0, 6.0, 5.0, 1.0, 2.0, -3.0, 4.0, 0.3, 0.1, -0.2])
"""A matrix of two rows whose first is the larger, and a small vector."""
OTHER = torch.tensor([-1.0, -2.0, -3.0, -4.0, 9.0, 9.0, 9.0, 9.0, 0.2, 0.4, 0.6])
BREADCRUMBS = {"drop_small": 0.5, "drop_large": 0.25}


def test_ties_by_tensor_keeps_entries_of_each() -> None:
    """Of 11 entries int(0.25 * 11) + 1 = 3 are kept as a whole; of 8 three and of 3 one by tensor."""
    settings = {"density": 0.25}
    whole = merge("ties", [ONE], settings)
    assert whole.tolist() == pytest.approx([8, -7, 6, 0, 0, 0, 0, 0, 0, 0, 0])
    by_tensor = merge("ties", [ONE], settings | {"scope": 1.0}, shapes=SHAPES)
    assert by_tensor.tolist() == pytest.approx([8, -7, 6, 0, 0, 0, 0, 0, 0.3, 0, 0])


def test_ties_by_tensor_is_ties_on_each_tensor() -> None:
    settings = {"density": 0.5, "agg": 1.0}
    expected = [
        merge("ties", [one[part] for one in (ONE, OTHER)], settings) for part in (slice(8), slice(8, 11))
    ]
    found = merge("ties", [ONE, OTHER], settings | {"scope": 1.0}, shapes=SHAPES)
    assert torch.equal(found, torch.cat(expected))
    assert not torch.equal(found, merge("ties", [ONE, OTHER], settings))


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (0.0, [0, 0, 6, 5, 0, 0, -3, 4, 0, 0, 0]),  # of 11 the 5 smallest and the 2 largest are dropped
        (1.0, [0, 0, 6, 5, 0, 0, 0, 0, 0.3, 0, -0.2]),  # of 8 four and two, of 3 one and none
        (2.0, [0, -7, 0, 0, 0, 0, -3, 0, 0.3, 0, -0.2]),  # of 4 two and one in each row
    ],
)
def test_breadcrumbs_by_hand(scope: float, expected: list[float]) -> None:
    found = merge("breadcrumbs", [ONE], BREADCRUMBS | {"scope": scope}, shapes=SHAPES)
    assert found.tolist() == pytest.approx(expected)


def test_breadcrumbs_by_tensor_is_breadcrumbs_on_each_tensor() -> None:
    expected = [
        merge("breadcrumbs", [one[part] for one in (ONE, OTHER)], BREADCRUMBS)
        for part in (slice(8), slice(8, 11))
    ]
    found = merge("breadcrumbs", [ONE, OTHER], BREADCRUMBS | {"scope": 1.0}, shapes=SHAPES)
    assert torch.equal(found, torch.cat(expected))


@pytest.mark.parametrize("method", ["ties", "breadcrumbs"])
@pytest.mark.parametrize(("shapes", "got"), [(None, "none"), (((2, 4),), "8"), (((2, 4), (4,)), "12")])
def test_shapes_that_are_not_those_of_the_vector(method: str, shapes: object, got: str) -> None:
    with pytest.raises(MergeError, match=f"that make up the 11 entries, got {got}: rank the whole vector"):
        merge(method, [ONE], {"scope": 1.0}, shapes=shapes)  # type: ignore[arg-type]


def test_not_a_number_is_refused_by_row_too() -> None:
    broken = ONE.clone()
    broken[5] = torch.nan
    with pytest.raises(MergeError, match="NaN or infinity"):
        merge("breadcrumbs", [broken], BREADCRUMBS | {"scope": 2.0}, shapes=SHAPES)


def test_dare_with_ties_by_hand() -> None:
    """Without drops it is TIES of whole vectors: 8 against -1, 6 against -3 ... the larger sign wins."""
    found = merge("dare-ties", [ONE, OTHER], {"drop": 0.0, "agg": 1.0})
    assert torch.equal(found, merge("ties", [ONE, OTHER], {"density": 1.0, "agg": 1.0}))
    assert found[:4].tolist() == [8, -9, 6, 5]
    assert merge("dare-ties", [ONE, -ONE], {"drop": 0.0}).tolist() == [0.0] * 11
    kept = merge("dare-ties", [torch.ones(4000)], {"drop": 0.75})
    assert set(kept.tolist()) == {0.0, 4.0}
    assert torch.equal(kept, merge("dare", [torch.ones(4000)], {"drop": 0.75}))
