"""One Chromium and one server with free evaluations for all browser tests; skipped where there is no
browser."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import driving
from tests.deploy.starting import free_port


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
    port = free_port()
    with driving.served(["-m", "tests.browser.serve", str(port), "--fail-at", "0.33"], port) as (address, _):
        yield address


@pytest.fixture(scope="session")
def slow_address(browser: Any) -> Iterator[str]:
    """Address of a page with nothing precomputed and chunks of 0.1 s."""
    port = free_port()
    with driving.served(["-m", "tests.browser.serve", str(port), "0.1", "--cold"], port) as (address, _):
        yield address


@pytest.fixture(scope="session")
def lab_address(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the app itself."""
    port, cache = free_port(), tmp_path_factory.mktemp("cache")
    with driving.served(["app.py", "--port", str(port), "--cache", str(cache)], port) as (address, _):
        yield address


@pytest.fixture(scope="session")
def free_page(browser: Any, free_address: str) -> Iterator[Any]:
    """A visitor of the free page, for tests that use ``page``."""
    visitor = driving.open_page(browser, free_address)
    yield visitor
    visitor.context.close()


@pytest.fixture(scope="session")
def slow_visitor(browser: Any, slow_address: str) -> Iterator[Any]:
    """A visitor of the slow page, for tests that use ``slow_page``."""
    visitor = driving.open_page(browser, slow_address)
    yield visitor
    visitor.context.close()


@pytest.fixture
def slow_page(slow_visitor: Any) -> Any:
    """A visitor of the slow page, loaded anew."""
    driving.reopen(slow_visitor)
    return slow_visitor


@pytest.fixture
def page(free_page: Any) -> Any:
    """A visitor of the free page, loaded anew."""
    driving.reopen(free_page)
    return free_page


@pytest.fixture(scope="session")
def edition(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The edition without a server, served: a `static_edition.Edition`."""
    from tests.browser import static_edition

    folder = tmp_path_factory.mktemp("edition") / "site"
    static_edition.write(folder)
    with static_edition.served(folder) as edition:
        yield edition
