"""One Chromium and one server with free evaluations for all browser tests; skipped where there is no
browser."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import driving


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; skips, with the reason, where it cannot be had."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = driving.chromium()
    if path is None:
        pytest.skip("there is no chromium on PATH")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=driving.ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def free_address(browser: Any) -> Iterator[str]:
    """Address of a page whose evaluations cost nothing and whose sweeps are precomputed."""
    port = driving.free_port()
    with driving.served(["-m", "tests.browser.serve", str(port), "--fail-at", "0.33"], port) as (address, _):
        yield address


@pytest.fixture(scope="session")
def slow_address(browser: Any) -> Iterator[str]:
    """Address of a page with nothing precomputed and chunks of 0.1 s."""
    port = driving.free_port()
    with driving.served(["-m", "tests.browser.serve", str(port), "0.1", "--cold"], port) as (address, _):
        yield address


@pytest.fixture
def page(browser: Any, free_address: str) -> Iterator[Any]:
    """A fresh visitor of the free page."""
    visitor = driving.open_page(browser, free_address)
    yield visitor
    visitor.context.close()
