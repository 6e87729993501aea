"""Tables from which the browser computes schedules: three vectors a shape and outside rule."""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.specs.edit_spec import FREE, EditSpec
from lines_core.editing import OUTSIDE_RULES
from lines_core.schedules import SHAPES
from ui.live.schedule_figure import factors

Parts = dict[str, list[float]]


def affine_parts(shape: str, outside: str, num_blocks: int) -> Parts:
    """Vectors c, a, b of length L + 2 with factors(alpha, beta) = c + alpha * a + beta * b, in depth order.

    Every schedule of the paper is affine in alpha and beta, and so is every outside rule: three evaluations
    of `EditSpec.scales` determine it, and the browser moves the bars without knowing any formula.
    """

    def at(alpha: float, beta: float) -> list[float]:
        return factors(EditSpec(shape=shape, outside=outside, alpha=alpha, beta=beta).scales(num_blocks))

    constant = at(0.0, 0.0)
    return {
        "constant": constant,
        "alpha": [one - zero for one, zero in zip(at(1.0, 0.0), constant, strict=True)],
        "beta": [one - zero for one, zero in zip(at(0.0, 1.0), constant, strict=True)],
    }


def affine_tables(models: Iterable[tuple[str, int]]) -> dict[str, dict[str, dict[str, Parts]]]:
    """model -> shape -> outside rule -> vectors, for models given as (key, number of blocks)."""
    shapes = [shape for shape in SHAPES if shape != FREE]
    return {
        model: {
            shape: {rule: affine_parts(shape, rule, num_blocks) for rule in OUTSIDE_RULES} for shape in shapes
        }
        for model, num_blocks in models
    }
