"""A visitor's own checkpoint of Tiny CLIP: checked in the browser, uploaded, added, offered everywhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.browser import driving
from tests.paths import ASSETS

pytestmark = pytest.mark.browser
MINE = ASSETS / "tiny_clip" / "finetuned" / "digits.safetensors"
SAID = "#lx-own-upload [data-said]"


@pytest.fixture(scope="module")
def visitor(window: Any, lab_address: str) -> Iterator[Any]:
    """A visitor of the app itself, with the form open."""
    with driving.models_form(window, lab_address, "#lx-own") as page:
        yield page


def choose(page: Any, *paths: Path) -> None:
    """As a visitor does: by the button and the browser's dialog, which offers several files."""
    with page.expect_file_chooser() as dialog:
        page.click("#lx-own-file button[aria-label]")
    assert dialog.value.is_multiple()
    dialog.value.set_files([str(path) for path in paths])


def shards(folder: Path) -> tuple[list[Path], Path]:
    """The checkpoint as two shards, and their index."""
    tensors = load_file(MINE)
    files = [folder / f"mine-0000{1 + number}-of-00002.safetensors" for number in range(2)]
    of = {name: files[number % 2] for number, name in enumerate(tensors)}
    for file in files:
        save_file({name: one for name, one in tensors.items() if of[name] == file}, file)
    index = folder / "mine.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {name: file.name for name, file in of.items()}}))
    return files, index


def tower(folder: Path, blocks: int, width: int = 64) -> Path:
    """A file with the names of an image tower, and little else."""
    tensors = {f"visual.transformer.resblocks.{i}.ln_1.weight": torch.ones(width) for i in range(blocks)}
    path = folder / f"{blocks}-blocks.safetensors"
    save_file({"visual.class_embedding": torch.ones(width), **tensors}, path)
    return path


def read_report(page: Any) -> None:
    """The report on the checkpoint that is chosen: open, with as high bars as their numbers say."""
    report = page.locator("#lx-own-reports details[open]")
    report.wait_for()
    assert "Handwritten digits (digits.safetensors)" in report.locator("summary").inner_text()
    assert "Activation: GELU is assumed, as Tiny CLIP has it" in report.inner_text()
    bars = report.locator(".lx-factor")
    heights = bars.evaluate_all("""bars => bars.map((bar) => {
        const style = getComputedStyle(bar, "::before");
        return [bar.clientWidth, parseFloat(style.height), parseFloat(bar.firstChild.textContent)];
    })""")
    faded = bars.evaluate_all(
        "bars => bars.filter((bar) => getComputedStyle(bar, '::before').opacity < 1).length"
    )
    assert faded == 1, "what is in no block"
    assert len(heights) == 13
    assert all(width > 10 and height > 30 for width, height, _ in heights)
    scale = max(height for _, height, _ in heights) / max(number for *_, number in heights)
    assert all(abs(height - scale * number) < 0.1 * height for _, height, number in heights)
    assert report.locator("table tr").count() == 15, "the same for screen readers"


def test_a_file_that_does_not_fit_is_refused_before_it_travels(visitor: Any, tmp_path: Path) -> None:
    page = visitor
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.url) if "/upload" in request.url else None)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(MINE.read_bytes()[:-100])
    names = tmp_path / "bert.safetensors"
    save_file({"bert.embeddings.weight": torch.ones(3)}, names)
    odd = tmp_path / "old.pt"
    odd.write_bytes(b"\x80\x02}q\x00.")
    pointer = tmp_path / "pointer.safetensors"
    pointer.write_bytes(b"version https://git-lfs.github.com/spec/v1\nsize 605247071\n")
    adapter = tmp_path / "adapter_model.safetensors"
    save_file({"base_model.model.x.lora_A.weight": torch.ones(2, 3)}, adapter)
    page_of_web = tmp_path / "page.pt"
    page_of_web.write_bytes(b"<!DOCTYPE html><html></html>")
    for path, words in (
        (cut, "copy or download it again"),
        (names, "got bert.embeddings.weight"),
        (odd, "is no file of torch.save"),
        (pointer, "is a git-lfs pointer, not the file that it stands for"),
        (ASSETS / "tiny_convnext" / "finetuned" / "digits.safetensors", "is a packed residual of the LiNeS"),
        (adapter, "is an adapter: choose it together with its adapter_config.json"),
        (page_of_web, "is a web page, not a checkpoint"),
        (tower(tmp_path, 24, 1024), "got 24 blocks, width 1024: it is one of CLIP ViT-L/14, choose that"),
        (tower(tmp_path, 3), "got 3 blocks, width 64: choose the model it was fine-tuned from"),
    ):
        choose(page, path)
        page.wait_for_selector(f"{SAID} >> text={words}")
        assert page.locator(SAID).get_attribute("role") == "alert"
    assert uploads == []
    assert page.locator("#lx-own-add").is_disabled()


