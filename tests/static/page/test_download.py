"""The archive holds the folder, with other texts where it says so, and is the same for the same folder."""

import zipfile
from pathlib import Path

from static.page.download import ARCHIVE, write_archive


def test_the_archive_is_the_folder_but_for_itself_and_what_stands_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "grid.pack").write_bytes(bytes(100))
    (tmp_path / "index.html").write_text("with a link to the archive")
    size = write_archive(tmp_path, {"index.html": "alone", "service-worker.js": "worker"})
    path = tmp_path / ARCHIVE
    assert size == path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {
        "lines-explorer/data/grid.pack": bytes(100),
        "lines-explorer/index.html": b"alone",
        "lines-explorer/service-worker.js": b"worker",
    }
    first = path.read_bytes()
    write_archive(tmp_path, {"index.html": "alone", "service-worker.js": "worker"})
    assert path.read_bytes() == first
