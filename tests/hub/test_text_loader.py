"""Flan-T5 and GLUE from the local Hub, through the unmodified client libraries, to numbers."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from evaluators import EditSpec, Studio
from evaluators.data.text_questions import TextQuestion
from evaluators.errors import HubError, LabError, SpecError
from evaluators.experiments.text_forgetting import text_edit, text_references
from evaluators.hub.load_request import DONE, LoadStep
from evaluators.hub.texts.hub_text_lab import HubTextLab
from evaluators.hub.texts.text_loader import TextLoader
from evaluators.hub.texts.text_request import MERGES, TextLoadRequest
from evaluators.specs.edit_spec import Scales
from evaluators.specs.merge_spec import MergeSpec
from evaluators.zoo.public_texts import GLUE_REPO, GLUE_TASKS, TEXT_MODELS, TextModel
from lines_cli.public_models import prefetch
from lines_core.errors import LinesError
from tests.hub import text_repositories
from tests.hub.server import Hub
from tests.hub.text_repositories import MODEL, SMALL, changed_t5, in_shards, serve_t5, serve_texts
from tests.paths import ROOT
from tests.waiting import soon
from ui.language import language_page, text_merge_panel
from ui.language.language_answers import LanguageAnswers
from ui.language.own_question import own_answers
from ui.language.text_load import tasks_of

KEYS = ("cola", "mnli", "rte")
ROWS = 60
Weights = Mapping[str, Mapping[str, torch.Tensor]]
REPO = TEXT_MODELS[MODEL].repo
RTE = TEXT_MODELS[MODEL].checkpoints.format(task="rte")


@pytest.fixture(autouse=True)
def row(monkeypatch: pytest.MonkeyPatch) -> TextModel:
    """The zoo with the small model in the place of Flan-T5-base."""
    small = text_repositories.small_model()
    monkeypatch.setattr("evaluators.hub.texts.text_loader.TEXT_MODELS", {MODEL: small})
    return small


@pytest.fixture
def served(hub: Hub) -> Weights:
    return serve_texts(hub, KEYS, ROWS)


def request(**values: object) -> TextLoadRequest:
    return TextLoadRequest(**{"tasks": KEYS, "questions": 20} | values)  # type: ignore[arg-type]


def load(
    cache: Path, asked: TextLoadRequest | None = None, earlier: HubTextLab | None = None
) -> tuple[HubTextLab, dict[str, LoadStep]]:
    steps: dict[str, LoadStep] = {}

    def report(step: LoadStep) -> None:
        steps[step.key] = step

    loader = TextLoader(cache, torch.device("cpu"))
    return loader.load(asked or request(), report, threading.Event(), earlier), steps


def test_the_live_model_is_the_published_checkpoint(served: Weights, tmp_path: Path) -> None:
    """Also its output layer, which transformers 5 would tie to the embedding."""
    lab, steps = load(tmp_path)
    assert {step.state for step in steps.values()} == {DONE}, steps
    assert steps[MERGES].phase.startswith("Task arithmetic 0."), "it named the methods by their keys"
    assert [one.key for one in lab.checkpoints()] == [f"glue.{key}" for key in KEYS]
    for key in ("", *KEYS):
        lab.encoder.write_edit(f"glue.{key}" if key else "", _scales(lab, 1.0 if key else 0.0))
        live = dict(lab.encoder.loaded.clip.named_parameters())
        assert set(live) == set(served[key])
        for name, tensor in served[key].items():
            torch.testing.assert_close(live[name].float(), tensor, atol=1e-6, rtol=2e-2)


def _scales(lab: HubTextLab, factor: float) -> Scales:
    edit = EditSpec.finetuned if factor else EditSpec.pretrained
    return lab.resolve(edit(lab.checkpoints()[0].key, model=MODEL)).scales


def test_scores_are_those_of_transformers(served: Weights, tmp_path: Path) -> None:
    """Of the untied model, whose decoder's outputs are not scaled, question by question."""
    from transformers import T5Config, T5ForConditionalGeneration

    model: Any = T5ForConditionalGeneration(T5Config(**SMALL))
    model.eval()
    model.lm_head.weight = torch.nn.Parameter(served[""]["lm_head.weight"])
    model.load_state_dict(dict(served[""]), strict=False)
    assert not model.config.scale_decoder_outputs
    lab, _ = load(tmp_path)
    lab.encoder.write_edit("", _scales(lab, 0.0))
    questions = lab.questions(lab.tasks("language")[1], "test")[:4]
    scores, tokens = lab.scores(questions), lab.t5.tokens
    for row, question in zip(scores, questions, strict=True):
        for score, choice in zip(row, question.choices, strict=True):
            inputs, labels = torch.tensor([tokens(question.text)]), torch.tensor([tokens(choice)])
            with torch.inference_mode():
                expected = -model(input_ids=inputs, labels=labels).loss
            torch.testing.assert_close(score, expected, atol=2e-2, rtol=2e-2)


