"""Factor of each parameter's update, for a whole model given by its names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lines_core.architectures import block_indices, depth_order
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
    count, blocks = block_indices(names)
    scales = coefficients(shape, alpha, beta, count)
    before, after = outside_scales(outside, alpha, scales)
    values = scales.tolist()
    last = frozenset(depth_order(blocks).segments[-1]) if before != after else frozenset()
    by_name = {
        name: (after if name in last else before) if block is None else values[block]
        for name, block in blocks.items()
    }
    return FileScales(by_name, frozenset(), "", count)
