"""Load test of forty visitors for ten minutes: answers are compared, and memory must not grow."""

from __future__ import annotations

import sys

from benchmarks.load_test.load_report import headline, row, soak_row
from benchmarks.load_test.run import simulate
from benchmarks.load_test.student import OFF_GRID, Habits

VISITORS = 40
SECONDS = 600.0


def main() -> int:
    """Print the result; 0 if no answer was wrong and nothing failed."""
    result = simulate(VISITORS, SECONDS, Habits(mixes=(OFF_GRID,)), browser=True)
    headline()
    row(result)
    soak_row(result)
    return 0 if result.right else 1


if __name__ == "__main__":
    sys.exit(main())
