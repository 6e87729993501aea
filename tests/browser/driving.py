"""Starts servers and a Chromium, and operates the page's controls as a visitor does."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evaluators.specs.edit_spec import EditSpec
from tests.deploy.starting import started

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
LIVE = "#lx-head-live .lx-live"
READY = f'{LIVE}[data-state="complete"]:not([data-version="0"])'
"""A complete answer of the server; what the page opens with, version 0, is there before Gradio listens."""
PATIENCE = 120_000
"""Watchdog in milliseconds for each wait on the page."""
FADED = """() => document.getAnimations().every(
    one => one.playState !== "running" || one.effect.getComputedTiming().endTime === Infinity
)"""
"""Whether no colour is fading from one theme into the other."""


def chromium() -> str | None:
    """Path of a Chromium on this machine, None if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


@contextmanager
def served(command: Sequence[str], port: int) -> Iterator[tuple[str, int]]:
    """Run a server until the block ends.

    Args:
        command: arguments after `python`.
        port: the port it will listen on.
    Yields: its address and its process id, once it answers.
    Raises: RuntimeError with its output if it exits or does not answer.
    """
    environment = os.environ | {"GRADIO_ANALYTICS_ENABLED": "False", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        with started([sys.executable, *command], port, ROOT, environment, output) as page:
            yield page.address, page.process.pid


EXPLORE = "?page=explore"
"""Query of the page that most tests are about; without one *Start* opens."""


SIZE = {"viewport": {"width": 1440, "height": 900}}
"""Of a visitor's window."""


def open_page(browser: Any, address: str, query: str = "", **options: Any) -> Any:
    """A fresh visitor on *Explore*, in a window of its own, with complete numbers when this returns."""
    return open_tab_of(browser.new_context(**(SIZE | options)), address, query)


def open_tab_of(window: Any, address: str, query: str = "") -> Any:
    """A visitor on *Explore* in a new tab of a window; the page keeps what it knows of a visitor by tab."""
    page = patient(window.new_page())
    page.goto(f"{address}/{query or EXPLORE}")
    page.wait_for_selector(READY)
    return page


def patient(page: Any) -> Any:
    """The page itself; its waits have `PATIENCE`, not the 30 s that Playwright gives them."""
    page.set_default_timeout(PATIENCE)
    return page


@contextmanager
def visiting(window: Any, address: str) -> Iterator[Any]:
    """A visitor on *Explore*; what the server refuses and errors of the page's script fail the test."""
    page = open_tab_of(window, address)
    bad: list[str] = []
    page.on("response", lambda reply: bad.append(reply.url) if reply.status >= 500 else None)
    page.on("pageerror", lambda error: bad.append(str(error)))
    yield page
    page.close()
    assert bad == []


def reopen(page: Any, address: str) -> None:
    """Load the page anew, without a link's query: faster than a new tab, and no state is left."""
    page.goto(f"{address}/{EXPLORE}")
    page.wait_for_selector(READY)


def rest(page: Any) -> None:
    """Leave the page until the next test: open, it wakes sixty times a second (Gradio's loading screen)."""
    page.goto("about:blank")


def open_tab(page: Any, name: str) -> None:
    """Open a page by its tab in the navigation."""
    page.get_by_role("tab", name=name, exact=True).click()


def move(page: Any, name: str, value: float) -> None:
    """Set a slider as one pointer move does: its range input changes and says so."""
    page.locator(f"#lx-{name} input[type=range]").evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input', {bubbles: true})); }",
        value,
    )


def wait_at(page: Any, **places: float) -> None:
    """Wait until sliders, by name, are at these values: what sets them answers on its own."""
    page.wait_for_function(
        """(places) => Object.entries(places).every(([name, value]) =>
            Number(document.querySelector(`#lx-${name} input[type=range]`)?.value) === value)""",
        arg=places,
    )


