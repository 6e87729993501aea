"""The page Rewarded soups without a browser: what ships at once, the live model for anything else."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluators.errors import LabError
from evaluators.policies.reward_fronts import Measured
from evaluators.policies.scene_facts import draw_scene
from evaluators.policies.shared_llama import SharedLlama
from evaluators.policies.shipped_fronts import SHIPPED, RewardedSoups, read_rewarded
from evaluators.policies.soup_setting import WEIGHTS, SoupSetting
from tests.browser.zero_cost_studio import ZeroCostStudio
from tests.random_llama import write_llama
from ui.live.live_panel import Value
from ui.rewarded.policy_runs_table import policy_runs_html
from ui.rewarded.rewarded_answers import MEASURED, RewardedAnswers
from ui.rewarded.rewarded_page import read_rewarded_link, scales_count
from ui.rewarded.rewarded_text import blocks_finding, finding

LINES = (0.3, True, 0.5, 1.0, 0, "")
PLAIN = (0.3, False, 1.0, 1.0, 0, "")
LIVE = (0.3, True, 0.5, 1.5, 0, "")


Gain = tuple[float, float, float]


def _report(gain: Gain, likely: Gain | None = None) -> dict[str, Any]:
    pair = {"faithful": [0.6, 0.5, 0.7], "preferred": [0.4, 0.3, 0.5]}
    points = [
        {"w": w, "faithful": [0.5 + w / 4, 0.4, 0.9], "preferred": [0.9 - w / 2, 0.3, 0.95]} for w in WEIGHTS
    ]
    front = {"points": points, "hypervolume": [0.5, 0.4, 0.6], "gain": gain}
    said = {name: [f"anna sold hats . {name} {w:g}" for w in WEIGHTS] for name in ("plain", "lines")}
    scenes = [{"scene": draw_scene("test", 0), **said}]
    fronts = {"plain": front, "lines": front}
    coarse = {"points": points[::2], "hypervolume": [0.7, 0.6, 0.8], "gain": likely or gain}
    runs = [_run("as shipped", 0.02), _run("rank <1>", -0.02)]
    return {
        "prompts": 600,
        "supervised": pair,
        "fronts": fronts,
        "greedy": {"plain": coarse, "lines": coarse},
        "scenes": scenes,
        "validation": 300,
    } | {
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
        ((*LINES[:4], None, ""), "A scene is a whole number from 0 to 99,999"),
        ((*LINES[:4], 1.5, ""), "A scene is a whole number from 0 to 99,999, got 1.5."),
        ((*LINES[:4], -3, ""), "got -3."),
        ((*LINES[:4], 1e9, ""), "got 1000000000.0."),
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
    *_, scene = read_rewarded_link(ZeroCostStudio(), {"scene": "1.5"}, "", "")[0]
    [complaint] = read_rewarded_link(ZeroCostStudio(), {"scene": "1.5"}, "", "")[1]
    assert (scene, complaint) == (0, "The link's scene should be a whole number from 0 to 99999, not “1.5”.")


OUT, SAME, BEHIND = (0.02, 0.01, 0.03), (0.01, -0.01, 0.03), (-0.02, -0.03, -0.01)


@pytest.mark.parametrize(
    ("gain", "likely", "drawn_words", "likely_words"),
    [
        (OUT, OUT, "moves the front outwards", "likewise"),
        (OUT, BEHIND, "moves the front outwards", "it does not help"),
        (SAME, OUT, "does not move the front measurably", "it moves the front outwards"),
        (BEHIND, SAME, "does not help", "it does not move the front measurably"),
    ],
)
def test_the_words_follow_both_intervals(
    tmp_path: Path, gain: Gain, likely: Gain, drawn_words: str, likely_words: str
) -> None:
    """The page once told of words drawn at temperature 1 alone, where LiNeS did less harm."""
    (tmp_path / "report").mkdir()
    (tmp_path / SHIPPED).write_text(json.dumps(_report(gain, likely)), encoding="utf-8")
    shipped: RewardedSoups = read_rewarded(tmp_path)
    assert shipped.fronts["lines"].gain == Measured(*gain)
    said = finding(shipped, SoupSetting(0.3, 0.5, 1.0))
    assert said.startswith(f"LiNeS {drawn_words}")
    first, _, rest = said.partition(". That is α = 0.5 and β = 1 against the plain soup, ")
    assert "points, 95 % interval" in first, "the sentence that stands out"
    assert rest.startswith("11 mixes on 600 test scenes, words drawn at temperature 1;")
    assert f"with the most probable words, 6 mixes, {likely_words}" in rest
    assert "-" not in said


@pytest.mark.parametrize(
    ("setting", "apart"),
    [
        (SoupSetting(0.3), "LiNeS is off here: the soup shown is a plain one."),
        (
            SoupSetting(0.3, 0.5, 0.0),
            "α = 0.5 and β = 0, as set here, are not part of this comparison: on 300 validation scenes their "
            "front has +6.0 points (6.0 to 6.0) against plain soups.",
        ),
        (SoupSetting(0.3, 0.7, 0.1), "α = 0.7 and β = 0.1, as set here, are not part of this comparison."),
    ],
)
def test_a_setting_beside_the_comparison_is_said_to_be(
    answers: RewardedAnswers, setting: SoupSetting, apart: str
) -> None:
    """The headline kept a gain of LiNeS's own setting whatever was set above it, and did not say so."""
    assert finding(answers.shipped, setting).endswith(f", 1.0 to 3.0). {apart}")


