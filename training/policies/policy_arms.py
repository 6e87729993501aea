"""Other trainings of the two policies: what does the front of LiNeS depend on, rank, start or strength?"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM

from evaluators.policies.live_llama import POLICIES
from training.policies.policy_training import PolicyConfig, train_policy
from training.policies.shipping import ship_model, ship_policy
from training.policies.supervised import CONFIG, SupervisedConfig, fresh_llama, train_supervised
from training.training_log import save_entry

EVERY = 20
"""Steps between the checkpoints of a policy."""
SHORT = SupervisedConfig()
LONG = SupervisedConfig(steps=2400, cooldown=1600)
SUPERVISED = {"supervised": SHORT, "long": LONG}
"""Models to start from, by the name of their checkpoint."""


AS_SHIPPED = PolicyConfig()
GENTLE = PolicyConfig(rate=5e-4, penalty=0.05)


@dataclass(frozen=True)
class Arm:
    """One training of both policies.

    Args:
        key: folder of its files.
        title: what is different, in words.
        start: key of ``SUPERVISED``.
        policy: settings of both policies.
        step: the checkpoint that is measured; that of the last step by default.
    """

    key: str
    title: str
    start: str = "supervised"
    policy: PolicyConfig = AS_SHIPPED
    step: int | None = None

    @property
    def steps(self) -> int:
        """Steps of the policies that are measured."""
        return self.step or self.policy.steps

    @property
    def facts(self) -> dict[str, Any]:
        """What the report says of it."""
        return {
            "title": self.title,
            "supervised_steps": SUPERVISED[self.start].steps,
            **{name: asdict(self.policy)[name] for name in ("rank", "rate", "penalty")},
            "steps": self.steps,
        }


FINAL = Arm("final", "as shipped")
ARMS = (
    Arm("after-20", "after 20 steps", step=20),
    Arm("after-40", "after 40 steps", step=40),
    Arm("rank-1", "rank 1", policy=PolicyConfig(rank=1, lora_alpha=2)),
    Arm("rank-64", "rank 64", policy=PolicyConfig(rank=64, lora_alpha=128)),
    Arm("long", "long supervised training", "long"),
    Arm("long-gentle", "the same, gentle policies", "long", GENTLE),
)


def train_arm(arm: Arm, work: Path) -> Iterator[str]:
    """Train what is missing of an arm, and write it to ``work / arm.key`` as a ``LiveLlama`` reads it."""
    folder = work / arm.key
    missing = [policy for policy in POLICIES if not (folder / f"{policy}.safetensors").exists()]
    if not missing:
        return
    checkpoint, config = work / f"{arm.start}.pt", SUPERVISED[arm.start]
    yield from train_supervised(config, checkpoint)
    ship_model(_read(checkpoint), folder)
    seconds = torch.load(checkpoint, weights_only=True)["seconds"]
    save_entry(
        folder, "supervised", {**asdict(config), "blocks": CONFIG["num_hidden_layers"], "seconds": seconds}
    )
    for policy in missing:
        kept = work / (arm.key if arm.step is None else FINAL.key) / policy
        seconds = train_policy(_read(checkpoint), policy, arm.policy, kept, EVERY)
        ship_policy(kept / f"checkpoint-{arm.steps}", folder / f"{policy}.safetensors")
        save_entry(folder, policy, {**asdict(arm.policy), "seconds": seconds})
        yield f"{arm.title}, {policy}: {seconds:.0f} s"


def _read(checkpoint: Path) -> LlamaForCausalLM:
    model = fresh_llama(0)
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    return model
