"""The page Models against a local Hub: load, see numbers, check, add a checkpoint, stop, go back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import driving
from tests.browser.driving import move, open_page
from tests.deploy.starting import free_port

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def hub_address(browser: Any, folder: Path) -> Iterator[str]:
    """Address of a page over the embedded lab and a local Hub with the paper's eight tasks."""
    port = free_port()
    with driving.served(["-m", "tests.browser.serve_hub", str(port), str(folder)], port) as (address, _):
        yield address


@pytest.fixture
def visitor(window: Any, hub_address: str) -> Iterator[Any]:
    """A visitor on the tab."""
    with driving.visiting(window, hub_address) as page:
        driving.open_tab(page, "Models")
        page.wait_for_selector("#lx-load")
        yield page


def load(page: Any) -> None:
    page.click("#lx-load")
    page.wait_for_selector("#lx-load-progress >> text=is ready")
    page.wait_for_selector("#lx-open-ViT-B-32")


def shown_model(page: Any) -> str:
    return str(page.locator("#lx-model input").input_value())


def wait_for_task(page: Any, task: str) -> None:
    """Wait until the sentence speaks of a task and every image is counted."""
    page.wait_for_function(
        """(task) => {
            const live = document.querySelector("#lx-head-live .lx-live");
            const said = live.querySelector('[data-slot="tiles"]').innerText;
            return live.dataset.state === "complete" && said.includes(task);
        }""",
        arg=task,
    )


def test_load_then_drag_then_go_back(visitor: Any) -> None:
    page = visitor
    page.click("#lx-load")
    page.wait_for_selector('#lx-load-progress tr[data-state="running"]')
    page.wait_for_selector("#lx-load-progress >> text=is ready")
    assert page.locator('#lx-load-progress tr[data-state="done"]').count() == 9
    assert shown_model(page) == "Tiny CLIP", "nobody is taken away from what they look at"
    page.get_by_text("CLIP ViT-B/16", exact=True).click()
    assert page.locator("#lx-load-progress caption").all_inner_texts() == ["CLIP ViT-B/32"]
    page.click("#lx-open-ViT-B-32")
    wait_for_task(page, "EuroSAT")
    assert shown_model(page) == "CLIP ViT-B/32"
    assert page.locator('[data-chart="schedule"] .lx-factor').count() == 3 + 2
    before = driving.shown_key(page)
    move(page, "gamma", 0.87)
    page.wait_for_function(
        "(key) => document.querySelector('#lx-head-live .lx-live').dataset.key !== key", arg=before
    )
    wait_for_task(page, "EuroSAT")
    assert driving.bars(page)[1:4] == pytest.approx([0.87, 0.935, 1.0], abs=1e-6)

    page.click("#lx-checkpoint input")
    page.get_by_role("option", name="MNIST").click()
    wait_for_task(page, "MNIST")
    page.click("#lx-model input")
    page.get_by_role("option", name="Tiny CLIP", exact=True).click()
    wait_for_task(page, "Handwritten digits")
    assert page.locator('[data-chart="schedule"] .lx-factor').count() == 12 + 2


def test_another_visitor_finds_the_model_and_links_to_it(
    browser: Any, hub_address: str, visitor: Any
) -> None:
    load(visitor)
    page = open_page(browser, hub_address, "?model=ViT-B-32&task=tall-masks.svhn&gamma=0.4")
    wait_for_task(page, "SVHN")
    assert shown_model(page) == "CLIP ViT-B/32"
    page.context.close()


def test_a_link_to_a_model_that_is_not_loaded_says_where_to_load_it(browser: Any, hub_address: str) -> None:
    page = open_page(browser, hub_address, "?model=ViT-L-14&task=tall-masks.svhn&gamma=0.4")
    page.wait_for_selector("#lx-notice >> text=CLIP ViT-L/14, which is not loaded: load it on the page")
    assert shown_model(page) == "Tiny CLIP"
    page.context.close()


