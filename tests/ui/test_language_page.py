"""The page Text: what ships is drawn without counting, and a visitor's text is read as text alone."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from evaluators import Studio
from evaluators.experiments.text_forgetting import text_curves
from evaluators.labs.tiny_text_lab import TINY_T5
from tests.paths import ROOT
from ui.language import language_page, text_merge_panel
from ui.language.language_answers import LanguageAnswers, text_models
from ui.language.language_text import GAMMA, MERGE, MERGE_TABLE, PARTS, TEXT
from ui.language.own_question import STALE, own_answers, softmax
from ui.layout import build
from ui.shell.text import PAGES


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(ROOT / "assets", None)


def test_each_page_is_a_tab_beside_the_others(studio: Studio) -> None:
    """Text entered its own tab twice, and took in the three pages after it: nobody could open them."""

    async def built() -> gr.Blocks:
        return build(studio)

    config: Any = asyncio.run(built()).get_config_file()
    types = {component["id"]: component["type"] for component in config["components"]}
    (tabs,) = (node["children"] for node in config["layout"]["children"] if types[node["id"]] == "tabs")
    assert len(tabs) == list(types.values()).count("tabitem") == len(PAGES)


def test_everything_of_the_first_view_ships(studio: Studio) -> None:
    found = {spec: studio.cached(spec) for spec in language_page.specs(studio, TINY_T5, "coreference")}
    assert all(one is not None and one.precomputed for one in found.values())
    value = language_page.draw(
        studio, TINY_T5, "coreference", {spec: one for spec, one in found.items() if one}
    )
    assert set(value["charts"]) == {"target", "control"}
    for figure in (chart["figure"] for chart in value["charts"].values()):
        layout, curves = figure["layout"], [one for one in figure["data"] if "meta" in one]
        assert GAMMA[0] in layout["xaxis"]["title"]["text"], "one gamma has one name"
        assert len(curves) == len(PARTS)
    said = value["slots"]["finding"]
    assert "with γ = 0 on the decoder, its own questions do not change measurably (" in said
    assert "On the encoder, its own questions lose " in said, "a loss beyond its interval"
    assert value["slots"]["table"].count("<tr>") == 1 + sum(map(len, text_curves("coreference").values()))


def test_the_merges_ship(studio: Studio) -> None:
    needed = text_merge_panel.specs(studio, TINY_T5)
    known = {spec: one for spec in needed if (one := studio.cached(spec)) is not None}
    more = text_merge_panel.next_specs(studio, known, TINY_T5)
    known |= {spec: one for spec in more if (one := studio.cached(spec)) is not None}
    assert len(known) == len({*needed, *more})
    slots = text_merge_panel.draw(studio, TINY_T5, known)["slots"]
    assert "No clear change: Task arithmetic, TIES, Consensus." in slots["finding"]
    numbers = slots["numbers"]
    assert numbers.count("<tr>") == 6, "a head, two ends and three methods"
    shown = [cell for cell in re.findall("<td>(.*?)</td>", numbers) if "T5-large" not in cell]
    paper = [
        "44.9\u202f%",
        "71.9\u00a0→\u00a076.4\u202f%",
        "71.6\u202f%, plain",
        "73.5\u00a0→\u00a075.4\u202f%",
    ]
    assert shown[3::4] == [*paper, "85.9\u202f%"]
    assert "with LiNeS, a published number is the plain one plus the gain that its text states" in numbers


def test_a_shipped_position_is_answered_at_once(studio: Studio) -> None:
    value = LanguageAnswers(studio).quick("visitor", (TINY_T5, "coreference", "decoder", 0.4))
    assert value is not None
    assert value["state"] == "complete"
    assert value["slots"]["tiles"].count("lx-tile-value") == 2
    assert "2,100 test questions, precomputed" in value["slots"]["sentence"]
    assert "95 % intervals" in value["slots"]["sentence"]
    examples = value["slots"]["examples"]
    assert examples.count("<tr>") == 1 + 3 + 6, "a head, three targets and six controls"
    kinds = re.findall("</th><td>(.*?)</td>", examples)
    assert len(set(kinds)) == 1 + 6, "two kinds of the six took all the rows"


def test_no_words_of_one_model_stand_beside_another(studio: Studio) -> None:
    """The text above the merges told of the tiny T5, whichever model was chosen."""
    everywhere = " ".join((TEXT, MERGE, MERGE_TABLE))
    assert not [name for name in ("tiny", "Tiny", "Flan") if name in everywhere]


def test_models_are_compared_once_both_are_counted(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of one model's questions were compared with the first few of the other's."""
    asked = (TINY_T5, "coreference", "decoder", 0.4)
    _, finetuned, _ = text_models(asked)
    known = studio.cached
    whole = known(finetuned)
    assert whole is not None
    part = replace(whole, complete=False)
    monkeypatch.setattr(studio, "cached", lambda spec: part if spec == finetuned else known(spec))
    value = LanguageAnswers(studio).quick("visitor", asked)
    assert value is not None
    assert "from fine-tuned" not in value["slots"]["tiles"]


