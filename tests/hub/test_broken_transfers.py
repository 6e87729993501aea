"""Transfers from the local Hub that break off, bring wrong content, fill the disk, or are cancelled."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from huggingface_hub import constants

from evaluators.errors import Cancelled, HubError
from evaluators.hub.transfer import http_client, repository_files
from evaluators.hub.transfer.http_client import Timeouts
from evaluators.hub.transfer.repository_files import fetch
from tests.hub.large_file import BIG, CHUNK, HASTY, QUICK, REPO, big, left_over, put
from tests.hub.server import Hub
from tests.paths import ROOT
from tests.waiting import soon


def stopped_when(condition: Callable[[], object]) -> threading.Event:
    """An event that is set once a condition holds."""
    stop = threading.Event()

    def watch() -> None:
        soon(condition)
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
    return stop


def patience(how: str) -> Timeouts:
    """Short where the Hub falls silent: the test waits for the time-out."""
    return HASTY if how == "stall" else QUICK


@pytest.mark.parametrize("how", ["cut", "reset", "stall"])
def test_a_broken_transfer_is_resumed(hub: Hub, heavy: bytes, how: Any) -> None:
    hub.fail("resolve/*/model.safetensors", how, after=CHUNK + (4 << 20))
    assert big(patience=patience(how)).path.read_bytes() == heavy
    first, second = hub.downloads(name=BIG)
    assert first.range is None
    assert first.sent == CHUNK + (4 << 20)
    assert second.range == (CHUNK, None)
    assert second.sent == len(heavy) - CHUNK


def test_a_hub_that_is_busy_when_the_transfer_is_resumed(hub: Hub, heavy: bytes) -> None:
    hub.fail(BIG, "cut", after=CHUNK + (1 << 20))
    hub.fail(BIG, "status", status=503, origin="cdn", skip=1, times=2)
    assert big().path.read_bytes() == heavy
    assert [request.range for request in hub.downloads(name=BIG)] == [None, (CHUNK, None)]


@pytest.mark.parametrize("how", ["cut", "stall"])
def test_a_transfer_that_always_breaks_off_ends(hub: Hub, weights: bytes, how: Any) -> None:
    hub.fail(BIG, how, after=1000, times=None)
    with pytest.raises(
        HubError, match=rf"\(the transfer broke off 1 times in a row at byte 1000\), and {REPO}"
    ):
        big(patience=replace(patience(how), attempts=1))
    assert len(hub.downloads(name=BIG)) == 3, "one that got somewhere, one in vain, one that is not read"
    assert left_over() == []


def test_a_transfer_that_crawls_ends(hub: Hub, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then never runs into a time-out."""
    monkeypatch.setattr(http_client, "WINDOW", 1.0)
    hub.fail(BIG, "drip", rate=200, times=None)
    with pytest.raises(HubError, match=r"only \d+ bytes came in \d+ seconds"):
        big()
    assert left_over() == []


# ------------------------------------------------------------------ wrong content, size and disk


def test_a_wrong_file_is_fetched_once_more(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "wrong", after=1000)
    assert big().path.read_bytes() == weights
    assert [request.sent for request in hub.downloads(name=BIG)] == [len(weights)] * 2


@pytest.mark.parametrize(
    ("how", "message", "transfers"),
    [
        ("wrong", f"{REPO}/{BIG} arrived twice with another content", 2),
        ("short", f"{REPO}/{BIG} could not be fetched.*of size {1 << 20} but has size 1000", 1),
    ],
)
def test_a_file_that_stays_wrong_is_not_kept(
    hub: Hub, weights: bytes, how: Any, message: str, transfers: int
) -> None:
    hub.fail(BIG, how, after=1000, times=None)
    with pytest.raises(HubError, match=message):
        big()
    assert len(hub.downloads(name=BIG)) == transfers
    assert left_over() == []


def test_a_damaged_cached_file_is_fetched_again(hub: Hub, weights: bytes) -> None:
    fetched = big()
    with fetched.path.open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"damage")
    assert big(revision=fetched.commit).path.read_bytes() == weights
    assert len(hub.downloads(name=BIG)) == 2


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
    with pytest.raises(HubError, match=r"has 1,048,576 bytes, at most 1,048,575 are allowed"):
        big(most_bytes=len(weights) - 1)
    with monkeypatch.context() as patched:
        patched.setattr(repository_files, "SPARE_BYTES", 1 << 60)
        with pytest.raises(HubError, match=rf"{BIG} needs 1 MB and .* MB free\. Free some space"):
            big()
    assert hub.downloads(name=BIG) == []
    assert big(most_bytes=len(weights)).bytes == len(weights)


def test_a_file_of_unknown_size_ends_where_it_is_larger_than_allowed() -> None:
    transfer = http_client.Transfer(QUICK, most_bytes=10)
    transfer.connected(0, None)
    transfer.arrived(10)
    with pytest.raises(http_client.TooLarge, match="more than 10 bytes"):
        transfer.arrived(1)


@pytest.mark.parametrize("fault", ["drip", "stall"])
def test_stop_in_mid_file(hub: Hub, heavy: bytes, fault: Any) -> None:
    """Also when nothing comes in: the thread that reads ends later, at its time-out."""
    hub.fail(BIG, fault, rate=4_000_000, after=6 << 20)
    stop = threading.Event()
    with pytest.raises(Cancelled, match=f"Stopped fetching {REPO}/{BIG}"):
        big(stop=stop, progress=lambda done, total: stop.set(), patience=patience(fault))
    soon(lambda: not left_over())
    assert fetch(REPO, BIG).path.read_bytes() == heavy


def test_stop_while_the_hub_makes_us_wait(hub: Hub, weights: bytes) -> None:
    hub.fail(BIG, "status", status=429, retry_after=20)
    with pytest.raises(Cancelled):
        fetch(REPO, BIG, stop=stopped_when(lambda: hub.requests))


def test_stop_while_another_thread_transfers_the_file(hub: Hub, heavy: bytes) -> None:
    hub.fail(BIG, "drip", rate=12_000_000)
    other = threading.Thread(target=big)
    other.start()
    soon(lambda: hub.downloads(name=BIG))
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        big(stop=stop)
    other.join()
    assert big().path.read_bytes() == heavy
    assert len(hub.downloads(name=BIG)) == 1
