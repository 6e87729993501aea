"""Simulation of visitors and sweeps on a cluster: measured costs in, discrete events.

A visitor looks at numbers, then drags to another position: first numbers take one small chunk, all numbers
the chunks after it, unless the visitor goes on before. Free workers take first chunks before later ones. Each
chunk also takes the app a moment, in one thread, which is where a cluster saturates. Run with
``python -m benchmarks cluster_costs``; docs/scale.md explains the table.
"""

import heapq
import random
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

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
        app: seconds of the app a chunk, in one thread: what it costs to hand it out and to note its counts.
        transfer: seconds of a chunk on its way, in which the worker idles.
        first, later, chunks: images of the first chunk and of each later one, and their number.
    """

    image: float
    app: float
    transfer: float
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


def crowd(costs: Costs, visitors: int, workers: int, seconds: float = SECONDS, seed: int = 0) -> CrowdResult:
    """Simulate visitors whose positions differ, so that none shares another's chunks.

    Each looks for 2 to 10 s at first numbers, which is when a move ends, then drags for 1 to 3 s.
    """
    chance = random.Random(seed)
    events: list[tuple[float, int, int, int, int]] = []  # time, tie, visitor, move, chunk; chunk -1: a move
    tie = 0
    for visitor in range(visitors):
        heapq.heappush(events, (chance.uniform(0, 10), tie := tie + 1, visitor, 0, -1))
    waiting: tuple[deque[tuple[int, int, int]], ...] = (deque(), deque())
    latest, made = [0] * visitors, [0.0] * visitors
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
                if number == 0:
                    first.append(now - made[visitor])
                    again = now + chance.uniform(2, 10) + chance.uniform(1, 3)
                    heapq.heappush(events, (again, tie := tie + 1, visitor, move + 1, -1))
                if number + 1 < costs.chunks:
                    waiting[1].append((visitor, move, number + 1))
                else:
                    final.append(now - made[visitor])
        while free and (waiting[0] or waiting[1]):
            visitor, move, number = (waiting[0] or waiting[1]).popleft()
            if move != latest[visitor]:
                continue
            app_until = max(app_until, now) + costs.app
            free -= 1
            done = app_until + costs.chunk(number)
            heapq.heappush(events, (done, tie := tie + 1, visitor, move, number))
    return CrowdResult(tuple(first), tuple(final), moves)


def most_visitors(costs: Costs, workers: int, within: float = QUICK) -> int:
    """The largest of some crowds of which 95 % get first numbers within so many seconds."""
    sizes = [visitors for visitors in range(10, 4_010, 10) if visitors % 100 == 0 or visitors < 200]
    low, high = 0, len(sizes)
    while low < high:
        middle = (low + high) // 2
        if _quantile(crowd(costs, sizes[middle], workers, 60.0).first, 0.95) <= within:
            low = middle + 1
        else:
            high = middle
    return sizes[low - 1] if low else 0


def sweep_seconds(
    costs: Costs, images: float, workers: int, fetched: float, open_seconds: float, hub: float
) -> float:
    """Seconds of a sweep whose positions are independent.

        open + fetched / hub + max(images * image / workers, chunks * app)

    Args:
        images: to count in all.
        fetched: bytes that come from the Hub, once if the nodes share a cache.
        open_seconds: until a worker has its encoder and images.
        hub: bytes a second from the Hub, which limits each address.
    """
    chunks = images / costs.later
    counting = images * (costs.image + costs.transfer / costs.later) / workers
    return open_seconds + fetched / hub + max(counting, chunks * costs.app)


def _quantile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("inf")


def main(costs: Sequence[tuple[str, Costs]] = ()) -> int:
    """Print visitors against workers for some costs."""
    for title, one in costs or DEFAULTS:
        pace = f"{1 / one.image:,.0f} images a second and worker"
        print(f"{title}: {pace}, {1000 * one.app:.1f} ms of the app a chunk")
        print(f"{'workers':>8} {'visitors':>9}   first p50     p95  all: p50     p95   share")
        for workers in WORKERS:
            for visitors in VISITORS:
                print(f"{workers:8} {visitors:9}     {crowd(one, visitors, workers).row()}")
            print(
                f"{workers:8} {most_visitors(one, workers):9,}  visitors get first numbers within {QUICK:g} s"
            )
        print(f"  the app hands out {1 / one.app:,.0f} chunks a second at most")
    return 0


DEFAULTS = (
    ("Tiny CLIP, a core a worker", Costs(image=1 / 1161, app=0.004, transfer=0.0015)),
    ("ViT-B/32 at 5,000 images a second (an assumption)", Costs(image=1 / 5000, app=0.004, transfer=0.0015)),
)
"""Of Tiny CLIP as measured on one core (docs/scale.md); `ray_workers` prints those of your machine."""

if __name__ == "__main__":
    sys.exit(main())
