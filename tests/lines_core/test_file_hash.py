"""Digests of files: those of ``sha256_of``, each file read once."""

from pathlib import Path

from lines_core.file_hash import FileDigests, sha256_of


def test_a_file_is_read_once(tmp_path: Path) -> None:
    path, digests = tmp_path / "weights", FileDigests()
    path.write_bytes(b"first")
    first = sha256_of(path)
    assert digests(path) == first
    path.write_bytes(b"second")
    assert digests(path) == first
    assert FileDigests()(path) == sha256_of(path) != first
