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
def window(browser: Any) -> Any:
    """A window whose tabs are visitors: it fetches and compiles the scripts of a server once."""
    return browser.new_context(**driving.SIZE)


@pytest.fixture(scope="session")
def tab(window: Any) -> Any:
    """The tab of ``page`` and ``slow_page``."""
    return driving.patient(window.new_page())


@pytest.fixture
def slow_page(tab: Any, slow_address: str) -> Iterator[Any]:
    """A visitor of the slow page, loaded anew."""
    driving.reopen(tab, slow_address)
    yield tab
    driving.rest(tab)


@pytest.fixture
def page(tab: Any, free_address: str) -> Iterator[Any]:
    """A visitor of the free page, loaded anew."""
    driving.reopen(tab, free_address)
    yield tab
    driving.rest(tab)


@pytest.fixture(scope="session")
def edition(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The edition without a server, served: a `static_edition.Edition`."""
    from tests.browser import static_edition

    folder = tmp_path_factory.mktemp("edition") / "site"
    static_edition.write(folder)
    with static_edition.served(folder) as edition:
        yield edition
