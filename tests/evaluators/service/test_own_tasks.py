"""Tasks that visitors add stand beside the built-in ones, for their own session alone."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evaluators import EditSpec, Evaluation, Studio
from evaluators.errors import Cancelled, SpecError, TaskError
from evaluators.export import export
from evaluators.service.request_stats import RequestStats
from evaluators.service.session_quota import QuotaError, SessionLimits
from evaluators.specs.merge_spec import MergeSpec
from lines_core.checkpoints import read_checkpoint
from tests.conftest import CHUNK
from tests.own_images import add_task, folders, zipped
from tests.paths import ASSETS

MODEL = "tiny-clip"
COUNTS = {"cup": 20, "old_boot": 18, "tram": 11}
SPEC = EditSpec.lines("digits", 0.4, images=0)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return zipped(tmp_path / "images.zip", folders(COUNTS))


@pytest.fixture
def studio(lab: Path, tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(lab, tmp_path / "kept", chunk=CHUNK)
    yield studio
    studio.close()


def own_checkpoint(session: Studio, task: str, tmp_path: Path, seed: int = 0) -> str:
    """A checkpoint of a task, added to the session; its key."""
    torch.manual_seed(seed)
    weights = read_checkpoint(session.lab.weights)
    path = tmp_path / f"mine-{seed}.pt"
    torch.save(
        {name: value.float() + 0.1 * torch.randn_like(value.float()) for name, value in weights.items()}, path
    )
    return session.take_file(MODEL, task, path, path.name).key


def roles(evaluation: Evaluation) -> dict[str, str]:
    return {task.key: task.role for task in evaluation.tasks}


def test_it_is_counted_beside_the_built_in_tasks(studio: Studio, images: Path) -> None:
    before = studio.evaluate(SPEC)
    anna = studio.seen_by("anna")
    imported = add_task(anna, images)
    task = imported.task.task
    assert task.classes == ("cup", "old boot", "tram")
    assert imported.notes[0] == "3 classes, 24 validation and 25 test images."
    assert [one.key for one in anna.tasks()] == ["digits", "textures", "faces", task.key]
    for split, n in (("test", 25), ("val", 24)):
        spec = replace(SPEC, split=split)
        counted = anna.evaluate(spec)
        assert roles(counted) == dict(
            zip(("digits", "textures", "faces", task.key), ["target", *["control"] * 3], strict=True)
        )
        assert (counted.tasks[3].title, counted.tasks[3].n) == ("Things", n)
        assert counted.tasks[:3] == studio.evaluate(spec).tasks
        assert len(counted.predicted(3)) == n
    assert studio.evaluate(SPEC) == before


def test_it_is_right_whether_the_built_in_tasks_are_known_or_not(studio: Studio, images: Path) -> None:
    """Known counts are taken over; anew, all tasks are counted in chunks that hold all of them."""
    anna = studio.seen_by("anna")
    key = add_task(anna, images).task.task.key
    together = anna.evaluate(SPEC)
    assert together == anna.evaluate(SPEC)
    assert together.tasks == anna.evaluate(SPEC, fresh=True).tasks
    ben = studio.seen_by("ben")
    add_task(ben, images)
    ben.evaluate(replace(SPEC, alpha=0.3, beta=0.7))
    studio.evaluate(SPEC)
    partial = list(ben.stream(SPEC))
    assert [len(one.tasks) for one in partial] == [4] * len(partial)
    assert all(one.tasks[:3] == together.tasks[:3] for one in partial), "known from the first"
    assert partial[0].tasks[3].n < partial[-1].tasks[3].n
    assert replace(partial[-1].tasks[3], key=key) == together.tasks[3]
    assert [partial[-1].predicted(task) for task in range(4)] == [
        together.predicted(task) for task in range(4)
    ]
    assert ben.pictured(SPEC).predictions is not None


def test_its_numbers_are_those_of_its_images(studio: Studio, images: Path) -> None:
    """Against the encoder and the head, without the engine."""
    anna = studio.seen_by("anna")
    own = add_task(anna, images).task
    spec = EditSpec.pretrained("digits", images=0)
    counted = anna.evaluate(spec)
    lab = anna.lab_of(MODEL)
    subset = own.subset("test")
    pixels = lab.images("tasks", "test").normalise(subset.images)
    lab.encoder.write_edit("", lab.resolve(spec).scales)
    with torch.inference_mode():
        logits = lab.encoder.encode(pixels).float() @ own.head()
    assert tuple(logits.argmax(dim=1).tolist()) == counted.predicted(3)
    assert counted.tasks[3].correct == int((logits.argmax(dim=1) == subset.labels).sum())
    assert torch.equal(own.head(), lab.new_head(own.task.classes, own.task.prompts))


def test_as_the_target_of_an_own_checkpoint_and_in_merges(
    studio: Studio, images: Path, tmp_path: Path
) -> None:
    anna = studio.seen_by("anna")
    key = add_task(anna, images).task.task.key
    assert key in [task.key for task in anna.target_tasks(MODEL)]
    mine = own_checkpoint(anna, key, tmp_path)
    assert len(mine) <= 64
    assert anna.checkpoints()[-1].title == "Things (mine-0.pt)"
    counted = anna.evaluate(EditSpec.lines(mine, 0.5, images=0))
    assert roles(counted)[key] == "target"
    assert list(roles(counted).values()).count("target") == 1
    merge = MergeSpec((mine, "digits", "faces"))
    merged = anna.evaluate(EditSpec.merged(merge, 0.3, images=0))
    assert [name for name, role in roles(merged).items() if role == "target"] == ["digits", "faces", key]
    exported = export(anna.lab_of(MODEL), merged.spec, "open_clip", tmp_path, [merged])
    assert "| `Things` | target |" in exported.card.read_text(encoding="utf-8")
    pretrained = anna.evaluate(EditSpec.pretrained(mine, images=0))
    assert roles(pretrained)[key] == "target"
    assert pretrained.tasks[:3] == tuple(
        replace(task, role="control")
        for task in anna.evaluate(EditSpec.pretrained("digits", images=0)).tasks[:3]
    )


def test_nothing_of_it_reaches_another_session_or_the_disk(
    studio: Studio, images: Path, tmp_path: Path
) -> None:
    anna, ben = studio.seen_by("anna"), studio.seen_by("ben")
    key = add_task(anna, images).task.task.key
    mine = own_checkpoint(anna, key, tmp_path)
    anna.evaluate(SPEC)
    for other in (ben, studio):
        assert len(other.evaluate(SPEC).tasks) == 3
        assert key not in [task.key for task in (*other.tasks(), *other.target_tasks(MODEL))]
        assert not other.drop_added(MODEL, key)
        with pytest.raises(SpecError, match="no checkpoint"):
            other.evaluate(EditSpec.finetuned(mine))
    theirs = add_task(ben, images).task.task.key
    assert theirs != key, "the same images, another secret"
    assert anna.fingerprint(SPEC) != ben.fingerprint(SPEC)
    studio._results.close()
    path = studio.status().store
    with sqlite3.connect(path) as stored:
        text = b"".join(value.encode() for (value,) in stored.execute("SELECT value FROM results"))
    assert b"digits" in text
    assert b"Things" not in text
    assert key.encode() not in text


def test_deleting_it_deletes_all_of_it(studio: Studio, images: Path, tmp_path: Path) -> None:
    anna = studio.seen_by("anna")
    task = add_task(anna, images).task
    key = task.task.key
    mine = own_checkpoint(anna, key, tmp_path)
    other = own_checkpoint(anna, "faces", tmp_path, seed=1)
    merge = EditSpec.merged(MergeSpec(("digits", mine)), images=0)
    for spec in (SPEC, EditSpec.finetuned(mine, images=0), merge):
        anna.evaluate(spec)
        anna.first(replace(spec, mix=0.5))
    assert anna.drop_added(MODEL, key)
    assert not anna.drop_added(MODEL, key)
    assert not task.path.exists()
    assert [one.key for one in anna.checkpoints() if one.key.startswith("own-")] == [other]
    assert len(anna.evaluate(SPEC).tasks) == 3
    known = studio._results._memory.values()
    assert not [one for one in known if mine in one.spec.sources or key in [task.key for task in one.tasks]]
    assert not [one for one in studio._runner._progress.values() if one.names & {key, mine}]
    assert not [names for names in studio.lab._images if key in names]
    assert not [names for names in studio.lab._heads if key in names]


def test_it_comes_back_with_a_reloaded_page_and_ends_with_the_session(studio: Studio, images: Path) -> None:
    anna = studio.seen_by("anna")
    task = add_task(anna, images).task
    token = anna.token()
    assert token
    studio.leave("anna")
    again = studio.seen_by("anna again")
    assert again.resume(token)
    assert again.own_tasks(MODEL) == (task,)
    assert len(again.evaluate(SPEC).tasks) == 4
    ben = studio.seen_by("ben")
    theirs = add_task(ben, images).task
    studio.leave("ben")
    assert not theirs.path.exists()
    assert ben.own_tasks(MODEL) == ()


def test_it_counts_in_the_quota_and_a_failed_import_leaves_nothing(
    lab: Path, images: Path, tmp_path: Path
) -> None:
    studio = Studio(lab, tmp_path / "kept", chunk=CHUNK, session_limits=SessionLimits(session_count=1))
    anna = studio.seen_by("anna")
    few = zipped(tmp_path / "few.zip", folders({"a": 3, "b": 3}))

    def stop(done: int, total: int) -> None:
        studio.leave("anna")

    for path, progress, error in ((few, None, TaskError), (images, stop, Cancelled)):
        with pytest.raises(error):
            add_task(anna, path, progress=progress)
        assert studio.status().session_checkpoints == 0
        assert not list((tmp_path / "kept").rglob("task-*"))
    add_task(anna, images)
    with pytest.raises(QuotaError, match="added 1 checkpoints and tasks, 1 are kept at most: remove one"):
        add_task(anna, images, "Others")
    studio.close()


def test_two_tasks_and_views_share_the_images_that_are_built_in(studio: Studio, images: Path) -> None:
    anna = studio.seen_by("anna")
    add_task(anna, images)
    add_task(anna, images, "The same again")
    counted = anna.evaluate(SPEC)
    assert [task.title for task in counted.tasks[3:]] == ["Things", "The same again"]
    assert counted.tasks[3].correct == counted.tasks[4].correct
    lab = anna.lab_of(MODEL)
    of_view, built_in = lab.images("tasks", "test"), studio.lab.images("tasks", "test")
    assert [one.data_ptr() for one in of_view._images[:3]] == [one.data_ptr() for one in built_in._images]
    assert of_view._buffer.data_ptr() == built_in._buffer.data_ptr()


def test_shipped_counts_are_taken_over_and_only_own_images_are_counted(images: Path) -> None:
    """A position of the real lab's grid answers for the built-in tasks without a forward pass of theirs."""
    observed: list[RequestStats] = []
    studio = Studio(ASSETS, None, observe=observed.append)
    spec = EditSpec.lines("digits", 0.37)
    shipped = studio.cached(spec)
    assert shipped is not None
    assert shipped.precomputed
    anna = studio.seen_by("anna")
    add_task(anna, images)
    assert anna.cached(spec) is None
    assert anna.known_pictures(spec) is None
    counted = anna.evaluate(spec)
    assert counted.tasks[:-1] == shipped.tasks
    assert counted.tasks[-1].n == 25
    assert not counted.precomputed
    assert observed[-1].counted == 1, "one chunk"
    assert len(anna.pictured(spec, 8).predictions or ()) == len(counted.tasks)
    assert studio.cached(spec) == shipped
    studio.close()


def test_a_checkpoint_is_deleted_by_itself(studio: Studio, tmp_path: Path) -> None:
    """Only tasks could be removed: whoever had tried eight files had to begin anew."""
    anna, ben = studio.seen_by("anna"), studio.seen_by("ben")
    one, same = (own_checkpoint(anna, task, tmp_path) for task in ("faces", "digits"))
    counted = anna.evaluate(EditSpec.finetuned(same, images=0))
    assert not ben.drop_added(MODEL, one)
    assert anna.drop_added(MODEL, one)
    assert not anna.drop_added(MODEL, one)
    with pytest.raises(SpecError, match="no checkpoint"):
        anna.evaluate(EditSpec.finetuned(one))
    studio.lab.encoder.drop(same)
    assert anna.evaluate(EditSpec.finetuned(same, images=0)).tasks == counted.tasks, "they share a file"
    assert not anna.drop_added(MODEL, "digits"), "a task that is built in, of which there is a checkpoint"
    assert anna.drop_added(MODEL, same)
    assert studio.status().session_checkpoints == 0
