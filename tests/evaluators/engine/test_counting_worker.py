"""A worker counts what the studio counts, from values alone; merges are made once a machine."""

import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from evaluators.data.image_batches import Chunk, TaskSlice
from evaluators.encoder.autotune import EngineConfig
from evaluators.engine import node_merges
from evaluators.engine.counting_worker import ChunkOrder, CountingWorker, pickled_order, pickled_recipe
from evaluators.engine.engine import ChunkCounts
from evaluators.engine.lab_recipe import LabRecipe, code_identity, content_of
from evaluators.engine.node_merges import NodeMerges, own_folder
from evaluators.errors import LabError
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from tests.conftest import CHUNK

SPECS = (
    EditSpec.lines("digits", 0.25, images=30),
    EditSpec.pretrained("faces", split="val", images=24),
    EditSpec.merged(MergeSpec(("digits", "faces"), "ties"), 0.3, 0.4, images=30),
)


@pytest.fixture
def recipe(lab: Path) -> LabRecipe:
    content = content_of(Studio(lab, None).lab)
    return LabRecipe("tiny-clip", content, lab, None, None, EngineConfig(torch.float32, CHUNK, 0.0))


@pytest.fixture(autouse=True)
def merges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Merges of the tests are kept apart."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return own_folder()


def counted(worker: CountingWorker, studio: Studio, content: str, spec: EditSpec) -> list[int]:
    resolved = studio.lab.resolve(spec)
    right = [0] * 3
    for chunk in studio.lab.images(resolved.suite, resolved.split).chunks(resolved.images):
        answer = worker.count(pickled_order(ChunkOrder(content, resolved, chunk)))
        assert isinstance(answer, ChunkCounts), answer
        again = worker.count(pickled_order(ChunkOrder(content, resolved, chunk)))
        assert isinstance(again, ChunkCounts)
        assert again.counted == answer.counted, "the same order gives the same counts"
        right = [one + other for one, other in zip(right, answer.counted.correct, strict=True)]
    return right


def test_counts_are_the_studios(recipe: LabRecipe, studio: Studio) -> None:
    worker = CountingWorker("cpu", 1)
    assert worker.facts.code == code_identity()
    assert worker.open(pickled_recipe(recipe)) is None
    for spec in SPECS:
        evaluation = studio.evaluate(spec)
        assert counted(worker, studio, recipe.content, spec) == [task.correct for task in evaluation.tasks]


def test_an_edit_travels_in_a_few_hundred_bytes(studio: Studio) -> None:
    keys = tuple(f"tall-masks.task_{number:02}" for number in range(20))
    merge = MergeSpec(keys, "ties", weights=tuple(0.1 * number for number in range(1, 21)))
    resolved = replace(studio.lab.resolve(SPECS[0]), residual=merge)
    largest = Chunk(tuple(TaskSlice(task, 0, 12) for task in range(20)), True)
    assert len(pickled_order(ChunkOrder("0" * 64, resolved, largest))) < 4000
    chunk = studio.lab.images("tasks", "test").chunks(30)[0]
    assert len(pickled_order(ChunkOrder("0" * 64, studio.lab.resolve(SPECS[0]), chunk))) < 1000


def test_other_files_and_unknown_labs_are_refused(recipe: LabRecipe, studio: Studio) -> None:
    worker = CountingWorker("cpu", 1)
    other = worker.open(pickled_recipe(replace(recipe, content="0" * 64)))
    assert isinstance(other, LabError)
    assert "install the same version of the explorer there, or share one --cache" in str(other)
    resolved = studio.lab.resolve(SPECS[0])
    chunk = studio.lab.images("tasks", "test").chunks(30)[0]
    unknown = worker.count(pickled_order(ChunkOrder("0" * 64, resolved, chunk)))
    assert isinstance(unknown, LabError)
    assert pickle.loads(pickle.dumps(other)).args == other.args, "errors travel too"


def test_a_merge_is_made_once_by_the_workers_of_a_machine(
    recipe: LabRecipe, studio: Studio, monkeypatch: pytest.MonkeyPatch, merges: Path
) -> None:
    first, second = CountingWorker("cpu", 1), CountingWorker("cpu", 1)
    for worker in (first, second):
        assert worker.open(pickled_recipe(recipe)) is None
    wanted = counted(first, studio, recipe.content, SPECS[2])
    monkeypatch.setattr("evaluators.encoder.live_encoder.merge", None)
    assert counted(second, studio, recipe.content, SPECS[2]) == wanted
    assert len(list(merges.glob("*.safetensors"))) == 1


def test_the_oldest_merges_make_room(tmp_path: Path, studio: Studio) -> None:
    layout = studio.lab.encoder.layout
    made: list[str] = []

    def make(name: str) -> Callable[[], Tensor]:
        def made_here() -> Tensor:
            made.append(name)
            return torch.full((layout.numel,), float(len(made)))

        return made_here

    kept = NodeMerges(tmp_path, "content", layout, most_bytes=9 * layout.numel)
    specs = {
        name: MergeSpec(("digits", "faces"), "sum", weights=(1.0, number))
        for number, name in enumerate("abc", 2)
    }
    mapped = kept.get(specs["a"], make("a"))
    os.utime(next(tmp_path.glob("*.safetensors")), (1, 1))
    kept.get(specs["b"], make("b"))
    kept.get(specs["c"], make("c"))
    kept.get(specs["b"], make("b"))
    assert made == ["a", "b", "c"]
    assert mapped[0] == 1.0, "who has mapped a deleted file keeps it"
    kept.get(specs["a"], make("a"))
    assert made == ["a", "b", "c", "a"]
    assert NodeMerges(tmp_path, "other", layout).get(specs["c"], make("other"))[0] == 5.0


def test_a_folder_of_somebody_else_is_refused(merges: Path) -> None:
    merges.chmod(0o777)
    with pytest.raises(LabError, match="is not a folder that belongs to this user alone"):
        node_merges.own_folder()
