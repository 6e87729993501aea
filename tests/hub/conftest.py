"""The local Hub for all tests that need one, and an empty client cache for each of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.zoo.public_encoders import Encoder
from tests.hub import environment
from tests.hub.large_file import put
from tests.hub.repositories import small_encoder
from tests.hub.server import Hub


@pytest.fixture(scope="session")
def _listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = Hub(tmp_path_factory.mktemp("hub"), environment.PORT, held=environment.HELD)
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture
def hub(_listening: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The local Hub, empty and without faults, and clients that have nothing in their cache."""
    from huggingface_hub import constants

    assert constants.ENDPOINT == environment.ADDRESS, "huggingface_hub was imported before tests/conftest.py"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_listening, "root", tmp_path / "served")
    yield _listening
    _listening.clear()
    assert not _listening.crashes, _listening.crashes


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """A small stand-in for a public encoder."""
    return small_encoder(tmp_path_factory.mktemp("config"))


@pytest.fixture
def weights(hub: Hub) -> bytes:
    """Content of a file in LFS, in a repository with a small file."""
    return put(hub, 1 << 20)


@pytest.fixture
def heavy(hub: Hub) -> bytes:
    """The same of several of the client's chunks."""
    return put(hub, 24 << 20)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Folder for prepared images."""
    return tmp_path / "prepared"


@pytest.fixture
def small_files_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read small files by range requests, as large ones are."""
    monkeypatch.setattr("evaluators.hub.images.parquet_split.WHOLE", 0)