def test_a_link_keeps_the_kind_and_gamma_as_they_were_set(studio: Studio) -> None:
    """γ = 0.33 became 0.35 in a link, and a model that is not loaded became the tiny one."""
    query = {"text": "coreference", "part": "encoder", "gamma": "0.33"}
    (model, task, part, gamma), complaints = language_page._read(studio, query, "", "")
    assert (model, task["value"], part, gamma, complaints) == (TINY_T5, "coreference", "encoder", 0.33, [])
    (model, task, *_), complaints = language_page._read(
        studio, query | {"text_model": "flan-t5-base"}, "", ""
    )
    assert (model, task["value"], complaints) == ("flan-t5-base", None, [])


def test_any_other_position_is_counted_while_the_visitor_waits(studio: Studio) -> None:
    answers = LanguageAnswers(studio)
    first = answers.quick("visitor", (TINY_T5, "coreference", "decoder", 0.45))
    while first is not None and first["state"] == "waiting":  # the weights are read, for seconds if busy
        first = answers.quick("visitor", (TINY_T5, "coreference", "decoder", 0.45))
    assert first is not None
    assert (first["state"], first["slots"]["examples"]) == ("partial", "")
    assert "so far, still counting" in first["slots"]["sentence"]
    *_, last = answers.settle("visitor", (TINY_T5, "coreference", "decoder", 0.45))
    assert last["state"] == "complete"
    assert "2,100 test questions, counted on this machine" in last["slots"]["sentence"]


@pytest.mark.parametrize(
    "wrong",
    [
        (TINY_T5, "coreference", ["x"], 0.4),
        (TINY_T5, "coreference", "both", "y"),
        (TINY_T5, None, "both", 2),
        ("tiny-clip", "digits", "both", 0.5),
        ("flan-t5-base", None, "both", 0.5),
    ],
)
def test_what_a_client_must_not_send_is_refused_in_words(studio: Studio, wrong: tuple[object, ...]) -> None:
    value = LanguageAnswers(studio).quick("visitor", wrong)
    assert value is not None
    assert value["state"] == "error"
    assert value["slots"]["sentence"]


def test_a_question_is_answered_and_foreign_text_stays_text(studio: Studio) -> None:
    models = (TINY_T5, "coreference", "decoder", 0.4)
    said = own_answers(
        studio, models, "Mira fed <b>zork</b> because they were hungry. Who was hungry?", "mira, zork"
    )
    assert said.count("<tr>") == 3
    assert "zork" in said
    assert "<b>" not in said
    assert "LiNeS on the decoder with γ = 0.4, asked “mira fed" in said, "a table names its setting"
    refused = own_answers(studio, models, "x" * 5000, "mira, dax")
    assert "A question has at most 240 letters, got 5,000" in refused


def test_no_field_cuts_what_is_typed(page: gr.Blocks) -> None:
    """A field cut 5,000 letters to 240 without a word; what is too long is refused with its limit."""
    fields = [one for one in page.blocks.values() if isinstance(one, gr.Textbox)]
    assert {"lx-text-question", "lx-rewarded-own", "lx-task-name"} <= {one.elem_id for one in fields}
    assert [one.elem_id for one in fields if one.max_length is not None] == []


def test_shares_are_not_called_chances(studio: Studio) -> None:
    """The table was headed "chance of each answer", which a softmax over two typed answers is not."""
    said = own_answers(studio, (TINY_T5, "coreference", "both", 1), "who is tired ?", "mira, tobin")
    assert "Chance" not in said
    assert "Not the chance that a model would write an answer" in said
    assert STALE.count('<div class="lx-asked">') == said.count('<div class="lx-asked">') == 1


def test_shares_add_up_to_one() -> None:
    shares = softmax([0.0, -1000.0, 0.0])
    assert shares == [0.5, 0.0, 0.5]
