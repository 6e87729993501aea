"""Every figure is one Plotly accepts, and holds the numbers of its evaluations."""

import json
import re
from typing import Any, cast
from urllib.parse import parse_qsl

import plotly.graph_objects as go

from evaluators.experiments.finetuning_variants import USUAL, VariantResult
from evaluators.experiments.gamma_search import GammaSearch
from evaluators.experiments.robust_fronts import mean_shift, one_shift
from evaluators.experiments.sweeps import gamma_sweep, robust_sweep, wise_ft_sweep
from evaluators.service.studio import Studio
from evaluators.specs.checkpoint_means import Estimate
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.compared.compared_figure import compared_figure
from ui.explore.explore_controls import Controls
from ui.explore.explore_json import place_json
from ui.explore.share_link import read_controls
from ui.forgetting.forgetting_figure import forgetting_alt, forgetting_figure
from ui.live.schedule_figure import schedule_alt
from ui.robust.robust_figure import robust_alt, robust_figure
from ui.shell.figure_style import percent_axis, whiskers
from ui.shell.roles import role_of
from ui.shell.theme import paint
from ui.tune.tune_figures import parts_figure, score_figure


def accepted(figure: dict[str, Any]) -> go.Figure:
    """Plotly's own validation of every field, with the colours of both themes; no text under 12 pixels."""
    sizes = re.findall(r'"(?:tick|text)?font": {[^}]*?"size": (\d+)', json.dumps(figure))
    assert all(int(size) >= 12 for size in sizes)
    go.Figure(paint(figure, dark=True))
    return go.Figure(paint(figure))


def measured(studio: ZeroCostStudio, specs: Any) -> tuple[Evaluation, ...]:
    return tuple(studio.evaluate(spec) for spec in specs)


def test_schedule_in_words() -> None:
    assert "0.30" in schedule_alt(EditSpec.lines("digits", 0.3), 12)


def test_forgetting_draws_what_is_measured_so_far(studio: ZeroCostStudio) -> None:
    shallow = measured(studio, gamma_sweep("digits"))
    deep = measured(studio, gamma_sweep("digits", shape="reverse")[:3])
    figure = accepted(forgetting_figure("control", shallow, deep, shallow[-1], shallow[0]))
    assert [len(trace.x) for trace in figure.data] == [2, 2, 11, 3]
    assert list(figure.data[2].y) == [round(100 * point.control, 2) for point in shallow]
    assert len(accepted(forgetting_figure("target", [], [], None, None)).data) == 0


def test_levels_are_named_beside_the_points(studio: ZeroCostStudio) -> None:
    """ "fine-tuned" was printed over the points; two equal levels print their names on two lines."""
    first, *_ = shallow = measured(studio, gamma_sweep("digits"))
    figure = accepted(forgetting_figure("control", shallow, [], first, first))
    names = figure.layout.annotations
    assert {(name.xref, name.x, name.xanchor) for name in names} == {("paper", 1.0, "left")}
    assert figure.layout.margin.r >= 70, "room for them"
    assert {name.yanchor for name in names} == {"bottom", "top"}
    assert "not measured" in forgetting_alt("target", shallow, [])


def test_robust_fills_the_front_and_hollows_the_rest(studio: ZeroCostStudio) -> None:
    wise, lines = (measured(studio, sweep("objects")) for sweep in (wise_ft_sweep, robust_sweep))
    figure = accepted(robust_figure(wise, lines, mean_shift))
    hollow = [trace for trace in figure.data if str(trace.marker.symbol).endswith("-open")]
    joined = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert len(joined) == 2
    assert sum(len(trace.x) for trace in hollow + joined) == 22
    for trace in joined:  # along a front, ID rises and OOD falls
        assert list(trace.x) == sorted(trace.x)
        assert list(trace.y) == sorted(trace.y, reverse=True)
    accepted(robust_figure(wise, (), one_shift("objects_sketch"), small=True))
    assert "mix 0.5" in robust_alt("Mean", wise, lines, mean_shift)


def test_compared_shows_the_pretrained_model_and_whole_whiskers() -> None:
    """Its square lay 36 points below the axis, and the right whiskers were cut off."""
    target, control = Estimate(0.951, 0.942, 0.963), Estimate(0.541, 0.523, 0.559)
    figure = accepted(compared_figure([VariantResult(USUAL, target, control, target, control)], 0.5375))
    (level,) = figure.layout.shapes
    assert (level.x0, level.x1, level.yref) == (53.75, 53.75, "paper")
    assert "Pre-trained" in [name.text for name in figure.layout.annotations]
    for axis, shown in ((figure.layout.xaxis, control), (figure.layout.yaxis, target)):
        low, high = axis.range
        assert low < 100 * shown.low < 100 * shown.high < high
        assert high - low < 10, "near them"
    assert len(accepted(compared_figure([], None)).layout.shapes) == 0


def test_tune_marks_the_chosen_gamma(studio: ZeroCostStudio) -> None:
    evaluations = measured(studio, GammaSearch("digits").specs("val"))
    chosen = GammaSearch("digits").choice({found.spec: found for found in evaluations})
    assert chosen is not None
    figure = accepted(score_figure(chosen))
    assert figure.data[1].x[0] == chosen.gamma
    assert max(figure.data[0].y) == figure.data[1].y[0]
    assert len(accepted(score_figure(None)).data) == 0
    assert accepted(parts_figure(evaluations[2:], chosen.gamma)).layout.shapes[0].x0 == chosen.gamma
    accepted(parts_figure((), None))


def test_whiskers_reach_to_the_ends_of_the_interval() -> None:
    bars = whiskers([0.5], [(0.4, 0.65)], "ink")
    assert (bars["array"], bars["arrayminus"]) == ([15.0], [10.0])


def test_percent_axis_moves_in_steps_and_never_leaves_the_scale() -> None:
    assert percent_axis("", [0.42, 0.58])["range"] == [35.0, 65.0]
    assert percent_axis("", [0.0, 1.0])["range"] == [-3.0, 103.0]
    assert percent_axis("", [0.425, 0.58], room=0.0, step=1.0)["range"] == [42.0, 58.0]


def test_roles() -> None:
    specs = {
        "pretrained": [EditSpec.pretrained(), EditSpec.lines("digits", 0.4, mix=0.0)],
        "finetuned": [EditSpec.finetuned(), EditSpec.lines("digits", 1.0)],
        "wise_ft": [EditSpec.wise_ft("digits", 0.5), EditSpec(alpha=0.7, beta=0.0)],
        "lines": [EditSpec.lines("digits", 0.4), EditSpec(shape="sqrt", alpha=0.1, beta=0.5)],
        "reverse": [EditSpec.lines("digits", 0.4, shape="reverse"), EditSpec(alpha=1.0, beta=-0.5)],
    }
    for role, examples in specs.items():
        assert {role_of(spec) for spec in examples} == {role}


def test_a_click_on_a_front_opens_that_edit(studio: ZeroCostStudio) -> None:
    """Points of Robust are links to Explore, which read back as the edit that was measured."""
    for role, specs in (("wise_ft", wise_ft_sweep("objects")), ("lines", robust_sweep("objects"))):
        for spec in specs:
            link = place_json(spec)["link"]
            query = dict(parse_qsl(link))
            assert query.pop("page") == "explore"
            values, complaints = read_controls(cast(Studio, studio), query, query["model"], query["task"])
            found = Controls(*cast(list[Any], values)).spec(images=spec.images)
            assert complaints == []
            assert found.scales(12) == spec.scales(12), role
            assert found.checkpoint == "objects"
