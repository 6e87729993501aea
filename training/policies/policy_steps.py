"""The language model, its policies and their soups: train, ship and measure, unless it is there already."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from evaluators.policies.live_llama import CONFIG, FOLDER, POLICIES, WEIGHTS_FILE
from evaluators.policies.shipped_fronts import SHIPPED
from training.policies.policy_arms import ARMS, FINAL, train_arm
from training.policies.rewarded_study import Run, measure_rewarded
from training.training_log import FILE_NAME

SHIPPED_FILES = (CONFIG, WEIGHTS_FILE, FILE_NAME, *(f"{policy}.safetensors" for policy in POLICIES))


def make_policies(assets: Path, work: Path) -> Iterator[str]:
    """Everything of section 5.4; yields a line as each part is done.

    What ships is ``FINAL``; ``ARMS`` are trained to be compared with it, and do not ship.
    """
    work.mkdir(parents=True, exist_ok=True)
    shipped = assets / FOLDER
    if not all((shipped / name).exists() for name in SHIPPED_FILES):
        yield from train_arm(FINAL, work)
        shipped.mkdir(parents=True, exist_ok=True)
        for name in SHIPPED_FILES:
            shutil.copyfile(work / FINAL.key / name, shipped / name)
    if (assets / SHIPPED).exists():
        return
    for arm in ARMS:
        yield from train_arm(arm, work)
    runs = [Run(work / arm.key, arm.facts, on_test=arm is ARMS[-1]) for arm in ARMS]
    yield from measure_rewarded(assets, work / "points", FINAL.facts, runs)
