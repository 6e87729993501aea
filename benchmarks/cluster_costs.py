"""Simulation of visitors and sweeps on a cluster: measured costs in, discrete events.

A visitor looks at numbers, then drags to another position: first numbers take one small chunk, all numbers
the chunks after it, unless the visitor goes on before. Free workers take first chunks before later ones. Each
chunk and each answer also takes the app a moment, in one thread, which is where a cluster saturates. Run with
``python -m benchmarks cluster_costs``; docs/scale.md explains the table.
"""

import heapq
import random
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ui.live.answer_pace import ANSWER_SECONDS, SHARE

SECONDS = 300.0
"""Of each simulated crowd."""
WORKERS = (1, 2, 8, 64)
VISITORS = (1, 10, 40, 100, 400, 1000)
QUICK = 0.5
"""Seconds that most visitors should wait at most for first numbers."""


@dataclass(frozen=True)
class Costs:
    """What a cluster takes.

    Args:
        image: seconds of a worker an image.
        first_answer: seconds of the app, in one thread, for the request and answer of first numbers.
        rest: seconds of the app for the second request of a move, which asks for all numbers.
        refined: seconds of the app for an answer of that one.
        order: seconds of the app a chunk: to hand it out, and to note its counts.
        transfer: seconds of a chunk on its way, in which the worker idles.
        first, later, chunks: images of the first chunk and of each later one, and their number.
    """

    image: float
    transfer: float
    first_answer: float = 0.0077
    rest: float = 0.0178
    refined: float = 0.0016
    order: float = 0.0003
    first: int = 64
    later: int = 160
    chunks: int = 11

    def chunk(self, number: int) -> float:
        """Seconds that a worker is occupied by a chunk."""
        return self.transfer + self.image * (self.first if number == 0 else self.later)


@dataclass(frozen=True)
class CrowdResult:
    """Seconds from a move to its numbers; a move that the visitor left before it was final has none."""

    first: tuple[float, ...]
    final: tuple[float, ...]
    moves: int

    def row(self) -> str:
        """Medians and 95 % quantiles, and the share of moves that got all numbers."""
        return (
            f"{_quantile(self.first, 0.5):7.2f} {_quantile(self.first, 0.95):7.2f} "
            f"{_quantile(self.final, 0.5):8.2f} {_quantile(self.final, 0.95):7.2f} "
            f"{100 * len(self.final) / max(1, self.moves):5.0f} %"
        )


def crowd(
    costs: Costs, visitors: int, workers: int, seconds: float = SECONDS, seed: int = 0, paced: bool = True
) -> CrowdResult:
    """Simulate visitors whose positions differ, so that none shares another's chunks.

    Each looks for 2 to 10 s at first numbers, which is when a move ends, then drags for 1 to 3 s.

    Args:
        paced: whether refinements are sent as ``AnswerPace`` says; else each chunk is an answer.
    """
    chance = random.Random(seed)
    events: list[tuple[float, int, int, int, int]] = []  # time, tie, visitor, move, chunk; chunk -1: a move
    tie = 0
    for visitor in range(visitors):
        heapq.heappush(events, (chance.uniform(0, 10), tie := tie + 1, visitor, 0, -1))
    waiting: tuple[deque[tuple[int, int, int]], ...] = (deque(), deque())
    latest, made = [0] * visitors, [0.0] * visitors
    sent = [0.0] * visitors
    free, app_until, moves = workers, 0.0, 0
    first: list[float] = []
    final: list[float] = []
    while events and events[0][0] < seconds:
        now, _, visitor, move, number = heapq.heappop(events)
        if number < 0:
            latest[visitor], made[visitor], moves = move, now, moves + 1
            waiting[0].append((visitor, move, 0))
        else:
            free += 1
            if move == latest[visitor]:
                last = number + 1 == costs.chunks
                pace = (workers - free) * ANSWER_SECONDS / SHARE
                if number == 0:
                    app_until = max(app_until, now) + costs.first_answer
                    first.append(app_until - made[visitor])
                    app_until += costs.rest
                    sent[visitor] = now
                    again = now + chance.uniform(2, 10) + chance.uniform(1, 3)
                    heapq.heappush(events, (again, tie := tie + 1, visitor, move + 1, -1))
                elif last or not paced or now - sent[visitor] >= pace:
                    app_until = max(app_until, now) + costs.refined
                    sent[visitor] = now
                if not last:
                    waiting[1].append((visitor, move, number + 1))
                else:
                    final.append(app_until - made[visitor])
        while free and (waiting[0] or waiting[1]):
            visitor, move, number = (waiting[0] or waiting[1]).popleft()
            if move != latest[visitor]:
                continue
            app_until = max(app_until, now) + costs.order
            free -= 1
            done = app_until + costs.chunk(number)
            heapq.heappush(events, (done, tie := tie + 1, visitor, move, number))
    return CrowdResult(tuple(first), tuple(final), moves)


