"""The static edition in Chromium, below a path of a web server: what a visitor does works without ours."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlparse

import pytest

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from tests.browser import driving
from tests.browser.static_edition import Edition, counts, shows, visit
from tests.paths import ASSETS
from ui.explore.pins import DAMAGED, EXAMPLE, GONE

pytestmark = pytest.mark.browser
OFF_GRID = {
    "?page=explore&task=digits&alpha=0.25&beta=0.6": EditSpec(checkpoint="digits", alpha=0.25, beta=0.6),
    "?page=explore&task=faces&shape=sqrt&alpha=0.2&beta=0.7&mix=0.8&outside=depth": EditSpec(
        checkpoint="faces", shape="sqrt", alpha=0.2, beta=0.7, mix=0.8, outside="depth"
    ),
}
LOADED = "engine.json"
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
HEAD = "document.querySelector('#lx-head-live').innerText"
PINS = (
    "A:bad:::",
    "B:tiny-clip:digits:odd:1:0",
    "B:tiny-clip:digits:linear:7:0",
    "A:tiny-clip:digits:linear:0.4:0.6:1:nowhere",
    "A:tiny-clip:nothing:linear:0.4:0.6",
    "C:tiny-clip:digits:linear:0.4:0.6",
)
"""Pins of a link, of which only the last is one."""
GONE_SAID = GONE.format(letter="A", model="tiny-clip", checkpoint="nothing")
TABS = ("Robust fine-tuning", "Merge", "Learned coefficients", "Soup", "Fine-tuning compared", "About")


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    studio = Studio(ASSETS, None)
    yield studio
    studio.close()


@pytest.fixture
def asked(edition: Edition) -> list[str]:
    """Paths of the requests of one test."""
    edition.asked.clear()
    return edition.asked


def test_a_position_that_ships_is_answered_without_the_engine(
    browser: Any, edition: Edition, asked: list[str], studio: Studio
) -> None:
    page = visit(browser, edition.address, "?page=explore")
    driving.move(page, "gamma", 0.37)
    shows(page, "α = 0.37, β = 0.63: 200 test images of each data set, 1,600 in all, precomputed")
    evaluation = studio.evaluate(EditSpec.lines("digits", 0.37))
    assert counts(page) == [[task.correct, task.n] for task in evaluation.tasks]
    assert [path for path in asked if "/engine/" in path] == []
    page.locator('#lx-gamma input[type="range"]').focus()
    page.keyboard.press("ArrowRight")
    shows(page, "α = 0.38, β = 0.62: 200 test images of each data set, 1,600 in all, precomputed")
    page.keyboard.press("End")
    shows(page, "α = 1, β = 0: 200 test images of each data set, 1,600 in all, precomputed")
    page.locator("#lx-page-explore-button").focus()
    page.keyboard.press("ArrowLeft")
    page.locator(".lx-start-begin").wait_for(state="visible")
    assert page.problems == []
    page.context.close()


@pytest.mark.parametrize("query", OFF_GRID)
def test_other_positions_are_counted_in_the_browser_as_in_python(
    browser: Any, edition: Edition, studio: Studio, query: str
) -> None:
    page = visit(browser, edition.address, query)
    shows(page, "by this browser")
    assert counts(page) == [[task.correct, task.n] for task in studio.evaluate(OFF_GRID[query]).tasks]
    assert page.problems == []
    page.context.close()


def test_every_page_shows_its_charts_and_asks_nobody_else(
    browser: Any, edition: Edition, asked: list[str]
) -> None:
    page = visit(browser, edition.address, "?page=explore")
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlparse(request.url).netloc))
    for name in TABS:
        driving.open_tab(page, name)
        panel = page.locator("[role=tabpanel]:visible")
        if name != "About":
            panel.locator(".main-svg:visible, .lx-chart svg:visible").first.wait_for()
            assert "the button" not in panel.inner_text()
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert "This page has no server" in page.locator("#lx-page-about").inner_text()
    assert hosts - {""} == {urlparse(edition.address).netloc}
    assert page.problems == []
    page.context.close()


def test_a_link_is_opened_and_written_and_its_wrong_values_are_named(browser: Any, edition: Edition) -> None:
    page = visit(browser, edition.address, "?page=explore&task=faces&gamma=0.7")
    shows(page, "α = 0.7, β = 0.3")
    driving.move(page, "gamma", 0.2)
    page.wait_for_url("**gamma=0.2**")
    driving.open_tab(page, "Soup")
    page.wait_for_url("**page=soup**")
    page.go_back()
    shows(page, "α = 0.2, β = 0.8")
    page.go_back()
    shows(page, "α = 0.7, β = 0.3")
    page.go_forward()
    shows(page, "α = 0.2, β = 0.8")
    page.reload()
    shows(page, "α = 0.2, β = 0.8")
    page.goto(f"{edition.address}?page=explore&gamma=7&task=nobody")
    said = page.locator("#lx-notice").inner_text()
    assert "gamma “7” is not one of 0 … 1" in said
    assert "task “nobody” is not one of digits, " in said
    page.goto(f"{edition.address}?page=nowhere&gamma=0.3")
    page.wait_for_function(
        "document.getElementById('lx-notice').innerText.includes('page “nowhere” is not one of')"
    )
    page.goto(f"{edition.address}?page=soup&present=banana&beta=0.2&beta=0.3")
    page.locator("#lx-notice", has_text="says beta more than once: the first one, “0.2”, is taken").wait_for()
    page.locator("#lx-soup").wait_for()
    page.goto(f"{edition.address}?page=explore&gamma=0.3&pins={','.join(PINS)}")
    shows(page, "α = 0.3, β = 0.7")
    said = page.locator("#lx-notice").inner_text().splitlines()
    assert [line for line in said if line] == [*map(damaged, PINS[:4]), GONE_SAID]
    page.wait_for_url("**pins=C:tiny-clip:digits:linear:0.4:0.6")
    page.goto(f"{edition.address}?page=explore&free=1,2")
    page.wait_for_function("document.body.innerText.includes('does not have a factor for each block')")
    page.locator("#lx-preset-finetuned").click()
    shows(page, "200 test images of each data set, 1,600 in all")
    assert page.problems == []
    page.context.close()


def damaged(pin: str) -> str:
    """What is said of a pin that is none."""
    return DAMAGED.format(example=EXAMPLE, said=pin, wrong="is not")


def test_numbers_that_cannot_be_loaded_are_named_and_asked_for_again(browser: Any, edition: Edition) -> None:
    """A page that was opened while the connection was down stayed empty without a word."""
    page = visit(browser, edition.address, "?page=explore")
    shows(page, "200 test images of each data set, 1,600 in all")
    edition.down = True
    try:
        driving.open_tab(page, "Soup")
        notice = page.locator("#lx-page-soup .lx-notice", has_text="could not be loaded")
        notice.wait_for()
        with page.expect_event("requestfailed", lambda request: "/data/" in request.url):  # not Plotly's
            notice.get_by_role("button", name="Try again").click()
    finally:
        edition.down = False
    notice.get_by_role("button", name="Try again").click()
    page.locator("#lx-page-soup .main-svg").first.wait_for()
    assert not notice.count()
    page.context.close()


def test_charts_come_once_plotly_can_be_loaded(browser: Any, edition: Edition) -> None:
    """It was asked for again with the next answer only, and a panel whose numbers ship has but one."""
    page = visit(browser, edition.address, "?page=explore")
    shows(page, "200 test images of each data set, 1,600 in all")
    page.route("**/plotly.min.js", lambda route: route.abort())
    with page.expect_event("requestfailed", lambda request: "plotly" in request.url):
        driving.open_tab(page, "Soup")
    page.unroute("**/plotly.min.js")
    page.locator("#lx-page-soup .main-svg").first.wait_for()
    page.context.close()


def test_a_grid_that_cannot_be_loaded_is_named_and_asked_for_again(browser: Any, edition: Edition) -> None:
    """A move was answered by nothing at all: the request failed where nobody looked."""
    page = visit(browser, edition.address, "?page=explore&gamma=0.4")
    shows(page, "α = 0.4")
    edition.down = True
    try:
        page.locator("#lx-shape select").select_option("sqrt")
        page.wait_for_function(f"{HEAD}.includes('could not be loaded')")
    finally:
        edition.down = False
    driving.move(page, "gamma", 0.5)
    shows(page, "α = 0.5")
    page.context.close()


def test_an_engine_that_could_not_be_loaded_counts_once_its_button_has_loaded_it(
    browser: Any, edition: Edition
) -> None:
    """The button loaded it, but nothing was counted until a control moved."""
    page = visit(browser, edition.address, "?page=explore&gamma=0.4")
    shows(page, "α = 0.4")
    bar = page.locator("#lx-engine", has_text="The model could not be loaded")
    edition.down = True
    try:
        driving.move(page, "mix", 0.9)
        bar.wait_for()
        page.wait_for_function(f"{HEAD}.includes('The model could not be loaded')")
        with page.expect_event("requestfailed", lambda request: "open_engine.js?" in request.url):
            bar.get_by_role("button").click()
    finally:
        edition.down = False
    bar.get_by_role("button").click()
    shows(page, "by this browser")
    assert counts(page)
    assert not page.locator("#lx-engine").is_visible()
    page.context.close()


def test_a_picture_that_the_engine_cannot_answer_says_so(browser: Any, edition: Edition) -> None:
    """Its dialog asked the three models forever: the failure did not name its image."""
    page = visit(browser, edition.address, "?page=explore&gamma=0.4")
    shows(page, "α = 0.4")
    page.locator(".lx-pic").first.wait_for()
    edition.down = True
    try:
        page.locator(".lx-pic").first.click()
        page.locator("dialog[open] .lx-trouble", has_text="could not be loaded").wait_for()
    finally:
        edition.down = False
    page.context.close()


def test_the_story_opens_and_its_quiz_answers(browser: Any, edition: Edition) -> None:
    page = visit(browser, edition.address)
    page.locator(".lx-start-begin").click()
    title, says = page.locator("#lx-story-title"), page.locator(".lx-story-says")
    title.wait_for()
    while title.inner_text() != "Predict, then look":
        page.get_by_role("button", name="Next").click()
    page.locator(".lx-story input").fill("50")
    page.locator(".lx-story").get_by_role("button", name="Check").click()
    assert "You said 50" in says.inner_text()
    while not page.locator(".lx-story-option").count():
        page.get_by_role("button", name="Next").click()
    page.locator(".lx-story-option").nth(0).click()
    assert says.get_attribute("data-good") == "true"
    assert page.problems == []
    page.context.close()


def test_pins_are_compared_image_by_image(browser: Any, edition: Edition) -> None:
    page = visit(browser, edition.address, "?page=explore&gamma=0.4")
    shows(page, "α = 0.4")
    page.locator(".lx-pin-button").click()
    page.wait_for_url("**pins=A:tiny-clip:digits:linear:0.4:0.6")
    driving.move(page, "gamma", 0.9)
    page.wait_for_function("document.querySelector('.lx-pin-table')?.innerText.includes('points (')")
    assert page.problems == []
    page.context.close()


def test_pictures_a_picture_of_ones_own_and_words_of_ones_own(browser: Any, edition: Edition) -> None:
    page = visit(browser, edition.address, "?page=explore&gamma=0.4")
    shows(page, "α = 0.4")
    page.locator(".lx-pic").first.click()
    dialog = page.locator("dialog[open]")
    dialog.locator("svg[aria-label^='γ 0:']").wait_for()
    assert dialog.inner_text().count("%") >= 9
    page.keyboard.press("Escape")
    own = page.locator("#lx-own")
    if not own.locator(".lx-canvas").first.is_visible():
        page.locator("summary", has_text="Try your own picture").click()
    own.get_by_role("combobox").select_option("typed")
    own.locator(".lx-typed input").first.fill("a circle, a number, a face")
    own.get_by_role("button", name="An example").click()
    page.wait_for_function("document.querySelector('#lx-own .lx-result').innerText.includes('a circle')")
    assert page.problems == []
    page.context.close()


def test_one_chart_alone(browser: Any, edition: Edition) -> None:
    for mode in ("present", "embed"):
        page = visit(browser, edition.address, f"?{mode}=tradeoff&gamma=0.3")
        shows(page, "")
        assert page.locator(".lx-tradeoff").is_visible()
        assert not page.locator("h1").is_visible()
        assert page.problems == []
        page.context.close()


def test_a_page_opened_as_a_file_says_what_to_do(browser: Any, edition: Edition) -> None:
    page = visit(browser, (edition.folder / "index.html").as_uri())
    assert "python -m http.server" in page.locator("#lx-file").inner_text()
    page.context.close()


def test_without_web_assembly_the_grid_still_answers(browser: Any, edition: Edition) -> None:
    page = visit(browser, edition.address, "?page=explore&alpha=0.25&beta=0.6", "delete window.WebAssembly;")
    page.wait_for_function("document.body.innerText.includes('This browser has no WebAssembly')")
    page.locator("#lx-preset-finetuned").click()
    shows(page, "200 test images of each data set, 1,600 in all, precomputed")
    page.context.close()


def test_a_phone_is_asked_before_the_engine_is_fetched(
    browser: Any, edition: Edition, asked: list[str]
) -> None:
    page = visit(browser, edition.address, "?page=explore&alpha=0.25&beta=0.6", **PHONE)
    button = page.locator("#lx-engine button")
    button.wait_for(state="visible")
    assert "MB" in button.inner_text()
    assert not any(path.endswith(LOADED) for path in asked)
    button.tap()
    shows(page, "200 test images of each data set, 1,600 in all")
    assert not page.locator("#lx-engine").is_visible()
    assert page.problems == []
    page.context.close()


def test_a_picture_on_a_phone_names_the_button_that_its_dialog_covers(browser: Any, edition: Edition) -> None:
    page = visit(browser, edition.address, "?page=explore&gamma=0.4", **PHONE)
    shows(page, "α = 0.4")
    page.locator(".lx-pic").first.tap()
    dialog, bar = page.locator("dialog[open]"), page.locator("#lx-engine")
    dialog.locator(".lx-trouble", has_text="press “Load it”").wait_for()
    dialog.locator(".lx-close").tap()
    bar.get_by_role("button").tap()
    bar.wait_for(state="hidden")
    page.locator(".lx-pic").first.tap()
    dialog.locator("svg[aria-label^='γ 0:']").wait_for()
    assert page.problems == []
    page.context.close()
