"""A policy for one reward: GRPO by TRL on LoRA updates of the supervised model; resumable."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import LoraConfig
from transformers import LlamaForCausalLM
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from evaluators.policies.live_llama import MOST_WORDS
from evaluators.policies.scene_facts import draw_scene
from evaluators.policies.scene_words import SUMMARY
from evaluators.policies.summary_rewards import faithful, preferred
from training.policies.word_tokenizer import word_tokenizer

REWARD_OF: Mapping[str, Callable[[str, str], float]] = {"faithful": faithful, "preferred": preferred}


@dataclass(frozen=True)
class PolicyConfig:
    """GRPO on LoRA updates of all matrices of the blocks.

    Args:
        steps: optimiser steps.
        prompts: scenes a step; none is used twice.
        group: summaries of a scene, compared with each other.
        rate: learning rate, constant after a warm-up of 10 steps.
        penalty: of the divergence from the supervised model (GRPO's beta); none is TRL's default.
        rank: of LoRA; 64 as in the paper, whose model is 43 times as wide.
        lora_alpha: LoRA's scale times its rank, as in the paper.
        dropout: LoRA's.
        seed: of the updates and of what is sampled.
    """

    steps: int = 60
    prompts: int = 4
    group: int = 8
    rate: float = 2e-3
    penalty: float = 0.0
    rank: int = 64
    lora_alpha: int = 128
    dropout: float = 0.05
    seed: int = 0


def train_policy(
    model: LlamaForCausalLM, reward: str, config: PolicyConfig, folder: Path, every: int
) -> float:
    """Train, or go on from the last checkpoint; adapters are in ``folder/checkpoint-STEP``.

    Args:
        model: the supervised model; gets the updates.
        reward: key of ``REWARD_OF``.
        every: steps between checkpoints.
    Returns: seconds of this run.
    """

    def scored(scene: list[str], completions: list[str], **_: Any) -> list[float | None]:
        return [REWARD_OF[reward](*pair) for pair in zip(scene, completions, strict=True)]

    scored.__name__ = reward
    numbers = range(1_000_000, 1_000_000 + config.steps * config.prompts)
    scenes = [draw_scene("train", number) for number in numbers]
    rows = Dataset.from_list([{"prompt": f"{scene} {SUMMARY}", "scene": scene} for scene in scenes])
    settings = GRPOConfig(
        output_dir=str(folder),
        max_steps=config.steps,
        per_device_train_batch_size=config.prompts * config.group,
        num_generations=config.group,
        max_completion_length=MOST_WORDS,
        learning_rate=config.rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=10,
        beta=config.penalty,
        seed=config.seed,
        save_steps=every,
        logging_steps=10,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
        disable_tqdm=True,
    )
    updates = LoraConfig(
        r=config.rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=scored,
        args=settings,
        train_dataset=rows,
        processing_class=word_tokenizer(),
        peft_config=updates,
    )
    began = time.process_time()
    trainer.train(resume_from_checkpoint=any(folder.glob("checkpoint-*")) or None)
    return time.process_time() - began
