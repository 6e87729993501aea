"""The list names what belongs into the archive, with digests of what no owner may edit."""

import hashlib
import json
from pathlib import Path

from static.page.download import LIST, write_list


def test_the_list_has_every_file_with_its_size_and_the_digest_of_what_the_page_asks_for(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    for name, size in (("data/grid.pack", 100), ("README.md", 7), (".hidden", 3)):
        (tmp_path / name).write_bytes(bytes(size))
    assert write_list(tmp_path) == 107
    assert json.loads((tmp_path / LIST).read_text("utf-8")) == {
        "data/grid.pack": [100, hashlib.sha256(bytes(100)).hexdigest()],
        "README.md": [7, None],
        LIST: [0, None],
        "index.html": [0, None],
        "service-worker.js": [0, None],
    }
