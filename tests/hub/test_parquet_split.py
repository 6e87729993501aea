"""Parquet files of a data set that claim more than they should, or describe their columns in an odd way."""

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from evaluators.errors import HubError
from evaluators.hub.images import parquet_split as parquet
from tests.hostile.odd_values import check_message
from tests.hub.image_sets import load, shuffled, task_of, write_parquet
from tests.hub.server import Hub


def refusal(cache: Path) -> str:
    with pytest.raises(HubError) as raised:
        load(task_of(), cache)
    check_message(str(raised.value))
    return str(raised.value)


def test_rows_without_end(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels that never change are known from the footer, and were written out as often as it claims rows."""
    write_parquet(hub, shuffled(40))
    monkeypatch.setattr(parquet, "MOST_ROWS", 39)
    assert "claims 40 rows, not up to 39" in refusal(tmp_path)
    monkeypatch.setattr(parquet, "MOST_ROWS", 40)
    assert len(load(task_of(), tmp_path).subset) == 40


def test_images_that_unpack_to_more(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget counts the bytes that travel, and one image a million times packs well."""
    write_parquet(hub, shuffled(40))
    monkeypatch.setattr(parquet, "MOST_UNPACKED", 1000)
    assert "bytes of images, unpacked are at most 1,000" in refusal(tmp_path)


@pytest.mark.parametrize(
    "features",
    [
        {"image": {"_type": "Nobody"}, "label": {"_type": "Nobody"}},
        {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": 5}},
        {"image": {"_type": "Image"}, "label": {"_type": "Value", "dtype": "x" * 100_000}},
        {"image": 5, "label": None},
        [],
        "text",
    ],
    ids=range(6),
)
def test_odd_descriptions_of_columns(hub: Hub, tmp_path: Path, features: object) -> None:
    (path,) = write_parquet(hub, shuffled(40))
    table = pyarrow.parquet.read_table(path)
    described = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    pyarrow.parquet.write_table(table.replace_schema_metadata(described), path)
    refusal(tmp_path)
