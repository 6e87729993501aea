from dataclasses import replace
from typing import Any, cast

import pytest

from evaluators.errors import SpecError
from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.sweeps import Found, gamma_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.explore.explore_controls import Controls
from ui.explore.presets import preset, start_controls
from ui.forgetting import forgetting_page as forgetting
from ui.live.live_panel import Value, answer
from ui.robust import robust_page as robust
from ui.robust import robust_text
from ui.shell.difference_words import difference_words
from ui.sweep.sweep_panel import Sweep, without_studio
from ui.sweep.sweep_status import known_points
from ui.tune import tune_page as tune


def draw(model: str, checkpoint: str, found: Found) -> Value:
    return answer(version=0, state="complete", slots={"points": str(len(found))})


def sweep() -> Sweep:
    return Sweep("gammas", lambda studio, model, checkpoint: gamma_sweep(checkpoint), without_studio(draw))


def states(runs: Any) -> list[tuple[str, str]]:
    return [(value["slots"]["points"], value["slots"]["status"]) for value, *_ in runs]


def test_a_known_sweep_is_marked_precomputed_and_reproduced_anew(studio: ZeroCostStudio) -> None:
    gammas = sweep()
    value, run, _ = gammas.shown(studio, "anna", "tiny-clip", "digits")
    assert "precomputed" in value["slots"]["status"]
    assert "reproduce" in run["value"]
    seen = states(gammas.run(cast(Studio, studio), "anna", "tiny-clip", "digits"))
    assert [points for points, _ in seen] == ["11"] * 13, "the known curve stays until it is measured again"
    assert "all 11 positions agree to the last image" in seen[-1][1]
    assert "measured here" in seen[-1][1]


def test_only_what_is_missing_is_measured(cold: ZeroCostStudio) -> None:
    gammas = sweep()
    for spec in gamma_sweep("digits")[:4]:
        cold.evaluate(spec)
    seen = states(gammas.run(cast(Studio, cold), "anna", "tiny-clip", "digits"))
    assert [points for points, _ in seen[:-1]] == [str(i) for i in range(4, 12)]
    assert "Reproduced" not in seen[-1][1]


def test_one_known_point_is_not_called_a_precomputed_sweep(cold: ZeroCostStudio) -> None:
    """Of a visitor's checkpoint the pre-trained model is known, and the button said to measure it again."""
    shipped = {spec: replace(cold.evaluate(spec), precomputed=True) for spec in gamma_sweep("digits")}
    one = dict([*shipped.items()][:1])
    assert "precomputed</span>" in known_points(shipped, len(shipped))
    said = known_points(one, len(shipped))
    assert "incomplete</span>" in said
    assert "the button measures the others" in said


def test_stopping_keeps_what_was_measured(cold: ZeroCostStudio) -> None:
    gammas = sweep()
    running = gammas.run(cast(Studio, cold), "anna", "tiny-clip", "digits")
    next(running)
    next(running)
    gammas.cancel("ben")
    gammas.cancel("anna")
    value, run, cancel = list(running)[-1]
    assert "stopped" in value["slots"]["status"]
    assert value["slots"]["points"] == "1"
    assert (run["interactive"], cancel["interactive"]) == (True, False)
    gammas.cancel("anna")


def test_an_error_is_in_the_status_and_the_buttons_become_usable() -> None:
    studio = ZeroCostStudio(warm=False, fail_at=0.8)
    gammas = sweep()
    *_, (value, run, _) = gammas.run(cast(Studio, studio), "anna", "tiny-clip", "digits")
    assert "refuses alpha 0.8" in value["slots"]["status"]
    assert not run["interactive"]
    assert "Precomputed" not in run["value"], "the label of what was shown before stayed"


@pytest.mark.parametrize("panel", [forgetting, tune])
def test_panels_draw_nothing_half_and_all(panel: Any, studio: ZeroCostStudio) -> None:
    specs = panel.specs("tiny-clip", "digits")
    found = {spec: studio.evaluate(spec) for spec in specs}
    for part in ({}, dict(list(found.items())[: len(found) // 2]), found):
        value = panel.draw(studio, "tiny-clip", "digits", part)
        assert value["slots"]["finding"]
        assert all(chart["figure"]["data"] or not part for chart in value["charts"].values()) or part
    assert "Not measured" not in panel.draw(studio, "tiny-clip", "digits", found)["slots"]["finding"]


def test_the_forgetting_sentence_holds_both_curves_to_the_kept_target(studio: ZeroCostStudio) -> None:
    found = {spec: studio.evaluate(spec) for spec in forgetting.specs("tiny-clip", "digits")}
    finding = forgetting.draw(studio, "tiny-clip", "digits", found)["slots"]["finding"]
    finetuned = studio.evaluate(EditSpec.finetuned("digits"))

    def best(shape: str) -> Evaluation:
        points = [found[spec] for spec in gamma_sweep("digits", shape=shape)]
        kept = (point for point in points if point.target >= 0.99 * finetuned.target)
        return max(kept, key=lambda point: point.control)

    said = []
    for shape, layers in (("linear", "shallow"), ("reverse", "deep")):
        words = difference_words(finetuned.control_tasks, best(shape).control_tasks, "fine-tuned")
        assert f"shrinking the {layers} layers {words}" in finding
        said.append(words)
    assert said[1].startswith("no measurable difference from fine-tuned (−"), "the interval holds zero"


def test_robust_draws_every_shift(studio: ZeroCostStudio) -> None:
    asked = cast(Studio, studio)
    found = {spec: studio.evaluate(spec) for spec in robust.specs(asked, "tiny-clip", "digits")}
    value = robust.draw(asked, "tiny-clip", "digits", found)
    assert set(value["charts"]) == {"mean", *robust_text.SHIFTS}
    assert set(value["hide"]) == set(robust_text.IMAGENET_SHIFTS)
    assert value["slots"]["areas"].count("<tr>") == 2 + len(robust_text.SHIFTS)
    assert robust.draw(asked, "tiny-clip", "objects", {})["charts"]["mean"]["figure"]["data"] == []


def test_a_visitor_starts_at_the_tuned_gamma(studio: ZeroCostStudio, cold: ZeroCostStudio) -> None:
    assert start_controls(cast(Studio, studio), Controls()).gamma == GammaSearch("digits").known(
        cast(Studio, studio)
    )
    assert start_controls(cast(Studio, cold), Controls()).gamma == 0.5


def test_presets_go_where_their_names_say(studio: ZeroCostStudio) -> None:
    here = Controls(checkpoint="faces", tie=False, alpha=1.2, mix=0.3, shape="sqrt")

    def scales(name: str) -> tuple[float, ...]:
        there = preset(cast(Studio, studio), name, here)
        assert there.checkpoint == "faces"
        blocks, before, after = there.spec().scales(3)
        return (before, *blocks, after)

    assert scales("pretrained") == (0.0,) * 5
    assert scales("finetuned") == (1.0,) * 5
    assert scales("wise_ft") == (0.5,) * 5
    gamma = GammaSearch("faces").known(cast(Studio, studio))
    assert gamma is not None
    assert scales("lines") == pytest.approx((gamma, gamma, (1 + gamma) / 2, 1.0, gamma))
    assert scales("reverse") == pytest.approx((1.0, 1.0, (1 + gamma) / 2, gamma, gamma))


def test_without_validation_images_the_papers_gamma_is_taken(studio: ZeroCostStudio) -> None:
    with pytest.raises(SpecError, match="no 'val' images"):
        GammaSearch("objects").known(cast(Studio, studio))
    assert preset(cast(Studio, studio), "lines", Controls(checkpoint="objects")).gamma == 0.5
