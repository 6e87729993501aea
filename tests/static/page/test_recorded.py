"""Answers are found by what JavaScript's JSON.stringify writes of the controls' values."""

import asyncio

import gradio as gr
import pytest

from evaluators.experiments.text_forgetting import TEXT_GAMMAS
from static.page.page_tree import PageTree, Part, page_tree
from static.page.recorded import key_of, settings_of
from ui.language.language_figure import GAMMA_SLIDER


@pytest.mark.parametrize(
    ("values", "key"),
    [
        (["tiny-clip", 2.0, 0.5], '["tiny-clip",2,0.5]'),
        ([None, True, ["a", "b"]], '[null,true,["a","b"]]'),
        (["γ „x“", 1e-3], '["γ „x“",0.001]'),
        ([], "[]"),
    ],
)
def test_keys_are_written_as_in_javascript(values: list[object], key: str) -> None:
    assert key_of(values) == key


def test_a_slider_and_a_checkbox_may_take_each_of_their_values() -> None:
    slider = Part(1, "slider", {"elem_id": "lx-rewarded-w", "minimum": 0.0, "maximum": 1.0, "step": 0.1})
    assert settings_of(slider) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert settings_of(Part(2, "checkbox", {"elem_id": "lx-rewarded-lines", "value": True})) == [True, False]
    assert settings_of(Part(3, "slider", {"elem_id": "lx-rewarded-beta", "value": 1.0})) == [1.0]
    assert settings_of(None) == [None]


def test_gamma_of_text_stops_where_an_answer_ships() -> None:
    """The server counts between these positions; a page without one must not stand still there."""

    async def laid_out() -> PageTree:
        with gr.Blocks(analytics_enabled=False) as blocks:
            gr.Slider(0.0, 1.0, step=0.05, value=0.4, elem_id=GAMMA_SLIDER)
        return page_tree(blocks)

    slider = asyncio.run(laid_out()).part(GAMMA_SLIDER)
    assert sorted(settings_of(slider)) == sorted(TEXT_GAMMAS)
