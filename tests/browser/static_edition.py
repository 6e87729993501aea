"""Writes the static edition once, and serves it below a path of a local server, as a host does."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lines_cli import default_cache
from lines_cli.static_site import SiteHandler
from static.runtime import ARCHIVE
from tests.browser import driving
from tests.browser.engine_site import runtime_archive
from tests.browser.local_server import answering
from tests.paths import ROOT
from tests.waiting import soon

PLACE = "/courses/lines/"
"""Path of the served folder."""
KEPT = """async (files) => {
    const [name] = await caches.keys(), cache = name && (await caches.open(name));
    const urls = cache ? (await cache.keys()).map(({ url }) => new URL(url).pathname) : [];
    const kept = files.every((file) => urls.some((url) => url.endsWith(file)));
    return kept && Boolean(navigator.serviceWorker.controller);
}"""
"""Whether the page has a service worker that keeps files."""


@dataclass
class Edition:
    """A served edition.

    Attributes:
        folder: what is served; another one may be put in its place.
        address: of the page.
        asked: paths of all requests.
        down: whether every request fails.
    """

    folder: Path
    address: str = ""
    asked: list[str] = field(default_factory=list)
    down: bool = False


def write(folder: Path) -> None:
    """Write the edition with the command, in a process of its own: a browser's driver and Gradio do not mix.

    Raises: pytest's skip where onnxruntime-web cannot be had.
    """
    runtime_archive()
    archive = default_cache() / ARCHIVE
    command = [
        sys.executable,
        "-m",
        "lines_cli",
        "static",
        "--out",
        str(folder),
        "--onnxruntime",
        str(archive),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith(f"python -m http.server --directory {folder}")


@contextmanager
def served(folder: Path) -> Iterator[Edition]:
    """Serve a written edition until the block ends."""
    edition = Edition(folder)

    class Handler(SiteHandler):
        def send_head(self) -> Any:
            edition.asked.append(self.path)
            if edition.down:
                self.close_connection = True
                return None
            if not self.path.startswith(PLACE):
                self.send_error(404)
                return None
            self.directory = str(edition.folder)
            self.path = "/" + self.path.removeprefix(PLACE)
            return super().send_head()

    with answering(Handler) as address:
        edition.address = f"{address}{PLACE}"
        yield edition


def visit(browser: Any, address: str, query: str = "", script: str = "", **options: Any) -> Any:
    """A new visitor, without a service worker unless the options allow one.

    Args:
        script: runs before those of the page.
    """
    given = {"viewport": {"width": 1440, "height": 900}, "service_workers": "block", "locale": "en-US"}
    page = driving.patient(browser.new_context(**(given | options)).new_page())
    page.problems = []
    page.on("console", lambda line: line.type == "error" and page.problems.append(line.text))
    page.on("pageerror", lambda problem: page.problems.append(str(problem)))
    if script:
        page.add_init_script(script)
    page.goto(address + query)
    return page


def counts(page: Any) -> list[list[int]]:
    """Correct and counted images by task, of the position that the page shows."""
    return list(
        page.evaluate("""() => document.querySelector("#lx-head-live .lx-live").view.answer.evaluation.tasks
            .map(({ correct, n }) => [correct, n])""")
    )


def keeps(page: Any, *files: str) -> None:
    """Press a key, as the worker starts with the visitor's first doing, and wait until it keeps files."""
    page.keyboard.press("Shift")
    soon(lambda: page.evaluate(KEPT, list(files)), driving.PATIENCE / 1000)


def shows(page: Any, words: str) -> None:
    """Wait until the line below the sentence says complete numbers of a setting."""
    page.wait_for_function(
        """(words) => document.querySelector("#lx-head-live .lx-live").dataset.state === "complete"
            && document.querySelector("#lx-head-live").innerText.includes(words)""",
        arg=words,
    )