def test_the_cards_say_their_setting_and_scenes(answers: RewardedAnswers) -> None:
    shipped = answers.quick("anna", LINES)
    assert shipped is not None
    assert "w = 0.3, α = 0.5, β = 1: mean over 600 test scenes" in shipped["slots"]["tiles"]
    *_, live = _numbers(answers.settle("anna", LIVE))
    assert f"w = 0.3, α = 0.5, β = 1.5: mean over {MEASURED} test scenes" in live["slots"]["tiles"]
    plain = answers.quick("anna", PLAIN)
    assert plain is not None
    assert "w = 0.3, α = 1, β = 0: mean over 600 test scenes" in plain["slots"]["tiles"]


@pytest.mark.parametrize("chart", ["front", "by_w"])
def test_every_mark_of_a_chart_is_in_its_legend(answers: RewardedAnswers, chart: str) -> None:
    value = answers.quick("anna", LINES)
    assert value is not None
    figure = value["charts"][chart]["figure"]
    assert figure["layout"]["showlegend"]
    listed = [one for one in figure["data"] if one.get("showlegend", True)]
    looks = {(one["marker"]["symbol"], one.get("line", {}).get("dash")): one["name"] for one in listed}
    assert len(looks) == len(set(looks.values())) == len(listed)
    for one in figure["data"]:
        assert looks[one["marker"]["symbol"], one.get("line", {}).get("dash")] == one["name"]
    assert "The setting here" in looks.values()
    assert not figure["layout"].get("annotations")


def test_without_lines_its_scales_are_inactive() -> None:
    assert [one["interactive"] for one in scales_count(False)] == [False, False]
    assert [one["interactive"] for one in scales_count(True)] == [True, True]


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
    assert "Of 2 trainings, LiNeS as strong as the plain soup measurably helps 1 and harms 1." in shown
    assert "with α = β = 1, it measurably helps 1 and harms 1;" in shown
    assert "has an effect of the same sign in 1." in shown
    assert "rank &lt;1&gt;" in shown
    assert "the same mean strength: +4.0 points (3.0 to 5.0) at 1. Strength alone: 0.5 times the" in shown
    assert "adds +6.0 points (6.0 to 6.0) to the plain soup, more than LiNeS at mean strength 1." in shown
    assert "the faithful policy misses block 2 most (by 5.0 points)" in shown
    assert "takes least" not in shown
    assert shown.count("300 validation scenes") == 1, "all three tables have one note"
    first = replace(answers.shipped.runs[0], lost={"faithful": (0.2, 0.1), "preferred": (0.3, 0.0)})
    assert blocks_finding(first).endswith("That is the block of which LiNeS takes least.")
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
