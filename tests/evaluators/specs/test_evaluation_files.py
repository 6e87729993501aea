"""Files of evaluations: packed ones hold the same, and damage is told as what it is."""

from pathlib import Path

import pytest

from evaluators.specs.evaluation_files import read_entries, save_packed_entries

ENTRIES = [{"split": "test", "n": 300}, {"split": "val", "n": 120}]


def test_packed_entries_come_back_and_their_bytes_do_not_change(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json.gz", tmp_path / "other.json.gz"
    for path in (one, other):
        save_packed_entries(path, ENTRIES)
    assert read_entries(one) == ENTRIES
    assert one.read_bytes() == other.read_bytes()
    plain = tmp_path / "plain.json"
    plain.write_text('[{"n": 1}]')
    assert read_entries(plain) == [{"n": 1}]


@pytest.mark.parametrize("kept", [5, 30])
def test_a_damaged_file_is_a_value_error(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "one.json.gz"
    save_packed_entries(path, ENTRIES)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"."):
        read_entries(path)
    path.write_bytes(b"no gzip at all")
    with pytest.raises(ValueError, match="gzip"):
        read_entries(path)
