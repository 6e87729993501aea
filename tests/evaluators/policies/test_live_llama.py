"""The live language model: its weights at any soup, and what it says."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from evaluators.errors import LabError, SpecError, Superseded
from evaluators.policies.live_llama import CONFIG, MOST_WORDS, LiveLlama
from evaluators.policies.scene_facts import draw_scene
from evaluators.policies.scene_words import SUMMARY, TOKENS, WORDS
from evaluators.policies.soup_setting import DOUBLING, SoupSetting
from lines_core.checkpoints import read_checkpoint
from lines_core.errors import LinesError
from lines_core.packed import read_packed

NAME = "model.layers.{block}.mlp.up_proj.weight"
SCENES = [draw_scene("val", number) for number in range(6)]


@pytest.fixture(scope="module")
def llama(llama_folder: Path) -> LiveLlama:
    return LiveLlama(llama_folder)


@pytest.mark.parametrize("block", [0, 1, 2])
def test_each_block_gets_its_share_of_the_weighted_updates(
    llama: LiveLlama, llama_folder: Path, block: int
) -> None:
    """Eq. 4 and Eq. 1: theta_0 + (1 + block / 2) (0.3 tau_1 + 0.7 tau_2), three blocks, alpha = beta = 1."""
    name = NAME.format(block=block)
    shapes = {name: value.shape for name, value in llama.model.named_parameters()}
    first, second = (
        read_packed(llama_folder / f"{p}.safetensors", shapes)[name] for p in ("faithful", "preferred")
    )
    start = read_checkpoint(llama_folder / "model.safetensors")[name].float()
    llama.write(SoupSetting(0.3, *DOUBLING))
    expected = start + (1 + block / 2) * (0.3 * first + 0.7 * second)
    torch.testing.assert_close(llama.model.get_parameter(name), expected, rtol=1e-5, atol=1e-5)


def test_a_soup_with_zero_scales_is_the_supervised_model_bit_for_bit(
    llama: LiveLlama, llama_folder: Path
) -> None:
    llama.write(SoupSetting(0.5, 2.0, 1.0))
    llama.write(SoupSetting(0.5, 0.0, 0.0))
    start = read_checkpoint(llama_folder / "model.safetensors")
    assert all(torch.equal(value, start[name].float()) for name, value in llama.model.named_parameters())


def test_words_are_the_most_probable_ones_whatever_else_is_in_the_batch(llama: LiveLlama) -> None:
    """Against one forward pass over all words for each next word, without padding and without a cache."""
    llama.write(SoupSetting(0.2, 1.0, 0.0))
    found = llama.summaries(SCENES)
    assert [llama.summaries([scene])[0] for scene in SCENES] == found
    tokens = [TOKENS[word] for word in [*SCENES[0].split(), *SUMMARY.split()]]
    said: list[str] = []
    while len(said) < MOST_WORDS:
        with torch.no_grad():
            next_token = int(llama.model(input_ids=torch.tensor([tokens])).logits[0, -1].argmax())
        if WORDS[next_token] == "<end>":
            break
        tokens.append(next_token)
        said.append(WORDS[next_token])
    assert found[0] == " ".join(said)


def test_drawn_words_depend_on_the_seed_alone(llama: LiveLlama) -> None:
    llama.write(SoupSetting(0.2, 0.0, 0.0))
    once, again, other = (llama.summaries(SCENES, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert once == again
    assert once != other


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ("", "has 0"),
        ("anna " * 91, "has 91"),
        ("anna juggled hats .", "not these: juggled"),
        ("<pad>", "<pad>"),
    ],
)
def test_a_scene_that_cannot_be_read_is_refused_in_words(llama: LiveLlama, scene: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        llama.summaries([scene])


def test_a_request_that_is_stopped_says_nothing_more(llama: LiveLlama) -> None:
    words = 0

    def check() -> None:
        nonlocal words
        words += 1
        if words == 3:
            raise Superseded("A newer one.")

    with pytest.raises(Superseded):
        llama.summaries(SCENES, check=check)
    assert words == 3


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "0.5", None])
def test_a_weight_outside_its_range_is_refused(value: float) -> None:
    with pytest.raises(SpecError, match="w of a soup is a number from 0 to 1"):
        SoupSetting(value)


def test_files_that_do_not_fit_are_named(llama_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"config\.json is absent"):
        LiveLlama(tmp_path)
    folder = tmp_path / "other"
    shutil.copytree(llama_folder, folder)
    settings = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    (folder / CONFIG).write_text(json.dumps(settings | {"hidden_size": 32}), encoding="utf-8")
    with pytest.raises(LinesError, match=r"model\.embed_tokens\.weight"):
        LiveLlama(folder)
    (folder / CONFIG).write_text(json.dumps(settings | {"vocab_size": 7}), encoding="utf-8")
    with pytest.raises(LabError, match="knows 7 words"):
        LiveLlama(folder)
