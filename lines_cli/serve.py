"""`lines app`: the page of app.py, with its cache outside site-packages."""

from collections.abc import Sequence

import app
from lines_cli import default_cache


def main(arguments: Sequence[str], prog: str) -> None:
    """Serve the page until the process is asked to stop; ``--cache`` among the arguments replaces ours."""
    app.main(["--cache", str(default_cache()), *arguments], prog)
