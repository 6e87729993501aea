"""What the app itself costs: processor time of its first answers and of those that refine them.

A page whose images are counted in no time, as on a large cluster, is asked over HTTP by a visitor in another
process. Run with ``python -m benchmarks app_costs``; the figures go into ``cluster_costs``.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import psutil

from app import opened
from benchmarks.load_test.answer_listener import AnswerListener
from benchmarks.load_test.http_visitor import HttpVisitor, Move
from evaluators.data.image_batches import Chunk
from evaluators.engine.engine import ChunkCounts, Counted
from evaluators.labs.lab import Lab
from evaluators.specs.predictions import pack
from evaluators.specs.resolved_spec import ResolvedSpec
from tests.deploy.starting import answers, free_port
from tests.waiting import soon
from ui.explore.explore_controls import Controls
from ui.layout import launch_settings

MOVES = 40
WAIT = 600.0
MIX = 0.9
"""Off the shipped grid."""


class InstantEngine:
    """Counts every image as correct at once."""

    exclusive = True

    def load(self, lab: Lab, resolved: ResolvedSpec, chunks: Sequence[Chunk]) -> "InstantEdit":
        """As ``Engine.load``."""
        tasks = lab.tasks_with_images(resolved.suite, resolved.split)
        return InstantEdit([len(task.classes) for task in tasks])


class InstantEdit:
    """An edit that needs no weights."""

    def __init__(self, classes: Sequence[int]) -> None:
        self._classes = classes

    def ready(self, check: Callable[[], None], patience: float | None) -> AbstractContextManager[object]:
        """As ``LoadedEdit.ready``."""
        return nullcontext()

    def count(self, chunk: Chunk) -> ChunkCounts:
        """As ``LoadedEdit.count``."""
        images = [0] * len(self._classes)
        for part in chunk.parts:
            images[part.task] += part.stop - part.start
        packed = [pack([0] * n, classes) for n, classes in zip(images, self._classes, strict=True)]
        return ChunkCounts(Counted(tuple(images), tuple(packed)), 0.0, 0.0, "cpu")

    def close(self) -> None:
        """As ``LoadedEdit.close``."""


def page(port: int) -> None:
    """Serve the page until standard input ends."""
    studio, blocks = opened(None, "cpu")
    studio.warm_up()
    studio._runner._quick = studio._runner._full = InstantEngine()
    blocks.launch(server_port=port, prevent_thread_lock=True, quiet=True, **launch_settings(None))
    sys.stdin.read()


def main() -> int:
    """Print the costs; 1 if the page is not served."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    program = f"from benchmarks.app_costs import page; page({port})"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as server:
        try:
            soon(lambda: answers(address) or server.poll() is not None, 900.0)
            if server.poll() is not None:
                return 1
            _measure(psutil.Process(server.pid), HttpVisitor(address, AnswerListener()))
        finally:
            server.kill()
    return 0


def _measure(server: psutil.Process, visitor: HttpVisitor) -> None:
    positions = [Controls(gamma=number / 1000, mix=MIX) for number in range(1, MOVES + 1)]
    _move(visitor, positions[:1])
    counted, chunks = _cost(server, lambda: _move(visitor, positions[1:]), visitor)
    known, _ = _cost(server, lambda: _move(visitor, positions[1:]), visitor)
    moves = MOVES - 1
    print(f"a move whose numbers are known, in one request {1000 * known / moves:16.1f} ms of processor")
    print(f"a move that is counted, in {chunks / moves - 1:.1f} answers {1000 * counted / moves:22.1f} ms")
    print(f"so its second request, an answer {1000 * (counted - known) / (chunks - moves):27.2f} ms")
    visitor.close()


def _cost(server: psutil.Process, work: Callable[[], None], visitor: HttpVisitor) -> tuple[float, int]:
    """Seconds of the server's processor, and answers."""
    before, answered = server.cpu_times(), len(visitor.seen.returned)
    work()
    after = server.cpu_times()
    return after.user + after.system - before.user - before.system, len(visitor.seen.returned) - answered


def _move(visitor: HttpVisitor, positions: Sequence[Controls]) -> None:
    """Rest at each position until all of its answers are there."""
    for controls in positions:
        move = visitor.move(controls)
        before = len(visitor.seen.returned)
        assert visitor.wait(move, final=True, seconds=WAIT), visitor.seen.errors
        soon(partial(_settled, visitor, move, before + 1), WAIT)


def _settled(visitor: HttpVisitor, move: Move, answers: int) -> bool:
    """Whether each of a move's requests has been answered, the second, if there is one, to its end."""
    return move.settled or (len(visitor.seen.returned) > answers and not visitor._refining)


if __name__ == "__main__":
    sys.exit(main())
