"""A visitor's own images: a zip file becomes a task beside the others, until it is removed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import driving
from tests.own_images import folders, zipped

pytestmark = pytest.mark.browser
TITLE = "old <b>boots</b>"


@pytest.fixture(scope="module")
def visitor(window: Any, lab_address: str) -> Iterator[Any]:
    """A visitor of the app itself, with the form open."""
    with driving.models_form(window, lab_address, "#lx-task") as page:
        yield page


def choose(page: Any, path: Path) -> None:
    page.set_input_files("#lx-task-file input[type=file]", str(path))


def bars(page: Any) -> list[str]:
    """Names in the chart of accuracies by task."""
    found: list[str] = page.locator('#lx-head-live [data-chart="tasks"] text').all_inner_texts()
    return found


def test_what_is_no_task_is_refused_in_words(visitor: Any, tmp_path: Path) -> None:
    page = visitor
    choose(page, zipped(tmp_path / "one.zip", folders({"cat": 3})))
    page.wait_for_selector("#lx-task-found [role=alert] >> text=only the class 'cat'")
    assert page.locator("#lx-task-add").is_disabled()
    page.click(
        "#lx-task-file button[aria-label='Remove this file'], #lx-task-file button[aria-label='Clear']"
    )
    page.wait_for_selector("#lx-task-found [role=alert]", state="detached")


def test_a_zip_file_becomes_a_task_that_explore_shows(visitor: Any, tmp_path: Path) -> None:
    page = visitor
    choose(page, zipped(tmp_path / "my_things.zip", folders({"old_boot": 12, "tram": 12, "x": 3}, "set/")))
    page.wait_for_selector("#lx-task-found >> text=27 images in 3 classes")
    assert page.locator("#lx-task-name textarea, #lx-task-name input").input_value() == "my things"
    classes = page.locator("#lx-task-classes textarea")
    assert classes.input_value() == "old_boot = old boot\ntram = tram\nx = x"
    classes.fill("old_boot = a boot\ntram = a boot")
    page.click("#lx-task-add")
    page.wait_for_selector("#lx-task-said [role=alert] >> text=could not tell them apart")
    classes.fill("old_boot = a boot\ntram = a tram")
    page.locator("#lx-task-name textarea, #lx-task-name input").fill(TITLE)
    page.click("#lx-task-add")
    page.wait_for_selector("#lx-task-said >> text=2 classes, 12 validation and 12 test images")
    page.wait_for_selector("#lx-task-add:disabled")
    assert page.locator("#lx-task-said b").count() == 0, "a name is text"
    page.wait_for_selector(f"#lx-task-yours label >> text={TITLE}")
    page.click("#lx-own button")
    page.click("#lx-own-task input")
    page.get_by_role("option", name=TITLE, exact=True).wait_for()
    page.keyboard.press("Escape")

    driving.open_tab(page, "Explore")
    page.wait_for_function(
        "title => document.querySelector('#lx-head-live').innerText.includes(title)",
        arg=TITLE,
    )
    page.wait_for_selector(driving.READY)
    assert page.locator("#lx-head-live b:text-is('boots')").count() == 0
    sprite = page.wait_for_function(
        "title => [...document.querySelectorAll('.lx-pics h4')].some(one => one.innerText.includes(title))",
        arg=TITLE,
    )
    assert sprite


def test_a_reload_keeps_it_and_it_can_be_removed(visitor: Any) -> None:
    page = visitor
    page.reload()
    page.wait_for_selector(driving.READY)
    page.wait_for_function(
        "title => document.querySelector('#lx-head-live').innerText.includes(title)",
        arg=TITLE,
    )
    driving.open_tab(page, "Models")
    page.click("#lx-task button")
    page.wait_for_selector(f"#lx-task-yours label >> text={TITLE}")
    page.click("#lx-task-remove")
    page.wait_for_selector("#lx-task-removed >> text=is removed")
    assert not page.locator("#lx-task-yours").is_visible()
    driving.open_tab(page, "Explore")
    page.wait_for_function(
        "title => !document.querySelector('#lx-head-live').innerText.includes(title)",
        arg=TITLE,
    )
