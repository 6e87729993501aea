"""The local Hub answers the unmodified clients as the real one does."""

import urllib.error
import urllib.request
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import RevisionNotFoundError

from tests.hub import environment
from tests.hub.server import Hub

REPO = "nobody/images"


@pytest.fixture
def files(hub: Hub) -> Path:
    folder = hub.folder(REPO, "dataset")
    (folder / "data").mkdir()
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "data" / "test-00000-of-00001.parquet").write_bytes(b"PAR1")
    return folder


def test_clients_are_pointed_at_this_machine_before_they_are_imported() -> None:
    assert huggingface_hub.constants.ENDPOINT == environment.ADDRESS
    assert huggingface_hub.constants.HF_HOME == environment.HOME


def test_information_and_listings(hub: Hub, files: Path) -> None:
    api = HfApi()
    info = api.dataset_info(REPO, files_metadata=True)
    assert info.sha == hub.commit(REPO, "dataset")
    names = ["README.md", "data/test-00000-of-00001.parquet"]
    assert info.siblings is not None
    assert [sibling.rfilename for sibling in info.siblings] == names
    assert [sibling.lfs is None for sibling in info.siblings] == [True, False]
    hub.page_size = 1
    entries = list(api.list_repo_tree(REPO, recursive=True, expand=True, repo_type="dataset"))
    assert [entry.path for entry in entries] == ["README.md", "data", names[1]]
    assert all(entry.last_commit for entry in entries)
    assert [entry.path for entry in api.list_repo_tree(REPO, "data", repo_type="dataset")] == [names[1]]
    known = api.get_paths_info(REPO, [names[1], "absent"], repo_type="dataset")
    assert [entry.path for entry in known] == [names[1]]


def test_the_commit_follows_the_content(hub: Hub, files: Path) -> None:
    before = hub.commit(REPO, "dataset")
    (files / "README.md").write_text("other")
    assert hub.commit(REPO, "dataset") != before
    with pytest.raises(RevisionNotFoundError):
        HfApi().dataset_info(REPO, revision=before)


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=5-99", 206, b"56789"),
    ],
)
def test_ranges(hub: Hub, asked: str, status: int, content: bytes) -> None:
    (hub.folder("nobody/digits") / "a.bin").write_bytes(b"0123456789")
    request = urllib.request.Request(
        f"{hub.address}/nobody/digits/resolve/main/a.bin", headers={"Range": asked}
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert (reply.status, reply.read()) == (status, content)


def test_a_range_beyond_the_end(hub: Hub) -> None:
    (hub.folder("nobody/digits") / "a.bin").write_bytes(b"0123456789")
    request = urllib.request.Request(
        f"{hub.address}/nobody/digits/resolve/main/a.bin", headers={"Range": "bytes=10-"}
    )
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=10)
    with error.value as reply:
        assert (reply.code, reply.headers["Content-Range"]) == (416, "bytes */10")
