"""Download of files from the local Hub into the cache, refusals, and use without a network."""

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from huggingface_hub import HfApi, constants

from evaluators.errors import HubError
from evaluators.hub.transfer import http_client
from evaluators.hub.transfer.hub_errors import hub_errors
from evaluators.hub.transfer.repository_files import Fetched, fetch
from evaluators.hub.transfer.repository_listing import list_files
from tests.hub.large_file import BIG, CHUNK, QUICK, REPO, big
from tests.hub.server import Hub


def test_a_small_and_a_large_file(hub: Hub, weights: bytes) -> None:
    small, large = fetch(REPO, "config.json"), fetch(REPO, BIG)
    assert small.path.read_text() == '{"blocks": 4}'
    assert large.path.read_bytes() == weights
    assert (large.repo, large.name, large.bytes) == (REPO, BIG, len(weights))
    assert large.commit == small.commit == hub.commit(REPO)
    repository = hub.read("model", REPO)
    assert repository is not None
    assert large.etag == repository.files[BIG].sha256
    assert small.etag == repository.files["config.json"].blob


def test_a_cached_file_is_not_transferred_again(hub: Hub, weights: bytes) -> None:
    first = fetch(REPO, BIG)
    hub.requests.clear()
    reported: list[tuple[int, int]] = []
    assert fetch(REPO, BIG, progress=lambda done, total: reported.append((done, total))) == first
    assert reported == [(len(weights), len(weights))]
    assert [request.method for request in hub.requests] == ["HEAD", "HEAD"]
    hub.requests.clear()
    assert fetch(REPO, BIG, revision=first.commit) == first
    assert not hub.requests


def test_a_newer_file_replaces_the_cached_one(hub: Hub, weights: bytes) -> None:
    old = fetch(REPO, BIG)
    (hub.folder(REPO) / BIG).write_bytes(b"newer")
    new = fetch(REPO, BIG)
    assert new.path.read_bytes() == b"newer"
    assert new.commit != old.commit
    assert old.path.read_bytes() == weights


def test_files_of_a_data_set(hub: Hub) -> None:
    (hub.folder("nobody/images", "dataset") / "a.parquet").write_bytes(b"PAR1")
    assert list_files("nobody/images", kind="dataset") == ("a.parquet",)
    assert fetch("nobody/images", "a.parquet", kind="dataset").path.read_bytes() == b"PAR1"
    with pytest.raises(HubError, match="no model repository nobody/images"):
        fetch("nobody/images", "a.parquet")


def test_progress_grows_from_the_first_bytes_to_the_last(hub: Hub, heavy: bytes) -> None:
    hub.fail(BIG, "drip", rate=30_000_000)
    reported: list[tuple[int, int]] = []
    big(progress=lambda done, total: reported.append((done, total)))
    assert {total for _, total in reported} == {len(heavy)}
    done = [done for done, _ in reported]
    assert done == sorted(done)
    assert done[-1] == len(heavy)
    assert any(0 < count < len(heavy) and count % CHUNK for count in done), "it moves within a chunk"


def test_large_files_come_by_http_even_where_the_hub_offers_xet(
    hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Xet transfers can be neither stopped nor counted."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    hub.xet = True
    assert fetch(REPO, BIG).path.read_bytes() == weights
    assert not [request for request in hub.requests if "xet" in request.path]


def test_two_threads_share_a_transfer(hub: Hub, heavy: bytes) -> None:
    hub.fail(BIG, "drip", rate=60_000_000, times=None)
    fetched: list[Fetched] = []
    threads = [threading.Thread(target=lambda: fetched.append(big())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.path.read_bytes() == heavy for one in fetched] == [True, True]
    assert [request.sent for request in hub.downloads(name=BIG)] == [len(heavy)]


def test_without_the_hub(hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.down(), pytest.raises(HubError) as error:
        big()
    assert str(error.value).startswith(f"Cannot reach {hub.address} (")
    assert f"{REPO}/{BIG} is not on this machine: connect it to the Internet" in str(error.value)
    cached = big()
    with hub.down():
        assert big() == cached
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert big() == cached
    with pytest.raises(HubError, match=r"HF_HUB_OFFLINE .*/config\.json is not on this machine"):
        fetch(REPO, "config.json")
    assert not hub.requests


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nobody/none", "a.bin"), "no model repository nobody/none, or it is private"),
        ((REPO, "Single/Model.safetensors"), f"no file 'Single/Model.safetensors' at main; .*: {BIG}\\.$"),
        ((REPO, "zzz"), f"its files are listed at http://.*/{REPO}/tree/main"),
        ((REPO, BIG, "v9"), f"{REPO} has no revision 'v9'"),
        ((REPO, BIG, "../../main"), "is no revision"),
        *(
            ((REPO, name), "is no name of a file in a repository")
            for name in ("../config.json", "/etc/passwd", "a/../../b", "a//b", "", ".", "a\\..\\b", "C:b")
        ),
        *(((REPO, name), "is no name of a file in a repository") for name in ("a\0b", "a\nb")),
    ],
)
def test_names_that_do_not_exist_or_lead_elsewhere(
    hub: Hub, weights: bytes, arguments: tuple[str, ...], message: str
) -> None:
    repo, name, *revision = arguments
    with pytest.raises(HubError, match=message):
        fetch(repo, name, revision=revision[0] if revision else "main")
    if "is no" in message:
        assert not hub.requests


def test_a_gated_repository(hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.gate(REPO, token="hf_right")
    with pytest.raises(HubError, match=f"{REPO}/{BIG} is gated: accept its terms at {hub.address}/{REPO}"):
        big()
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    with pytest.raises(HubError, match="is gated"):
        big()
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert big().path.read_bytes() == weights
    assert [request.token for request in hub.downloads(name=BIG)] == [None], "no token leaves the Hub"


def test_too_many_requests(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "status", status=429, retry_after=3600)
    with pytest.raises(
        HubError, match=r"too many requests .* \(429\)\. Try again in 3600 seconds, or log in"
    ):
        big()
    assert len(hub.requests) == 1
    hub.fail(BIG, "status", status=429, retry_after=1)
    began = time.monotonic()
    assert big().path.read_bytes() == weights
    assert time.monotonic() - began >= 1.0, "it waits as long as the Hub asks"


@pytest.mark.parametrize(("kind", "status"), [("status", 500), ("status", 503), ("drop", 0)])
def test_a_temporary_failure_is_retried(hub: Hub, weights: bytes, kind: Any, status: int) -> None:
    hub.fail(BIG, kind, status=status, times=2)
    assert big().path.read_bytes() == weights


def test_a_hub_that_keeps_failing(hub: Hub, weights: bytes) -> None:
    hub.fail(REPO, "status", status=502, times=None)
    with pytest.raises(HubError, match=rf"could not serve {REPO}/{BIG} \(502\)\. Try again later\."):
        big()
    assert len(hub.requests) == QUICK.attempts
    hub.clear()
    cached = big()
    hub.fail(REPO, "status", status=503, times=None)
    assert big() == cached


def test_no_answer_in_time(hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """huggingface_hub asks for listings and information without a time-out of its own."""
    hub.fail(BIG, "slow", times=None)
    patience = replace(QUICK, read=0.5)
    with pytest.raises(HubError, match=r"Cannot reach .* \(no answer in time\)"):
        big(patience=patience)
    monkeypatch.setattr(http_client, "PATIENCE", patience)
    hub.fail("api/models", "slow", times=None)
    with pytest.raises(HubError, match=f"Cannot reach .*{REPO}"), hub_errors(REPO):
        HfApi().model_info(REPO)
