"""Classes and splits of a visitor's images, by their folders."""

from collections import Counter

import pytest

from evaluators.data.own_images import image_source as source
from evaluators.data.own_images.listed_images import MOST_CLASSES, ListedImage, from_folders
from evaluators.errors import TaskError


def names(*paths: str) -> dict[str, tuple[str, str]]:
    """Class and split by file."""
    found = from_folders(paths, Counter())
    return {image.name: (found.classes[image.label], image.split) for image in found.images}


def test_one_folder_a_class() -> None:
    assert names("cat/1.png", "dog/1.JPG", "dog/a/b/2.webp") == {
        "cat/1.png": ("cat", ""),
        "dog/1.JPG": ("dog", ""),
        "dog/a/b/2.webp": ("dog", ""),
    }


def test_below_common_folders_and_folders_of_splits() -> None:
    assert names("my set/v2/cat/1.png", "my set/v2/dog/1.png") == {
        "my set/v2/cat/1.png": ("cat", ""),
        "my set/v2/dog/1.png": ("dog", ""),
    }
    assert names("set/Train/cat/1.png", "set/valid/dog/1.png", "set/test/cat/2.png") == {
        "set/Train/cat/1.png": ("cat", "train"),
        "set/valid/dog/1.png": ("dog", "val"),
        "set/test/cat/2.png": ("cat", "test"),
    }
    assert names("train/cat/1.png", "train/dog/1.png")["train/cat/1.png"] == ("cat", "")
    # a class may be called as a split, beside classes that are not
    assert names("test/1.png", "train/1.png", "boat/1.png")["test/1.png"] == ("test", "")


def test_what_is_no_labelled_image_is_counted() -> None:
    found = from_folders(
        ["a/1.png", "b/1.png", "b/notes.txt", "b/more.zip", "README", "loose.png"], Counter({"a link": 2})
    )
    assert found.skipped == {source.NO_IMAGE: 3, source.NO_CLASS: 1, "a link": 2}
    assert found.counts == (1, 1)
    assert found.images == (ListedImage("a/1.png", 0, ""), ListedImage("b/1.png", 1, ""))


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], "no images in class folders"),
        (["cat/1.png", "cat/2.png"], "only the class 'cat'"),
        (["1.png", "2.png"], "no images in class folders"),
        ([f"{label}/1.png" for label in range(MOST_CLASSES + 1)], "at most 500 classes, found 501"),
        (["a/1.png", "b" * 81 + "/1.png"], "at most 80 letters"),
    ],
)
def test_what_makes_no_task(paths: list[str], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        from_folders(paths, Counter())


def test_why_there_is_no_task_names_what_was_left_out() -> None:
    """A zip file with a password was said to have no class folders, though it has."""
    with pytest.raises(TaskError, match=r"no images in class folders \(left out: 24 encrypted or packed"):
        from_folders([], Counter({source.PACKED: 24}))
