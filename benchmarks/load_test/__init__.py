"""A crowd at the door: many visitors drag sliders at once, and every answer has to be a single visitor's.

The server is the real app in a process of its own, with an empty cache. Visitors speak HTTP through
gradio_client and the page's own listeners; one of them is a real Chromium. They share the machine's cores
with the server, so the times are upper bounds.
"""

from __future__ import annotations

import sys

from benchmarks.load_test.load_report import headline, row
from benchmarks.load_test.run import crowd

VISITORS = (1, 8, 40, 100)
SECONDS = 60.0


def main() -> int:
    """Print a line for each size of crowd; 0 if no answer was wrong and nothing failed."""
    headline()
    right = True
    for visitors in VISITORS:
        found = crowd(visitors, SECONDS, browser=True)
        row(found)
        right = right and found.right
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
