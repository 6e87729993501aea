"""The page Text over the lab that ships: its link names every setting, and its tables fit a phone."""

from typing import Any

import pytest

from tests.browser.driving import open_page, open_tab, open_tab_of, patient

pytestmark = pytest.mark.browser
HERE = "#lx-text-here"
COMPLETE = f'{HERE} .lx-live[data-state="complete"]'
SETTING = "fine-tuned on Coreference, LiNeS on the encoder with γ = 0.33"


def test_a_link_and_back_keep_every_setting(window: Any, lab_address: str) -> None:
    """No link named the kind of question: shared or gone back to, it was the first kind again."""
    page = open_tab_of(window, lab_address)
    open_tab(page, "Text")
    page.wait_for_selector(COMPLETE)
    page.locator("#lx-text-task input").click()
    page.get_by_role("option", name="Coreference").click()
    page.wait_for_url("**text=coreference*")
    page.get_by_label("the encoder", exact=True).check()
    page.wait_for_url("**part=encoder*")
    number = page.locator("#lx-text-gamma input[type=number]")
    number.fill("0.33")
    number.press("Tab")
    page.wait_for_selector(f"{HERE} >> text={SETTING}")
    page.wait_for_url("**gamma=0.33*")
    link = page.url
    page.go_back()
    page.wait_for_selector(f"{HERE} >> text=fine-tuned on Coreference, LiNeS on the encoder with γ = 0.4")
    page.go_back()
    page.wait_for_selector(f"{HERE} >> text=fine-tuned on Coreference, LiNeS on the decoder with γ = 0.4")
    page.goto(link)
    page.wait_for_selector(f"{HERE} >> text={SETTING}")
    page.wait_for_selector("#lx-text .lx-subject >> text=fine-tuned on Coreference")
    assert page.locator("#lx-text-task input").input_value() == "Coreference"
    page.close()


def test_numbers_of_another_kind_are_greyed_out(window: Any, lab_address: str) -> None:
    """Panels without charts, these tiles and the merges, kept another model's numbers as if they were new."""
    page = open_tab_of(window, lab_address)
    open_tab(page, "Text")
    page.wait_for_selector(COMPLETE)
    page.evaluate("""() => {
        const live = document.querySelector("#lx-text-here .lx-live");
        window.stale = [];
        new MutationObserver(() => {
            if (live.classList.contains("lx-stale")) window.stale.push(live.innerText);
        }).observe(live, { attributes: true, attributeFilter: ["class"] });
    }""")
    page.locator("#lx-text-task input").click()
    page.get_by_role("option", name="Coreference").click()
    page.wait_for_selector(f"{HERE} .lx-live:not(.lx-stale) >> text=fine-tuned on Coreference")
    assert [said for said in page.evaluate("stale") if "fine-tuned on Paraphrase" in said]
    page.close()


def test_a_link_to_a_model_that_is_not_loaded_offers_to_load_it(window: Any, lab_address: str) -> None:
    """That it is not loaded was said three times, and later the panels below the curves were empty."""
    page = patient(window.new_page())
    page.goto(f"{lab_address}/?page=text&text_model=flan-t5-base")
    page.wait_for_selector("#lx-text-load:visible")
    page.wait_for_selector("#lx-text >> text=Flan-T5-base is not loaded yet: press Load")
    for panel, said in ((HERE, "The numbers of this setting"), ("#lx-text-merge", "The merges")):
        page.wait_for_selector(f'{panel} .lx-live[data-state="error"] >> text={said} follow')
    assert page.get_by_text("is not loaded").count() == 1
    page.wait_for_selector("#lx-text-run:disabled >> text=Measure it now")
    assert "null" not in page.url
    page.close()


def test_a_question_is_read_in_few_lines_on_a_phone(browser: Any, lab_address: str) -> None:
    """A column of 62 pixels broke each question into a line a word."""
    page = open_page(browser, lab_address, "?page=explore", viewport={"width": 390, "height": 844})
    open_tab(page, "Text")
    page.wait_for_selector(COMPLETE)
    cells = page.locator(f"{HERE} .lx-answers tbody th")
    assert cells.count() == 9
    assert min(cell.bounding_box()["width"] for cell in cells.all()) > 180
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
