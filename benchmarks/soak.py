"""Forty visitors for ten minutes: every answer is compared, and the server's memory must stay as it is."""

from __future__ import annotations

import sys

from benchmarks.load_test.load_report import headline, row, soak_row
from benchmarks.load_test.run import crowd

VISITORS = 40
SECONDS = 600.0


def main() -> int:
    """Print what they saw; 0 if no answer was wrong and nothing failed."""
    found = crowd(VISITORS, SECONDS, browser=True)
    headline()
    row(found)
    soak_row(found)
    return 0 if found.right else 1


if __name__ == "__main__":
    sys.exit(main())
