"""Subsets from the local Hub, through the unmodified client libraries: what travels, what goes wrong."""

import io
import logging
import tarfile
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from evaluators.errors import Cancelled, HubError, SpecError
from evaluators.hub.images.hub_subset import HubSubset, cached_hub_subset, hub_subset
from evaluators.hub.transfer.http_client import Timeouts
from evaluators.hub.transfer.parallel_calls import Workers
from evaluators.zoo.public_tasks import HubTask
from tests.hub.server import Hub

SIZE = 16
QUICK = Timeouts(connect=2, read=2, attempts=3, pause=0.05)
CLASSES = tuple(f"class {number}" for number in range(10))


def task_of(**rest: Any) -> HubTask:
    values: dict[str, Any] = {
        "key": "digits",
        "title": "Digits",
        "repo": "owner/digits",
        "test_size": 400,
        "train_size": 400,
        "classes": CLASSES,
        "prompts": ("a photo of a {}.",),
    }
    return HubTask(**values | rest)


def image(number: int, label: int, side: int = SIZE, mode: str = "RGB", kind: str = "PNG") -> bytes:
    """A noisy image that says its number and label: pixel (0, 0) and (1, 0), where nothing is resized."""
    pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
    pixels[0, 0] = (number // 256, number % 256, label)
    packed = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(packed, kind)
    return packed.getvalue()


def numbers(found: HubSubset) -> list[int]:
    """Which images these are, by what their first pixel says."""
    first = found.subset.images[:, :, 0, 0].long()
    assert torch.equal(first[:, 2], found.subset.labels)
    return (first[:, 0] * 256 + first[:, 1]).tolist()


def write_parquet(
    hub: Hub,
    labels: Sequence[int],
    *,
    repo: str = "owner/digits",
    split: str = "test",
    folder: str = "data",
    shards: int = 1,
    group: int = 20,
    side: int = SIZE,
    label: Any = None,
    column: str = "image",
) -> list[Path]:
    """Shards as ``push_to_hub`` writes them, ``group`` rows a row group."""
    import datasets

    label = label or datasets.ClassLabel(names=list(CLASSES))
    features = datasets.Features({column: datasets.Image(), "label": label})
    rows = list(enumerate(labels))
    size = -(-len(rows) // shards)
    paths = []
    for shard in range(shards):
        part = rows[shard * size : (shard + 1) * size]
        images = [{"bytes": image(number, int(value), side), "path": None} for number, value in part]
        table = datasets.Dataset.from_dict(
            {column: images, "label": [value for _, value in part]}, features=features
        )
        path = hub.folder(repo, "dataset") / folder / f"{split}-{shard:05}-of-{shards:05}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(path, batch_size=group)
        paths.append(path)
    return paths


def write_tars(
    hub: Hub, labels: Sequence[int], tars: int = 2, repo: str = "owner/digits", mtime: float = 0
) -> None:
    """As clip-benchmark lays them out; a time with a fraction gives each member two headers."""
    folder = hub.folder(repo, "dataset")
    (folder / "test").mkdir()
    (folder / "classnames.txt").write_text("\n".join(CLASSES))
    (folder / "test" / "nshards.txt").write_text(f"{tars}\n")
    size = -(-len(labels) // tars)
    for tar_number in range(tars):
        with tarfile.open(folder / "test" / f"{tar_number}.tar", "w") as tar:
            for number in range(tar_number * size, min(len(labels), (tar_number + 1) * size)):
                for field, content in (
                    ("cls", str(labels[number]).encode()),
                    ("jpg", image(number, labels[number])),
                ):
                    member = tarfile.TarInfo(f"s{number:07}.{field}")
                    member.size = len(content)
                    member.mtime = mtime
                    tar.addfile(member, io.BytesIO(content))


def shuffled(count: int = 400) -> list[int]:
    labels = np.arange(count) % 10
    return [int(label) for label in np.random.default_rng(0).permutation(labels)]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "prepared"


@pytest.fixture(autouse=True)
def _parts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files are fetched whole; here they stand for large ones."""
    from evaluators.hub.images import parquet_split as parquet

    monkeypatch.setattr(parquet, "WHOLE", 0)


def load(task: HubTask, cache: Path, images: int = 40, split: str = "test", **rest: Any) -> HubSubset:
    return hub_subset(task, split, images, image_size=SIZE, cache=cache, patience=QUICK, **rest)


def cached(
    task: HubTask, cache: Path, images: int = 40, split: str = "test", **rest: Any
) -> HubSubset | None:
    return cached_hub_subset(task, split, images, image_size=SIZE, cache=cache, **rest)


def test_parquet(hub: Hub, cache: Path) -> None:
    labels = shuffled()
    write_parquet(hub, labels, shards=3)
    found = load(task_of(), cache)
    assert found.subset.images.shape == (40, 3, SIZE, SIZE)
    assert Counter(found.subset.labels.tolist()) == dict.fromkeys(range(10), 4)
    assert len(set(numbers(found))) == 40
    assert [labels[number] for number in numbers(found)] == found.subset.labels.tolist()
    assert (found.classes_covered, found.available) == (10, 400)


def test_only_labels_and_chosen_row_groups_travel(hub: Hub, cache: Path) -> None:
    """The larger part of the file stays where it is: what travels is the footer, labels, a few row groups."""
    import pyarrow.parquet

    (path,) = write_parquet(hub, shuffled(), side=64)
    footer = pyarrow.parquet.read_metadata(path)
    assert footer.num_row_groups == 20
    found = load(task_of(), cache, images=20)
    sent = hub.downloads("owner/digits", "data/test-00000-of-00001.parquet")
    assert found.bytes_read == sum(request.sent for request in sent) < 0.3 * path.stat().st_size

    chunks = {}
    for index in range(20):
        for number in range(footer.num_columns):
            column = footer.row_group(index).column(number)
            start = column.dictionary_page_offset or column.data_page_offset
            chunks[start, start + column.total_compressed_size - 1] = (index, column.path_in_schema)
    asked = [chunks[request.range] for request in sent if request.range in chunks]
    read = Counter(column for _, column in asked)
    assert set(read) == {"label", "image.bytes"}
    assert read["label"] == 20
    assert 2 <= read["image.bytes"] <= 4
    footers = [request for request in sent if request.range not in chunks]
    assert sum(request.sent for request in footers) <= 65536 + 8


def test_labels_that_never_change_are_known_from_the_footer(hub: Hub, cache: Path) -> None:
    """Sorted by class: one row group a class is read, and no label at all."""
    write_parquet(hub, sorted(shuffled()), group=40, side=64)
    found = load(task_of(), cache, images=30)
    assert Counter(found.subset.labels.tolist()) == dict.fromkeys(range(10), 3)
    assert len(hub.downloads("owner/digits", "data/test-00000-of-00001.parquet")) == 10 + 1


def test_the_hub_itself_is_asked_for_a_file_once(hub: Hub, cache: Path) -> None:
    """It counts its requests; the address that it redirects to does not, and serves the other row groups."""
    write_parquet(hub, shuffled())
    load(task_of(), cache)
    asked = [request for request in hub.requests if request.name.endswith(".parquet")]
    assert sum(request.origin == "hub" for request in asked) == 1
    assert sum(request.origin == "cdn" for request in asked) > 20


def test_an_expired_address_is_asked_for_again(hub: Hub, cache: Path) -> None:
    write_parquet(hub, shuffled())
    hub.fail("*.parquet", "status", status=403, skip=3, times=2, origin="cdn")
    assert len(load(task_of(), cache).subset) == 40


def test_small_files_are_fetched_in_one_request(
    hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evaluators.hub.images import parquet_split as parquet

    write_parquet(hub, shuffled(), shards=2)
    parts = load(task_of(), cache / "parts")
    hub.requests.clear()
    monkeypatch.setattr(parquet, "WHOLE", 4 << 20)
    whole = load(task_of(), cache / "whole")
    assert len([r for r in hub.downloads() if r.name.endswith(".parquet")]) == 2
    assert torch.equal(whole.subset.images, parts.subset.images)


def test_validation_and_test_never_overlap(hub: Hub, cache: Path) -> None:
    """One published split for both: no size of one meets any size of the other, and runs repeat."""
    write_parquet(hub, shuffled(), shards=3)
    seen: dict[str, set[int]] = {}
    for split in ("val", "test"):
        sizes = [set(numbers(load(task_of(), cache, images, split))) for images in (10, 60, 150)]
        assert [len(size) for size in sizes] == [10, 60, 150]
        seen[split] = set().union(*sizes)
        again = load(task_of(), cache / "another", 60, split)
        assert torch.equal(again.subset.images, load(task_of(), cache, 60, split).subset.images)
    assert not seen["val"] & seen["test"]


def test_all_are_all_and_leave_none_for_validation(hub: Hub, cache: Path) -> None:
    write_parquet(hub, shuffled(), shards=2)
    assert sorted(numbers(load(task_of(), cache, 0))) == list(range(400))
    assert len(load(task_of(), cache, 300).subset) == 300
    with pytest.raises(SpecError, match=r"ask for 1 to about 1\d\d images"):
        load(task_of(), cache, 300, "val")
    hub.requests.clear()
    with pytest.raises(SpecError, match="has no validation images of its own"):
        load(task_of(), cache, 0, "val")
    assert hub.requests == []


@pytest.mark.parametrize(("split", "images", "most_bytes"), [("train", 4, 1), ("val", -1, 1), ("test", 4, 0)])
def test_meaningless_requests(cache: Path, split: str, images: int, most_bytes: int) -> None:
    for ask in (load, cached):
        with pytest.raises(SpecError, match="must be"):
            ask(task_of(), cache, images, split, most_bytes=most_bytes)


def test_a_validation_split_of_its_own_is_used(hub: Hub, cache: Path) -> None:
    write_parquet(hub, shuffled(60), split="test")
    write_parquet(hub, shuffled(100), split="validation")
    task = task_of(validation_split="validation")
    assert len(load(task, cache, 0, "val").subset) == 100
    assert len(load(task, cache, 0, "test").subset) == 60


def test_a_configuration_that_must_be_named(hub: Hub, cache: Path) -> None:
    """Like svhn: two configurations and no default."""
    write_parquet(hub, shuffled(60), folder="cropped_digits")
    write_parquet(hub, shuffled(80), folder="full_numbers")
    (hub.folder("owner/digits", "dataset") / "README.md").write_text(
        "---\nconfigs:\n"
        + "".join(
            f"- config_name: {name}\n  data_files:\n  - split: test\n    path: {name}/test-*\n"
            for name in ("cropped_digits", "full_numbers")
        )
        + "---\n"
    )
    found = load(task_of(config="cropped_digits"), cache)
    assert found.available == 60
    with pytest.raises(HubError, match=r"(?s)Config name is missing.*cropped_digits"):
        load(task_of(), cache)
    with pytest.raises(HubError, match="has no split 'train', but test"):
        load(task_of(config="cropped_digits", test_split="train", train_split="other"), cache)


def test_webdataset(hub: Hub, cache: Path) -> None:
    labels = shuffled(120)
    write_tars(hub, labels)
    task = task_of(form="webdataset", image_column="jpg", label_column="cls")
    found = load(task, cache)
    assert Counter(found.subset.labels.tolist()) == dict.fromkeys(range(10), 4)
    assert [labels[number] for number in numbers(found)] == found.subset.labels.tolist()
    assert found.available == 120
    validation = load(task, cache, split="val")
    assert not set(numbers(found)) & set(numbers(validation))
    with pytest.raises(HubError, match=r"1,000 are not enough for a piece of 1,048,576: allow more"):
        load(task, cache, most_bytes=1000)


def test_tars_larger_than_the_budget_are_read_in_pieces_from_everywhere(
    hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public data sets are sorted by class: what the first file holds is a few classes of them."""
    monkeypatch.setattr("evaluators.hub.images.tar_split.PIECE", 16384)
    labels = sorted(shuffled(400))
    write_tars(hub, labels, tars=3, mtime=1.5)
    task = task_of(form="webdataset", image_column="webp|jpg", label_column="cls")
    whole = sum(path.stat().st_size for path in (hub.root / "datasets/owner/digits/test").glob("*.tar"))
    hub.requests.clear()
    found = load(task, cache, 20, most_bytes=whole // 2)
    assert set(found.subset.labels.tolist()) == set(range(10))
    assert [labels[number] for number in numbers(found)] == found.subset.labels.tolist()
    read = sum(request.sent for request in hub.downloads() if request.name.endswith(".tar"))
    assert read <= whole // 2
    assert 40 < found.available < 200
    validation = load(task, cache, 20, split="val", most_bytes=whole // 2)
    more = load(task, cache, 45, most_bytes=whole // 2)
    assert len(numbers(validation)) == 20
    assert not set(numbers(validation)) & {*numbers(found), *numbers(more)}

    tested = replace(task, key="shift", test_only=True)
    with pytest.raises(SpecError, match="Digits is only tested on"):
        load(tested, cache, 20, split="val")
    assert load(tested, cache, 0).available == 400
    assert len(load(tested, cache, 0).subset) == 400


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.jpg": image(0, 0)}, r"Sample 'a' .* needs 'jpg' and 'cls', it has 'jpg' of these"),
        ({"a.jpg": image(0, 0), "a.cls": b"cat"}, r"has the label b'cat', expected a whole number"),
        ({"a.jpg": image(0, 0), "a.cls": b"10"}, r"has the label 10 .* from 0 to 9"),
        (None, "is no whole tar file"),
    ],
)
def test_malformed_tars(hub: Hub, cache: Path, members: dict[str, bytes] | None, message: str) -> None:
    write_tars(hub, [0, 1, 2], tars=1)
    path = hub.folder("owner/digits", "dataset") / "test" / "0.tar"
    if members is None:
        path.write_bytes(path.read_bytes()[:2000])
    else:
        with tarfile.open(path, "w") as tar:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    with pytest.raises(HubError, match=message):
        load(task_of(form="webdataset", image_column="jpg", label_column="cls"), cache, 0)


def test_labels_that_are_true_or_false(hub: Hub, cache: Path) -> None:
    import datasets

    labels = [number % 3 == 0 for number in range(60)]
    write_parquet(hub, labels, label=datasets.Value("bool"))
    found = load(task_of(classes=("no", "yes")), cache, 20)
    assert Counter(found.subset.labels.tolist()) == {0: 10, 1: 10}
    assert [labels[number] for number in numbers(found)] == found.subset.labels.bool().tolist()


def test_labels_are_put_in_the_tasks_order(hub: Hub, cache: Path) -> None:
    labels = shuffled(100)
    write_parquet(hub, labels)
    found = load(task_of(relabel=tuple(range(9, -1, -1))), cache, 20)
    first = found.subset.images[:, :, 0, 0].long()
    assert torch.equal(9 - first[:, 2], found.subset.labels)


def test_other_classes_are_refused(hub: Hub, cache: Path) -> None:
    import datasets

    write_parquet(hub, shuffled(40))
    with pytest.raises(HubError, match=r"has 10 classes \(class 0, .* expects 3"):
        load(task_of(classes=CLASSES[:3]), cache)
    with pytest.raises(HubError, match="has no column 'fine_label', but image, label"):
        load(task_of(label_column="fine_label"), cache)
    with pytest.raises(HubError, match="has no images in column 'label'"):
        load(task_of(image_column="label"), cache)
    write_parquet(hub, shuffled(40), repo="owner/plain", label=datasets.Value("int64"))
    with pytest.raises(HubError, match=r"has the label 9 in column 'label', .* from 0 to 8"):
        load(task_of(repo="owner/plain", classes=CLASSES[:9]), cache)


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("CMYK", "JPEG"), ("1", "PNG")]
)
def test_every_kind_of_image_becomes_rgb(hub: Hub, cache: Path, mode: str, kind: str) -> None:
    import datasets

    content = image(7, 1, mode=mode, kind=kind)
    folder = hub.folder("owner/digits", "dataset")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    rows = {"image": [{"bytes": content, "path": None}] * 2, "label": [0, 1]}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(folder / "test-00000-of-00001.parquet")
    found = load(task_of(classes=("no", "yes")), cache, 0)
    expected = torch.from_numpy(np.array(Image.open(io.BytesIO(content)).convert("RGB"))).permute(2, 0, 1)
    assert torch.equal(found.subset.images, expected.expand(2, 3, SIZE, SIZE))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no image", "image in row 5 of test-00000.* cannot be decoded"),
        (image(0, 0)[:300], "image in row 5 of test-00000.* cannot be decoded"),
        (None, "has no image in row 5 of column 'image'"),
    ],
)
def test_a_broken_image_is_named(hub: Hub, cache: Path, content: bytes | None, message: str) -> None:
    import datasets

    images: list[dict[str, Any]] = [{"bytes": image(number, 0), "path": None} for number in range(8)]
    images[5] = {"bytes": content, "path": "lost.png"}
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    table = datasets.Dataset.from_dict({"image": images, "label": [0] * 8}, features=features)
    folder = hub.folder("owner/digits", "dataset")
    table.to_parquet(folder / "test-00000-of-00001.parquet", batch_size=4)
    with pytest.raises(HubError, match=message):
        load(task_of(), cache, 0)


def test_a_budget_that_does_not_reach_every_class(hub: Hub, cache: Path) -> None:
    (path,) = write_parquet(hub, sorted(shuffled()), group=40, side=32)
    found = load(task_of(), cache, 30, most_bytes=path.stat().st_size // 3)
    assert found.classes_covered == 3
    assert Counter(Counter(found.subset.labels.tolist()).values()) == {10: 3}
    with pytest.raises(HubError, match=r"No images .* fit into 500 bytes: the smallest of 10 row groups"):
        load(task_of(), cache, 30, most_bytes=500)


def test_a_damaged_file_is_named(hub: Hub, cache: Path) -> None:
    (path,) = write_parquet(hub, shuffled(40))
    path.write_bytes(path.read_bytes()[:-4] + b"XXXX")
    with pytest.raises(HubError, match=r"data/test-00000.* is no parquet file"):
        load(task_of(), cache)


# ------------------------------------------------------------------ the cache


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
    with pytest.raises(HubError, match=r"fails to serve .*parquet \(503\)\. Try again later"):
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
    with pytest.raises(HubError, match="HF_HUB_OFFLINE forbids to ask"):
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
