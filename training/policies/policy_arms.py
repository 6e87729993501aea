"""Other trainings of the two policies: what does the front of LiNeS depend on, rank, start or strength?"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
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


RANK_8 = PolicyConfig(rank=8, lora_alpha=16)
DEFAULT = PolicyConfig()


@dataclass(frozen=True)
class Arm:
    """One training of both policies.

    Args:
        key: folder of its files.
        title: what is special about it, in words.
        policy: settings of both policies.
        start: key of ``SUPERVISED``.
        earlier: steps after which it is measured, and the arm that was trained on; by default all steps.
    """

    key: str
    title: str
    policy: PolicyConfig = DEFAULT
    start: str = "supervised"
    earlier: tuple[int, str] | None = None

    @property
    def steps(self) -> int:
        """Steps of the policies that are measured."""
        return self.earlier[0] if self.earlier else self.policy.steps

    @property
    def facts(self) -> dict[str, Any]:
        """What the report says of it."""
        return {
            "title": self.title,
            "supervised_steps": SUPERVISED[self.start].steps,
            **{name: asdict(self.policy)[name] for name in ("rank", "rate", "penalty")},
            "steps": self.steps,
        }


FINAL = Arm("final", "rank 64, these policies")
ARMS = (
    Arm("rank-8", "rank 8", RANK_8),
    Arm("after-40", "rank 8, after 40 steps", RANK_8, earlier=(40, "rank-8")),
    Arm("after-20", "rank 8, after 20 steps", RANK_8, earlier=(20, "rank-8")),
    Arm("rank-1", "rank 1", PolicyConfig(rank=1, lora_alpha=2)),
    Arm("long", "rank 8, long supervised training", RANK_8, "long"),
    Arm(
        "long-gentle",
        "rank 8, long supervised training, gentle",
        replace(RANK_8, rate=5e-4, penalty=0.05),
        "long",
    ),
)
"""Compared with ``FINAL``; they do not ship. The last is nearest to the paper: it starts from a model that
does the task well, and a penalty keeps its policies near."""


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
        kept = work / (arm.earlier[1] if arm.earlier else arm.key) / policy
        seconds = train_policy(_read(checkpoint), policy, arm.policy, kept, EVERY)
        ship_policy(kept / f"checkpoint-{arm.steps}", folder / f"{policy}.safetensors")
        save_entry(folder, policy, {**asdict(arm.policy), "seconds": seconds})
        yield f"{arm.title}, {policy}: {seconds:.0f} s"


def _read(checkpoint: Path) -> LlamaForCausalLM:
    model = fresh_llama(0)
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    return model