def test_questions_are_asked_in_the_words_of_fine_tuning(served: Weights, tmp_path: Path) -> None:
    lab, _ = load(tmp_path)
    tasks = lab.tasks("language")
    halves = {split: lab.questions(tasks[2], split) for split in ("val", "test")}
    assert [len(half) for half in halves.values()] == [20, 20]
    assert not set(halves["val"]) & set(halves["test"]), "what is chosen on the one is reported on the other"
    first = halves["test"][0]
    assert first.text.startswith("Does the text: '")
    assert first.text.endswith("{braces}' is true? Provide 'yes' or 'no'.")
    assert first.choices == ("yes", "no")
    assert sorted(question.answer for question in halves["test"]) == [0] * 10 + [1] * 10
    assert len(lab.t5.tokens("cat " * 1000)) == 512, "cut, as in fine-tuning"


def test_the_studio_counts_merges_and_ranks(served: Weights, tmp_path: Path, lab: Path) -> None:
    studio = Studio(lab, tmp_path / "cache")
    with pytest.raises(SpecError, match="Flan-T5-base is not loaded yet"):
        studio.cached(text_references("glue.rte", model=MODEL)[0])
    job = studio.load(request())
    assert job.wait(60)
    assert job.problem == ""
    assert MODEL not in {model.key for model in studio.models()}, "it encodes no images"
    assert MODEL in studio.text_labs()
    zero, whole = (studio.evaluate(spec) for spec in text_references("glue.rte", model=MODEL))
    edit = studio.evaluate(text_edit("glue.rte", "decoder", 0.5, model=MODEL))
    assert [task.n for task in edit.tasks] == [20, 20, 20]
    assert edit.target_task.key == "rte"
    assert len({one.predictions for one in (zero, whole, edit)}) > 1
    known = studio.text_labs()[MODEL].alphas()
    assert known["sum"] == pytest.approx(1 / 3)
    keys = tuple(f"glue.{key}" for key in KEYS)
    for method in known:
        merged = EditSpec.merged(MergeSpec(keys, method), 0.3, 0.0, model=MODEL, split="val", part="decoder")
        assert studio.evaluate(merged).complete
    [[scores]] = studio.rank([edit.spec], [TextQuestion("Is it good?", ("yes", "no"), -1)])
    assert len(scores) == 2


def test_the_page_answers_moves_and_questions(served: Weights, tmp_path: Path) -> None:
    studio = Studio(ROOT / "assets", tmp_path / "cache")
    controls = (MODEL, "glue.rte", "decoder", 0.45)
    before = LanguageAnswers(studio).quick("visitor", (MODEL, None, "decoder", 0.45))
    assert before is not None
    assert before["state"] == "error"
    assert "of this setting follow once Flan-T5-base is loaded" in before["slots"]["sentence"]
    assert tasks_of(studio, MODEL)["value"] is None
    assert studio.load(request()).wait(60)
    assert tasks_of(studio, MODEL)["value"] == "glue.cola"
    assert tasks_of(studio, MODEL, "glue.rte")["value"] == "glue.rte"
    *_, last = LanguageAnswers(studio).settle("visitor", controls)
    assert last["state"] == "complete", last
    assert "60 test questions, counted on this machine" in last["slots"]["sentence"]
    assert "Flan-T5-base, fine-tuned on RTE" in last["slots"]["subject"]
    assert "Provide &#x27;yes&#x27; or &#x27;no&#x27;" in last["slots"]["examples"]
    said = own_answers(studio, controls, "Is it GOOD? <b>", "yes, no")
    assert said.count("<tr>") == 3
    assert "never seen" not in said
    value = language_page.draw(studio, MODEL, "glue.rte", {})
    assert "Flan-T5-base" in value["slots"]["subject"]
    merged = text_merge_panel.draw(studio, MODEL, {})
    assert merged["slots"]["numbers"].count("<tr>") == 6


def test_what_was_loaded_works_without_a_network(served: Weights, tmp_path: Path, hub: Hub) -> None:
    load(tmp_path)
    hub.requests.clear()
    load(tmp_path)
    assert sum(one.sent for one in hub.requests) < 10_000, "nothing is fetched again"
    with hub.down():
        again, steps = load(tmp_path)
    assert {step.state for step in steps.values()} == {DONE}, steps
    assert len(again.checkpoints()) == 3


