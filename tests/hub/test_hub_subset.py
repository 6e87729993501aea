"""Subsets of parquet data sets from the local Hub: which rows, which bytes, which images."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from evaluators.errors import HubError, SpecError
from tests.hub.image_sets import (
    CLASSES,
    SIZE,
    cached,
    image,
    load,
    numbers,
    shuffled,
    task_of,
    write_parquet,
)
from tests.hub.server import Hub

pytestmark = pytest.mark.usefixtures("small_files_in_parts")


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
    hub.fail("*.parquet", "expire", skip=3, origin="cdn")
    assert len(load(task_of(), cache).subset) == 40
    assert any(request.status == 403 for request in hub.requests)


def test_a_refused_file_is_named_with_its_repository(hub: Hub, cache: Path) -> None:
    write_parquet(hub, shuffled())
    hub.fail("*.parquet", "status", status=403, skip=3, times=None, origin="cdn")
    with pytest.raises(
        HubError, match=r"read owner/digits/data/test-\S+\.parquet \(403\).*/datasets/owner/digits\.$"
    ):
        load(task_of(), cache)


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
