"""Slerp of two task vectors: by hand, against mergekit's own function, and what it refuses."""

import importlib
import math

import pytest
import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging import merge, merging_alpha
from lines_core.merging.scopes import TENSOR

ALONG, ACROSS = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 6.0])


def slerp(one: Tensor, other: Tensor, t: float, **given: object) -> Tensor:
    return merge("slerp", [one, other], {"t": t}, **given)  # type: ignore[arg-type]


def test_a_right_angle_by_hand() -> None:
    """w = 90 degrees, sin w = 1: a third of the way is 30 degrees, shares sin 60 = 0.866 and sin 30 = 1/2."""
    found = slerp(ALONG, ACROSS, 1 / 3)
    torch.testing.assert_close(found, torch.tensor([math.sqrt(3.0), 0.0, 3.0]))
    half = slerp(ALONG, 2 / 6 * ACROSS, 0.5)
    assert float(half.norm()) == pytest.approx(2.0), "the length stays, where the average has 1.41"


def test_sixty_degrees_by_hand() -> None:
    """sin 30 / sin 60 = 0.577 of each half way."""
    other = torch.tensor([1.0, math.sqrt(3.0), 0.0])
    torch.testing.assert_close(slerp(ALONG, other, 0.5), 0.5773503 * (ALONG + other))


@pytest.mark.parametrize(("t", "end"), [(0.0, ALONG), (1.0, ACROSS)])
def test_the_ends_are_the_vectors(t: float, end: Tensor) -> None:
    assert torch.equal(slerp(ALONG, ACROSS, t), end)


@pytest.mark.parametrize("factor", [3.0, -3.0])
def test_the_way_is_straight_where_they_are_parallel(factor: float) -> None:
    """At 0 and at 180 degrees the arc is not defined."""
    torch.testing.assert_close(slerp(ALONG, factor * ALONG, 0.25), (0.75 + 0.25 * factor) * ALONG)


def test_a_vector_of_zeros_has_no_direction() -> None:
    """As in mergekit it counts as at a right angle to the other."""
    found = slerp(ALONG, torch.zeros(3), 0.5)
    torch.testing.assert_close(found, math.sin(math.pi / 4) * ALONG)
    assert not slerp(torch.zeros(3), torch.zeros(3), 0.5).any()


def test_each_tensor_by_its_own_angle() -> None:
    one, other = torch.cat([ALONG, ALONG]), torch.cat([ACROSS, -ALONG / 2])
    found = merge("slerp", [one, other], {"t": 0.3, "scope": TENSOR}, shapes=[(3,), (1, 3)])
    parts = slerp(ALONG, ACROSS, 0.3), slerp(ALONG, -ALONG / 2, 0.3)
    assert torch.equal(found, torch.cat(parts))
    assert not torch.equal(found, slerp(one, other, 0.3))


@pytest.mark.parametrize("t", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("cosine", ["any", 0.0, 0.7, 0.9994, 0.9996, -0.9996, -0.9])
def test_it_is_mergekit_s(cosine: float | str, t: float) -> None:
    """Its own function, in float64; on either side of the threshold."""
    theirs = importlib.import_module("mergekit.merge_methods.slerp").slerp
    one, other = torch.randn(2, 5000, generator=torch.Generator().manual_seed(5))
    if isinstance(cosine, float):
        unit = one.double() / one.double().norm()
        across = other.double() - torch.dot(other.double(), unit) * unit
        other = (3 * (cosine * unit + math.sqrt(1 - cosine**2) * across / across.norm())).float()
    expected = theirs(torch.tensor([t], dtype=torch.float64), one.double()[None], other.double()[None])[0]
    torch.testing.assert_close(slerp(one, other, t), expected.float(), rtol=3e-7, atol=1e-9)


def test_lines_on_top_has_the_alpha_of_eq_2() -> None:
    """(1 / 2) (2 + 6) / (sin 45 (2 + 6))."""
    merged = slerp(ALONG, ACROSS, 0.5)
    assert merging_alpha([ALONG, ACROSS], merged).alpha == pytest.approx(0.5 / math.sin(math.pi / 4))


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_models_is_refused(count: int) -> None:
    with pytest.raises(MergeError, match=f"Slerp takes exactly 2 models, got {count}: choose 2"):
        merge("slerp", [ALONG] * count)
