"""A forked worker counts what this process counts, and its failures are reported."""

import functools
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from evaluators.data.image_batches import Chunk, TaskSlice
from evaluators.data.text_questions import TextQuestion
from evaluators.engine import zero_gpu
from evaluators.engine.zero_gpu import GpuRefused, ZeroGpuHost
from evaluators.errors import LabError, Superseded
from evaluators.experiments.text_forgetting import text_references
from evaluators.labs.tiny_text_lab import TINY_T5
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec
from lines_core.errors import CheckpointError
from tests.evaluators.engine.forked_gpu import ForkedGpu, Refusal
from tests.paths import ROOT

CHUNK = 12
SPECS = (
    EditSpec.pretrained("digits"),
    EditSpec.finetuned("digits"),
    EditSpec.finetuned("faces"),
    EditSpec.lines("faces", 0.25),
    EditSpec(checkpoint="digits", alpha=0.5, beta=0.5, mix=0.5, split="val"),
    EditSpec.merged(MergeSpec(("objects",), "average"), 1.0, split="val"),
)
"""The last one counts one task of its suite: the other has no validation images."""
PATIENCE = 300.0


def counts(evaluation: Evaluation) -> list[tuple[str, int, int]]:
    return [(task.key, task.correct, task.n) for task in evaluation.tasks]


def in_time(action: Callable[[], Any]) -> Any:
    """The result of ``action``, run in a thread of its own; fails if it hangs."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(action()), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it hangs"
    return results[0]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkedGpu]:
    monkeypatch.setattr(zero_gpu, "best_device", lambda: "cpu")  # wherever the tests run
    forked = ForkedGpu()
    yield forked
    forked.close()


@pytest.fixture
def gpu_studio(lab: Path, gpu: ForkedGpu) -> Studio:
    return Studio(lab, None, chunk=CHUNK, zero_gpu=ZeroGpuHost(gpu, Refusal))


@pytest.fixture(scope="module")
def truth(lab: Path) -> dict[EditSpec, list[tuple[str, int, int]]]:
    studio = Studio(lab, None, chunk=CHUNK)
    return {spec: counts(studio.evaluate(spec)) for spec in SPECS}


def test_counts_equal_those_of_this_process(
    gpu_studio: Studio, gpu: ForkedGpu, truth: dict[EditSpec, list[tuple[str, int, int]]]
) -> None:
    """One worker serves all calls; its weights carry the last edit when the next one begins."""
    assert {spec: counts(in_time(functools.partial(gpu_studio.evaluate, spec))) for spec in SPECS} == truth
    assert len({str(result) for result in truth.values()}) == len(SPECS)
    assert {spec: counts(gpu_studio.evaluate(spec, fresh=True)) for spec in SPECS[::-1]} == truth
    assert (gpu.forks, gpu.calls) == (1, 2 * len(SPECS))
    assert gpu.sent < 4096
    assert gpu.stopped == 0, "a call that has counted everything is left to end by itself"


def test_a_worker_that_ends_early_is_refused(gpu_studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told to stop just as it began with another call, it ended, and StopIteration became a RuntimeError."""

    def ends_at_once(*given: Any) -> Iterator[Any]:
        yield from ()

    monkeypatch.setattr(zero_gpu.ZeroGpu, "_counts", ends_at_once)
    with pytest.raises(GpuRefused, match="ended before all images were counted"):
        gpu_studio.evaluate(SPECS[0])


def test_one_call_streams_chunk_by_chunk(gpu_studio: Studio, gpu: ForkedGpu, lab: Path) -> None:
    partial = list(gpu_studio.stream(SPECS[1]))
    assert [counts(one) for one in partial] == [
        counts(one) for one in Studio(lab, None, chunk=CHUNK).stream(SPECS[1])
    ]
    assert len(partial) > 2
    assert gpu.calls == 1
    seconds = [one.seconds for one in partial]
    assert seconds[0] > 0
    assert seconds == sorted(set(seconds))
    assert list(gpu_studio.stream(SPECS[1])) == partial[-1:]
    assert gpu.calls == 1


def test_a_call_takes_up_to_so_many_images(
    gpu_studio: Studio, gpu: ForkedGpu, monkeypatch: pytest.MonkeyPatch, truth: dict[EditSpec, Any]
) -> None:
    monkeypatch.setattr(zero_gpu, "IMAGES", 2 * CHUNK)
    chunks = len(list(gpu_studio.stream(SPECS[2])))
    assert counts(gpu_studio.evaluate(SPECS[2])) == truth[SPECS[2]]
    assert gpu.calls == (chunks + 1) // 2

    large = Chunk((TaskSlice(0, 0, 100),), True)
    assert [len(some) for some in zero_gpu._calls([large, large])] == [1, 1]
    assert list(zero_gpu._calls([])) == []


