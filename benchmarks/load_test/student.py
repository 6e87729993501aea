"""Behaviour of a visitor: drag a slider, read the numbers, drag on, sometimes choose another task."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace

from benchmarks.load_test.http_visitor import TIMEOUT, HttpVisitor
from ui.explore.explore_controls import Controls

MOVES_A_SECOND = 20.0
DRAG = (0.6, 2.0)
"""Seconds of one drag, from and to."""
LOOK = (1.0, 6.0)
"""Seconds after the first numbers until the next drag; less if they are complete before."""
ANOTHER_TASK = 0.15
ANOTHER_SHAPE = 0.1
TASKS = "digits street_numbers textures satellite traffic_signs vehicles scenes faces".split()
SHAPES = "linear linear sqrt quadratic".split()
OFF_GRID = 0.9
"""A mix under which no position ships: every one has to be counted."""


@dataclass(frozen=True)
class Habits:
    """What visitors choose from.

    Args:
        tasks: keys of fine-tuned checkpoints.
        shapes: of the schedule.
        step: of the slider.
        mixes: WiSE-FT coefficients; at 1 the positions are those of the shipped gamma grid.
    """

    tasks: tuple[str, ...] = tuple(TASKS)
    shapes: tuple[str, ...] = tuple(SHAPES)
    step: float = 0.01
    mixes: tuple[float, ...] = (1.0,)


def use_page(visitor: HttpVisitor, habits: Habits, seed: int, until: float) -> None:
    """Drag and wait until a time of ``time.monotonic``, at least once; a seed fixes the positions."""
    chance = random.Random(seed)
    controls = Controls(checkpoint=chance.choice(habits.tasks), mix=chance.choice(habits.mixes))
    while not visitor.seen.awaited or time.monotonic() < until:
        if chance.random() < ANOTHER_TASK:
            controls = replace(controls, checkpoint=chance.choice(habits.tasks))
        if chance.random() < ANOTHER_SHAPE:
            controls = replace(controls, shape=chance.choice(habits.shapes))
        goal = habits.step * chance.randrange(round(1 / habits.step) + 1)
        moves = max(1, round(MOVES_A_SECOND * chance.uniform(*DRAG)))
        start = controls.gamma
        for number in range(1, moves + 1):
            gamma = start + (goal - start) * number / moves
            controls = replace(controls, gamma=round(habits.step * round(gamma / habits.step), 9))
            last = visitor.move(controls)
            made = time.monotonic()
            time.sleep(1 / MOVES_A_SECOND)
            visitor.seen.late.append(time.monotonic() - made - 1 / MOVES_A_SECOND)
        if last not in visitor.seen.awaited[-1:]:  # else the slider returned to its position
            visitor.seen.awaited.append(last)
        visitor.wait(last, final=False, seconds=TIMEOUT)
        visitor.wait(last, final=True, seconds=chance.uniform(*LOOK))
