"""Table of load test results.

"late" is the delay of the visitors' own moves (p95): if it is far above 0, the visitors' process is
overloaded, and its delay is part of the times.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.load_test.run import ARRIVE, LoadTestResult

SETTLED = 60.0
"""Seconds after which memory counts: by then all files are loaded."""


def headline() -> None:
    """Print the header of the table."""
    columns = ("visitors", "first numbers (s)", "final numbers (s)", "worst/med", "cached", "shared", "late")
    print("{:>8} {:>22} {:>29} {:>9} {:>6} {:>6} {:>5}".format(*columns), end=" ")
    print("{:>8} {:>5} {:>8} {:>6} {:>6}".format("answers", "wrong", "timeouts", "errors", "queued"))
    print(f"{'':>8} {'p50  p95  p99':>22} {'p50  p95  p99 (share)':>29}", flush=True)


def row(result: LoadTestResult) -> None:
    """Print the row of one load test."""
    firsts = [move.first - move.made for one in result.seen for move in one.awaited if move.first]
    awaited = [move for one in result.seen for move in one.awaited]
    finals = [move.final - move.made for move in awaited if move.final]
    lates = [seconds for one in result.seen for seconds in one.late]
    late = f"{quantile(lates, 0.95):.2f}" if lates else "-"  # not measured by a browser
    asked = sum(result.outcomes.values())
    chunks = sum(result.chunks.values())
    print(
        f"{result.visitors:8} {_percentiles(firsts):>22} "
        f"{_percentiles(finals) + f' ({100 * len(finals) / max(1, len(awaited)):.0f} %)':>29} "
        f"{fairness(result):9.2f} {_share(result.outcomes.get('known', 0), asked):>6} "
        f"{_share(result.chunks.get('shared', 0), chunks):>6} {late:>5} "
        f"{result.compared:8} {len(result.wrong):5} {result.timeouts:8} {len(result.errors):6} "
        f"{sum(one.queue_notices for one in result.seen):6}",
        flush=True,
    )
    for problem in (*result.wrong[:3], *result.errors[:3]):
        print(f"         {problem[:200]}")


def soak_row(result: LoadTestResult) -> None:
    """Print how the memory developed."""
    early, late = memory(result)
    print(
        f"memory   {early / 1e6:.0f} MB in minute 2, {late / 1e6:.0f} MB in the last: "
        f"{100 * (late / early - 1):+.1f} % (at most +5)",
        flush=True,
    )


def fairness(result: LoadTestResult) -> float:
    """The worst visitor's mean time to first numbers, against the median visitor's."""
    means = [
        statistics.fmean(move.first - move.made for move in one.awaited if move.first)
        for one in result.seen
        if any(move.first for move in one.awaited)
    ]
    return max(means) / statistics.median(means) if means else float("nan")


def memory(result: LoadTestResult) -> tuple[float, float]:
    """Mean resident bytes of the server in the minute after it settled, and in the last minute."""
    settled = ARRIVE + SETTLED
    early = [size for seconds, size in result.memory if settled <= seconds < settled + 60]
    late = [size for seconds, size in result.memory if seconds >= ARRIVE + result.seconds - 60]
    return statistics.fmean(early), statistics.fmean(late)


def quantile(values: Sequence[float], part: float) -> float:
    """Quantile of the values; NaN if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


def _percentiles(values: Sequence[float]) -> str:
    return "  ".join(f"{quantile(values, part):.2f}" for part in (0.5, 0.95, 0.99))


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"
