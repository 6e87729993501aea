"""Limits on requests and uploads, over real HTTP."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.request_limits import UploadLimits
from tests.serving.conftest import FORM, HEAD, KB, LIMITS, TAIL, UPLOAD, Page, Serving, files, send
from tests.waiting import soon


@pytest.fixture(scope="module")
def closed(serve: Serving) -> Page:
    return serve(allowed=False)


def test_an_upload_reaches_the_handler(fresh: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(fresh.folder))  # Gradio reads it anew for each file
    answer = send(fresh, b"weights")
    assert answer.status_code == 200
    (path,) = answer.json()
    assert Path(path).read_bytes() == b"weights"
    given = {"path": path, "meta": {"_type": "gradio.FileData"}}
    with fresh.client() as client:
        event = client.post("/gradio_api/call/take", json={"data": [given, 0.5]}).json()["event_id"]
        assert "taken" in client.get(f"/gradio_api/call/take/{event}").text
    assert fresh.taken == [(path, 0.5)]


def test_with_uploads_off_no_route_accepts_a_file(closed: Page) -> None:
    assert send(closed, b"weights").status_code == 403
    assert "switched off" in send(closed, b"weights").text
    with closed.client() as client:
        for route in (UPLOAD + "/", "/gradio_api/component_server", "/gradio_api/process_recording"):
            answer = client.post(route, files={"files": ("a.pt", b"x"), "video": ("v.mp4", b"x")})
            assert answer.status_code == 403, route
        assert client.get("/gradio_api/upload_progress?upload_id=a").status_code == 403
        assert client.get("/config").status_code == 200
        event = client.post("/gradio_api/call/take", json={"data": [None, 0.5]}).json()["event_id"]
        assert "taken" in client.get(f"/gradio_api/call/take/{event}").text
    assert files(closed) == []


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "file=https://example.org/a"),
        ("HEAD", "file=http://127.0.0.1/a"),
        ("GET", "file%3Dhttp://127.0.0.1/a"),
        ("GET", "file/https://example.org/a"),
        ("GET", "proxy=https://a.hf.space/b"),
        ("GET", "deep_link?session_hash=a"),
        ("GET", "custom_component/a/client/b/c"),
        ("POST", "component_server"),
        ("POST", "component_server/"),
        ("POST", "process_recording"),
        ("POST", "vibe-edit"),
    ],
)
def test_unused_routes_are_blocked(page: Page, method: str, route: str) -> None:
    with page.client() as client:
        answer = client.request(method, f"/gradio_api/{route}")
    assert answer.status_code == 403
    assert method == "HEAD" or answer.text == "This endpoint is disabled."


def test_a_promised_length_over_the_limit_is_refused_before_the_body(page: Page) -> None:
    """Only the headers are sent: a server that waits for the body would wait for ever."""
    host, port = page.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {5 * 2**30}\r\n"
        line.sendall((head + f"Content-Type: {FORM['content-type']}\r\n\r\n").encode() + HEAD)
        answer = b""
        while piece := line.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"An upload may have 0.3 MB at most, and this one is larger." in answer


@pytest.mark.parametrize("pieces", [30, 300])
def test_an_upload_of_unknown_length_is_counted_as_it_arrives(fresh: Page, pieces: int) -> None:
    def body() -> Iterator[bytes]:
        yield HEAD
        for _ in range(pieces):
            yield b"x" * 10 * KB
        yield TAIL

    with fresh.client() as client:
        answer = client.post(UPLOAD, content=body(), headers=FORM)
    assert answer.status_code == 413
    assert files(fresh) == []  # Gradio's partial file is deleted at once


def test_the_limit_is_exact(fresh: Page) -> None:
    room = LIMITS.file_bytes - len(HEAD) - len(TAIL)
    with fresh.client() as client:
        assert client.post(UPLOAD, content=HEAD + b"x" * room + TAIL, headers=FORM).status_code == 200
        body = HEAD + b"x" * (room + 1) + TAIL
        assert client.post(UPLOAD, content=body, headers=FORM).status_code == 413
        assert client.post(UPLOAD, content=iter([body]), headers=FORM).status_code == 413
    assert [path.stat().st_size for path in files(fresh)] == [room]


def test_a_third_simultaneous_upload_is_refused(fresh: Page) -> None:
    host, port = fresh.url.removeprefix("http://").split(":")
    lines = [socket.create_connection((host, int(port)), timeout=60) for _ in range(2)]
    head = f"POST {UPLOAD} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {10 * KB}\r\n"
    try:
        for line in lines:
            line.sendall((head + f"Content-Type: {FORM['content-type']}\r\n\r\n").encode() + HEAD)
        until = time.monotonic() + 60.0
        answer = send(fresh, b"x")
        while answer.status_code == 200 and time.monotonic() < until:
            answer = send(fresh, b"x")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "60"
        assert "busy with 2 uploads" in answer.text
    finally:
        for line in lines:
            line.close()
    soon(lambda: send(fresh, b"x").status_code == 200)
    soon(lambda: all(not path.name.startswith("tmp") for path in files(fresh)))


def test_an_interrupted_upload_leaves_nothing(fresh: Page) -> None:
    host, port = fresh.url.removeprefix("http://").split(":")
    for _ in range(5):
        with socket.create_connection((host, int(port)), timeout=60) as line:
            head = f"POST {UPLOAD} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {100 * KB}\r\n"
            line.sendall((head + f"Content-Type: {FORM['content-type']}\r\n\r\n").encode())
            line.sendall(HEAD + b"x" * 50 * KB)
            soon(lambda: files(fresh) != [])
        soon(lambda: files(fresh) == [])
    assert send(fresh, b"x").status_code == 200


def test_a_slow_upload_times_out(serve: Serving) -> None:
    page = serve(limits=replace(LIMITS, seconds=1.0))

    def body() -> Iterator[bytes]:
        yield HEAD
        for _ in range(600):  # a watchdog: the server gives up after a second
            time.sleep(0.1)
            yield b"x"

    with page.client() as client:
        with suppress(httpx.TransportError):  # it keeps sending to a closed connection
            assert client.post(UPLOAD, content=body(), headers=FORM).status_code == 408
    soon(lambda: files(page) == [])


def test_an_idle_upload_times_out(serve: Serving) -> None:
    page = serve(limits=replace(LIMITS, idle_seconds=0.2))
    host, port = page.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {10 * KB}\r\n"
        line.sendall((head + f"Content-Type: {FORM['content-type']}\r\n\r\n").encode() + HEAD)
        assert line.recv(4096).startswith(b"HTTP/1.1 408")
    soon(lambda: files(page) == [])


def test_a_full_folder_accepts_nothing_until_it_is_swept(fresh: Page) -> None:
    fresh.folder.mkdir(exist_ok=True)
    (fresh.folder / "left").write_bytes(b"x" * 900 * KB)
    answer = send(fresh, b"x" * 200 * KB)
    assert answer.status_code == 507
    assert "not enough disk space" in answer.text
    assert send(fresh, b"x" * 50 * KB).status_code == 200
    (fresh.folder / "left").unlink()
    assert send(fresh, b"x" * 200 * KB).status_code == 200


def test_the_disk_keeps_free_space(serve: Serving) -> None:
    page = serve(limits=replace(LIMITS, free_bytes=2**62))
    assert send(page, b"x").status_code == 507
    assert files(page) == []


@pytest.mark.parametrize(
    "place",
    [
        {"path": "https://example.org/a", "meta": {"_type": "gradio.FileData"}},
        {"a": [{"path": "http://127.0.0.1/a"}]},
    ],
)
@pytest.mark.parametrize("route", ["call/take", "call/v2/take", "run/take", "api/take", "queue/join"])
def test_no_address_is_downloaded_in_the_place_of_a_file(page: Page, place: Any, route: str) -> None:
    """Gradio downloads, without a limit, what such an address names, even where a slider's number belongs."""
    plain = json.dumps({"data": [None, place], "fn_index": 0, "session_hash": "a"})
    hidden = plain.replace("path", "p\\u0061th").replace("://", ":\\/\\/")
    twice = plain.replace("}", ', "path": "/a"}', 1)  # another parser might take the first
    with page.client() as client:
        for body in (plain.encode(), hidden.encode(), plain.encode("utf-16"), twice.encode()):
            answer = client.post(
                f"/gradio_api/{route}", content=body, headers={"content-type": "application/json"}
            )
            assert answer.status_code == 400
            assert "does not download addresses" in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"data": [' + b"[" * 30000 + b"]" * 30000 + b"]}", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b" " * 65 * KB, 413),
    ],
)
def test_a_request_is_small_json(page: Page, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    with page.client() as client:
        assert client.post("/gradio_api/call/take", content=body, headers=headers).status_code == status
        assert (
            client.post("/gradio_api/call/take", content=iter([body]), headers=headers).status_code == status
        )
        assert client.post("/gradio_api/nowhere", content=body, headers=headers).status_code == status


def test_an_incomplete_request_times_out(serve: Serving) -> None:
    page = serve(limits=replace(LIMITS, other_seconds=0.2))
    host, port = page.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(
            f"POST /gradio_api/call/take HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\n{{".encode()
        )
        assert line.recv(4096).startswith(b"HTTP/1.1 408")


def test_files_outside_the_folder_are_not_served(page: Page) -> None:
    """Gradio serves files of its folder to anyone who knows the full path, and no other files."""
    (path,) = send(page, b"weights").json()
    with page.client() as client:
        assert client.get(f"/gradio_api/file={path}").content == b"weights"
        for other in (
            __file__,
            "/etc/passwd",
            f"{page.folder}/../{Path(__file__).name}",
            str(page.folder),
            "app.py",
        ):
            assert client.get(f"/gradio_api/file={other}").status_code == 403
    assert len(Path(path).parent.name) == 64


def test_the_limits_are_those_in_the_documentation() -> None:
    limits = UploadLimits()
    assert (limits.file_bytes, limits.folder_bytes, limits.free_bytes) == (2 * 2**30, 8 * 2**30, 2 * 2**30)
    assert limits.at_once == 2