def test_first_numbers_use_no_gpu_and_share_no_chunks_with_it(
    gpu_studio: Studio, gpu: ForkedGpu, lab: Path, truth: dict[EditSpec, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = gpu_studio.first(SPECS[3])
    assert counts(first) == counts(Studio(lab, None, chunk=CHUNK).first(SPECS[3]))
    assert not first.complete
    assert gpu.calls == 0
    counted_here: list[int] = []
    monkeypatch.setattr("evaluators.engine.local_engine.count_chunk", lambda *_: counted_here.append(1))
    answers = list(gpu_studio.stream(SPECS[3]))
    assert len(answers[0].tasks) == len(first.tasks)
    assert counts(answers[-1]) == truth[SPECS[3]]
    assert counts(answers[0]) == counts(first)
    assert not counted_here


def test_two_visitors_interleaved(gpu_studio: Studio, gpu: ForkedGpu, truth: dict[EditSpec, Any]) -> None:
    """Each has a worker while it streams; then the workers serve whoever comes, in any order."""
    one, other = (
        gpu_studio.stream(SPECS[1], gpu_studio.ticket("one")),
        gpu_studio.stream(SPECS[2], gpu_studio.ticket("other")),
    )
    last: dict[str, Evaluation] = {}
    for _ in range(100):
        for name, stream in (("one", one), ("other", other)):
            answer = next(stream, None)
            if answer is not None:
                last[name] = answer
    assert counts(last["one"]) == truth[SPECS[1]]
    assert counts(last["other"]) == truth[SPECS[2]]
    assert gpu.forks == 2

    wrong: list[EditSpec] = []

    def visit(thread: int) -> None:
        for step in range(2 * len(SPECS)):
            spec = SPECS[(3 * thread + step) % len(SPECS)]
            if counts(gpu_studio.evaluate(spec, fresh=True)) != truth[spec]:
                wrong.append(spec)

    threads = [threading.Thread(target=visit, args=(thread,), daemon=True) for thread in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert not wrong
    assert gpu.forks <= 3


def test_requests_of_one_spec_neither_lose_nor_repeat_chunks(
    gpu_studio: Studio, gpu: ForkedGpu, truth: dict[EditSpec, Any]
) -> None:
    slow, quick = (
        gpu_studio.stream(SPECS[1], gpu_studio.ticket("slow")),
        gpu_studio.stream(SPECS[1], gpu_studio.ticket("quick")),
    )
    for stream in (slow, quick, slow):
        next(stream)
    assert counts(gpu_studio.evaluate(SPECS[1], gpu_studio.ticket("late"))) == truth[SPECS[1]]
    assert counts(list(quick)[-1]) == counts(list(slow)[-1]) == truth[SPECS[1]]


def test_a_newer_request_stops_the_worker_which_serves_again(
    gpu_studio: Studio, gpu: ForkedGpu, truth: dict[EditSpec, Any]
) -> None:
    older = gpu_studio.stream(SPECS[1], gpu_studio.ticket("visitor"))
    next(older)
    newer = gpu_studio.stream(SPECS[2], gpu_studio.ticket("visitor"))
    with pytest.raises(Superseded):
        next(older)
    assert gpu.stopped == 1
    assert counts(list(newer)[-1]) == truth[SPECS[2]]
    assert gpu.forks == 1
    assert counts(gpu_studio.evaluate(SPECS[1])) == truth[SPECS[1]]


def test_locks_held_while_a_worker_forks_do_not_hang_it(
    lab: Path, truth: dict[EditSpec, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forked child inherits a held lock and not the thread that would let it go."""
    monkeypatch.setattr(zero_gpu, "best_device", lambda: "cpu")

    class HeldWhileForking(ForkedGpu):
        def _fork(self, task: Callable[..., Iterator[Any]]) -> Any:
            inner = studio.lab.encoder
            locks: list[Any] = [
                studio.lab._loading,
                studio.lab._lock,
                inner.residuals._changed,
                studio._runner._mutex,
            ]
            held, forked = threading.Event(), threading.Event()

            def hold() -> None:
                for lock in locks:
                    lock.acquire()
                with studio._scheduler.turn(Ticket()):
                    held.set()
                    forked.wait(PATIENCE)
                for lock in locks:
                    lock.release()

            holder = threading.Thread(target=hold)
            holder.start()
            assert held.wait(PATIENCE)
            try:
                return super()._fork(task)
            finally:
                forked.set()
                holder.join()

    gpu = HeldWhileForking()
    try:
        studio = Studio(lab, None, chunk=CHUNK, zero_gpu=ZeroGpuHost(gpu, Refusal))
        studio.warm_up()
        assert counts(in_time(lambda: studio.evaluate(SPECS[2]))) == truth[SPECS[2]]
        assert gpu.forks == 1
    finally:
        gpu.close()


def test_torch_threads_of_this_process_do_not_hang_a_worker(
    gpu_studio: Studio, truth: dict[EditSpec, Any], torch_threads: Callable[[int], None]
) -> None:
    torch_threads(2)
    torch.randn(1000, 1000) @ torch.randn(1000, 1000)
    torch.randn(4_000_000).add_(1)
    assert counts(in_time(lambda: gpu_studio.evaluate(SPECS[2]))) == truth[SPECS[2]]


def test_an_error_in_the_worker_is_raised_here(
    lab: Path, tmp_path: Path, gpu: ForkedGpu, truth: dict[EditSpec, Any]
) -> None:
    own = tmp_path / "lab"
    shutil.copytree(lab, own)
    studio = Studio(own, None, chunk=CHUNK, zero_gpu=ZeroGpuHost(gpu, Refusal))
    assert counts(studio.evaluate(SPECS[1])) == truth[SPECS[1]]
    path = own / "tiny_clip" / "finetuned" / "faces.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(CheckpointError, match=r"faces\.safetensors"):
        studio.evaluate(SPECS[2])
    path.unlink()
    with pytest.raises(LabError, match="is absent"):
        studio.evaluate(SPECS[2], fresh=True)
    path.write_bytes(whole)
    assert counts(studio.evaluate(SPECS[2])) == truth[SPECS[2]]
    assert counts(studio.evaluate(SPECS[1], fresh=True)) == truth[SPECS[1]]
    assert gpu.forks == 1


def test_a_refusal_is_reported_with_its_reason(
    gpu_studio: Studio, gpu: ForkedGpu, truth: dict[EditSpec, Any]
) -> None:
    gpu.refuses = ("ZeroGPU quota exceeded", "30s requested vs. 12s left. Try again in 1:02:03. ")
    message = r"^ZeroGPU quota exceeded: 30s requested vs\. 12s left\. Try again in 1:02:03\. First numbers"
    with pytest.raises(GpuRefused, match=message):
        gpu_studio.evaluate(SPECS[1])
    assert not gpu_studio.first(SPECS[1]).complete
    gpu.refuses = None
    assert counts(gpu_studio.evaluate(SPECS[1])) == truth[SPECS[1]]


def test_a_bug_in_the_worker_is_reported_and_the_worker_replaced(
    gpu_studio: Studio, gpu: ForkedGpu, truth: dict[EditSpec, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(zero_gpu, "count_chunk", broken)
        with pytest.raises(GpuRefused, match="ZeroGPU worker error: ZeroDivisionError"):
            gpu_studio.evaluate(SPECS[1])
    assert counts(gpu_studio.evaluate(SPECS[1])) == truth[SPECS[1]]
    assert gpu.forks == 2


def test_results_of_the_gpu_are_cached_apart(lab: Path, tmp_path: Path, gpu: ForkedGpu) -> None:
    answer = Studio(lab, tmp_path, chunk=CHUNK, zero_gpu=ZeroGpuHost(gpu, Refusal)).evaluate(SPECS[1])
    assert Studio(lab, tmp_path, chunk=CHUNK).cached(SPECS[1]) is None
    assert Studio(lab, tmp_path, chunk=CHUNK, zero_gpu=ZeroGpuHost(gpu, Refusal)).cached(SPECS[1]) == answer


def test_texts_are_counted_and_ranked_here(gpu: ForkedGpu) -> None:
    """The text model is so small that a call over the network would cost more, and quota besides."""
    spec = EditSpec.lines("story", 0.45, model=TINY_T5, part="decoder", images=4)
    here, beside = (
        Studio(ROOT / "assets", None, chunk=CHUNK, zero_gpu=host)
        for host in (None, ZeroGpuHost(gpu, Refusal))
    )
    first = beside.first(spec)
    assert not first.complete
    streamed = list(beside.stream(spec))
    assert len(streamed) > 1
    assert counts(streamed[-1]) == counts(here.evaluate(spec))
    question = TextQuestion("mira was hungry .", ("mira ate", "dax ate"), -1)
    assert beside.rank([spec], [question]) == here.rank([spec], [question])
    assert gpu.calls == 0
    assert beside.cached(text_references("story")[0]) is not None, "what ships is known there as well"
