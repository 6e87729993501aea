"""A grid on additional encoders gives the studio's counts, and is cancelled, fails and is cached like it."""

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from evaluators.engine.local_engine import LocalEngine
from evaluators.errors import Cancelled, Superseded
from evaluators.experiments import grid
from evaluators.experiments.grid import begin, finish, run_grid
from evaluators.experiments.merge_search import MergeConfig, MergeSearch
from evaluators.experiments.sweeps import gamma_sweep, run_sweep
from evaluators.labs.tiny_encoder import TinyEncoder
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from tests.conftest import CHUNK
from tests.paths import ASSETS

PAIR = ("digits", "faces")


def cells(every: int = 7) -> list[EditSpec]:
    """Every so many cells of a map, several of them with one alpha."""
    heat = MergeSearch(MergeConfig(PAIR), 0.5, heat_images=20).heat
    return [spec for specs in list(heat.candidates.values())[::every] for spec in specs]


def test_the_split_pass_is_the_whole_pass(studio: Studio) -> None:
    images = torch.randn(5, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    clip = studio.lab.encoder.loaded.clip
    with torch.inference_mode():
        whole = clip.encode_image(images)
        assert torch.equal(finish(clip.visual, begin(clip.visual, images)), whole)


def test_the_counts_are_the_studios(lab: Path) -> None:
    specs = [*cells(), *gamma_sweep("digits", "test", images=30), EditSpec.finetuned("objects")]
    one_by_one = dict(run_sweep(Studio(lab, None, chunk=CHUNK), specs))
    together = dict(run_grid(Studio(lab, None, chunk=CHUNK), specs))
    assert set(together) == set(one_by_one)
    assert {spec: found.tasks for spec, found in together.items()} == {
        spec: found.tasks for spec, found in one_by_one.items()
    }
    assert all(found.complete for found in together.values())


def test_results_are_cached(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = cells(20)
    measured = dict(run_grid(studio, specs))
    assert all(studio.cached(spec) == measured[spec] for spec in specs)
    monkeypatch.setattr(grid, "_count_group", None)  # nothing is counted again
    assert dict(run_grid(studio, specs)) == measured


def test_fresh_measures_everything_again(studio: Studio) -> None:
    specs = cells(30)
    before = dict(run_grid(studio, specs))
    again = dict(run_grid(studio, specs, fresh=True))
    assert {spec: found.tasks for spec, found in again.items()} == {
        spec: found.tasks for spec, found in before.items()
    }
    assert all(again[spec].seconds != before[spec].seconds for spec in specs)


def test_cells_of_one_alpha_share_block_1(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, torch_threads: Callable[[int], None]
) -> None:
    begun: list[int] = []

    def counted(visual: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        begun.append(len(images))
        return begin(visual, images)

    monkeypatch.setattr(grid, "begin", counted)
    heat = MergeSearch(MergeConfig(PAIR), 0.5, heat_images=20).heat
    row = [specs[0] for (alpha, _), specs in heat.candidates.items() if alpha == 0.25]
    torch_threads(2)
    assert len(dict(run_grid(studio, row))) == 11
    chunks = studio.lab.images("tasks", "val").chunks(20)
    assert len(begun) == 3 * len(chunks), "four, four and three cells"


def test_a_row_of_one_alpha_keeps_every_worker_busy(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, torch_threads: Callable[[int], None]
) -> None:
    """One worker counted all of a row, and a map's first point was known when its row was (two minutes)."""
    groups: list[int] = []
    count_group = grid._count_group

    def noted(encoder: TinyEncoder, inputs: Any, group: list[Any], *rest: Any) -> Any:
        groups.append(len(group))
        return count_group(encoder, inputs, group, *rest)

    monkeypatch.setattr(grid, "_count_group", noted)
    heat = MergeSearch(MergeConfig(PAIR), 0.5, heat_images=20).heat
    row = [specs[0] for (alpha, _), specs in heat.candidates.items() if alpha == 0.25]
    torch_threads(2)
    assert len(dict(run_grid(studio, row[:5]))) == 5
    assert sorted(groups) == [2, 3]


def test_cancelling_restores_the_number_of_threads(studio: Studio) -> None:
    threads = torch.get_num_threads()
    stop = threading.Event()
    running = run_grid(studio, cells(), cancelled=stop)
    next(running)
    next(running)
    stop.set()
    with pytest.raises(Cancelled, match="after 2 points"):
        next(running)
    assert torch.get_num_threads() == threads


def test_an_exception_in_a_worker_is_raised(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no memory left")

    monkeypatch.setattr(grid, "begin", fails)
    with pytest.raises(RuntimeError, match="no memory left"):
        list(run_grid(studio, cells(60)))


@pytest.mark.parametrize("threads", [1, 2])
def test_counts_of_the_shipped_lab_equal_one_by_one_evaluation(
    threads: int, torch_threads: Callable[[int], None]
) -> None:
    """Twelve blocks and real weights: any difference in rounding would show in some of 1,600 answers."""
    keys = tuple(one.key for one in Studio(ASSETS, None).checkpoints() if one.suite == "tasks")
    config = MergeConfig(keys)
    specs = [spec for beta in (0.3, 0.5) for spec in config.specs(0.1, beta, split="val", images=100)]
    torch_threads(threads)
    one_by_one = dict(run_sweep(Studio(ASSETS, None), specs))
    together = dict(run_grid(Studio(ASSETS, None), specs))
    assert {spec: found.tasks for spec, found in together.items()} == {
        spec: found.tasks for spec, found in one_by_one.items()
    }


def test_a_second_grid_goes_through_the_studio_and_both_restore_the_threads(
    lab: Path, torch_threads: Callable[[int], None]
) -> None:
    """Each used to restore torch's number of threads: the second restored the 1 that the first had set."""
    torch_threads(2)
    studio = Studio(lab, None, chunk=CHUNK)
    first = run_grid(studio, cells(20), studio.ticket("anna"))
    next(first)
    second = dict(run_grid(studio, cells(30), studio.ticket("ben")))
    assert dict(run_sweep(Studio(lab, None, chunk=CHUNK), cells(30))).keys() == second.keys()
    assert len(dict(first)) == len(cells(20)) - 1
    assert torch.get_num_threads() == 2


def test_an_encoder_first_used_during_a_grid_gets_its_cores_back(
    studio: Studio, torch_threads: Callable[[int], None]
) -> None:
    """A thread adopts torch's number of threads when it first computes, and keeps it."""
    torch_threads(2)
    assert isinstance(studio._engine, LocalEngine)
    thread = studio._engine._thread
    running = run_grid(studio, cells(20))
    next(running)
    studio.evaluate(EditSpec.lines("digits", 0.3))
    assert thread.submit(torch.get_num_threads).result() == 1
    list(running)
    studio.evaluate(EditSpec.lines("digits", 0.4))
    assert thread.submit(torch.get_num_threads).result() == 2


def test_a_grid_ends_when_its_visitor_leaves(studio: Studio) -> None:
    running = run_grid(studio, cells(), studio.seen_by("anna").ticket("heat"))
    next(running)
    studio.leave("anna")
    with pytest.raises(Superseded):
        list(running)


def test_workers_wait_for_live_requests(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = itertools.count()
    monkeypatch.setattr(studio, "busy", lambda: next(calls) < 5)
    assert dict(run_grid(studio, cells(60)))
    assert next(calls) > 5
