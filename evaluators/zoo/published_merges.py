"""Published accuracies of merges of eight image tasks, ViT-B/32, by source: compare only within one."""

from collections.abc import Mapping
from dataclasses import dataclass

SOURCES: Mapping[str, str] = {
    "paper": "the LiNeS paper, Tables 2 and 6",
    "fusionbench": "FusionBench",
    "wudi": "the README of WUDI",
}
"""Each evaluates checkpoints of its own."""


@dataclass(frozen=True)
class PublishedMerge:
    """Mean accuracy over eight tasks, a fraction in [0, 1].

    Args:
        source: key of `SOURCES`.
        method: a key of ``METHODS`` or ``LEARNERS``.
        plain: without LiNeS.
        lines: with it; None if the source does not measure it.
    """

    source: str
    method: str
    plain: float
    lines: float | None = None


PUBLISHED_MERGES: tuple[PublishedMerge, ...] = (
    PublishedMerge("paper", "sum", 0.697, 0.742),
    PublishedMerge("paper", "ties", 0.736, 0.772),
    PublishedMerge("paper", "consensus", 0.745, 0.776),
    PublishedMerge("fusionbench", "average", 0.665),
    PublishedMerge("fusionbench", "sum", 0.680),
    PublishedMerge("fusionbench", "ties", 0.722),
    PublishedMerge("fusionbench", "iso-c", 0.828),
    PublishedMerge("wudi", "sum", 0.691),
    PublishedMerge("wudi", "ties", 0.724),
    PublishedMerge("wudi", "consensus", 0.736),
    PublishedMerge("wudi", "pcb", 0.763),
    PublishedMerge("fusionbench", "adamerging", 0.826),
    PublishedMerge("wudi", "adamerging", 0.801),
)


def published_merges(method: str) -> tuple[PublishedMerge, ...]:
    """The figures of one method, by source."""
    return tuple(row for row in PUBLISHED_MERGES if row.method == method)


def published_words(method: str) -> str:
    """'69.7 → 74.2 (the LiNeS paper, Tables 2 and 6), 68.0 (FusionBench)'; empty if none is known.

    >>> published_words("iso-c")
    '82.8 (FusionBench)'
    """
    return ", ".join(
        f"{100 * row.plain:.1f}{'' if row.lines is None else f' → {100 * row.lines:.1f}'} "
        f"({SOURCES[row.source]})"
        for row in published_merges(method)
    )
