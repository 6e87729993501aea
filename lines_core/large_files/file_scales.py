"""Factor of each parameter's update, for a whole model given by its names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lines_core.architectures import recognise
from lines_core.editing import outside_scales
from lines_core.schedules import coefficients


@dataclass(frozen=True)
class FileScales:
    """Factors by name.

    Attributes:
        by_name: of each parameter.
        unchanged: names that are copied.
        family: title of the architecture.
        num_blocks: L.
    """

    by_name: Mapping[str, float]
    unchanged: frozenset[str]
    family: str
    num_blocks: int

    def of(self, name: str) -> float | None:
        """Factor of a parameter; None if it is copied."""
        return self.by_name.get(name)


def file_scales(
    names: Iterable[str],
    alpha: float,
    beta: float,
    *,
    shape: str,
    outside: str,
    part: str | None,
    adapter: bool = False,
) -> FileScales:
    model = recognise(names, part=part)
    scales = coefficients(shape, alpha, beta, model.num_blocks)
    before, after = outside_scales(outside, alpha, scales)
    values = scales.tolist()
    by_name = {
        name: (after if name in model.after else before) if block is None else values[block]
        for name, block in model.block.items()
        if name not in model.unchanged
    }
    return FileScales(by_name, model.unchanged, model.family.title, model.num_blocks)
