"""Files from addresses outside the Hub; the local Hub, too, redirects to another origin."""

import errno
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from evaluators.errors import Cancelled, HubError
from evaluators.hub.transfer.http_client import Timeouts
from evaluators.hub.transfer.url_files import FetchedAddress, fetch_address
from tests.hub.server import Hub

SIZE = 3_000_000
QUICK = Timeouts(attempts=3, pause=0.01)


@pytest.fixture
def content(hub: Hub) -> bytes:
    content = bytes(range(256)) * (SIZE // 256)
    (hub.folder("owner/soups") / "model_0.pt").write_bytes(content)
    return content


@pytest.fixture
def address(hub: Hub, content: bytes) -> str:
    return f"{hub.address}/owner/soups/resolve/main/model_0.pt"


def fetched(address: str, folder: Path, **options: Any) -> FetchedAddress:
    return fetch_address(address, folder, **{"patience": QUICK, **options})


def ranges(hub: Hub) -> list[int]:
    """First bytes of the replies that the file went out with."""
    return [0 if request.range is None else request.range[0] for request in hub.downloads()]


def test_a_file_comes_once(hub: Hub, address: str, content: bytes, tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    found = fetched(address, tmp_path / "new", progress=lambda done, total: reported.append((done, total)))
    assert found.path == tmp_path / "new" / "model_0.pt"
    assert found.path.read_bytes() == content
    assert found.bytes == len(content)
    assert reported[-1] == (len(content), len(content))
    assert sorted(path.suffix for path in found.path.parent.iterdir() if path.suffix != ".lock") == [
        ".json",
        ".pt",
    ]
    hub.requests.clear()
    assert fetched(address, tmp_path / "new") == found
    assert not hub.requests
    with hub.down():
        assert fetched(address, tmp_path / "new") == found


@pytest.mark.parametrize("fault", ["cut", "reset", "stall"])
def test_a_transfer_that_breaks_off_is_resumed(
    hub: Hub, address: str, content: bytes, tmp_path: Path, fault: str
) -> None:
    hub.fail("model_0.pt", fault, after=1_000_000, times=2)  # type: ignore[arg-type]
    patience = replace(QUICK, read=2.0) if fault == "stall" else QUICK
    assert fetched(address, tmp_path, patience=patience).path.read_bytes() == content
    first, second, third = ranges(hub)
    assert first == 0 < second < third < SIZE


def test_a_stopped_transfer_is_resumed_later(hub: Hub, address: str, content: bytes, tmp_path: Path) -> None:
    hub.fail("model_0.pt", "drip", rate=1_000_000)
    stop = threading.Event()
    with pytest.raises(Cancelled, match="Stopped fetching"):
        fetched(address, tmp_path, stop=stop, progress=lambda done, total: stop.set())
    assert not (tmp_path / "model_0.pt").exists()
    assert fetched(address, tmp_path).path.read_bytes() == content
    assert 0 < ranges(hub)[-1] < SIZE


def break_off(hub: Hub, address: str, folder: Path) -> None:
    """A transfer that leaves a part of the file: its second request is refused at both origins."""
    hub.fail("model_0.pt", "cut", after=1_000_000)
    hub.fail("model_0.pt", "status", status=403, skip=2, times=None)
    with pytest.raises(HubError, match="status 403"):
        fetched(address, folder)


def test_a_part_of_another_file_is_not_continued(
    hub: Hub, address: str, content: bytes, tmp_path: Path
) -> None:
    break_off(hub, address, tmp_path)
    assert (tmp_path / "model_0.pt.part").is_file()
    hub.clear()
    other = content[::-1]
    (hub.folder("owner/soups") / "model_0.pt").write_bytes(other)
    assert fetched(address, tmp_path).path.read_bytes() == other

    (tmp_path / "model_0.pt").unlink()
    break_off(hub, address, tmp_path)
    hub.clear()
    (hub.folder("owner/soups") / "model_0.pt").write_bytes(b"short")
    assert fetched(address, tmp_path).path.read_bytes() == b"short"


def test_a_file_that_was_damaged_here_is_fetched_again(
    address: str, content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = fetched(address, tmp_path).path
    path.write_bytes(content[:-1] + b"x")
    assert fetched(address, tmp_path).path.read_bytes() == content
    assert "is damaged: it is deleted" in caplog.text


def test_too_large_a_file_is_refused(hub: Hub, address: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match=r"larger than allowed: it has 2,999,\d+ bytes"):
        fetched(address, tmp_path, most_bytes=1000)
    assert not list(tmp_path.glob("*.pt*part"))
    fetched(address, tmp_path)
    with pytest.raises(HubError, match="larger than allowed"):
        fetched(address, tmp_path, most_bytes=1000)


def test_error_statuses(hub: Hub, address: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match=r"model_1.pt answers with status 404: there is no such file"):
        fetched(address.replace("model_0", "model_1"), tmp_path)
    hub.fail("model_0.pt", "status", status=403)
    with pytest.raises(HubError, match="status 403: it is refused"):
        fetched(address, tmp_path)
    hub.fail("model_0.pt", "status", status=503, times=None)
    with pytest.raises(HubError, match=r"could not serve .*HTTP 503.* Try again later"):
        fetched(address, tmp_path)
    hub.clear()
    hub.fail("model_0.pt", "status", status=503, times=1)
    assert fetched(address, tmp_path).bytes > 0


def test_without_a_network(hub: Hub, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.down(), pytest.raises(HubError, match=r"Cannot reach 127\.0\.0\.1:\d+"):
        fetched(address, tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set, so"):
        fetched(address, tmp_path)


def test_a_full_disk(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("evaluators.hub.transfer.repository_files.SPARE_BYTES", 1 << 60)
        with pytest.raises(HubError, match=r"needs 3 MB and .* MB free"):
            fetched(address, tmp_path)

    def full(path: Path, *rest: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("evaluators.hub.transfer.url_files.os.replace", full)
    with pytest.raises(HubError, match="the disk is full"):
        fetched(address, tmp_path)
    assert not (tmp_path / "model_0.pt").exists()


def test_threads_share_a_transfer(hub: Hub, address: str, content: bytes, tmp_path: Path) -> None:
    hub.fail("model_0.pt", "drip", after=0, rate=6_000_000)
    found: list[FetchedAddress] = []
    threads = [threading.Thread(target=lambda: found.append(fetched(address, tmp_path))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(hub.downloads()) == 1


@pytest.mark.parametrize("address", ["model_0.pt", "ftp://host/a.pt", "https://host/", "https://host/.pt"])
def test_malformed_addresses(address: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="is no address of a file"):
        fetched(address, tmp_path)
