import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants

from evaluators.errors import Cancelled, HubError
from evaluators.hub.transfer import http_client as connection
from evaluators.hub.transfer import repository_files as access
from evaluators.hub.transfer.http_client import Timeouts
from evaluators.hub.transfer.hub_errors import hub_errors
from evaluators.hub.transfer.repository_files import Fetched, fetch
from evaluators.hub.transfer.repository_listing import list_files
from tests.hub.server import Hub

ROOT = Path(__file__).resolve().parents[2]
REPO = "nobody/weights"
BIG = "single/model.safetensors"
QUICK = Timeouts(connect=2.0, read=0.5, attempts=3, pause=0.05, longest_pause=2.0)
ONCE = Timeouts(connect=2.0, read=0.5, attempts=1)
PIECE = 10 << 20
"""What huggingface_hub keeps of a transfer that breaks off is a multiple of this."""


@pytest.fixture
def weights(hub: Hub) -> bytes:
    """A repository with a small file and one in LFS; what the second holds."""
    return put(hub, 1 << 20)


@pytest.fixture
def heavy(hub: Hub) -> bytes:
    """The same with a file of several of the client's pieces."""
    return put(hub, 24 << 20)


def put(hub: Hub, size: int, repo: str = REPO) -> bytes:
    folder = hub.folder(repo)
    (folder / "config.json").write_text('{"blocks": 4}')
    path = folder / BIG
    path.parent.mkdir()
    content = os.urandom(size)
    path.write_bytes(content)
    return content


def big(**options: object) -> Fetched:
    return fetch(REPO, BIG, patience=QUICK, **options)  # type: ignore[arg-type]


def left_over() -> list[str]:
    """What lies in the cache under any name a reader or a resumed transfer could take for the file."""
    cache = Path(constants.HF_HUB_CACHE)
    kinds = ("blobs", "snapshots")
    return [str(path) for path in cache.rglob("*") if path.is_file() and set(kinds) & set(path.parts)]


# ------------------------------------------------------------------ when all is well


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


def test_what_is_here_is_not_transferred_again(hub: Hub, weights: bytes) -> None:
    first = fetch(REPO, BIG)
    hub.requests.clear()
    assert fetch(REPO, BIG) == first
    assert [request.method for request in hub.requests] == ["HEAD", "HEAD"]
    hub.requests.clear()
    assert fetch(REPO, BIG, revision=first.commit) == first
    assert not hub.requests


def test_a_newer_file_replaces_the_one_that_is_here(hub: Hub, weights: bytes) -> None:
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
    told: list[tuple[int, int]] = []
    big(progress=lambda done, total: told.append((done, total)))
    assert {total for _, total in told} == {len(heavy)}
    done = [done for done, _ in told]
    assert done == sorted(done)
    assert done[-1] == len(heavy)
    assert len([count for count in done if 0 < count < PIECE]) >= 2, (
        "it moves within the client's 10 MB chunks"
    )


def test_progress_of_what_is_here_is_told_once(hub: Hub, weights: bytes) -> None:
    fetch(REPO, BIG)
    told: list[tuple[int, int]] = []
    fetch(REPO, BIG, progress=lambda done, total: told.append((done, total)))
    assert told == [(len(weights), len(weights))]


def test_listing_comes_in_pages(hub: Hub) -> None:
    folder = hub.folder(REPO)
    for number in range(7):
        (folder / f"{number}.txt").write_text("")
    hub.page_size = 3
    assert list_files(REPO) == tuple(f"{number}.txt" for number in range(7))
    assert len(hub.requests) == 3


