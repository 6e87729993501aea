"""Cache of prepared subsets, faults of the Hub while they are prepared, and cancellation."""

import logging
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from evaluators.errors import Cancelled, HubError
from evaluators.hub.transfer.parallel_calls import Workers
from tests.hub.image_sets import (
    cached,
    load,
    shuffled,
    task_of,
    write_parquet,
)
from tests.hub.server import Hub

pytestmark = pytest.mark.usefixtures("small_files_in_parts")


def test_the_cache_answers_without_a_download(hub: Hub, cache: Path) -> None:
    write_parquet(hub, shuffled())
    assert cached(task_of(), cache) is None
    first = load(task_of(), cache)
    assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".safetensors"]
    hub.requests.clear()
    again = load(task_of(), cache)
    assert hub.downloads() == []
    assert (again.bytes_read, again.digest, again.available) == (0, first.digest, first.available)
    assert torch.equal(again.subset.images, first.subset.images)
    assert torch.equal(again.subset.labels, first.subset.labels)
    hub.requests.clear()
    from_disk = cached(task_of(), cache)
    assert from_disk is not None
    assert torch.equal(from_disk.subset.images, first.subset.images)
    assert hub.requests == []
    for other in ({"images": 41}, {"split": "val"}, {"most_bytes": 1 << 20}):
        assert cached(task_of(), cache, **other) is None


def test_another_commit_is_prepared_again(hub: Hub, cache: Path) -> None:
    write_parquet(hub, shuffled())
    first = load(task_of(), cache)
    pinned = task_of(revision=hub.commit("owner/digits", "dataset"))
    write_parquet(hub, shuffled(200))
    second = load(task_of(), cache)
    assert (first.available, second.available) == (400, 200)
    assert first.digest != second.digest
    assert load(pinned, cache).available == 400


@pytest.mark.parametrize("content", [b"", b"no safetensors at all", None])
def test_a_damaged_cache_is_prepared_again(
    hub: Hub, cache: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    write_parquet(hub, shuffled())
    first = load(task_of(), cache)
    (path,) = cache.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with caplog.at_level(logging.WARNING):
        again = load(task_of(), cache)
    assert "preparing them again" in caplog.text
    assert again.bytes_read > 0
    assert torch.equal(again.subset.images, first.subset.images)


def test_a_cache_of_another_size_is_prepared_again(
    hub: Hub, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whole as a file, but not these images."""
    from safetensors.torch import save_file

    write_parquet(hub, shuffled())
    first = load(task_of(), cache)
    (path,) = cache.glob("*.safetensors")
    tensors = {"images": first.subset.images[:, :, :8].contiguous(), "labels": first.subset.labels}
    save_file(tensors, path, {"available": "400"})
    with caplog.at_level(logging.WARNING):
        assert torch.equal(load(task_of(), cache).subset.images, first.subset.images)
    assert "preparing them again" in caplog.text


def test_an_unwritable_cache_is_only_logged(
    hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_parquet(hub, shuffled())
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert len(load(task_of(), tmp_path / "file").subset) == 40
    assert "could not be cached" in caplog.text


def test_a_full_disk_leaves_nothing_half_written(
    hub: Hub, cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import safetensors.torch

    def full(tensors: object, path: Path, metadata: object = None) -> None:
        Path(path).write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    write_parquet(hub, shuffled())
    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with caplog.at_level(logging.WARNING):
        assert len(load(task_of(), cache).subset) == 40
    assert caplog.text.count("No space left") == 1
    assert [path.suffix for path in cache.rglob("*") if path.is_file()] == [".json"]


# ------------------------------------------------------------------ faults


def test_absent_and_closed_data_sets_read_differently(hub: Hub, cache: Path) -> None:
    with pytest.raises(HubError, match="has no dataset repository owner/digits, or it is private"):
        load(task_of(), cache)
    write_parquet(hub, shuffled(40))
    with pytest.raises(HubError, match="owner/digits has no revision 'v2'"):
        load(task_of(revision="v2"), cache)
    hub.gate("owner/digits", "dataset")
    with pytest.raises(HubError, match=r"is gated: accept its terms at .*/datasets/owner/digits"):
        load(task_of(), cache)


@pytest.mark.parametrize(
    ("kind", "rest"),
    [("status", {"status": 503}), ("cut", {"after": 100}), ("reset", {"after": 100}), ("drop", {})],
)
def test_a_fault_that_passes_is_not_noticed(hub: Hub, cache: Path, kind: Any, rest: dict[str, Any]) -> None:
    write_parquet(hub, shuffled())
    clean = load(task_of(), cache / "clean")
    hub.fail("*.parquet", kind, skip=5, **rest)
    found = load(task_of(), cache / "faulty")
    assert torch.equal(found.subset.images, clean.subset.images)


def test_a_fault_that_stays_is_an_error(hub: Hub, cache: Path) -> None:
    write_parquet(hub, shuffled())
    hub.fail("*.parquet", "status", status=503, times=None)
    with pytest.raises(HubError, match=r"could not serve .*parquet \(503\)\. Try again later"):
        load(task_of(), cache)
    hub.clear()
    hub.fail("*.parquet", "cut", after=50, times=None)
    with pytest.raises(HubError, match=r"Cannot reach .*parquet"):
        load(task_of(), cache)
    assert not list(cache.rglob("*.safetensors"))


def test_offline_with_a_warm_cache(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    write_parquet(hub, shuffled())
    first = load(task_of(), cache)
    with hub.down():
        assert torch.equal(load(task_of(), cache).subset.images, first.subset.images)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load(task_of(), cache).digest == first.digest


def test_offline_with_a_cold_cache(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    with hub.down(), pytest.raises(HubError, match=r"Cannot reach .* owner/digits is not on this machine"):
        load(task_of(), cache)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set, so"):
        load(task_of(), cache)


def test_a_stopped_preparation_continues_later(hub: Hub, cache: Path) -> None:
    """A stalled row group does not hold the caller; the others are not read a second time."""
    write_parquet(hub, shuffled(), side=64)
    whole = load(task_of(), cache / "whole", images=100)
    before = [request for request in hub.downloads() if request.name.endswith(".parquet")]
    groups = sum(request.sent > 20_000 for request in before)
    assert groups > 4
    hub.fail("*.parquet", "stall", after=20_000, skip=len(before) - groups + 2, times=None)
    stop = threading.Event()
    done: list[tuple[int, int]] = []

    def progress(images: int, total: int) -> None:
        done.append((images, total))
        if images:
            stop.set()

    with pytest.raises(Cancelled, match="are kept"):
        load(task_of(), cache, images=100, progress=progress, stop=stop)
    assert done[0] == (0, 100)
    kept = len(list(cache.glob("*.parts/*.safetensors")))
    assert 1 <= kept < groups
    hub.clear()
    done.clear()
    found = load(task_of(), cache, images=100, progress=progress)
    assert torch.equal(found.subset.images, whole.subset.images)
    a_group = max(request.sent for request in before)
    assert found.bytes_read < whole.bytes_read - 0.9 * kept * a_group
    assert done[-1] == (100, 100)
    assert [path.suffix for path in sorted(cache.iterdir()) if path.is_file()] == [".json", ".safetensors"]
    assert not list(cache.glob("*.parts"))


def test_a_hub_that_says_nothing_is_given_up() -> None:
    ended = threading.Event()
    with Workers(None, silence=0.3) as workers, pytest.raises(HubError, match="sent nothing for 0 seconds"):
        workers.call(lambda: ended.wait(60))
    ended.set()
