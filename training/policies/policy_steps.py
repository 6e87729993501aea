"""The language model, its policies and their soups: train, ship and measure, unless it is there already."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from evaluators.policies.live_llama import FOLDER, POLICIES, WEIGHTS_FILE
from evaluators.policies.shipped_fronts import SHIPPED
from training.policies.policy_training import PolicyConfig, train_policy
from training.policies.rewarded_study import measure_rewarded
from training.policies.shipping import ship_model, ship_policy
from training.policies.supervised import CONFIG, SupervisedConfig, fresh_llama, train_supervised
from training.training_log import save_entry

EVERY = 20
"""Steps between the checkpoints of a policy; the fronts of ``EARLIER`` ones are measured too."""
EARLIER = (20, 40)


def make_policies(assets: Path, work: Path) -> Iterator[str]:
    """Everything of section 5.4; yields a line as each part is done."""
    folder = assets / FOLDER
    work.mkdir(parents=True, exist_ok=True)
    supervised, config = work / "supervised.pt", SupervisedConfig()
    if not (folder / WEIGHTS_FILE).exists():
        yield from train_supervised(config, supervised)
        ship_model(_supervised(supervised), folder)
        seconds = torch.load(supervised, weights_only=True)["seconds"]
        save_entry(
            folder,
            "supervised",
            {**asdict(config), "blocks": CONFIG["num_hidden_layers"], "seconds": seconds},
        )
    for policy in POLICIES:
        shipped = folder / f"{policy}.safetensors"
        if not shipped.exists():
            settings = PolicyConfig()
            seconds = train_policy(_supervised(supervised), policy, settings, work / policy, EVERY)
            ship_policy(work / policy / f"checkpoint-{settings.steps}", shipped)
            save_entry(folder, policy, {**asdict(settings), "seconds": seconds})
            yield f"{policy}: {seconds:.0f} s"
    if not (assets / SHIPPED).exists():
        yield from measure_rewarded(assets, work / "points", list(_earlier(supervised, work)))


def _earlier(supervised: Path, work: Path) -> Iterator[tuple[str, Path]]:
    """The same policies after fewer steps, as far as their checkpoints are there."""
    for step in EARLIER:
        adapters = {policy: work / policy / f"checkpoint-{step}" for policy in POLICIES}
        if all(adapter.exists() for adapter in adapters.values()):
            folder = work / f"after-{step}"
            ship_model(_supervised(supervised), folder)
            for policy, adapter in adapters.items():
                ship_policy(adapter, folder / f"{policy}.safetensors")
            yield f"after {step} steps", folder


def _supervised(checkpoint: Path) -> LlamaForCausalLM:
    model = fresh_llama(0)
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    return model