def test_own_checkpoint_and_a_broken_one(visitor: Any, folder: Path) -> None:
    page = visitor
    load(page)
    page.click("#lx-own button")
    assert page.locator("#lx-own-add").is_disabled()
    page.click("#lx-own-model input")
    page.get_by_role("option", name="CLIP ViT-B/32", exact=True).click()
    page.wait_for_function("document.querySelector('#lx-own-model input').value === 'CLIP ViT-B/32'")
    page.click("#lx-own-task input")
    page.get_by_role("option", name="MNIST", exact=True).click()
    page.set_input_files("#lx-own-file input[type=file]", str(folder / "broken.pt"))
    page.wait_for_selector("#lx-own-file >> text=broken")
    page.click("#lx-own-add")
    page.wait_for_selector("#lx-own-said >> text=broken.pt is damaged")
    page.click("#lx-own-file button[aria-label='Remove this file'], #lx-own-file button[aria-label='Clear']")
    page.set_input_files("#lx-own-file input[type=file]", str(folder / "own.pt"))
    page.wait_for_selector("#lx-own-file >> text=own")
    page.click("#lx-own-add")
    page.wait_for_selector("#lx-own-said >> text=chosen in Explore")
    wait_for_task(page, "MNIST")
    assert "own.pt" in page.locator("#lx-checkpoint input").input_value()


def test_random_weights_fail_the_self_test_with_the_likely_causes(visitor: Any) -> None:
    page = visitor
    load(page)
    rows = "document.querySelectorAll('#lx-load-checks tbody tr').length"
    page.wait_for_function(f"{rows} === 16")
    page.wait_for_selector("#lx-load-checks >> text=QuickGELU")
    page.reload()
    driving.open_tab(page, "Models")
    page.click("#lx-load-check")
    page.wait_for_function(f"{rows} === 16")


def test_a_model_the_hub_does_not_have_says_why(visitor: Any) -> None:
    page = visitor
    page.get_by_text("CLIP ViT-B/16", exact=True).click()
    page.wait_for_selector("text=599 MB of weights")
    page.click("#lx-load")
    page.wait_for_selector('#lx-load-progress tr[data-state="failed"]')
    said = page.locator("#lx-load-progress").inner_text()
    assert "timm/vit_base_patch16_clip_224.openai" in said
    assert shown_model(page) == "Tiny CLIP"


def test_one_task_alone_is_refused_in_words(visitor: Any) -> None:
    page = visitor
    page.locator(
        "#lx-load-tasks button[title='Clear'], #lx-load-tasks .token-remove.remove-all"
    ).first.click()
    page.wait_for_selector("text=Load at least two tasks")
    page.click("#lx-load")
    page.wait_for_selector("#lx-load-progress >> text=Load at least two tasks")


def test_the_tab_is_accessible_and_fits_a_phone(browser: Any, hub_address: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    page = open_page(
        browser, hub_address, "?page=explore&__theme=light", viewport={"width": 390, "height": 844}
    )
    driving.open_tab(page, "Models")
    page.wait_for_selector("#lx-load")
    load(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for theme in ("light", "dark"):
        assert driving.serious_violations(page, axe, theme) == [], theme
    page.context.close()


def test_a_data_set_of_the_hub_becomes_a_task(visitor: Any) -> None:
    page = visitor
    page.click("#lx-task button")
    address = page.locator("#lx-task-address textarea, #lx-task-address input")
    address.fill("nobody/nothing")
    page.click("#lx-task-look-up")
    page.wait_for_selector("#lx-task-found [role=alert] >> text=nobody/nothing")
    assert page.locator("#lx-task-add").is_disabled()
    held: list[Any] = []
    page.route("**/queue/join*", lambda route: route.continue_() if held else held.append(route))
    with page.expect_request("**/queue/join*"):
        page.click("#lx-task-look-up")
    address.fill("ylecun/mnist")
    page.click("#lx-task-look-up")  # while the other one is looked up: this press was lost
    held[0].continue_()
    page.wait_for_selector("#lx-task-found >> text=ylecun/mnist has 10 classes")
    page.wait_for_function("document.querySelector('#lx-task-label input').value === 'label'")
    assert page.locator("#lx-task-image input").input_value() == "image"
    assert page.locator("#lx-task-name textarea, #lx-task-name input").input_value() == "mnist"
    assert len(page.locator("#lx-task-classes textarea").input_value().splitlines()) == 10
    page.wait_for_selector("#lx-task-add:enabled")
    page.click("#lx-task-add")
    page.wait_for_selector("#lx-task-said >> text=mnist is added")
    page.wait_for_selector("#lx-task-label", state="hidden")
    driving.open_tab(page, "Explore")
    page.wait_for_function(
        "[...document.querySelectorAll('.lx-pics h4')].some(one => one.innerText.includes('mnist'))",
    )