def test_files_that_make_no_model_are_refused_before_they_travel(visitor: Any, tmp_path: Path) -> None:
    page = visitor
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.url) if "/upload" in request.url else None)
    (one, two), index = shards(tmp_path)
    broken, config = tmp_path / "broken.safetensors.index.json", tmp_path / "adapter_config.json"
    broken.write_text('{"weight_map": 3')
    config.write_text("{}")
    cut = tmp_path / "cut" / two.name
    cut.parent.mkdir()
    cut.write_bytes(two.read_bytes()[:-9])
    for paths, words in (
        ((one,), "is a part of a model: choose all of them, with the .safetensors.index.json"),
        ((one, two), "Expected one file, shards with their index, or an adapter"),
        ((one, index), f"not among the files: {two.name}."),
        ((index,), f"not among the files: {one.name}, {two.name}."),
        ((one, cut, index), "copy or download it again"),
        ((one, broken), "no readable weight_map"),
        ((config,), "Choose adapter_model.safetensors together with adapter_config.json"),
    ):
        choose(page, *paths)
        page.wait_for_selector(f"{SAID} >> text={words}")
    assert uploads == []


def test_an_upload_can_be_cancelled(visitor: Any) -> None:
    page = visitor
    page.route("**/gradio_api/upload", lambda route: None)  # never answered
    choose(page, MINE)
    page.wait_for_selector("#lx-own-upload progress")
    page.click("#lx-own-upload .lx-cancel")
    page.wait_for_selector(f"{SAID} >> text=cancelled")
    assert not page.locator("#lx-own-upload progress").is_visible()
    page.unroute("**/gradio_api/upload")


def test_a_double_click_adds_it_once_and_the_pages_offer_it(visitor: Any) -> None:
    page = visitor
    choose(page, MINE)
    page.wait_for_selector("#lx-own-file a >> text=MB")
    page.wait_for_selector(f"{SAID} >> text=is uploaded: choose its task and add it.")
    page.click("#lx-own-task input")
    page.get_by_role("option", name="Handwritten digits", exact=True).click()
    page.wait_for_selector(f"{SAID} >> text=is uploaded: add it.")
    page.wait_for_selector("#lx-own-add:enabled")
    page.dblclick("#lx-own-add")
    page.wait_for_selector("#lx-own-said >> text=is added and chosen in Explore")
    page.wait_for_selector("#lx-own-add:disabled")
    assert page.locator("#lx-own-said [role=alert]").count() == 0
    assert page.locator(SAID).inner_text() == "", "it is no longer to be added"
    read_report(page)
    driving.open_tab(page, "Explore")
    assert page.locator("#lx-checkpoint input").input_value() == "Handwritten digits (digits.safetensors)"
    driving.open_tab(page, "Merge")
    tasks = page.locator("#lx-merge-tasks label")
    tasks.filter(has_text="digits.safetensors").wait_for()
    assert tasks.filter(has_text="digits.safetensors").locator("input").is_checked() is False
    assert tasks.locator("input:checked").count() == 8


def test_a_reload_keeps_it_and_another_browser_is_told_whose_it_is(visitor: Any, browser: Any) -> None:
    """After F5 the server no longer had it."""
    page = visitor
    driving.open_tab(page, "Explore")
    page.wait_for_url("**task=own-**")
    page.reload()
    page.wait_for_selector(driving.READY)
    assert page.locator("#lx-checkpoint input").input_value() == "Handwritten digits (digits.safetensors)"
    assert not page.locator("#lx-notice").is_visible()
    driving.open_tab(page, "Models")
    read_report(page)
    driving.open_tab(page, "Explore")
    other = driving.patient(browser.new_page())
    other.goto(page.url)
    other.wait_for_selector("#lx-notice >> text=added in another browser or tab")
    other.close()


