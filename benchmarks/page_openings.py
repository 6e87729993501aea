"""From the press on a page's tab to its first numbers, and to a chart: first visitor, later ones.

The app starts with an empty cache. Every visitor is new and presses one tab after the other; nobody else is
there. The first chart of a visitor has to wait for Plotly.
"""

import sys
from typing import Any

from benchmarks.page_latency import can_measure, chromium, fresh_app, row, spread
from tests.browser import driving
from ui.shell.text import PAGES

VISITORS = 9
WITH_CHARTS = ("robust", "merge", "learned", "soup", "rewarded", "text", "compared")
OPEN = """([title, page]) => new Promise((resolve, reject) => {
    const tab = [...document.querySelectorAll("[role=tab]")].find((one) => one.innerText.trim() === title);
    const late = setTimeout(() => reject(new Error(`no chart on ${title} within 60 s`)), 60000);
    const found = (what) => [...document.querySelectorAll(`#lx-page-${page} ${what}`)];
    const sees = (what) => found(what).some((one) => one.clientWidth);
    let numbers;
    const look = () => {
        const now = performance.now() - begin;
        if (sees(".lx-live[data-state=partial]") || sees(".lx-live[data-state=complete]")) numbers ??= now;
        if (!sees(".main-svg")) return requestAnimationFrame(look);
        clearTimeout(late);
        resolve({ numbers: numbers ?? now, chart: now });
    };
    const begin = performance.now();
    tab.click();
    look();
})"""
"""Milliseconds from the press on a tab to numbers and to a chart on its page, to a frame of 17."""


def opened(browser: Any, address: str) -> dict[str, dict[str, float]]:
    """Milliseconds of a new visitor by page."""
    page = driving.open_page(browser, address)
    found = {key: page.evaluate(OPEN, [PAGES[key], key]) for key in WITH_CHARTS}
    page.context.close()
    return found


def main() -> int:
    """Print the table; 0 if there was a browser to measure with."""
    if not can_measure():
        return 1
    with fresh_app() as (address, _), chromium() as browser:
        first = opened(browser, address)
        later = [opened(browser, address) for _ in range(VISITORS)]
    row("", "measured", "target")
    for key in WITH_CHARTS:
        for what, target in (("numbers", "p50 <= 250"), ("chart", "")):
            more = f"first visitor {first[key][what]:.0f}"
            row(f"{PAGES[key]}, first {what}", f"{spread([one[key][what] for one in later])}, {more}", target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