def test_without_a_network_and_a_cache_the_load_says_so(tmp_path: Path, hub: Hub) -> None:
    with hub.down(), pytest.raises(HubError, match=r"(?s)[Cc]annot reach.*connect it"):
        load(tmp_path)


def test_shards_are_read_as_one_model(served: Weights, tmp_path: Path, hub: Hub) -> None:
    in_shards(hub.folder(REPO), served[""])
    in_shards(hub.folder(RTE), served["rte"])
    lab, steps = load(tmp_path)
    assert {step.state for step in steps.values()} == {DONE}, steps
    lab.encoder.write_edit("glue.rte", _scales(lab, 1.0))
    live = dict(lab.encoder.loaded.clip.named_parameters())
    torch.testing.assert_close(
        live["lm_head.weight"].float(), served["rte"]["lm_head.weight"], atol=1e-6, rtol=2e-2
    )


def test_copies_of_the_embedding_are_one_parameter(served: Weights, tmp_path: Path, hub: Hub) -> None:
    """As transformers 4 saved it in some files; two different ones are refused."""
    copy = {"encoder.embed_tokens.weight": served["rte"]["shared.weight"].clone()}
    serve_t5(hub, RTE, SMALL, {**served["rte"], **copy})
    renamed = {**served["cola"], "decoder.embed_tokens.weight": served["cola"]["shared.weight"]}
    del renamed["shared.weight"]
    serve_t5(hub, RTE.replace("rte", "cola"), SMALL, renamed)
    other = {**served["mnli"], "encoder.embed_tokens.weight": served["rte"]["shared.weight"].clone()}
    serve_t5(hub, RTE.replace("rte", "mnli"), SMALL, other)
    lab, steps = load(tmp_path)
    assert [one.key for one in lab.checkpoints()] == ["glue.cola", "glue.rte"]
    assert "both towers of a T5 have one embedding" in steps["mnli"].phase


def _without(weights: Mapping[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {key: value for key, value in weights.items() if key != name}


NORM = "decoder.final_layer_norm.weight"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda one: _without(one, NORM), f"missing: {NORM}"),
        (lambda one: {**one, "more": torch.zeros(2)}, "unexpected: more"),
        (lambda one: {**one, NORM: torch.zeros(3)}, f"{NORM} is (3,), expected (16,)"),
        (
            lambda one: {**one, NORM: torch.zeros(16, dtype=torch.int32)},
            "is int32, expected a floating-point",
        ),
        (lambda one: {**one, NORM: torch.full((16,), torch.nan)}, "NaN or infinity"),
    ],
)
def test_a_damaged_checkpoint_leaves_its_task_as_a_control(
    served: Weights, tmp_path: Path, hub: Hub, damage: object, said: str
) -> None:
    """Nothing of it is written; a pre-trained model that is damaged so ends the load."""
    save_file(damage(served["rte"]), hub.folder(RTE) / "model.safetensors")  # type: ignore[operator]
    lab, steps = load(tmp_path)
    assert [one.key for one in lab.checkpoints()] == ["glue.cola", "glue.mnli"]
    assert [task.key for task in lab.tasks("language")] == list(KEYS)
    assert said in steps["rte"].phase
    assert len(list((tmp_path / "residuals").iterdir())) == 2
    save_file(damage(served[""]), hub.folder(REPO) / "model.safetensors")  # type: ignore[operator]
    with pytest.raises(LabError, match="The files of Flan-T5-base cannot be used"):
        load(tmp_path / "other")


def test_a_pickle_is_never_read(served: Weights, tmp_path: Path, hub: Hub) -> None:
    for repo in (RTE, REPO):
        (hub.folder(repo) / "model.safetensors").rename(hub.folder(repo) / "pytorch_model.bin")
        said = r"has no weights in safetensors, but .*pytorch_model.bin.*Pickled weights are not read"
        if repo == REPO:
            with pytest.raises(HubError, match=said):
                load(tmp_path)
        else:
            assert "Pickled weights are not read" in load(tmp_path)[1]["rte"].phase
        assert not [one for one in hub.requests if one.name.endswith(".bin")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", '{"model_type": "bert"}', "is of a 'bert', expected 't5'"),
        ("config.json", json.dumps({**SMALL, "num_layers": 10**9}), "num_layers 1000000000: no size of a T5"),
        ("config.json", json.dumps({**SMALL, "feed_forward_proj": "gated-evil"}), "makes no T5"),
        ("config.json", json.dumps({**SMALL, "d_ff": 64}), "The files of Flan-T5-base cannot be used"),
        ("config.json", "[]", "is no configuration of a T5"),
        ("tokenizer.json", "{}", "tokenizer.json is no tokenizer"),
    ],
)
def test_damaged_files_beside_the_weights_are_refused(
    served: Weights, tmp_path: Path, hub: Hub, name: str, content: str, said: str
) -> None:
    (hub.folder(REPO) / name).write_text(content)
    with pytest.raises(LinesError) as error:
        load(tmp_path)
    assert said in str(error.value)


