"""Subsets of data sets in tar files from the local Hub."""

import io
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.errors import HubError, SpecError
from tests.hub.image_sets import (
    image,
    load,
    numbers,
    shuffled,
    task_of,
    write_tars,
)
from tests.hub.server import Hub


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
        (None, "is not a complete tar file"),
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
