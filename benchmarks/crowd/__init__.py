"""A crowd at the door: many visitors drag sliders at once, and every answer has to be a single visitor's.

The server is the real app in a process of its own, with an empty cache. Visitors speak HTTP through
gradio_client and the page's own listeners; one of them is a real Chromium. They share the machine's cores
with the server, so the times are upper bounds.
"""

from __future__ import annotations

import sys

from benchmarks.crowd.report import headline, row, soak_row
from benchmarks.crowd.run import crowd

VISITORS = (1, 8, 40, 100)
SECONDS = 60.0
SOAK_VISITORS = 40
SOAK_SECONDS = 600.0


def main() -> int:
    """Print a line for each size of crowd; 0 if no answer was wrong and nothing failed."""
    headline()
    found = []
    for visitors in VISITORS:
        found.append(crowd(visitors, SECONDS, browser=True))
        row(found[-1])
    return 0 if all(one.right for one in found) else 1


def soak() -> int:
    """Print the lines of a long stay of forty visitors; 0 as ``main``."""
    found = crowd(SOAK_VISITORS, SOAK_SECONDS, browser=True)
    headline()
    row(found)
    soak_row(found)
    return 0 if found.right else 1


if __name__ == "__main__":
    sys.exit(main())
