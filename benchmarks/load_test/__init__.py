"""Load test: many visitors drag sliders at once; every answer must equal that of a single visitor.

The server is the app in its own process, with an empty cache. Visitors send HTTP requests through
gradio_client to the page's own listeners; one of them is a real Chromium. They share the cores with the
server, so the times are upper bounds.
"""

from __future__ import annotations

import sys

from benchmarks.load_test.load_report import headline, row
from benchmarks.load_test.run import simulate
from benchmarks.load_test.student import OFF_GRID, Habits

VISITORS = (1, 8, 40, 100)
SECONDS = 60.0


def main() -> int:
    """Print a row for each number of visitors; 0 if no answer was wrong and nothing failed."""
    right = True
    for title, mix in (
        ("tied slider, whose numbers ship", 1.0),
        (f"mix {OFF_GRID:g}, all counted", OFF_GRID),
    ):
        print(title)
        headline()
        for visitors in VISITORS:
            result = simulate(visitors, SECONDS, Habits(mixes=(mix,)), browser=True)
            row(result)
            right = right and result.right
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
