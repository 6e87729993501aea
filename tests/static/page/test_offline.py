"""The version names exactly the content, and the worker's list holds what the page asks for."""

import json
import re
from pathlib import Path

from static.page.offline import PAGE, digests, service_worker, version_of

FILES = {"data/a.json": b"{}", "engine/graph.pack": b"graph", "favicon.svg": b"<svg/>"}
UNUSED = (".lines-static", "README.md", "licenses.txt", "index.html", "service-worker.js")


def write(folder: Path) -> Path:
    for name in (*FILES, *UNUSED):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES.get(name, b"unused"))
    return folder


def test_files_that_the_page_never_asks_for_are_not_kept(tmp_path: Path) -> None:
    assert list(digests(write(tmp_path))) == list(FILES)


def test_any_other_byte_is_another_version(tmp_path: Path) -> None:
    files = digests(write(tmp_path))
    version = version_of("page", files)
    assert version == version_of("page", digests(tmp_path))
    assert version != version_of("Page", files)
    (tmp_path / "data" / "a.json").write_text("[]")
    assert version != version_of("page", digests(tmp_path))


def test_the_worker_keeps_the_engine_only_once_it_is_loaded(tmp_path: Path) -> None:
    files = digests(write(tmp_path))
    found = re.search(r"= (\{\"version\".*\});", service_worker("abc", files))
    assert found is not None
    site = json.loads(found[1])
    assert site["version"] == "abc"
    assert site["files"] == files
    assert site["first"] == [PAGE, "data/a.json", "favicon.svg"]