def position(page: Any, name: str) -> float:
    """Value of a slider."""
    return float(page.locator(f"#lx-{name} input[type=range]").input_value())


def key(gamma: float, checkpoint: str = "digits", **rest: Any) -> str:
    """Key of the spec that the tied slider at gamma stands for."""
    return EditSpec.lines(checkpoint, gamma, **rest).key()


def wait_for(page: Any, shown: str, state: str = "complete") -> None:
    """Wait until the head shows the spec with this key."""
    page.wait_for_selector(f'{LIVE}[data-key="{shown}"][data-state="{state}"]')


def wait_until_settled(page: Any, shown: str) -> None:
    """Wait until the head shows the spec with this key, and its images: after that no answer comes."""
    page.wait_for_function(
        "([live, key]) => { const { answer } = document.querySelector(live).view;"
        " return answer?.key === key && answer.settled; }",
        arg=[LIVE, shown],
    )


def requests_of(page: Any) -> set[Any]:
    """Requests of the page that are under way, kept up to date from now on."""
    under_way: set[Any] = set()
    page.on("request", lambda request: under_way.add(request))
    for ended in ("requestfinished", "requestfailed"):
        page.on(ended, lambda request: under_way.discard(request))
    return under_way


def shown_key(page: Any) -> str:
    """Key of the spec that the head shows."""
    return str(page.locator(LIVE).get_attribute("data-key"))


def sentence(page: Any) -> str:
    """The plain sentence on top."""
    return str(page.locator('#lx-head-live [data-slot="sentence"]').inner_text())


def bars(page: Any) -> list[float]:
    """Heights of the schedule's bars."""
    heights = page.eval_on_selector_all(
        '[data-chart="schedule"] .lx-factor', "bars => bars.map(bar => bar.style.getPropertyValue('--v'))"
    )
    return [float(height) for height in heights]


def drag(page: Any, name: str, moves: int, seconds: float) -> float:
    """Drag a slider's knob with the real pointer over its whole track and back to two thirds of it.

    Returns: value of the slider after the last move.
    """
    box = page.locator(f"#lx-{name} input[type=range]").bounding_box()
    middle = box["y"] + box["height"] / 2
    start = position(page, name)
    page.mouse.move(box["x"] + 8 + start * (box["width"] - 16), middle)
    page.mouse.down()
    for step in range(moves):
        part = step / (moves - 1)
        along = 2 * part if part < 0.5 else 1 - (part - 0.5) * 2 / 3
        page.mouse.move(box["x"] + 8 + along * (box["width"] - 16), middle)
        time.sleep(seconds / moves)
    page.mouse.up()
    return position(page, name)


COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""The rules of axe that a theme can break; all others read names, roles and states."""


def serious_violations(page: Any, axe: Any, theme: str) -> list[tuple[str, str]]:
    """Serious violations that axe finds in the "light" theme, or of the colours of the "dark" one.

    Returns: rule and first node of each.
    """
    options = {"resultTypes": ["violations"]} | ({"runOnly": COLOURS} if theme == "dark" else {})
    page.evaluate("theme => document.body.classList.toggle('dark', theme === 'dark')", theme)
    page.wait_for_function(FADED)
    violations = axe.run(page, options=options).response["violations"]
    return [
        (rule["id"], rule["nodes"][0]["html"])
        for rule in violations
        if rule["impact"] in ("serious", "critical")
    ]


def emulate_round_trip(page: Any, milliseconds: float) -> None:
    """Make every request of the page take this much longer, as a distant server would."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1},
    )


@contextmanager
def models_form(window: Any, address: str, form: str) -> Iterator[Any]:
    """A visitor of the app itself, who has opened a form of the page *Models*; `form` is its selector.

    What they add there is theirs alone, so that tests may share the server.
    """
    page = open_tab_of(window, address)
    open_tab(page, "Models")
    page.click(f"{form} button")
    page.wait_for_selector(f"{form}-add")
    yield page
    page.close()
