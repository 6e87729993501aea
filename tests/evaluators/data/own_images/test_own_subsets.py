"""Val and test images of a visitor's task: apart, balanced, seeded, decoded."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from evaluators.data.own_images import image_source as source
from evaluators.data.own_images.folder_images import FolderImages
from evaluators.data.own_images.label_table import find_images
from evaluators.data.own_images.listed_images import ListedImage, from_folders
from evaluators.data.own_images.own_subsets import decode_subsets, draw, said_widths
from evaluators.data.own_images.zip_images import ZipImages
from evaluators.errors import Cancelled, TaskError
from tests.own_images import folders, picture, zipped

SIZE = 8


def images(**counts: int) -> list[ListedImage]:
    """Images of classes 0, 1, ..., each named by its folder; ``train_0=3`` are in a split."""
    found = []
    for key, count in counts.items():
        split, _, label = key.rpartition("_")
        found += [ListedImage(f"{split}/{label}/{n}", int(label), split) for n in range(count)]
    return found


def names(drawn: list[ListedImage]) -> set[str]:
    return {image.name for image in drawn}


def test_halves_are_apart_balanced_and_seeded() -> None:
    given = images(_0=11, _1=20, _2=5)
    drawn = draw(given)
    assert names(drawn["val"]) | names(drawn["test"]) == names(given)
    assert not names(drawn["val"]) & names(drawn["test"])
    assert Counter(image.label for image in drawn["test"]) == {0: 6, 1: 10, 2: 3}
    for few in (drawn["test"][:9], drawn["val"][:6]):
        assert max(Counter(image.label for image in few).values()) == len(few) // 3
    assert draw(given[::-1]) == drawn, "the order of a zip file says nothing"


@pytest.mark.parametrize(
    ("counts", "val", "test"),
    [
        ({"train_0": 4, "val_0": 3, "test_0": 2}, "val", "test"),
        ({"train_0": 4, "test_0": 2}, "train", "test"),
        ({"train_0": 4, "val_0": 3}, "train", "val"),
    ],
)
def test_splits_of_the_source_are_kept(counts: dict[str, int], val: str, test: str) -> None:
    drawn = draw(images(**counts))
    assert {image.split for image in drawn["val"]} == {val}
    assert {image.split for image in drawn["test"]} == {test}
    assert len(drawn["test"]) == counts[f"{test}_0"]


@pytest.mark.parametrize("only", ["train", "val", "test"])
def test_a_single_split_is_halved(only: str) -> None:
    assert {split: len(drawn) for split, drawn in draw(images(**{f"{only}_0": 7})).items()} == {
        "val": 3,
        "test": 4,
    }


def test_images_are_decoded_and_what_is_not_one_is_counted(tmp_path: Path) -> None:
    files = folders({"cat": 12, "dog": 12}, "set/")
    files["set/dog/12.png"] = b"no image"
    files["set/dog/13.png"] = files["set/cat/0.png"]
    files["set/notes.txt"] = b""
    with ZipImages(zipped(tmp_path / "a.zip", files), "a.zip") as archive:
        counted: list[tuple[int, int]] = []
        found = decode_subsets(
            archive, find_images(archive), SIZE, lambda done, total: counted.append((done, total))
        )
    assert found.skipped == {source.NO_IMAGE: 1, source.UNREADABLE: 1, source.TWICE: 1}
    assert counted[-1][0] == 24
    for subset in found.splits.values():
        assert subset.images.dtype == torch.uint8
        assert subset.images.shape == (len(subset), 3, SIZE, SIZE)
    assert sum(map(len, found.splits.values())) == 24
    seen = {image.numpy().tobytes() for subset in found.splits.values() for image in subset.images}
    assert len(seen) == 24, "no image twice"
    # pixels belong to their labels: the classes differ in colour
    test = found.splits["test"]
    means = [test.images[test.labels == label].float().mean(dim=(0, 2, 3)) for label in (0, 1)]
    assert means[1][0] > means[0][0] + 20


def test_a_folder_gives_what_its_zip_file_gives(tmp_path: Path) -> None:
    files = folders({"cat": 10, "dog": 10})
    for name, content in files.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(content)
    (tmp_path / "set" / "cat" / "link.png").symlink_to(tmp_path / "set" / "dog" / "0.png")
    folder = FolderImages(tmp_path / "set")
    of_folder = decode_subsets(folder, find_images(folder), SIZE)
    with ZipImages(zipped(tmp_path / "a.zip", files), "a.zip") as archive:
        of_zip = decode_subsets(archive, find_images(archive), SIZE)
    for split in ("val", "test"):
        assert torch.equal(of_folder.splits[split].images, of_zip.splits[split].images)
        assert torch.equal(of_folder.splits[split].labels, of_zip.splits[split].labels)
    assert of_folder.skipped == {source.LINK: 1}


def test_few_images_are_capped_refused_and_said(tmp_path: Path) -> None:
    with ZipImages(zipped(tmp_path / "a.zip", folders({"cat": 30, "dog": 20})), "a.zip") as archive:
        found = find_images(archive)
        capped = decode_subsets(archive, found, SIZE, most=10)
        assert [len(subset) for subset in capped.splits.values()] == [10, 10]
        assert torch.bincount(capped.splits["test"].labels).tolist() == [5, 5]
    assert said_widths(capped.splits["test"], found.classes) == (
        "On 10 test images an accuracy near 50 % is known to ± 26 points."
    )
    with ZipImages(zipped(tmp_path / "b.zip", folders({"cat": 30, "dog": 3})), "b.zip") as archive:
        found = find_images(archive)
        said = said_widths(decode_subsets(archive, found, SIZE).splits["test"], found.classes)
    assert (
        "The class dog has fewer than 5 test images: the accuracy on such a class alone is known to ± 41"
        in said
    )
    for counts, message in (
        ({"cat": 7, "dog": 7}, "The task 'Pets' needs .* 8 validation images, got 6 validation images: add"),
        ({"a": 30, "b": 1}, None),
    ):
        with ZipImages(zipped(tmp_path / "c.zip", folders(counts)), "c.zip") as archive:
            if message is None:
                decode_subsets(archive, find_images(archive), SIZE)
            else:
                with pytest.raises(TaskError, match=message):
                    decode_subsets(archive, find_images(archive), SIZE, title="Pets")


def test_a_class_whose_images_are_all_damaged(tmp_path: Path) -> None:
    files = folders({"cat": 30}) | {"dog/1.png": b"no image", "dog/2.png": picture(1)[:60]}
    with (
        ZipImages(zipped(tmp_path / "a.zip", files), "a.zip") as archive,
        pytest.raises(TaskError, match="no test image of 'dog'"),
    ):
        decode_subsets(archive, find_images(archive), SIZE)


def test_progress_may_stop_it(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise Cancelled("stopped")

    with (
        ZipImages(zipped(tmp_path / "a.zip", folders({"cat": 20, "dog": 20})), "a.zip") as archive,
        pytest.raises(Cancelled),
    ):
        decode_subsets(archive, find_images(archive), SIZE, stop)


def test_names_are_not_needed_to_be_paths() -> None:
    found = from_folders(["ﾈｺ/1.png", "강아지/1.png", "kočka/ž.png"], Counter())
    assert found.classes == ("kočka", "강아지", "ﾈｺ")
