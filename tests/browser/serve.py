"""Serve the page over a `ZeroCostStudio`, for the browser tests and the page benchmark.

python -m tests.browser.serve PORT [CHUNK_SECONDS] [--cold] [--fail-at ALPHA]
"""

import argparse
import os
from typing import cast

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from evaluators.service.studio import Studio
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.layout import build, launch_settings


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("chunk_seconds", type=float, nargs="?", default=0.0)
    parser.add_argument("--cold", action="store_true", help="nothing is precomputed")
    parser.add_argument("--fail-at", type=float, default=None, help="this alpha raises")
    given = parser.parse_args()
    studio = ZeroCostStudio(given.chunk_seconds, fail_at=given.fail_at, warm=not given.cold)
    build(cast(Studio, studio)).launch(
        server_name="127.0.0.1", server_port=given.port, quiet=True, **launch_settings()
    )


if __name__ == "__main__":
    main()
