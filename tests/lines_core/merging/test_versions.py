"""Whoever changes what a method computes raises its version: what shipped before does not count then."""

from dataclasses import replace

import pytest
import torch

from lines_core.merging import METHODS, merge, raised_versions
from tests.lines_core.merging.cases import taken

SHAPES, NAMES = [(6, 4, 1, 1), (3, 2, 2, 2), (5, 4), (6,)], ["pointwise", "kernel", "linear", "bias"]
"""A one-pixel kernel, one of four pixels, a matrix and a vector."""
KNOWN: dict[str, tuple[int, float, float]] = {
    "sum": (1, 13.6284, -11.6924),
    "average": (1, 4.54279, -3.89746),
    "ties": (1, 9.78323, -6.65034),
    "consensus": (1, 10.651, -9.37544),
    "tall-masks": (1, 7.57219, -0.611197),
    "magnitude-masks": (1, 5.66919, 0.366891),
    "dare": (1, 32.7968, -6.13216),
    "dare-ties": (1, 32.7491, -3.8343),
    "breadcrumbs": (1, 11.4084, -8.42876),
    "slerp": (1, 8.23653, -5.81062),
    "tsv-m": (1, 8.75507, -6.45231),
    "iso-c": (1, 9.85335, -10.9572),
    "iso-cts": (1, 9.85335, -10.9572),
    "pcb": (1, 8.14581, -6.91003),
    "sce": (1, 8.51048, -6.68045),
    "della": (1, 21.3064, -5.61593),
    "model-stock": (1, 0.729716, -0.802918),
}
"""By method: version, norm of its merge of these vectors, and the merge times a ramp from 0 to 1."""


def merged(key: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    numel = sum(torch.Size(shape).numel() for shape in SHAPES)
    vectors = list(torch.randn(3, numel, generator=generator))
    return merge(key, taken(key, vectors), task=1, shapes=SHAPES, names=NAMES)


@pytest.mark.parametrize("key", METHODS)
def test_another_result_has_another_version(key: str) -> None:
    vector = merged(key)
    found = float(vector.norm()), float(vector @ torch.linspace(0.0, 1.0, len(vector)))
    said = f"{key}: raise its version in METHODS, measure again what ships, and write {found} here"
    version, *known = KNOWN[key]
    assert found == pytest.approx(known, rel=1e-4, abs=1e-4), said
    assert METHODS[key].version == version


def test_a_raised_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "lines_core.merging.METHODS", {**METHODS, "ties": replace(METHODS["ties"], version=2)}
    )
    assert raised_versions() == ["ties 2"]
    assert raised_versions(["sum"]) == []
