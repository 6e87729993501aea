"""The page Text against a local Hub: choose Flan-T5, load it, see its numbers, ask it, merge, go back."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import driving
from tests.browser.driving import open_page
from tests.deploy.starting import free_port

pytestmark = pytest.mark.browser
FLAN = "Flan-T5-base, fine-tuned on GLUE"


@pytest.fixture(scope="module")
def hub_address(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a page over the embedded lab and a local Hub with a small Flan-T5 and GLUE."""
    port, folder = free_port(), tmp_path_factory.mktemp("hub")
    command = ["-m", "tests.browser.serve_texts", str(port), str(folder)]
    with driving.served(command, port) as (address, _):
        yield address


@pytest.fixture
def visitor(window: Any, hub_address: str) -> Iterator[Any]:
    """A visitor on the tab."""
    with driving.visiting(window, hub_address) as page:
        driving.open_tab(page, "Text")
        page.wait_for_selector('#lx-text .lx-live[data-state="complete"]')
        yield page


def test_load_flan_t5_and_see_its_numbers(visitor: Any) -> None:
    page = visitor
    page.get_by_label(FLAN).check()
    page.wait_for_selector("#lx-text >> text=Flan-T5-base is not loaded yet")
    page.click("#lx-text-load")
    page.wait_for_selector("#lx-text-load-progress >> text=Flan-T5-base is ready")
    assert page.locator('#lx-text-load-progress tr[data-state="done"]').count() == 9
    page.wait_for_selector("#lx-text-here >> text=448 test questions, counted on this machine")
    assert page.locator("#lx-text-task input").input_value() == "CoLA"
    assert "Flan-T5-base, fine-tuned on CoLA" in page.locator("#lx-text-here").inner_text()
    examples = "#lx-text-here .lx-answers tbody tr"
    page.wait_for_selector(f"{examples}:nth-child({3 + 6})")  # once all three models are counted
    assert "Answere 'acceptable'" in page.locator(examples).first.inner_text()

    page.locator("#lx-text-question textarea, #lx-text-question input").fill("Is it good?")
    page.locator("#lx-text-choices textarea, #lx-text-choices input").fill("yes, no")
    page.click("#lx-text-ask")
    page.wait_for_selector("#lx-text-said tbody tr:nth-child(2)")
    said = page.locator("#lx-text-said")
    assert "never seen" not in said.inner_text()
    assert "LiNeS on the decoder with γ = 0.4, asked “Is it good?”" in said.inner_text()
    assert "ask again" not in said.inner_text()

    page.click("#lx-text-run")
    page.wait_for_selector("#lx-text >> text=γ = 0 on the decoder")
    page.get_by_label("Tiny T5", exact=True).check()
    page.wait_for_selector("#lx-text-here >> text=precomputed with the shipped weights")
    page.wait_for_selector("#lx-text-load-form", state="hidden")
    page.wait_for_selector("#lx-text-said .lx-asked-before >> text=ask again")


def test_a_link_to_flan_t5_finds_it_loaded(browser: Any, hub_address: str, visitor: Any) -> None:
    """Another visitor loads it first, if nobody has; a link to a model that is not there says so."""
    visitor.get_by_label(FLAN).check()
    visitor.click("#lx-text-load")
    visitor.wait_for_selector("#lx-text-load-progress >> text=Flan-T5-base is ready")
    page = open_page(browser, hub_address)
    page.goto(f"{hub_address}/?page=text&text_model=flan-t5-base&text=glue.rte&part=encoder")
    page.wait_for_selector("#lx-text-here >> text=Flan-T5-base, fine-tuned on RTE, LiNeS on the encoder")
    assert page.get_by_label(FLAN).is_checked()
    page.goto(f"{hub_address}/?page=text&text_model=t5-large")
    page.wait_for_selector("#lx-notice >> text=text_model “t5-large” is not one of tiny-t5, flan-t5-base")
    page.context.close()
