"""The tab "Merge" without a browser: what its controls mean, what it answers, and its search."""

import html
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from evaluators.errors import SpecError
from evaluators.experiments.grid import run_grid
from evaluators.experiments.merge_search import HEAT_ALPHAS, heat_betas
from evaluators.hub.visitor_checkpoint import OWN
from evaluators.service.studio import Studio
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import METHODS
from tests.conftest import CHUNK
from tests.waiting import soon
from ui.export import take_home
from ui.merge import merge_search_panel as search
from ui.merge import merge_text as words
from ui.merge.merge_answers import MergeAnswers, comparison_of
from ui.merge.merge_controls import MergeControls, caught_up, config_of, parameter_rows
from ui.merge.weight_text import read_weights
from ui.sweep.sweep_panel import Sweep

DEFAULTS = tuple(parameter.default for _, parameter in parameter_rows())
START = MergeControls("tiny-clip", ("digits", "faces"), "sum", DEFAULTS, "", True, "linear", 0.1, 0.3, 0.4)


def values(controls: MergeControls) -> list[Any]:
    """What Gradio hands over."""
    return [
        controls.model,
        list(controls.checkpoints),
        controls.method,
        *controls.parameters,
        controls.weights,
        controls.auto,
        controls.shape,
        controls.alpha,
        controls.beta,
        controls.plain,
    ]


def searched(controls: MergeControls) -> list[Any]:
    """What Gradio hands over to the search: all but beta and the plain factor."""
    return values(controls)[:-2]


@pytest.fixture
def studio(lab: Path) -> Studio:
    """A real one: what is tested here is what it measures."""
    return Studio(lab, None, chunk=CHUNK)


@pytest.fixture
def tab(studio: Studio) -> MergeAnswers:
    return MergeAnswers(studio)


