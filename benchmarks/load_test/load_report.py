"""What a crowd saw, in a table.

"late" is by how much the visitors' own moves came late (p95): what is far above 0 there, in the times too, is
of the visitors' process and not of the server.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.load_test.run import ARRIVE, Crowd

SETTLED = 60.0
"""Seconds after which memory counts: by then everything has been read once."""


def headline() -> None:
    """The head of the table."""
    columns = ("visitors", "first numbers (s)", "final numbers (s)", "worst/med", "cached", "shared", "late")
    print("{:>8} {:>22} {:>29} {:>9} {:>6} {:>6} {:>5}".format(*columns), end=" ")
    print("{:>8} {:>5} {:>8} {:>6} {:>6}".format("answers", "wrong", "timeouts", "errors", "lines"))
    print(f"{'':>8} {'p50  p95  p99':>22} {'p50  p95  p99 (share)':>29}", flush=True)


def row(found: Crowd) -> None:
    """One line for one crowd."""
    firsts = [move.first - move.made for one in found.seen for move in one.looked if move.first]
    looked = [move for one in found.seen for move in one.looked]
    finals = [move.final - move.made for move in looked if move.final]
    lates = [seconds for one in found.seen for seconds in one.late]
    late = f"{quantile(lates, 0.95):.2f}" if lates else "-"  # a browser does not say
    asked = sum(found.outcomes.values())
    chunks = sum(found.chunks.values())
    print(
        f"{found.visitors:8} {_percentiles(firsts):>22} "
        f"{_percentiles(finals) + f' ({100 * len(finals) / max(1, len(looked)):.0f} %)':>29} "
        f"{fairness(found):9.2f} {_share(found.outcomes.get('known', 0), asked):>6} "
        f"{_share(found.chunks.get('shared', 0), chunks):>6} {late:>5} "
        f"{found.compared:8} {len(found.wrong):5} {found.timeouts:8} {len(found.errors):6} "
        f"{sum(one.lines for one in found.seen):6}",
        flush=True,
    )
    for problem in (*found.wrong[:3], *found.errors[:3]):
        print(f"         {problem[:200]}")


def soak_row(found: Crowd) -> None:
    """How the memory went."""
    early, late = memory(found)
    print(
        f"memory   {early / 1e6:.0f} MB in minute 2, {late / 1e6:.0f} MB in the last: "
        f"{100 * (late / early - 1):+.1f} % (at most +5)",
        flush=True,
    )


def fairness(found: Crowd) -> float:
    """The worst visitor's mean time to first numbers, against the median visitor's."""
    means = [
        statistics.fmean(move.first - move.made for move in one.looked if move.first)
        for one in found.seen
        if any(move.first for move in one.looked)
    ]
    return max(means) / statistics.median(means) if means else float("nan")


def memory(found: Crowd) -> tuple[float, float]:
    """Mean resident bytes of the server in the minute after it settled, and in the last minute."""
    settled = ARRIVE + SETTLED
    early = [size for seconds, size in found.memory if settled <= seconds < settled + 60]
    late = [size for seconds, size in found.memory if seconds >= ARRIVE + found.seconds - 60]
    return statistics.fmean(early), statistics.fmean(late)


def quantile(values: Sequence[float], part: float) -> float:
    """The value that ``part`` of all are not above; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


def _percentiles(values: Sequence[float]) -> str:
    return "  ".join(f"{quantile(values, part):.2f}" for part in (0.5, 0.95, 0.99))


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"
