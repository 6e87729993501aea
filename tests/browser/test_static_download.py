"""The archive that a visitor of the static edition takes along: made in Chromium, unpacked, served again."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from static.page.download import ROOT
from tests.browser import driving
from tests.browser.static_edition import Edition, served, shows, visit

pytestmark = pytest.mark.browser
WITHHELD = "engine/theta_0.pack"
LINE = ".lx-edition span"


def says(page: Any, words: str) -> None:
    """Wait until the line beside the title says something."""
    page.wait_for_function(
        "([line, words]) => document.querySelector(line).innerText.includes(words)", arg=[LINE, words]
    )


def answering(reply: dict[str, Any]) -> Callable[[Any], None]:
    """A handler of requests that gives one reply to all."""

    def answer(route: Any) -> None:
        route.fulfill(**reply)

    return answer


def test_the_archive_unpacks_to_a_folder_that_works(browser: Any, edition: Edition, tmp_path: Path) -> None:
    page = visit(browser, edition.address, "?page=explore&gamma=0.4")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download it").click()
    says(page, "Ready: lines-explorer.zip")
    assert saved.value.suggested_filename == "lines-explorer.zip"
    assert page.problems == []
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    page.context.close()
    files = {path.relative_to(edition.folder): path for path in edition.folder.rglob("*") if path.is_file()}
    for name, path in files.items():
        if not name.name.startswith("."):
            assert (tmp_path / ROOT / name).read_bytes() == path.read_bytes(), name
    with served(tmp_path / ROOT) as unpacked:
        page = visit(browser, unpacked.address, "?page=explore&alpha=0.25&beta=0.6")
        shows(page, "by this browser")
        assert page.problems == []
        page.context.close()


def test_the_download_can_be_stopped_and_says_what_went_wrong(browser: Any, edition: Edition) -> None:
    page = visit(browser, edition.address, "?page=explore&gamma=0.4")
    driving.open_tab(page, "Explore")
    held: list[Any] = []
    page.route(f"**/{WITHHELD}", lambda route: held.append(route))
    page.get_by_role("button", name="Download it").click()
    page.wait_for_function(f"Number(document.querySelector('{LINE}').innerText.match(/\\d+/)[0]) > 0")
    page.locator(".lx-edition").get_by_role("button", name="Stop").click()
    says(page, "Stopped.")
    page.unroute(f"**/{WITHHELD}")
    replies: tuple[tuple[dict[str, Any], str], ...] = (
        ({"status": 404}, f"{WITHHELD} could not be loaded (404)"),
        ({"status": 200, "body": "another"}, f"{WITHHELD} is of another version"),
    )
    for reply, said in replies:
        page.route(f"**/{WITHHELD}", answering(reply))
        page.get_by_role("button", name="Download it").click()
        says(page, said)
        page.unroute(f"**/{WITHHELD}")
    assert all(re.search("404", line) for line in page.problems)
    page.context.close()
