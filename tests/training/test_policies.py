"""What the language model learns from, and that a policy ships as PEFT would merge it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from evaluators.policies.scene_words import END, SUMMARY, TOKENS
from evaluators.policies.soup_setting import SoupSetting
from evaluators.policies.summary_rewards import faithful, preferred
from lines_core.packed import read_packed, save_packed
from tests.random_llama import write_llama
from training.policies.demonstrations import copied, demonstration
from training.policies.depth_profile import depth_profile
from training.policies.measured_points import MeasuredPoints, Prompts
from training.policies.shipping import ship_policy
from training.policies.supervised import SupervisedConfig, batch_of, fresh_llama
from training.policies.word_tokenizer import word_tokenizer


def test_demonstrations_leave_room_for_both_rewards() -> None:
    pairs = [demonstration(number) for number in range(400)]
    assert sum(faithful(*pair) for pair in pairs) / len(pairs) == pytest.approx(0.87, abs=0.03)
    assert sum(preferred(*pair) for pair in pairs) / len(pairs) == pytest.approx(0.47, abs=0.03)
    assert all(faithful(*copied(number)) == 1.0 for number in range(100))


def test_the_loss_counts_summaries_and_a_little_of_the_scenes() -> None:
    config = SupervisedConfig()
    tokens, mask, weights = batch_of(config, config.copying)
    scene, summary = demonstration(config.copying * config.batch)
    words = [*scene.split(), *SUMMARY.split(), *summary.split(), END]
    assert tokens[0][: len(words)].tolist() == [TOKENS[word] for word in words]
    assert int(mask[0].sum()) == len(words)
    prompt = len(f"{scene} {SUMMARY}".split())
    assert weights[0].sum().item() == pytest.approx(len(summary.split()) + 1 + 0.1 * prompt)


def test_the_trainers_tokenizer_has_the_tokens_of_the_model() -> None:
    text = "later shy anna sold blue hats near the mill . summary :"
    assert word_tokenizer()(text)["input_ids"] == [TOKENS[word] for word in text.split()]


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # in PEFT
def test_a_policy_ships_as_peft_would_merge_it(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model  # after `training`, which prepares for torchvision

    start = {name: value.clone() for name, value in fresh_llama(1).named_parameters()}
    settings = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
    adapted = get_peft_model(fresh_llama(1), settings)
    adapted.save_pretrained(str(tmp_path / "adapter"))
    merged = dict(adapted.merge_and_unload().named_parameters())
    ship_policy(tmp_path / "adapter", tmp_path / "policy.safetensors")
    updates = read_packed(
        tmp_path / "policy.safetensors", {name: value.shape for name, value in start.items()}
    )
    moved = [name for name, update in updates.items() if update.any()]
    assert len(moved) == 6 * 7
    for name, update in updates.items():
        torch.testing.assert_close(start[name] + update, merged[name], rtol=0, atol=2e-3)


def test_a_point_is_measured_once(tmp_path: Path) -> None:
    write_llama(tmp_path / "llama")
    setting, prompts = SoupSetting(0.5), Prompts("val", 3)
    rewards, said = MeasuredPoints(tmp_path / "llama", tmp_path).point(setting, prompts)
    assert rewards.shape == (2, 3)
    again, repeated = MeasuredPoints(tmp_path / "no model", tmp_path).point(setting, prompts)
    assert torch.equal(rewards, again)
    assert said == repeated


def test_a_block_without_an_update_has_no_norm_and_is_not_missed(tmp_path: Path) -> None:
    folder = tmp_path / "llama"
    write_llama(folder)
    path = folder / "faithful.safetensors"
    save_packed(path, {k: v for k, v in load_file(path).items() if ".layers.1." not in k}, {})
    profile = depth_profile(folder, MeasuredPoints(folder, tmp_path / "points"), Prompts("val", 4))
    shallow, middle, deep = profile["norms"]["faithful"]
    assert (middle, profile["cosine"][1], profile["lost"]["faithful"][1]) == (0.0, 0.0, 0.0)
    named = load_file(folder / "model.safetensors")
    start = torch.cat([value.float().flatten() for name, value in named.items() if ".layers.2." in name])
    updates = read_packed(path, {name: value.shape for name, value in named.items()})
    update = torch.cat([value.flatten() for name, value in updates.items() if ".layers.2." in name])
    assert deep == pytest.approx(float(update.norm() / start.norm()), rel=1e-3)
    assert shallow > 0
