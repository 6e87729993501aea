"""Classes of a visitor's images, by a CSV file beside them."""

from collections import Counter
from collections.abc import Mapping

import pytest

from evaluators.data.own_images import image_source as source
from evaluators.data.own_images.label_table import find_images
from evaluators.errors import ImageError, TaskError


class Files:
    """A source in memory."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self.files = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
        self.names = tuple(self.files)
        self.skipped: Counter[str] = Counter()

    def read(self, name: str) -> bytes:
        if name.startswith("gone"):
            raise ImageError("gone")
        return self.files[name]


IMAGES = {"im/1.jpg": "", "im/2.jpg": "", "im/3.jpg": ""}


def found(table: str | bytes, name: str = "labels.csv", **more: str) -> list[tuple[str, str, str]]:
    listed = find_images(Files({**IMAGES, name: table, **more}))
    return [(image.name, listed.classes[image.label], image.split) for image in listed.images]


EXPECTED = [("im/1.jpg", "cat", ""), ("im/2.jpg", "dog", ""), ("im/3.jpg", "cat", "")]


@pytest.mark.parametrize(
    "table",
    [
        "path,label\nim/1.jpg,cat\nim/2.jpg,dog\nim/3.jpg,cat\n",
        "\ufefffile;id;class\r\nim/1.jpg;7;cat\r\nim/2.jpg;8;dog\r\nim/3.jpg;9;cat\r\n",  # Excel in Europe
        "cat\tim/1.jpg\ndog\tim/2.jpg\ncat\tim/3.jpg",  # no heading
        "id,breed\n1,cat\n2,dog\n3,cat\n",  # Kaggle: names without their ending
        'path,label\n"C:\\data\\im\\1.jpg", cat \n/home/me/im/2.jpg,dog\n./im/3.jpg,cat\n',
        "path,label\nim/1.jpg,cat\nim/2.jpg,dog\nim/3.jpg,cat\nim/9.jpg,cat\n../1.png,dog\nshort\n",
    ],
)
def test_tables_as_programs_write_them(table: str) -> None:
    assert found(table) == EXPECTED


def test_a_table_in_a_folder_and_a_column_of_splits() -> None:
    assert found("image,label,split\n1.jpg,cat,train\n2.jpg,dog,TEST\n3.jpg,cat,other\n", "im/a.csv") == [
        ("im/1.jpg", "cat", "train"),
        ("im/2.jpg", "dog", "test"),
        ("im/3.jpg", "cat", ""),
    ]


def test_tables_that_are_called_as_splits() -> None:
    assert found("path,label\nim/1.jpg,cat", "train.csv", **{"test.csv": "path,label\nim/2.jpg,dog"}) == [
        ("im/1.jpg", "cat", "train"),
        ("im/2.jpg", "dog", "test"),
    ]


def test_an_image_in_no_row_and_one_in_two() -> None:
    listed = find_images(
        Files({**IMAGES, "labels.csv": "path,label\nim/1.jpg,cat\nim/2.jpg,dog\nim/2.jpg,cat"})
    )
    assert listed.skipped == {source.NO_CLASS: 1, source.TWICE: 1}
    assert listed.classes == ("cat", "dog")
    assert listed.counts == (1, 1)


def test_a_table_about_something_else_leaves_the_folders() -> None:
    listed = find_images(Files({"cat/1.png": "", "dog/1.png": "", "prices.csv": "fruit,price\napple,1"}))
    assert listed.classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"path,label\nim/1.jpg,\xff", "not text in UTF-8"),
        ("path,a,b\nim/1.jpg,x,u\nim/2.jpg,x,u\nim/3.jpg,y,v\n", "does not say which column"),
        ("path,label\n" + "x" * 200_000 + ",a\n", "is no CSV file"),
        ("path,label\nim/1.jpg,cat\nim/2.jpg,cat", "only the class 'cat'"),
    ],
)
def test_tables_that_cannot_be_used(table: str | bytes, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        found(table)


def test_two_tables_and_one_that_cannot_be_read() -> None:
    one = "path,label\nim/1.jpg,cat\nim/2.jpg,dog"
    with pytest.raises(TaskError, match="Several tables"):
        found(one, **{"other.csv": one})
    with pytest.raises(TaskError, match="cannot be read: gone"):
        found(one, "gone.csv")
