"""The page Rewarded soups without a browser: what ships at once, the live model for anything else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluators.errors import LabError
from evaluators.policies.reward_fronts import Measured
from evaluators.policies.scene_facts import draw_scene
from evaluators.policies.shared_llama import SharedLlama
from evaluators.policies.shipped_fronts import SHIPPED, RewardedSoups, read_rewarded
from evaluators.policies.soup_setting import WEIGHTS
from tests.browser.zero_cost_studio import ZeroCostStudio
from tests.random_llama import write_llama
from ui.live.live_panel import Value
from ui.rewarded.policy_runs_table import policy_runs_html
from ui.rewarded.rewarded_answers import MEASURED, RewardedAnswers
from ui.rewarded.rewarded_page import read_rewarded_link
from ui.rewarded.rewarded_text import finding

LINES = (0.3, True, 0.5, 1.0, 0, "")
PLAIN = (0.3, False, 1.0, 1.0, 0, "")
LIVE = (0.3, True, 0.5, 1.5, 0, "")


def _report(gain: tuple[float, float, float]) -> dict[str, Any]:
    pair = {"faithful": [0.6, 0.5, 0.7], "preferred": [0.4, 0.3, 0.5]}
    points = [
        {"w": w, "faithful": [0.5 + w / 4, 0.4, 0.9], "preferred": [0.9 - w / 2, 0.3, 0.95]} for w in WEIGHTS
    ]
    front = {"points": points, "hypervolume": [0.5, 0.4, 0.6], "gain": gain}
    said = {name: [f"anna sold hats . {name} {w:g}" for w in WEIGHTS] for name in ("plain", "lines")}
    scenes = [{"scene": draw_scene("test", 0), **said}]
    fronts = {"plain": front, "lines": front}
    runs = [_run("as shipped", 0.02), _run("rank <1>", -0.02)]
    return {"prompts": 600, "supervised": pair, "fronts": fronts, "scenes": scenes, "validation": 300} | {
        "runs": runs,
        "alternatives": [
            {"alpha": alpha, "beta": beta, "hypervolume": [0.5 + gain] * 3, "gain": [gain] * 3, **over}
            for alpha, beta, gain, over in (
                (1.0, 0.0, 0.0, {}),
                (0.5, 1.0, 0.04, {"over_level": [0.04, 0.03, 0.05]}),
                (0.5, 0.0, 0.06, {}),
            )
        ],
    }


def _run(title: str, gain: float) -> dict[str, Any]:
    """LiNeS adds ``gain``, its stronger form takes that away, an equal scale adds nothing."""
    points = [{"faithful": [w, w, w], "preferred": [1 - w, 1 - w, 1 - w]} for w in (0.4, 0.8)]
    rows = [
        {"alpha": alpha, "beta": beta, "points": points, "hypervolume": [0.5] * 3, "gain": [added] * 3}
        | ({"over_level": [gain] * 3} if (alpha, beta) == (1.0, 1.0) else {})
        for (alpha, beta), added in {
            (1.0, 0.0): 0.0,
            (0.5, 1.0): gain,
            (1.0, 1.0): -gain,
            (1.5, 0.0): 0.0,
        }.items()
    ]
    numbers = {"supervised_steps": 400, "steps": 60, "rank": 8, "rate": 2e-3, "penalty": 0.0}
    blocks = {name: [0.01, 0.05, 0.03] for name in ("faithful", "preferred")}
    return {"title": title, "rows": rows, "norms": blocks, "lost": blocks, **numbers}


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    (tmp_path / "report").mkdir()
    (tmp_path / SHIPPED).write_text(json.dumps(_report((0.02, 0.01, 0.03))), encoding="utf-8")
    write_llama(tmp_path / "tiny_llama")
    return tmp_path


@pytest.fixture
def answers(assets: Path) -> RewardedAnswers:
    return RewardedAnswers(ZeroCostStudio(), read_rewarded(assets), SharedLlama(assets / "tiny_llama"))


def _said(value: Value | None) -> str:
    assert value is not None
    slot = value["slots"]["said"]
    assert isinstance(slot, str)
    return slot


@pytest.mark.parametrize(("controls", "name"), [(LINES, "lines"), (PLAIN, "plain")])
def test_a_point_that_ships_is_complete_at_once(answers: RewardedAnswers, controls: Any, name: str) -> None:
    value = answers.quick("anna", controls)
    assert f"anna sold hats . {name} 0.3" in _said(value)
    assert value is not None
    assert value["state"] == "complete"
    assert "57.5" in value["slots"]["tiles"]
    [again] = answers.settle("anna", controls)
    assert _said(again) == _said(value)


def test_other_settings_are_spoken_and_then_measured_scene_by_scene(answers: RewardedAnswers) -> None:
    first = answers.quick("anna", LIVE)
    assert "has not spoken yet" in _said(first)
    assert first is not None
    assert first["slots"]["tiles"] == ""
    values = _numbers(answers.settle("anna", LIVE))
    said = [_said(value) for value in values]
    assert "has not spoken yet" not in said[0]
    assert len(set(said)) == 1
    assert [value["state"] for value in values][-1] == "complete"
    assert f"on {MEASURED} of {MEASURED} test scenes" in values[-1]["slots"]["status"]
    assert len(values) == 9
    here = values[-1]["charts"]["front"]["figure"]["data"][-1]
    earlier = values[1]["charts"]["front"]["figure"]["data"][-1]
    assert sum(here["error_y"]["array"]) < sum(earlier["error_y"]["array"])


def test_a_scene_of_ones_own_is_summed_up_at_a_shipped_setting(answers: RewardedAnswers) -> None:
    values = _numbers(answers.settle("anna", (*LINES[:5], "Shy Anna sold blue hats.")))
    assert "shy anna sold blue hats ." in _said(values[-1])
    assert values[-1]["state"] == "complete"
    assert "57.5" in values[-1]["slots"]["tiles"]


@pytest.mark.parametrize(
    ("controls", "words"),
    [
        ((*LINES[:5], "anna <b>juggled</b> hats ."), "&lt;b&gt;juggled&lt;/b&gt;"),
        ((*LINES[:4], None, ""), "A scene has a number"),
        ((7.0, *LINES[1:]), "w of a soup is a number from 0 to 1"),
    ],
)
def test_what_cannot_be_asked_is_answered_in_words(
    answers: RewardedAnswers, controls: Any, words: str
) -> None:
    *_, value = answers.settle("anna", controls)
    assert value["state"] == "error"
    assert words in value["slots"]["sentence"]


def test_a_newer_move_ends_an_older_measurement(answers: RewardedAnswers) -> None:
    running = answers.settle("anna", LIVE)
    assert next(value for value in running if "said" in value["slots"])
    answers.quick("anna", LINES)
    assert not [value for value in running if "said" in value["slots"]]


def test_a_link_sets_the_controls_and_complains() -> None:
    query = {"w": "0.25", "lines": "false", "beta": "9", "scene": "12"}
    values, complaints = read_rewarded_link(ZeroCostStudio(), query, "", "")
    assert values == [0.25, False, 0.5, 1.0, 12]
    assert complaints == ["The link's beta should be a number from 0 to 2, not “9”."]


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        ((0.02, 0.01, 0.03), "moves the front outwards"),
        ((0.01, -0.01, 0.03), "No measurable difference"),
        ((-0.02, -0.03, -0.01), "does not help"),
    ],
)
def test_the_words_follow_the_interval(
    tmp_path: Path, gain: tuple[float, float, float], verdict: str
) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / SHIPPED).write_text(json.dumps(_report(gain)), encoding="utf-8")
    shipped: RewardedSoups = read_rewarded(tmp_path)
    assert shipped.fronts["lines"].gain == Measured(*gain)
    assert verdict in finding(shipped)


def test_a_damaged_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    with pytest.raises(LabError, match="cannot be read"):
        read_rewarded(tmp_path)
    report = _report((0.0, 0.0, 0.0))
    report["scenes"][0]["lines"].pop()
    (tmp_path / SHIPPED).write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(LabError, match="does not have a point"):
        read_rewarded(tmp_path)


def test_other_trainings_and_single_blocks_are_told(answers: RewardedAnswers) -> None:
    shown = policy_runs_html(answers.shipped)
    assert "Of 2 trainings, LiNeS as strong as the plain soup" in shown
    assert shown.count("better for 1 and worse for 1") == 2
    assert "goes the same way in 1." in shown
    assert "rank &lt;1&gt;" in shown
    assert "by mean strength: +4.0 points (3.0 to 5.0) at 1. Strength matters as well" in shown
    assert "0.5 times the update in every block adds +6.0 points to the plain soups" in shown
    assert "the faithful policy misses block 2 most (5.0 points)" in shown
    assert shown.count("+2.0\u00a0(2.0\u00a0to\u00a02.0)") == 3
    [alone] = re.findall(r"rank &lt;1&gt;</th><td>(.*?)</td><td>(.*?)</td>", shown)
    assert alone == ("80\u202f%", "60\u202f%"), "each policy's own reward, where it has all the weight"


def test_a_damaged_training_is_refused(assets: Path) -> None:
    report = _report((0.0, 0.0, 0.0))
    del report["runs"][1]["lost"]["preferred"]
    (assets / SHIPPED).write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(LabError, match="preferred"):
        read_rewarded(assets)


def _numbers(values: Iterator[Value]) -> list[Value]:
    """Without what is said while the model is read."""
    return [value for value in values if "said" in value["slots"]]