def most_visitors(costs: Costs, workers: int, within: float = QUICK, paced: bool = True) -> int:
    """The largest of some crowds of which 95 % get first numbers within so many seconds."""
    sizes = [visitors for visitors in range(10, 4_010, 10) if visitors % 100 == 0 or visitors < 200]
    low, high = 0, len(sizes)
    while low < high:
        middle = (low + high) // 2
        if _quantile(crowd(costs, sizes[middle], workers, 60.0, paced=paced).first, 0.95) <= within:
            low = middle + 1
        else:
            high = middle
    return sizes[low - 1] if low else 0


def sweep_seconds(
    costs: Costs, images: float, workers: int, fetched: float, open_seconds: float, hub: float
) -> float:
    """Seconds of a sweep whose positions are independent.

        open + fetched / hub + max(images * image / workers, chunks * order)

    Args:
        images: to count in all.
        fetched: bytes that come from the Hub, once if the nodes share a cache.
        open_seconds: until a worker has its encoder and images.
        hub: bytes a second from the Hub, which limits each address.
    """
    chunks = images / costs.later
    counting = images * (costs.image + costs.transfer / costs.later) / workers
    return open_seconds + fetched / hub + max(counting, chunks * costs.order)


def _quantile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("inf")


def paper_images() -> int:
    """Images that Tables 1, 2 and 6 count on one encoder, 256 a task, for 8, 14 and 20 tasks.

    Table 1: of each checkpoint 12 models on validation and 3 on test images. Tables 2 and 6: 10, 15 and 10
    coefficients of three methods, without LiNeS and with three scaling functions, on validation images; the
    twelve chosen ones on test images; and the fine-tuned and pre-trained models.
    """
    return sum((15 * tasks + 4 * 35 + 12 + 2 * tasks + 1) * 256 * tasks for tasks in (8, 14, 20))


def _print_sweep() -> None:
    flop = 2e9 * sum(GIGA_MACS)
    images, effective = paper_images(), 1e14
    print(f"Tables 1, 2 and 6: {images:,} images of each of three encoders, {images * flop:.2g} FLOP")
    print(f"{'GPUs':>8} {'first time':>12} {'again':>12}   assuming 100 TFLOP/s each, 100 MB/s from the Hub")
    for gpus in (1, 8, 64):
        costs = Costs(flop / len(GIGA_MACS) / effective, TRANSFER, order=CHUNK_OF_A_SWEEP)
        every = [sweep_seconds(costs, 3 * images, gpus, size, 60.0, 1e8) for size in (CHECKPOINTS, 0.0)]
        print(f"{gpus:8} {every[0] / 60:8.0f} min {every[1] / 60:8.1f} min")


def main() -> int:
    """Print visitors against workers, and GPUs against the time of the paper's tables."""
    for title, one in DEFAULTS:
        pace = f"{1 / one.image:,.0f} images a second and worker"
        print(f"{title}: {pace}")
        print(f"{'workers':>8} {'visitors':>9}   first p50     p95  all: p50     p95   share")
        for workers in WORKERS:
            for visitors in VISITORS:
                print(f"{workers:8} {visitors:9}     {crowd(one, visitors, workers).row()}")
            most, unpaced = (most_visitors(one, workers, paced=paced) for paced in (True, False))
            print(f"{workers:8} {most:9,}  visitors get first numbers within {QUICK:g} s")
            print(f"{workers:8} {unpaced:9,}  would if every chunk were an answer")
        print(f"  the app answers {1 / (one.first_answer + one.rest):,.0f} moves a second at most")
    _print_sweep()
    return 0


GIGA_MACS = (4.4, 17.6, 81.1)
"""Multiplications of an image, in 10**9: image towers of ViT-B/32, B/16 and L/14 (open_clip's profiles)."""
CHECKPOINTS = 20 * (0.35e9 + 0.35e9 + 1.2e9)
"""Bytes of twenty checkpoints of each."""
CHUNK_OF_A_SWEEP = 0.001
"""Seconds of a sweep's driver a chunk: 0.3 ms to note it, and a call of a worker."""
TRANSFER = 0.0015
"""A call of a worker there and back; 0.7 to 2.5 ms on a machine with two cores, idle and busy."""
DEFAULTS = (
    ("Tiny CLIP, a core a worker", Costs(1 / 1161, TRANSFER)),  # as `static_engine` prints for Python
    ("ViT-B/32 at 5,000 images a second (an assumption)", Costs(1 / 5000, TRANSFER)),
)

if __name__ == "__main__":
    sys.exit(main())
