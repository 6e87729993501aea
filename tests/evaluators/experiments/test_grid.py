"""A map measured on encoders of its own gives the studio's counts, and stops, fails and remembers like it."""

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from evaluators.errors import Cancelled, Superseded
from evaluators.experiments import grid as maps
from evaluators.experiments.grid import begin, finish, run_grid
from evaluators.experiments.merge_search import MergeConfig, MergeSearch
from evaluators.experiments.sweeps import gamma_sweep, run_sweep
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from tests.conftest import CHUNK
from tests.paths import ASSETS

PAIR = ("digits", "faces")


def cells(every: int = 7) -> list[EditSpec]:
    """Some cells of a map, several of them with one alpha."""
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


def test_what_is_measured_is_known_from_then_on(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = cells(20)
    measured = dict(run_grid(studio, specs))
    assert all(studio.cached(spec) == measured[spec] for spec in specs)
    monkeypatch.setattr(maps, "_count_group", None)  # nothing is counted again
    assert dict(run_grid(studio, specs)) == measured


def test_fresh_measures_all_of_it_again(studio: Studio) -> None:
    specs = cells(30)
    before = dict(run_grid(studio, specs))
    again = dict(run_grid(studio, specs, fresh=True))
    assert {spec: found.tasks for spec, found in again.items()} == {
        spec: found.tasks for spec, found in before.items()
    }
    assert all(again[spec].seconds != before[spec].seconds for spec in specs)


def test_the_beginning_is_shared(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def counted(visual: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        begun.append(len(images))
        return begin(visual, images)

    monkeypatch.setattr(maps, "begin", counted)
    heat = MergeSearch(MergeConfig(PAIR), 0.5, heat_images=20).heat
    row = [specs[0] for (alpha, _), specs in heat.candidates.items() if alpha == 0.25]
    assert len(dict(run_grid(studio, row))) == 11
    chunks = studio.lab.images("tasks", "val").chunks(20)
    assert len(begun) == len(chunks)


def test_it_stops_and_leaves_the_threads_as_they_were(studio: Studio) -> None:
    threads = torch.get_num_threads()
    stop = threading.Event()
    running = run_grid(studio, cells(), cancelled=stop)
    next(running)
    next(running)
    stop.set()
    with pytest.raises(Cancelled, match="after 2 points"):
        next(running)
    assert torch.get_num_threads() == threads


def test_what_goes_wrong_in_a_worker_is_raised(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no memory left")

    monkeypatch.setattr(maps, "begin", fails)
    with pytest.raises(RuntimeError, match="no memory left"):
        list(run_grid(studio, cells(60)))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_shipped_labs_counts_do_not_depend_on_how_they_are_made(
    threads: int, torch_threads: Callable[[int], None]
) -> None:
    """Twelve blocks and real weights: any difference in rounding would show in some of 3,200 answers."""
    keys = tuple(one.key for one in Studio(ASSETS, None).checkpoints() if one.suite == "tasks")
    config = MergeConfig(keys)
    specs = [spec for beta in (0.3, 0.5) for spec in config.specs(0.1, beta, split="val")]
    torch_threads(threads)
    one_by_one = dict(run_sweep(Studio(ASSETS, None), specs))
    together = dict(run_grid(Studio(ASSETS, None), specs))
    assert {spec: found.tasks for spec, found in together.items()} == {
        spec: found.tasks for spec, found in one_by_one.items()
    }


def test_a_second_map_at_the_same_time_is_measured_through_the_studio_and_neither_slows_what_follows(
    lab: Path, torch_threads: Callable[[int], None]
) -> None:
    """Each used to save and restore torch's number of threads: the second put back the 1 of the first."""
    torch_threads(2)
    studio = Studio(lab, None, chunk=CHUNK)
    first = run_grid(studio, cells(20), "anna")
    next(first)
    second = dict(run_grid(studio, cells(30), "ben"))
    assert dict(run_sweep(Studio(lab, None, chunk=CHUNK), cells(30))).keys() == second.keys()
    assert len(dict(first)) == len(cells(20)) - 1
    assert torch.get_num_threads() == 2


def test_a_model_that_first_counts_during_a_map_gets_its_cores_back(
    studio: Studio, torch_threads: Callable[[int], None]
) -> None:
    """A thread takes over torch's number of threads when it first computes, and keeps it."""
    torch_threads(2)
    seen = studio._requests._model
    running = run_grid(studio, cells(20))
    next(running)
    studio.evaluate(EditSpec.lines("digits", 0.3))
    assert seen.submit(torch.get_num_threads).result() == 1
    list(running)
    studio.evaluate(EditSpec.lines("digits", 0.4))
    assert seen.submit(torch.get_num_threads).result() == 2


def test_a_map_ends_when_its_visitor_leaves(studio: Studio) -> None:
    running = run_grid(studio, cells(), "anna:heat")
    next(running)
    studio.leave("anna")
    with pytest.raises(Superseded):
        list(running)


def test_a_map_gives_way_to_live_requests(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = itertools.count()
    monkeypatch.setattr(studio, "busy", lambda: next(asked) < 5)
    assert dict(run_grid(studio, cells(60)))
    assert next(asked) > 5
