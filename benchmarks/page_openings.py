"""From the press on a page's tab to its first chart: the first visitor after the start, and later ones.

The app starts with an empty cache. Every visitor is new and presses one tab after the other; nobody else is
there. The first page with charts has to wait for Plotly.
"""

import shutil
import sys
import tempfile
from typing import Any

from benchmarks.page_latency import chromium, row, spread
from tests.browser import driving
from tests.deploy.starting import free_port
from ui.shell.text import PAGES

VISITORS = 9
WITH_CHARTS = ("robust", "merge", "learned", "soup", "rewarded", "text", "compared")
OPEN = """([title, page]) => new Promise((resolve, reject) => {
    const tab = [...document.querySelectorAll("[role=tab]")].find((one) => one.innerText.trim() === title);
    const late = setTimeout(() => reject(new Error(`no chart on ${title} within 60 s`)), 60000);
    const look = () => {
        const charts = [...document.querySelectorAll(`#lx-page-${page} .main-svg`)];
        if (!charts.some((one) => one.clientWidth)) return requestAnimationFrame(look);
        clearTimeout(late);
        resolve(performance.now() - begin);
    };
    const begin = performance.now();
    tab.click();
    look();
})"""
"""Milliseconds from the press on a tab to a chart on its page, to a frame of 17."""


def opened(browser: Any, address: str) -> dict[str, float]:
    """Milliseconds of a new visitor by page."""
    page = driving.open_page(browser, address)
    found = {key: float(page.evaluate(OPEN, [PAGES[key], key])) for key in WITH_CHARTS}
    page.context.close()
    return found


def main() -> int:
    """Print the table; 0 if there was a browser to measure with."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        print("playwright is not installed: pip install -r requirements-dev.txt")
        return 1
    if driving.chromium() is None:
        print("there is no chromium on PATH")
        return 1
    cache, port = tempfile.mkdtemp(prefix="lines-openings-"), free_port()
    try:
        command = ["app.py", "--port", str(port), "--cache", cache]
        with driving.served(command, port) as (address, _), chromium() as browser:
            first = opened(browser, address)
            later = [opened(browser, address) for _ in range(VISITORS)]
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    row("", "measured", "target")
    for key in WITH_CHARTS:
        row(f"{PAGES[key]}, first visitor after the start", f"{first[key]:.0f} ms", "<= 250")
        row(f"{PAGES[key]}, {VISITORS} later ones", spread([one[key] for one in later]), "p50 <= 250")
    return 0


if __name__ == "__main__":
    sys.exit(main())