def test_of_a_file_with_two_models_the_visitor_chooses(visitor: Any, tmp_path: Path) -> None:
    page = visitor
    driving.open_tab(page, "Models")
    page.locator("#lx-own button").first.wait_for()
    if not page.locator("#lx-own-add").is_visible():  # after a reload
        page.click("#lx-own button")
    own = load_file(MINE)
    wrapped = {f"module.visual._orig_mod.{name.removeprefix('visual.')}": one for name, one in own.items()}
    torch.save({"state_dict": wrapped, "state_dict_ema": own, "epoch": 3}, tmp_path / "run.ckpt")
    choose(page, tmp_path / "run.ckpt")
    page.wait_for_selector("#lx-own-choice label >> text=state_dict_ema")
    assert page.locator("#lx-own-choice input:checked").count() == 0
    page.click("#lx-own-task input")
    page.get_by_role("option", name="Handwritten digits", exact=True).click()
    page.wait_for_selector("#lx-own-add:enabled")
    page.click("#lx-own-add")
    page.wait_for_selector("#lx-own-said [role=alert] >> text=holds 2 models")
    page.locator("#lx-own-choice label").filter(has_text="state_dict_ema").click()
    page.click("#lx-own-add")
    page.wait_for_selector("#lx-own-reports details[open] >> text=Read from 'state_dict_ema'")
    assert "Not read: 'epoch' (int)" in page.locator("#lx-own-reports details[open]").inner_text()
    page.wait_for_selector("#lx-own-choice", state="hidden")


def test_what_is_removed_is_no_longer_offered_and_explore_keeps_the_other(visitor: Any) -> None:
    page = visitor
    driving.open_tab(page, "Merge")
    tasks = page.locator("#lx-merge-tasks label")
    tasks.filter(has_text="run.ckpt").locator("input").check()
    for name, left in (("digits.safetensors", 9), ("run.ckpt: state_dict_ema", 8)):
        driving.open_tab(page, "Models")
        page.locator("#lx-task-yours label").filter(has_text=name).click()
        page.click("#lx-task-remove")
        page.wait_for_selector(f"#lx-task-removed >> text=({name}) is removed")
        driving.open_tab(page, "Explore")
        shown = page.locator("#lx-checkpoint input").input_value()
        assert shown == (
            "Handwritten digits (run.ckpt: state_dict_ema)" if left == 9 else "Handwritten digits"
        )
        driving.open_tab(page, "Merge")
        tasks.filter(has_text=name).wait_for(state="detached")
        assert tasks.count() == left
        assert tasks.locator("input:checked").count() == left


def test_shards_and_their_index_are_one_checkpoint(visitor: Any, tmp_path: Path) -> None:
    page = visitor
    driving.open_tab(page, "Models")
    files, index = shards(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    choose(page, *files, tmp_path / "tokenizer.json", index)
    page.wait_for_selector(f"{SAID} >> text=mine.zip is uploaded")
    page.click("#lx-own-task input")
    page.get_by_role("option", name="Handwritten digits", exact=True).click()
    page.wait_for_selector("#lx-own-add:enabled")
    page.click("#lx-own-add")
    page.wait_for_selector("#lx-own-said >> text=(mine.zip) is added and chosen")
    report = page.locator("#lx-own-reports details[open]")
    assert "Handwritten digits (mine.zip)" in report.locator("summary").inner_text()
    page.locator("#lx-task-yours label").filter(has_text="mine.zip").click()
    page.click("#lx-task-remove")
    page.wait_for_selector("#lx-task-removed >> text=(mine.zip) is removed")


def test_a_convnext_is_taken_for_what_it_is(window: Any, lab_address: str) -> None:
    """Its blocks have other names: the browser refused every file of one, also what the page had written."""
    whole = ASSETS / "tiny_convnext" / "open_clip_model.safetensors"
    with driving.models_form(window, lab_address, "#lx-own") as page:
        choose(page, whole)
        page.wait_for_selector(f"{SAID} >> text=got 10 blocks: it is one of Tiny ConvNeXt")
        page.click("#lx-own-model input")
        page.get_by_role("option", name="Tiny ConvNeXt", exact=True).click()
        choose(page, whole)
        page.wait_for_selector(f"{SAID} >> text=is uploaded")
