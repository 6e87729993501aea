"""A visitor's task from a data set of the Hub: what is offered, which images, and what is refused."""

from pathlib import Path

import datasets
import pytest
import torch

from evaluators import EditSpec, Studio
from evaluators.data.own_images.task_names import TaskNames, proposed
from evaluators.errors import HubError, TaskError
from evaluators.hub.visitor_dataset import FoundDataset, look_up, read_dataset
from tests.hub.image_sets import CLASSES, SIZE, shuffled, write_parquet
from tests.hub.server import Hub

REPO = "owner/digits"


def names(found: FoundDataset, classes: str = "") -> TaskNames:
    known = found.labels["label"]
    return TaskNames.read("Digits", classes or proposed(known), "", known)


def numbers(images: torch.Tensor) -> list[tuple[int, int]]:
    """Number and label that each image says, by its first pixel."""
    first = images[:, :, 0, 0].long()
    return [(int(a) * 256 + int(b), int(label)) for a, b, label in first.tolist()]


def test_what_it_offers_is_looked_up(hub: Hub) -> None:
    write_parquet(hub, shuffled(100), split="train")
    write_parquet(hub, shuffled(60))
    for address in (
        REPO,
        f"https://huggingface.co/datasets/{REPO}",
        f"{hub.address}/datasets/{REPO}/tree/main",
    ):
        found = look_up(address)
        assert (found.repo, found.config, found.split) == (REPO, "default", "test")
        assert set(found.splits) == {"train", "test"}
        assert (found.images, dict(found.labels)) == (("image",), {"label": CLASSES})
    assert look_up(REPO, split="train").split == "train"
    assert look_up(REPO, config="none", split="none") == found


def test_its_images_are_apart_balanced_and_in_the_order_of_the_names(hub: Hub) -> None:
    labels = shuffled(400)
    write_parquet(hub, labels, shards=2)
    found = look_up(REPO)
    backwards = "\n".join(reversed(proposed(CLASSES).splitlines()))
    subsets = read_dataset(found, "image", "label", names(found, backwards), SIZE, most=60)
    seen = {split: numbers(subset.images) for split, subset in subsets.splits.items()}
    assert not {number for number, _ in seen["val"]} & {number for number, _ in seen["test"]}
    for split, subset in subsets.splits.items():
        assert torch.bincount(subset.labels).tolist() == [6] * 10
        assert [9 - label for _, label in seen[split]] == subset.labels.tolist()
    assert subsets.skipped == {}


def test_an_image_that_is_none_is_left_out(hub: Hub) -> None:
    (path,) = write_parquet(hub, shuffled(100))
    table = datasets.Dataset.from_parquet(str(path)).cast_column("image", datasets.Image(decode=False))
    rows = table.to_list()
    for row in rows[:7]:
        row["image"]["bytes"] = b"no image"
    datasets.Dataset.from_list(
        rows,
        features=datasets.Features(
            {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))}
        ),
    ).to_parquet(path)
    found = look_up(REPO)
    subsets = read_dataset(found, "image", "label", names(found), SIZE)
    assert sum(subsets.skipped.values()) == 7
    assert sum(map(len, subsets.splits.values())) == 93


@pytest.mark.parametrize(("kind", "name"), [("string", "kind {}"), ("int64", "{}"), ("large_string", "{}")])
def test_labels_without_class_names_are_called_as_they_are(hub: Hub, kind: str, name: str) -> None:
    """Columns of text or of numbers, in two files that do not have all of them; others are not offered."""
    labels = [label for label in sorted(shuffled(400)) if label != 3]
    paths = write_parquet(hub, labels, shards=2)
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.Value(kind),
            "caption": datasets.Value("string"),
            "one": datasets.Value("int64"),
            "empty": datasets.Value("string"),
        }
    )
    count = 0
    for path in paths:
        rows = datasets.Dataset.from_parquet(str(path)).cast_column("image", datasets.Image(decode=False))
        changed = []
        for row in rows.to_list():
            label = name.format(row["label"]) if "string" in kind else row["label"]
            changed.append(
                {**row, "label": label, "caption": f"{count}", "one": 1, "empty": "x" if count % 2 else None}
            )
            count += 1
        datasets.Dataset.from_list(changed, features=features).to_parquet(path)
    found = look_up(REPO)
    known = tuple(name.format(label) for label in range(10) if label != 3)
    assert found.plain == {"label"}
    assert dict(found.labels) == {"label": known}
    subsets = read_dataset(found, "image", "label", names(found), SIZE, most=45)
    for split, subset in subsets.splits.items():
        seen = [name.format(label) for _, label in numbers(subset.images)]
        assert seen == [known[label] for label in subset.labels.tolist()], split
        assert torch.bincount(subset.labels).tolist() == [5] * 9


def test_what_is_refused(hub: Hub) -> None:
    write_parquet(hub, shuffled(10))
    found = look_up(REPO)
    with pytest.raises(
        TaskError, match="'Digits' needs at least 8 test images and 8 validation images, got 6"
    ):
        read_dataset(found, "image", "label", names(found), SIZE)
    few = TaskNames.read("T", "class 1\nclass 2", "", CLASSES)
    for image, label, asked in (
        ("image", "label", few),
        ("image", "other", names(found)),
        ("x", "label", names(found)),
    ):
        with pytest.raises(TaskError, match="Keep a line for each class"):
            read_dataset(found, image, label, asked, SIZE)
    for address in ("", "digits", "../x/y/z", "https://example.com/"):
        with pytest.raises(HubError, match="give owner/name, such as ylecun/mnist, or the link to it"):
            look_up(address)
    with pytest.raises(HubError, match="owner/nothing"):
        look_up("owner/nothing")
    write_parquet(hub, shuffled(40), repo="owner/text", label=datasets.Value("float32"))
    with pytest.raises(HubError, match="needs a column of images and one of labels, names or numbers"):
        look_up("owner/text")
    (hub.folder("owner/csv", "dataset") / "test.csv").write_text("a,b\n1,2\n")
    with pytest.raises(HubError, match="no parquet files"):
        look_up("owner/csv")


def test_the_token_of_this_machine_opens_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gated data set that the owner of the server may read is not there for a visitor."""
    write_parquet(hub, shuffled(100))
    hub.gate(REPO, "dataset", token="hf_secret")
    monkeypatch.setattr("huggingface_hub.utils._headers.get_token", lambda: "hf_secret")
    with pytest.raises(HubError):
        look_up(REPO)
    assert {request.token for request in hub.requests} == {None}


def test_it_becomes_a_task(hub: Hub, lab: Path) -> None:
    write_parquet(hub, shuffled(100))
    anna = Studio(lab, None).seen_by("anna")
    found = look_up(REPO)
    imported = anna.take_dataset("tiny-clip", found, "image", "label", names(found))
    assert imported.notes[0].startswith("10 classes, ")
    evaluation = anna.evaluate(EditSpec.lines("digits", 0.4, images=0))
    assert (evaluation.tasks[3].title, evaluation.tasks[3].n) == ("Digits", imported.task.test)