def plain_text(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", markup))


def test_controls_come_back_from_what_gradio_hands_over() -> None:
    assert MergeControls.from_values(values(START)) == START
    assert MergeControls.from_values(["m", None, "sum", *DEFAULTS, "", 0, "sqrt", 1, 1, 1]).checkpoints == ()


def test_only_the_settings_of_the_chosen_method_count() -> None:
    assert START.config().settings == ()
    ties = dict(replace(START, method="ties").config().settings)
    assert set(ties) == {parameter.key for parameter in METHODS["ties"].parameters}
    with pytest.raises(SpecError, match="at least two"):
        replace(START, checkpoints=("digits",)).config()
    with pytest.raises(SpecError, match="method must be one of"):
        replace(START, method="magic").config()


def test_weights_are_read_by_the_names_of_the_tasks(studio: Studio) -> None:
    weighed = replace(START, weights="faces 0.5").config()
    assert weighed.weights == (1.0, 0.5)
    assert weighed.merges[0].weights == (1.0, 0.5)
    assert replace(START, weights="digits 1, faces=1.0").config().merges == START.config().merges
    assert replace(START, weights=" ").config() == START.config()
    assert comparison_of(studio, replace(START, weights="faces 0.5")).alpha == 0.5


def test_weights_are_read_by_the_titles_of_the_boxes_too(studio: Studio) -> None:
    titles = {info.key: info.title for info in studio.checkpoints()}
    weighed = replace(START, weights=f"{titles['faces'].upper()}: 0.5, {titles['digits']} 2")
    assert config_of(studio, weighed).weights == (2.0, 0.5)
    with pytest.raises(SpecError, match=f"is not one of the ticked models: '{titles['digits']}'"):
        config_of(studio, replace(START, weights="foo 2"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenes 2", "'scenes' is not one of the ticked models: 'digits', 'faces'"),
        ("digits", "a name and a number, such as digits 0.5, got 'digits'"),
        ("digits 1, digits 2", "has two weights"),
        ("digits 1.2.3", "is not a number"),
        ("digits 11", "from -10 to 10, got 11"),
        (3, "a short text"),
    ],
)
def test_weights_that_cannot_be_read(text: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        _ = replace(START, weights=text).config().merges


def test_the_controls_ask_for_eq_2s_alpha_unless_it_is_set_by_hand(studio: Studio) -> None:
    compared = comparison_of(studio, START)
    assert compared.eq_2 is not None
    assert "(1 / 2)" in words.alpha_text(compared.eq_2, compared.alpha)
    by_hand = comparison_of(studio, replace(START, auto=False))
    assert (by_hand.alpha, by_hand.eq_2) == (0.1, None)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("method", ["sum", "tall-masks"])
def test_a_move_is_answered_at_once_and_then_in_full(tab: MergeAnswers, method: str) -> None:
    controls = replace(START, method=method)
    quick = tab.quick("visitor", controls)
    assert quick is not None
    assert quick["state"] == "partial"
    assert set(quick["charts"]) == {"bars", "factors"}
    answers = list(tab.settle("visitor", controls))
    assert answers[-1]["state"] == "complete"
    assert answers[-1]["version"] > quick["version"]
    lines = [value["slots"]["line"] for value in answers if value["state"] == "waiting"]
    assert any("Measuring model 1 of 4" in line for line in lines) == (method == "tall-masks")
    bars = answers[-1]["charts"]["bars"]["figure"]["data"]
    assert [trace["y"] for trace in bars] == [["Digits", "Faces"]] * 4
    assert "normalised" in answers[-1]["slots"]["tiles"]
    again = tab.quick("another", controls)
    assert again is not None
    assert again["state"] == "complete"  # everything is known now
    assert again["charts"] == answers[-1]["charts"]


def test_the_subject_names_every_setting_that_is_not_usual(tab: MergeAnswers) -> None:
    """It named none: numbers of other weights, another density or shape looked like those asked for."""
    density = [row.key for row, _ in parameter_rows()].index("ties")
    parameters = (*DEFAULTS[:density], 0.5, *DEFAULTS[density + 1 :])
    controls = replace(START, method="ties", parameters=parameters, weights="digits 2", shape="quadratic")
    subject = plain_text([*tab.settle("visitor", controls)][-1]["slots"]["subject"])
    assert "2 tasks merged by TIES (Density 0.5; Digits × 2), LiNeS with α = " in subject
    assert subject.strip().endswith(", β = 0.3, quadratic, plain with λ = 0.4")
    by_search = plain_text(search.draw(tab.studio, *searched(controls), {})["slots"]["subject"])
    assert by_search.strip().endswith("2 tasks merged by TIES (Density 0.5; Digits × 2)")


@pytest.mark.parametrize("auto", [True, False])
def test_the_page_reports_a_merge_in_progress_and_then_answers(
    studio: Studio, tab: MergeAnswers, monkeypatch: pytest.MonkeyPatch, auto: bool
) -> None:
    """Eq. 2 asks for the merged weights before any number is asked for."""
    monkeypatch.setattr("ui.merge.merge_answers.SETTLE_PATIENCE", 0.1)
    controls = replace(START, auto=auto)
    encoder, let = studio.lab.encoder, threading.Event()
    merge = encoder._merge

    def slowly(of: MergeSpec, check: Callable[[], None]) -> Tensor:
        while not let.wait(0.01):
            check()
        return merge(of, check)

    monkeypatch.setattr(encoder, "_merge", slowly)
    value = tab.quick("visitor", controls)
    assert value is not None
    assert (value["state"], value["charts"], set(value["slots"])) == ("waiting", {}, {"line"})
    assert re.search(r"Preparing the weights: \d+ s so far\.", value["slots"]["line"])
    running = tab.settle("visitor", controls)
    assert [next(running)["state"] for _ in range(3)] == ["waiting"] * 3
    let.set()
    later = list(running)
    assert later[-1]["state"] == "complete"
    assert later[-1]["slots"]["line"] == ""


def test_a_merge_ends_when_the_session_leaves(
    studio: Studio, tab: MergeAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the studio stopped was asked for again at once, since nothing newer had arrived."""
    encoder = studio.lab.encoder
    begun: list[MergeSpec] = []

    def endless(of: MergeSpec, check: Callable[[], None]) -> Tensor:
        if not begun:
            studio.leave("visitor")
        begun.append(of)
        while True:
            check()
            time.sleep(0.01)

    monkeypatch.setattr(encoder, "_merge", endless)
    assert [value["state"] for value in tab.settle("visitor", START)] in ([], ["waiting"])
    soon(lambda: not encoder.residuals._computations)
    assert len(begun) == 1


def test_a_page_that_still_shows_another_models_tasks_gets_all_of_this_models(tab: MergeAnswers) -> None:
    """The tab, opened just after a model was loaded, said for 6 s that there is no such checkpoint."""
    before = replace(START, checkpoints=("tall-masks.svhn", "tall-masks.mnist"))
    answers = [*tab.settle("visitor", before)]
    assert answers[-1]["state"] == "complete"
    assert answers[-1]["charts"] == [*tab.settle("visitor", START)][-1]["charts"]
    found = search.merge_search(tab.studio, searched(before))
    assert set(found.config.checkpoints) == set(START.checkpoints)


def test_an_own_checkpoint_that_was_removed_is_left_out(tab: MergeAnswers) -> None:
    """The page hears of it when it is opened, and answers before its list is set."""
    own = f"{OWN}0123.digits"
    with_own = replace(START, checkpoints=(*START.checkpoints, own))
    assert caught_up(tab.studio, with_own) == START
    assert caught_up(tab.studio, replace(START, checkpoints=())).checkpoints == ()
    assert [*tab.settle("visitor", with_own)][-1]["state"] == "complete"


def test_wrong_values_become_error_answers(tab: MergeAnswers) -> None:
    for wrong, message in (
        (replace(START, checkpoints=()), words.FEW),
        (replace(START, checkpoints=("digits", "cars")), "no checkpoint 'cars'"),
        (replace(START, checkpoints=("digits", ["faces"])), "must be a list of names"),  # type: ignore[arg-type]
        (replace(START, beta=float("nan")), "beta must be finite"),
        (replace(START, method="slerp", checkpoints=("digits", "faces", "own")), "exactly 2 models, got 3"),
        (replace(START, model="gone"), "no model 'gone'"),
    ):
        answer = tab.quick("visitor", wrong)
        assert answer is not None
        assert answer["state"] == "error"
        assert message in plain_text(answer["slots"]["sentence"])


@pytest.fixture
def sweep() -> Sweep:
    """The search as the tab wires it."""
    return Sweep("merge", search.specs, search.draw, search.test_specs, len(searched(START)), run_grid)


def test_the_search_fills_in_is_stopped_resumed_and_reported(studio: Studio, sweep: Sweep) -> None:
    given = searched(START)
    idle, run, _ = sweep.shown(studio, "visitor", *given)
    assert words.SEARCH_WAITING in plain_text(idle["slots"]["finding"])
    assert run["interactive"]

    seen = []
    for value, *_ in sweep.run(studio, "visitor", *given):
        seen.append(value)
        if len(seen) == 30:
            sweep.cancel("visitor")
    assert "stopped" in seen[-1]["slots"]["status"]
    kept = len(sweep.cached(studio, given))
    assert 25 <= kept < len(search.specs(studio, *given))

    resumed = list(sweep.run(studio, "visitor", *given))
    end = resumed[-1][0]
    finding = plain_text(end["slots"]["finding"])
    assert "Validation chooses λ = " in finding
    assert "On 84 test images: " in finding
    cells = end["charts"]["heat"]["figure"]["data"][0]["z"]
    assert len(cells) == len(HEAT_ALPHAS)
    assert all(cell is not None for row in cells for cell in row)
    star = end["charts"]["heat"]["figure"]["data"][1]
    best = max(cell for row in cells for cell in row)
    alpha, beta = star["y"][0], star["x"][0]
    assert cells[HEAT_ALPHAS.index(alpha)][heat_betas("sum").index(beta)] == best
    assert f"α = {alpha:g} and β = {beta:g}" in finding
    total = len(
        {*search.specs(studio, *given), *search.test_specs(studio, sweep.cached(studio, given), *given)}
    )
    assert f"{total} of {total} positions" in end["slots"]["status"]


def test_a_search_without_tasks_says_so(studio: Studio, sweep: Sweep) -> None:
    value, run, _ = sweep.shown(studio, "visitor", *searched(replace(START, checkpoints=())))
    assert value["state"] == "error"
    assert words.FEW in plain_text(value["slots"]["status"])
    assert not run["interactive"]


def test_a_merged_model_can_be_taken_home(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take_home, "_folders", lambda: tmp_path)
    studio = Studio(lab, None, chunk=CHUNK)
    spec = START.config().specs(0.5, 0.3)[0]
    bundle, weights = take_home.exported(studio, "ab/../c", spec, START.config().finetuned(), "open_clip")
    assert Path(bundle).parent == Path(weights).parent
    assert Path(bundle).parent.parent == tmp_path / "abc"
    assert {Path(bundle).suffix, Path(weights).suffix} == {".zip", ".safetensors"}
    assert Path(bundle).stem == Path(weights).stem == "merge-sum-digits-faces-alpha0.5-beta0.3"
    whole = Path(bundle).read_bytes()
    again = take_home.exported(studio, "ab/../c", replace(spec, beta=0.4), (), "transformers")
    assert Path(again[0]).name == "merge-sum-digits-faces-alpha0.5-beta0.4-transformers.zip"
    assert Path(bundle).read_bytes() == whole, "it may be on its way to the visitor"
    last = take_home.exported(studio, "ab/../c", replace(spec, beta=0.1), (), "open_clip")
    assert [Path(path).exists() for path in (bundle, again[0], last[0])] == [False, True, True]
    whole_set = take_home.exported(studio, "ab/../c", spec, (), "open_clip", ["models"])
    kept = list(Path(whole_set[0]).parent.rglob("*.safetensors"))
    assert kept == [Path(whole_set[1])], "the models are in the bundle only"
    take_home.forget("ab/../c")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "said",
    ["digits 0,5", "digits 0,5; faces 2", "digits 0.5; faces 2", "digits 0.5 faces 2", "faces 2/digits 1"],
)
def test_a_decimal_comma_and_another_separator_are_explained(said: str) -> None:
    """Of "digits 0,5" it said that '5' is no name and number, of two in one that there is no such model."""
    with pytest.raises(SpecError, match="decimals take a point, and a comma separates two weights"):
        read_weights(said, ["digits", "faces"])
    with pytest.raises(SpecError, match=r"not one of the ticked models: 'digits'\.$"):
        read_weights("dogs 1", ["digits"])
