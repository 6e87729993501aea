"""What a merge of a part of the vectors has to know of the whole ones.

Vectors larger than memory are merged part by part: first what a method needs of the whole vectors is found in
a few passes over them, then each part is merged by the same function that merges whole vectors.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Needs:
    """What a method needs of whole vectors.

    Attributes:
        ranks: of magnitudes of every vector, as in `kth_magnitudes`; 0 means none, and a magnitude of 0.
        majority: whether it needs the sign of the sum of all elected signs.
        products: whether it needs the products of two vectors, as `slerp.products`.
    """

    ranks: tuple[int, ...] = ()
    majority: bool = False
    products: bool = False


@dataclass(frozen=True)
class Known:
    """What `Needs` asks for, and where the part begins.

    Attributes:
        magnitudes: for each vector those of the ranks.
        majority: 1, -1 or 0.
        start: index of the part's first entry in the whole vectors.
        products: of the two vectors.
    """

    magnitudes: tuple[tuple[float, ...], ...] = ()
    majority: int = 0
    start: int = 0
    products: tuple[float, ...] = ()
