"""The static edition without a connection and over an update: its service worker never mixes two versions."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from static.page.offline import PAGE, WORKER, digests, service_worker, version_of
from tests.browser.driving import PATIENCE
from tests.browser.static_edition import Edition, keeps, shows, visit
from tests.waiting import soon

pytestmark = pytest.mark.browser
NAME = "fetch('manifest.webmanifest').then((reply) => reply.json()).then((manifest) => manifest.short_name)"
REFETCHED = """async () => {
    const cache = await caches.open((await caches.keys())[0]);
    const kept = (await cache.keys()).filter(({ url }) => url.includes("manifest.webmanifest"));
    await Promise.all(kept.map((one) => cache.delete(one)));
    return (await fetch("manifest.webmanifest")).status;
}"""
"""Status of a file that the service worker has to fetch again."""
LANGUAGE = "document.documentElement.lang"
WAITING = "navigator.serviceWorker.getRegistration().then((one) => Boolean(one.waiting))"
OFF_GRID = "?page=explore&alpha=0.25&beta=0.6"


def newer(folder: Path, other: Path) -> Path:
    """Another version of an edition, in another language and with another name."""
    shutil.copytree(folder, other, copy_function=os.link)
    for name, old, new in (
        (PAGE, '<html lang="en">', '<html lang="de">'),
        ("manifest.webmanifest", '"LiNeS"', '"Newer"'),
    ):
        content = (other / name).read_text("utf-8").replace(old, new)
        (other / name).unlink()
        (other / name).write_text(content, "utf-8")
    files, page = digests(other), (other / PAGE).read_text("utf-8")
    version = version_of(page, files)
    before = (other / WORKER).read_text("utf-8").partition('{"version": "')[2][:24]
    for name, content in ((PAGE, page.replace(before, version)), (WORKER, service_worker(version, files))):
        (other / name).unlink()
        (other / name).write_text(content, "utf-8")
    return other


def test_a_visitor_who_does_nothing_pays_for_nothing_more(browser: Any, edition: Edition) -> None:
    """The first page was 2.2 MB over the wire, 1.5 MB of it Plotly, kept for a visit without a connection."""
    edition.asked.clear()
    page = visit(browser, edition.address, "?page=explore&gamma=0.4", service_workers="allow")
    shows(page, "α = 0.4")
    page.wait_for_load_state("networkidle")
    assert not any(path.endswith(("plotly.min.js", WORKER)) for path in edition.asked)
    assert page.problems == []
    page.context.close()


def test_the_page_and_a_loaded_engine_work_without_a_connection(browser: Any, edition: Edition) -> None:
    page = visit(browser, edition.address, "?page=explore&gamma=0.4", service_workers="allow")
    keeps(page, PAGE, "linear-test.pack", "plotly.min.js")
    page.goto(edition.address + OFF_GRID)
    shows(page, "200 test images of each data set, 1,600 in all")
    keeps(page, "engine.json", "onnxruntime.pack", "theta_0.pack")
    edition.down = True
    page.context.set_offline(True)
    try:
        page.goto(edition.address + OFF_GRID)
        shows(page, "200 test images of each data set, 1,600 in all")
        page.get_by_role("tab", name="Merge", exact=True).click()
        page.locator("#lx-page-merge .main-svg").first.wait_for()
    finally:
        edition.down = False
    page.context.close()


def test_an_update_is_taken_whole_with_the_next_load(browser: Any, edition: Edition, tmp_path: Path) -> None:
    first = edition.folder
    page = visit(browser, edition.address, "?page=explore", service_workers="allow")
    keeps(page, PAGE, "plotly.min.js")
    edition.folder = newer(first, tmp_path / "newer")
    try:
        assert page.evaluate(NAME) == "LiNeS", "the older page got a file of the newer version"
        status = page.evaluate(REFETCHED)
        assert status == 409
        page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
        soon(lambda: page.evaluate(WAITING), PATIENCE / 1000)
        assert page.evaluate(LANGUAGE) == "en"
        page.reload()
        page.wait_for_function(f"{LANGUAGE} === 'de'")
        assert page.evaluate(NAME) == "Newer"
    finally:
        edition.folder = first
    page.context.close()
