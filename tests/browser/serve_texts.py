"""Serve the page over the embedded lab and a local Hub with a small Flan-T5 and GLUE, for browser tests.

python -m tests.browser.serve_texts PORT FOLDER
"""

import argparse
from pathlib import Path

from tests.hub import environment  # isort: skip -- first of all: it says where the Hub is

from evaluators.hub.texts import text_loader
from evaluators.hub.texts.text_request import QUESTIONS
from evaluators.service.studio import Studio
from evaluators.zoo.public_texts import GLUE_TASKS
from tests.hub import text_repositories
from tests.hub.server import Hub
from tests.paths import ASSETS
from ui.layout import build, launch_settings


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    hub = Hub(given.folder / "served", environment.PORT, held=environment.HELD)
    hub.root.mkdir(parents=True)
    hub.start()
    vars(text_loader)["TEXT_MODELS"] = {text_repositories.MODEL: text_repositories.small_model()}
    text_repositories.serve_texts(hub, tuple(GLUE_TASKS), 4 * QUESTIONS)
    studio = Studio(ASSETS, given.folder / "cache")
    build(studio).launch(server_name="127.0.0.1", server_port=given.port, quiet=True, **launch_settings())


if __name__ == "__main__":
    main()