def test_a_tokenizer_of_another_model_is_refused(served: Weights, tmp_path: Path, hub: Hub) -> None:
    path = hub.folder(REPO) / "tokenizer.json"
    plain = json.loads(path.read_text())
    plain["post_processor"] = None
    path.write_text(json.dumps(plain))
    with pytest.raises(LabError, match="is not of this model"):
        load(tmp_path)


def test_other_columns_and_labels_are_refused(served: Weights, tmp_path: Path, hub: Hub) -> None:
    """The steps of their tasks say so, and the others are loaded; of two tasks one is not enough."""
    import datasets

    for key, rows in (("rte", {"text": ["a"] * 9, "label": [0] * 9}), ("mnli", None)):
        path = text_repositories.glue_file(hub, GLUE_TASKS[key])
        if rows is not None:
            datasets.Dataset.from_dict(rows).to_parquet(path)
        else:
            path.write_bytes(b"PAR1 no parquet file PAR1")
    with pytest.raises(LabError, match="1 tasks and 1 checkpoints could be loaded"):
        load(tmp_path)
    steps: dict[str, LoadStep] = {}
    with pytest.raises(LabError):
        TextLoader(tmp_path, torch.device("cpu")).load(
            request(), lambda step: steps.update({step.key: step}), threading.Event()
        )
    assert "expected sentence1, sentence2, label" in steps["rte"].phase
    assert "no parquet file" in steps["mnli"].phase
    assert MERGES not in steps, "never begun"


def test_a_stopped_load_continues_later(served: Weights, tmp_path: Path, lab: Path, hub: Hub) -> None:
    size = (hub.folder(RTE) / "model.safetensors").stat().st_size
    hub.fail(f"{RTE}/resolve/*/model.safetensors", "drip", rate=size // 200, times=None)
    studio = Studio(lab, tmp_path / "cache")
    job = studio.load(request())
    soon(lambda: any(step.key == "rte" and step.phase == "checkpoint" for step in job.steps()), pause=0.05)
    assert studio.stop_loading(MODEL)
    assert job.wait(60)
    assert "stopped" in job.problem
    assert MODEL not in studio.text_labs()
    hub.clear()
    serve_t5(hub, RTE, SMALL, served["rte"])
    again = studio.load(request())
    assert again.wait(60)
    assert again.problem == ""


def test_loading_more_keeps_what_others_use(served: Weights, tmp_path: Path) -> None:
    lab, _ = load(tmp_path, request(tasks=KEYS[:2]))
    more, _ = load(tmp_path, request(tasks=KEYS[1:]), lab)
    assert more.live is lab.live
    assert {one.key for one in more.checkpoints()} == {f"glue.{key}" for key in KEYS}
    assert more.alphas()["sum"] == pytest.approx(1 / 3)


def test_the_command_loads_and_compares_with_what_is_published(
    served: Weights, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--model", MODEL, "--tasks", ",".join(KEYS), "--images", "20", "--cache", str(tmp_path)]
    assert prefetch([*given, "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "RTE  done: 20 test questions and 20 validation questions" in said
    assert said.count("zero-shot") == 3
    assert said.count("fine-tuned") == 3
    assert "published 85.9" in said
    assert prefetch([*given, "--tasks", "cola,stsb"]) == 2
    assert "GLUE has no task stsb" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "t5-small"}, "no text model 't5-small': pick one of flan-t5-base"),
        ({"tasks": ("cola", "stsb")}, "GLUE has no task stsb here"),
        ({"tasks": ("cola",)}, "at least two tasks"),
        ({"questions": 0}, "whole number per task from 1, got 0"),
    ],
)
def test_invalid_requests(values: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        request(**values)


def test_the_files_are_of_the_public_layout(served: Weights, hub: Hub) -> None:
    """What the tests serve has the names of the real repositories."""
    names = set(load_file(hub.folder(REPO) / "model.safetensors"))
    assert {"shared.weight", "lm_head.weight", "encoder.block.0.layer.1.DenseReluDense.wi_1.weight"} <= names
    assert changed_t5(served[""], seed=1)["lm_head.weight"].equal(served["cola"]["lm_head.weight"])
    assert (hub.folder(GLUE_REPO, "dataset") / "mnli/validation_matched-00000-of-00001.parquet").is_file()
