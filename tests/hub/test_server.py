"""The local Hub answers the unmodified clients as the real one does."""

from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import HfApi

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
    entries = list(api.list_repo_tree(REPO, recursive=True, repo_type="dataset"))
    assert [entry.path for entry in entries] == ["README.md", "data", names[1]]
    assert [entry.path for entry in api.list_repo_tree(REPO, "data", repo_type="dataset")] == [names[1]]
    known = api.get_paths_info(REPO, [names[1], "absent"], repo_type="dataset")
    assert [entry.path for entry in known] == [names[1]]
