"""CPU time of an idle server: without a page, and with one idle page in Chromium."""

import sys
import time

import psutil

from benchmarks.load_test.run import served
from tests.browser import driving

SECONDS = 60.0
SETTLE_SECONDS = 30.0
"""Wait before each measurement: without a page the model loads ``app.FIRST_PAGE`` seconds after the start."""


def main() -> int:
    """Print the share of a core, of which at most 1 % is the goal."""
    with served() as (address, process, _):
        _report("no page", process)
        path = driving.chromium()
        if path is None:
            print("one page: not measured, there is no Chromium")
            return 0
        from playwright.sync_api import sync_playwright

        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=path, args=driving.ARGUMENTS)
            driving.open_page(browser, address)
            _report("one page", process)
            browser.close()
    return 0


def _report(title: str, process: int) -> None:
    time.sleep(SETTLE_SECONDS)
    before = _cpu_seconds(process)
    time.sleep(SECONDS)
    used = _cpu_seconds(process) - before
    share = 100 * used / SECONDS
    print(f"{title:8} {used:5.2f} CPU seconds in {SECONDS:.0f} s: {share:.1f} % of a core", flush=True)


def _cpu_seconds(process: int) -> float:
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    sys.exit(main())
