"""The merging methods on flat vectors, with settings that reach each of their branches; those by matrix."""

from collections.abc import Sequence
from typing import TypeVar

from lines_core.merging import METHODS

Vector = TypeVar("Vector")

KEYS = [
    "sum",
    "average",
    "ties",
    "consensus",
    "tall-masks",
    "magnitude-masks",
    "dare",
    "dare-ties",
    "breadcrumbs",
    "slerp",
]

BY_MATRIX = ["tsv-m", "iso-c", "iso-cts"]
"""Methods that merge matrix by matrix, and so need shapes."""

CASES: list[tuple[str, dict[str, float]]] = [
    ("sum", {}),
    ("average", {}),
    ("ties", {}),
    ("ties", {"density": 0.7, "agg": 1.0}),
    ("ties", {"density": 1.0}),
    ("ties", {"density": 0.0, "agg": 1.0}),
    ("ties", {"density": 0.25, "reference_size": 1337.0}),
    ("ties", {"density": 0.5, "reference_size": 2100.0}),
    ("consensus", {}),
    ("consensus", {"k": 1.0, "tall_lambda": 0.6}),
    ("consensus", {"k": 3.0, "tall_lambda": 0.2, "use_ties": 1.0}),
    ("consensus", {"k": 2.0, "use_ties": 1.0, "density": 0.5, "reference_size": 1500.0}),
    ("tall-masks", {}),
    ("tall-masks", {"tall_lambda": 0.5, "use_ties": 1.0, "density": 0.4}),
    ("magnitude-masks", {}),
    ("magnitude-masks", {"density": 0.35, "reference_size": 1200.0}),
    ("dare", {}),
    ("dare", {"drop": 0.25, "seed": 2147483647.0}),
    ("dare-ties", {}),
    ("dare-ties", {"drop": 0.25, "seed": 5.0, "agg": 1.0}),
    ("breadcrumbs", {}),
    ("breadcrumbs", {"drop_small": 0.3, "drop_large": 0.4}),
    ("breadcrumbs", {"drop_small": 0.6, "drop_large": 0.0}),
    ("slerp", {}),
    ("slerp", {"t": 0.15}),
]


def taken(key: str, vectors: Sequence[Vector]) -> list[Vector]:
    """As many of the vectors as a method merges, over again where there are fewer."""
    count = METHODS[key].count or len(vectors)
    return [vectors[number % len(vectors)] for number in range(count)]
