"""The Gradio page whose visitors' browsers count: as Python does, also after what they need was missing."""

from pathlib import Path
from typing import Any

import pytest

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from tests.browser import driving
from tests.browser.static_edition import Edition, counts, shows, visit
from tests.deploy.starting import free_port
from tests.paths import ASSETS

pytestmark = pytest.mark.browser


def test_a_browser_that_could_not_load_the_engine_tries_again(
    browser: Any, edition: Edition, tmp_path: Path
) -> None:
    """A failed request was kept: until the page was reloaded, nothing off the grid was answered."""
    port = free_port()
    folders = ["--static-edition", str(edition.folder), "--cache", str(tmp_path)]
    with driving.served(["app.py", "--port", str(port), *folders, "--browser-engine"], port) as (address, _):
        page = visit(browser, address)
        page.route("**/data/site.json", lambda route: route.fulfill(status=503))
        page.goto(f"{address}/?page=explore&gamma=0.4&mix=0.9")
        page.wait_for_selector(f'{driving.LIVE}[data-state="error"] >> text=could not be loaded (503)')
        page.unroute("**/data/site.json")
        driving.move(page, "gamma", 0.3)
        shows(page, "by this browser")
        found = counts(page)
        page.context.close()
    studio = Studio(ASSETS, None)
    evaluation = studio.evaluate(EditSpec.lines("digits", 0.3, mix=0.9))
    studio.close()
    assert found == [[task.correct, task.n] for task in evaluation.tasks]