def test_large_files_come_by_http_even_where_the_hub_offers_xet(
    hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Xet transfers cannot be stopped or counted by us."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    hub.xet = True
    assert fetch(REPO, BIG).path.read_bytes() == weights
    assert not [request for request in hub.requests if "xet" in request.path]


def test_two_threads_transfer_a_file_once(hub: Hub, heavy: bytes) -> None:
    hub.fail(BIG, "drip", rate=60_000_000, times=None)
    found: list[Fetched] = []
    threads = [threading.Thread(target=lambda: found.append(big())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [fetched.path.read_bytes() == heavy for fetched in found] == [True, True]
    assert [request.sent for request in hub.downloads(name=BIG)] == [len(heavy)]


# ------------------------------------------------------------------ transfers that break off


@pytest.mark.parametrize("how", ["cut", "reset"])
def test_a_transfer_that_breaks_off_is_resumed(hub: Hub, heavy: bytes, how: str) -> None:
    hub.fail("resolve/*/model.safetensors", how, after=PIECE + (4 << 20))  # type: ignore[arg-type]
    assert big().path.read_bytes() == heavy
    first, second = hub.downloads(name=BIG)
    assert first.range is None
    assert first.sent == PIECE + (4 << 20)
    assert second.range == (PIECE, None)
    assert second.sent == len(heavy) - PIECE


def test_a_hub_that_is_busy_when_the_transfer_is_resumed(hub: Hub, heavy: bytes) -> None:
    hub.fail(BIG, "cut", after=PIECE + (1 << 20))
    hub.fail(BIG, "status", status=503, origin="cdn", skip=1, times=2)
    assert big().path.read_bytes() == heavy
    assert [request.range for request in hub.downloads(name=BIG)] == [None, (PIECE, None)]


def test_a_transfer_that_always_breaks_off_ends(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "cut", after=1000, times=None)
    with pytest.raises(
        HubError, match=rf"\(the transfer broke off 1 times in a row at byte 1000\), and {REPO}"
    ):
        fetch(REPO, BIG, patience=ONCE)
    assert len(hub.downloads(name=BIG)) == 3, "one that got somewhere, one in vain, one that is not read"
    assert left_over() == []


def test_a_transfer_that_stalls_is_resumed(hub: Hub, heavy: bytes) -> None:
    hub.fail(BIG, "stall", after=PIECE + (1 << 20))
    assert big().path.read_bytes() == heavy
    assert [request.range for request in hub.downloads(name=BIG)] == [None, (PIECE, None)]


def test_a_transfer_that_always_stalls_ends(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "stall", after=100, times=None)
    began = time.monotonic()
    with pytest.raises(HubError, match="broke off 1 times in a row at byte 100"):
        fetch(REPO, BIG, patience=ONCE)
    assert time.monotonic() - began < 3 * (ONCE.read + 1) + 1
    assert left_over() == []


def test_a_transfer_that_crawls_ends(hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then never runs into a time-out."""
    monkeypatch.setattr(connection, "WINDOW", 1.0)
    hub.fail(BIG, "drip", rate=200, times=None)
    with pytest.raises(HubError, match=r"only \d+ bytes came in 1 seconds"):
        big()
    assert left_over() == []


# ------------------------------------------------------------------ wrong content


def test_a_wrong_file_is_fetched_once_more(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "wrong", after=1000)
    assert big().path.read_bytes() == weights
    assert [request.sent for request in hub.downloads(name=BIG)] == [len(weights)] * 2


def test_a_file_that_stays_wrong_is_an_error_and_is_not_kept(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "wrong", after=1000, times=None)
    with pytest.raises(HubError, match=f"{REPO}/{BIG} came twice with another content"):
        big()
    assert len(hub.downloads(name=BIG)) == 2
    assert left_over() == []


def test_a_file_of_another_length_is_an_error_and_is_not_kept(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "short", after=1000, times=None)
    with pytest.raises(
        HubError, match=f"{REPO}/{BIG} could not be fetched.*of size {1 << 20} but has size 1000"
    ):
        big()
    assert left_over() == []


def test_a_file_damaged_on_this_machine_is_fetched_again(hub: Hub, weights: bytes) -> None:
    fetched = big()
    with fetched.path.open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"damage")
    assert big(revision=fetched.commit).path.read_bytes() == weights
    assert len(hub.downloads(name=BIG)) == 2


# ------------------------------------------------------------------ disk

FULL = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
from evaluators.errors import HubError
from evaluators.hub.transfer.repository_files import fetch
try:
    fetch({REPO!r}, {BIG!r})
except HubError as error:
    print(error)
else:
    sys.exit("there was room")
"""


def test_a_disk_that_fills_up_leaves_nothing_half_written(hub: Hub) -> None:
    """The limit on the size of a file is the kernel's, and a write beyond it fails as on a full disk."""
    put(hub, 5 << 20)
    ended = subprocess.run(
        [sys.executable, "-c", FULL],
        cwd=ROOT,
        env=os.environ | {"HF_HUB_CACHE": constants.HF_HUB_CACHE},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert f"{REPO}/{BIG} could not be written to {constants.HF_HUB_CACHE}" in ended.stdout
    assert "full" in ended.stdout
    assert len(hub.downloads(name=BIG)) == 1, "it failed while writing, not before"
    assert left_over() == []


def test_a_file_that_does_not_fit_is_not_begun(
    hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "SPARE_BYTES", 1 << 60)
    with pytest.raises(HubError, match=rf"{BIG} needs 1 MB and .* MB free\. Free some space"):
        big()
    assert hub.downloads(name=BIG) == []


def test_a_file_larger_than_allowed_is_not_begun(hub: Hub, weights: bytes) -> None:
    with pytest.raises(HubError, match=r"has 1,048,576 bytes, at most 1,048,575 are allowed"):
        big(most_bytes=len(weights) - 1)
    assert hub.downloads(name=BIG) == []
    assert big(most_bytes=len(weights)).bytes == len(weights)


def test_a_file_of_unknown_size_ends_where_it_is_larger_than_allowed() -> None:
    transfer = connection.Transfer(QUICK, most_bytes=10)
    transfer.connected(0, None)
    transfer.arrived(10)
    with pytest.raises(connection.TooLarge, match="more than 10 bytes"):
        transfer.arrived(1)


# ------------------------------------------------------------------ no network


def test_offline_with_a_warm_cache(hub: Hub, weights: bytes) -> None:
    first, names = big(), list_files(REPO)
    with hub.down():
        began = time.monotonic()
        assert big() == first
        assert list_files(REPO) == names == ("config.json", BIG)
        assert time.monotonic() - began < 2


def test_offline_the_listing_of_a_repository_never_listed_is_what_was_fetched(
    hub: Hub, weights: bytes
) -> None:
    big()
    with hub.down():
        assert list_files(REPO) == (BIG,)


def test_offline_with_a_cold_cache(hub: Hub, weights: bytes) -> None:
    with hub.down():
        began = time.monotonic()
        with pytest.raises(HubError) as fetching:
            big()
        with pytest.raises(HubError) as listing:
            list_files(REPO)
        assert time.monotonic() - began < 3
    for error, what in ((fetching, f"{REPO}/{BIG}"), (listing, REPO)):
        assert str(error.value).startswith(f"Cannot reach {hub.address} (")
        assert f"{what} is not on this machine; connect once and fetch it with `python -m" in str(error.value)


def test_forbidden_to_ask(hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    first = big()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert big() == first
    with pytest.raises(HubError, match=r"HF_HUB_OFFLINE .*/config\.json is not on this machine"):
        fetch(REPO, "config.json")
    assert not hub.requests


# ------------------------------------------------------------------ the Hub says no


def test_no_such_repository(hub: Hub) -> None:
    for ask in (lambda: fetch("nobody/none", "a.bin"), lambda: list_files("nobody/none")):
        with pytest.raises(HubError, match="no model repository nobody/none, or it is private"):
            ask()


def test_no_such_file_names_the_nearest(hub: Hub, weights: bytes) -> None:
    with pytest.raises(HubError) as error:
        fetch(REPO, "Single/Model.safetensors")
    assert str(error.value) == (
        f"{REPO} has no file 'Single/Model.safetensors' at main; the nearest it has: {BIG}."
    )
    with pytest.raises(HubError, match=f"its files are listed at {hub.address}/{REPO}/tree/main"):
        fetch(REPO, "zzz")


def test_no_such_revision(hub: Hub, weights: bytes) -> None:
    for ask in (lambda: fetch(REPO, BIG, revision="v9"), lambda: list_files(REPO, revision="v9")):
        with pytest.raises(HubError, match=f"{REPO} has no revision 'v9'"):
            ask()


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


def test_too_many_requests_waits_as_long_as_asked(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "status", status=429, retry_after=1)
    began = time.monotonic()
    assert big().path.read_bytes() == weights
    assert 1.0 <= time.monotonic() - began < 3.0


def test_too_many_requests_with_too_long_a_wait(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "status", status=429, retry_after=3600, times=None)
    began = time.monotonic()
    with pytest.raises(
        HubError, match=r"too many requests .* \(429\)\. Try again in 3600 seconds, or log in"
    ):
        big()
    assert time.monotonic() - began < 1
    assert len(hub.requests) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_hub_that_fails_for_a_moment(hub: Hub, weights: bytes, status: int) -> None:
    hub.fail(BIG, "status", status=status, times=2)
    assert big().path.read_bytes() == weights


def test_a_hub_that_keeps_failing(hub: Hub, weights: bytes) -> None:
    hub.fail(REPO, "status", status=502, times=None)
    with pytest.raises(HubError, match=rf"fails to serve {REPO}/{BIG} \(502\)\. Try again later\."):
        big()
    assert len(hub.requests) == QUICK.attempts
    with pytest.raises(HubError, match=rf"fails to serve {REPO} \(502\)"):
        list_files(REPO, patience=QUICK)
    assert len(hub.requests) == 2 * QUICK.attempts


def test_a_hub_that_keeps_failing_with_a_warm_cache(hub: Hub, weights: bytes) -> None:
    first = big()
    hub.fail(BIG, "status", status=503, times=None)
    assert big() == first


def test_a_connection_that_is_hung_up_is_tried_again(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "drop", times=2)
    assert big().path.read_bytes() == weights


def test_no_answer_in_time(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "slow", seconds=60, times=None)
    began = time.monotonic()
    with pytest.raises(HubError, match=r"Cannot reach .* \(no answer in time\)"):
        big()
    assert time.monotonic() - began < 3


def test_requests_of_others_get_a_time_out(hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """huggingface_hub asks for listings and information without one."""
    monkeypatch.setattr(connection, "PATIENCE", QUICK)
    hub.fail("api/models", "slow", seconds=60, times=None)
    began = time.monotonic()
    with pytest.raises(HubError, match=f"Cannot reach .*{REPO}"), hub_errors(REPO):
        HfApi().model_info(REPO)
    assert time.monotonic() - began < 3


# ------------------------------------------------------------------ stopping


@pytest.mark.parametrize("fault", ["drip", "stall"])
def test_stop_in_mid_file(hub: Hub, heavy: bytes, fault: str) -> None:
    """Also when nothing comes in: the thread that reads ends later, with its time-out."""
    hub.fail(BIG, fault, rate=4_000_000, after=6 << 20)  # type: ignore[arg-type]
    stop = threading.Event()
    asked: list[float] = []

    def progress(done: int, total: int) -> None:
        if done > 1 << 20 and not asked:
            asked.append(time.monotonic())
            threading.Timer(0.2, stop.set).start()

    with pytest.raises(Cancelled, match=f"Stopped fetching {REPO}/{BIG}"):
        fetch(REPO, BIG, stop=stop, progress=progress, patience=Timeouts(read=1.0))
    assert time.monotonic() - asked[0] < 1.2
    if fault == "drip":
        assert left_over() == [], "a thread that still hears from the Hub has tidied up by now"
    until = time.monotonic() + 5
    while left_over() and time.monotonic() < until:
        time.sleep(0.05)
    assert left_over() == []
    assert fetch(REPO, BIG).path.read_bytes() == heavy


def test_stop_while_the_hub_makes_us_wait(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "status", status=429, retry_after=20)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(REPO, BIG, stop=stop)
    assert time.monotonic() - began < 1.3


def test_stop_while_another_thread_transfers_the_file(hub: Hub, heavy: bytes) -> None:
    hub.fail(BIG, "drip", rate=12_000_000)
    other = threading.Thread(target=big)
    other.start()
    while not hub.downloads(name=BIG):
        time.sleep(0.01)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        big(stop=stop)
    assert time.monotonic() - began < 1.2
    other.join()
    assert big().path.read_bytes() == heavy
    assert len(hub.downloads(name=BIG)) == 1


# ------------------------------------------------------------------ strangers' names


@pytest.mark.parametrize(
    "name", ["../config.json", "/etc/passwd", "a/../../b", "a//b", "", ".", "a\\..\\b", "C:b", "a\0b", "a\nb"]
)
def test_names_that_lead_elsewhere_are_refused(hub: Hub, weights: bytes, name: str) -> None:
    with pytest.raises(HubError, match="is no name of a file in a repository"):
        fetch(REPO, name)
    assert not hub.requests


def test_revisions_and_repositories_that_lead_elsewhere_are_refused(hub: Hub) -> None:
    with pytest.raises(HubError, match="is no revision"):
        fetch(REPO, BIG, revision="../../main")
    for repo in ("../weights", "nobody", "a/b/c", "nobody/we ights"):
        with pytest.raises(HubError, match="is no name of a repository"):
            list_files(repo)
    with pytest.raises(HubError, match="model or dataset, got 'space'"):
        list_files(REPO, kind="space")
    assert not hub.requests


def test_a_listing_leaves_names_out_that_lead_elsewhere(hub: Hub) -> None:
    folder = hub.folder(REPO)
    (folder / "..\\..\\evil.bin").write_bytes(b"")
    (folder / "good.bin").write_bytes(b"")
    assert list_files(REPO) == ("good.bin",)
