"""The text lab: factors of each part, ranked answers, questions of one's own, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from evaluators import EditSpec, Studio
from evaluators.data.text_questions import TextQuestion, questions_path, read_questions
from evaluators.errors import LabError, SpecError
from evaluators.labs.tiny_text_lab import TEXT_FOLDER, TINY_T5, TinyTextLab
from evaluators.specs.merge_spec import MergeSpec
from tests.paths import ROOT

SHIPPED = ROOT / "assets" / TEXT_FOLDER


@pytest.fixture(scope="module")
def lab() -> TinyTextLab:
    return TinyTextLab(SHIPPED, torch.device("cpu"), torch.float32, chunk=70)


def lines(part: str = "", **rest: object) -> EditSpec:
    return EditSpec.lines("story", 0.5, model=TINY_T5, part=part, images=2, **rest)


@pytest.mark.parametrize(
    ("part", "encoder", "decoder"), [("encoder", 0.5, 1.0), ("decoder", 1.0, 0.5), ("both", 0.5, 0.5)]
)
def test_only_the_part_is_bent_and_the_rest_stays_fine_tuned(
    lab: TinyTextLab, part: str, encoder: float, decoder: float
) -> None:
    scales = lab.resolve(lines(part)).scales
    assert (scales.before, scales.after, scales.blocks[6]) == (1.0, 1.0, 1.0)
    assert (scales.blocks[0], scales.blocks[7]) == (encoder, decoder)
    assert (scales.blocks[5], scales.blocks[12]) == (1.0, 1.0)


def test_the_part_that_is_left_out_is_the_decoder(lab: TinyTextLab) -> None:
    assert lab.resolve(lines()) == lab.resolve(lines("decoder"))
    with pytest.raises(SpecError, match="leave `outside` out"):
        lab.resolve(lines(outside="depth"))


def test_an_image_encoder_has_no_parts(lab: TinyTextLab) -> None:
    spec = EditSpec.lines("story", 0.5, part="decoder")
    assert EditSpec.from_dict(spec.as_dict()) == spec
    assert "part" not in EditSpec().as_dict(), "keys of older results stay as they were"
    with pytest.raises(SpecError, match="part must be one of"):
        EditSpec(part="image")


def test_scores_are_mean_log_likelihoods_of_each_choice(lab: TinyTextLab) -> None:
    """Against transformers' own loss of one question and one choice at a time."""
    task = lab.tasks("language")[0]
    asked = [
        *lab.questions(task, "val")[:2],
        TextQuestion("mira was hungry .", ("mira ate", "mira", "dax"), -1),
    ]
    lab.encoder.write_edit("", lab.resolve(EditSpec.pretrained("story", model=TINY_T5)).scales)
    scores = lab.scores(asked)
    model, tokens = lab.t5.loaded.clip, lab.t5.tokens
    for row, question in zip(scores, asked, strict=True):
        for score, choice in zip(row, question.choices, strict=False):
            inputs, labels = torch.tensor([tokens(question.text)]), torch.tensor([tokens(choice)])
            with torch.inference_mode():
                torch.testing.assert_close(score, -model(input_ids=inputs, labels=labels).loss)
        assert all(row[len(question.choices) :] == -torch.inf)


def test_a_merge_of_one_checkpoint_is_that_checkpoint(lab: TinyTextLab) -> None:
    merged = lab.encoder.residual(MergeSpec(("story",)))
    torch.testing.assert_close(merged, lab.encoder.residual("story"))
    assert bool(merged.any())


def test_unknown_words_are_named_once(lab: TinyTextLab) -> None:
    assert lab.unknown_words("mira zork has zork </s>") == ("zork", "</s>")


def test_the_studio_knows_what_ships_and_counts_the_rest() -> None:
    studio = Studio(ROOT / "assets", None)
    assert TINY_T5 not in {model.key for model in studio.models()}
    shipped = studio.cached(EditSpec.finetuned("story", model=TINY_T5, images=0))
    assert shipped is not None
    assert shipped.precomputed
    counted = studio.evaluate(lines("both"))
    assert counted.complete
    assert [task.n for task in counted.tasks] == [2] * 7
    [[scores]] = studio.rank([lines()], [TextQuestion("who ?", ("mira", "dax"), -1)])
    assert len(scores) == 2
    with pytest.raises(SpecError, match="reads images, not questions"):
        studio.rank([EditSpec()], [TextQuestion("who ?", ("mira", "dax"), -1)])


@pytest.mark.parametrize(
    "written", ["[]", "{}", '[["a", ["b"], 0]]', '[["a", ["b", "c"], 2]]', '[["a", ["b", "c", "d"], 0]]', "x"]
)
def test_damaged_questions_are_refused(tmp_path: Path, written: str) -> None:
    path = questions_path(tmp_path, "story", "val")
    with pytest.raises(LabError, match="is absent"):
        read_questions(path, 2)
    path.write_text(written, encoding="utf-8")
    with pytest.raises(LabError, match=r"questions|choices"):
        read_questions(path, 2)


def test_a_tokenizer_of_another_kind_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    shutil.copytree(SHIPPED, folder)
    (folder / "tokenizer.json").write_text(json.dumps({"model": {}}), encoding="utf-8")
    with pytest.raises(LabError, match="is not a word-level tokenizer"):
        TinyTextLab(folder, torch.device("cpu"), torch.float32, chunk=70)
