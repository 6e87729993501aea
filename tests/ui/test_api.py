"""The public endpoints, the page's listeners, and how the app is launched."""

import inspect
import os
from pathlib import Path

import gradio as gr
import pytest

import app
from evaluators.errors import SpecError
from evaluators.specs.edit_spec import EditSpec
from lines_core.errors import LinesError
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.api import evaluate, models
from ui.explore.explore_controls import CONTROLS
from ui.layout import launch_settings
from ui.shell.error_messages import as_toast


def test_evaluate_returns_coefficients_counts_and_spec(studio: ZeroCostStudio) -> None:
    answer = evaluate(studio, "tiny-clip", "digits", 0.4, 0.6, "linear", 1.0, "test", "alpha")
    expected = studio.evaluate(EditSpec.lines("digits", 0.4))
    finetuned = studio.evaluate(EditSpec.finetuned("digits"))
    assert answer["coefficients"][0] == pytest.approx(0.4)
    assert answer["coefficients"][-1] == pytest.approx(1.0)
    assert answer["target"] == expected.target
    assert answer["target_normalised"] == pytest.approx(expected.target / finetuned.target)
    assert set(answer["tasks"]["digits"]) == {"correct", "n", "accuracy", "low", "high", "role"}
    assert answer["tasks"]["digits"]["role"] == "target"
    assert answer["spec"] == expected.spec.as_dict()
    assert answer["seconds"] >= 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shape": "spiral"}, "spiral"),
        ({"checkpoint": "banana"}, "banana"),
        ({"alpha": float("nan")}, "alpha must be finite"),
        ({"split": "train"}, "train"),
        ({"mix": "a lot"}, "mix must be a number"),
    ],
)
def test_a_wrong_value_is_named(studio: ZeroCostStudio, wrong: dict[str, object], message: str) -> None:
    right = {
        "model": "tiny-clip",
        "checkpoint": "digits",
        "alpha": 0.4,
        "beta": 0.6,
        "shape": "linear",
        "mix": 1.0,
        "split": "test",
        "outside": "alpha",
    }
    with pytest.raises(SpecError, match=message):
        evaluate(studio, **(right | wrong))  # type: ignore[arg-type]


def test_models_lists_checkpoints(studio: ZeroCostStudio) -> None:
    model, *loadable = models(studio)
    assert model["loaded"] is True
    assert [(one["key"], one["num_blocks"], one["loaded"]) for one in loadable] == [
        ("ViT-B-32", 12, False),
        ("ViT-B-16", 12, False),
        ("ViT-L-14", 24, False),
    ]
    assert all(one.keys() == model.keys() for one in loadable)
    assert model["key"] == "tiny-clip"
    digits = {"key": "digits", "title": "Handwritten digits", "suite": "tasks", "report": None}
    assert digits in model["checkpoints"]


def test_a_lines_error_at_a_button_becomes_a_message_and_a_bug_stays_a_bug() -> None:
    with pytest.raises(gr.Error, match="too long"), as_toast():
        raise LinesError("too long")
    with pytest.raises(ZeroDivisionError), as_toast():
        raise ZeroDivisionError


def test_every_listener_of_the_page_is_private_but_the_endpoints(page: gr.Blocks) -> None:
    named = {function.api_name for function in page.fns.values() if function.api_visibility == "public"}
    assert named == {"evaluate", "images", "classify", "models"}


def test_each_parameter_is_described(page: gr.Blocks) -> None:
    """The API page said 'The input value that is provided in the "1st" Api component'."""
    endpoints = page.get_api_info()["named_endpoints"]
    labels = [parameter["label"] for parameter in endpoints["/evaluate"]["parameters"]]
    assert labels[0] == "key of the pre-trained model, see /models"
    assert labels[-1].startswith("scale of the parameters in no block")


def test_live_listeners_skip_the_queue_and_keep_the_last_position(page: gr.Blocks) -> None:
    by_name = {function.name: function for function in page.fns.values()}
    assert (by_name["quick"].queue, by_name["settle"].queue) == (False, True)
    with_pins = len(CONTROLS) + 1
    moved = next(one for one in page.fns.values() if one.name == "quick" and len(one.targets) == with_pins)
    assert moved.trigger_mode == "always_last"
    for target in moved.targets:
        first = next(one for one in page.fns.values() if target in one.targets)
        assert "lxAddress" in str(first.js), "tier 0 must be registered before any listener on the server"


def test_no_two_listeners_of_a_trigger_keep_the_last_event(page: gr.Blocks) -> None:
    """Gradio sends a deferred event by firing all listeners of its trigger: two that defer would loop."""
    keeping = [
        target
        for function in page.fns.values()
        if function.trigger_mode == "always_last"
        for target in function.targets
        if target[1] != "then"
    ]
    assert len(keeping) == len(set(keeping)) > 9


def test_nothing_leaves_the_machine_and_no_history_is_kept() -> None:
    settings = launch_settings()
    assert settings["run_history"] is False
    assert settings["ssr_mode"] is False
    assert settings["share"] is False
    assert "http" not in settings["css"]


def test_a_busy_machine_does_not_end_the_start() -> None:
    """Gradio asked itself for the page and gave up after 3 seconds: "localhost is not accessible"."""
    assert "if _frontend and not networking.url_ok(" in inspect.getsource(gr.Blocks.launch)
    assert launch_settings()["_frontend"] is False


def test_flags_and_the_port_of_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    given = app.arguments([])
    assert (given.host, given.port) == ("127.0.0.1", 7860)
    monkeypatch.setenv("GRADIO_SERVER_PORT", "7999")
    assert app.arguments([]).port == 7999
    assert app.arguments(["--port", "81", "--host", "0.0.0.0"]).port == 81


def test_importing_the_app_builds_nothing() -> None:
    assert "demo" not in vars(app)
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        _ = app.other


def test_uploads_have_a_folder_of_this_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is deleted at the end, so it must not be the folder that GRADIO_TEMP_DIR names."""
    home = tmp_path / "theirs"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(home))
    folder = app.upload_folder()
    assert folder.parent == home
    assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert app.upload_folder().parent == tmp_path
