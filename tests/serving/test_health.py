"""The health page: what it tells, what it does not, and that it answers while the model is busy."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from evaluators import EditSpec, Studio
from evaluators.engine.worker_status import WorkerStatus
from serving.health import health, without_paths
from serving.version import VERSION
from tests.paths import ROOT
from tests.serving.conftest import STANDING, Page, Serving


@pytest.fixture
def page(serve: Serving) -> Page:
    """A page of its own: these tests change how it stands."""
    return serve()


def test_it_tells_how_the_server_is(page: Page) -> None:
    with page.client() as client:
        answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told.pop("memory")["resident_bytes"] > 1e6
    assert 0 <= told.pop("uptime_seconds") < 600
    assert told == {
        "status": "ok",
        "version": VERSION,
        "device": "cpu",
        "failure": "",
        "queue": {"running": 1, "waiting": 3, "expected_wait_seconds": 2.5},
        "cache": {"kept": "memory", "problem": "", "known": 17},
        "models": ["tiny-clip", "ViT-B-32"],
        "session_checkpoints": {"count": 2, "bytes": 4096},
    }


def test_head_has_the_status_and_no_body(page: Page) -> None:
    with page.client() as client:
        assert client.head("/health").status_code == 200
        assert client.head("/health").content == b""
        assert client.post("/health").status_code == 405


def test_a_cache_that_fails_is_told_without_its_path(page: Page) -> None:
    path = "/data/my cache/results.sqlite"
    page.status = replace(
        STANDING, store=path, problem=f"{path} is read-only ('/proc/x y'); see /data/my cache"
    )
    with page.client() as client:
        answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["cache"]["kept"] == "failed"
    assert answer.json()["cache"]["problem"] == "… is read-only (…); see …"
    assert "/data" not in answer.text


def test_a_device_that_has_failed_calls_for_another_start(page: Page) -> None:
    page.status = replace(STANDING, device="cuda", failure="The GPU has failed: start the app again.")
    with page.client() as client:
        answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "failed")
    assert answer.json()["failure"] == "The GPU has failed: start the app again."


def test_workers_are_told_and_why_there_is_none(page: Page) -> None:
    ready = WorkerStatus("worker-1", "127.0.0.2", "cpu", "ready", 7)
    page.status = replace(STANDING, workers=(ready,))
    with page.client() as client:
        told = client.get("/health").json()
    assert told["status"] == "ok"
    assert told["workers"] == [
        {
            "name": "worker-1",
            "node": "127.0.0.2",
            "device": "cpu",
            "state": "ready",
            "counted": 7,
            "problem": "",
        }
    ]
    assert told["always_local"] == ["checkpoints, images and pictures of visitors", "texts"]
    refused = replace(ready, state="refused", problem="The worker has no /srv/lines/assets.")
    page.status = replace(STANDING, workers=(refused,), local="No worker: see /srv/lines.")
    with page.client() as client:
        answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["local"] == "No worker: see …."
    assert answer.json()["workers"][0]["problem"] == "The worker has no …."
    assert "/srv" not in answer.text


def test_a_server_that_stops_is_not_well(page: Page) -> None:
    page.stopping = True
    with page.client() as client:
        assert client.get("/health").json()["status"] == "stopping"
        assert client.get("/health").status_code == client.head("/health").status_code == 503


def test_a_cache_on_disk_is_told_by_kind() -> None:
    told = health(replace(STANDING, store="/data/results.sqlite"), False, 1.0)
    assert (told["status"], told["cache"]["kept"]) == ("ok", "disk")
    assert "/data" not in json.dumps(told)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("[Errno 30] Read-only file system: '/data/a b/c.sqlite'", "[Errno 30] Read-only file system: …"),
        ('cannot open "C:\\Data\\anna\\x.sqlite".', "cannot open …."),
        ("moved /a/b.sqlite to /a/c.sqlite, and began anew", "moved … to …, and began anew"),
        ("~/cache/x is damaged", "… is damaged"),
        (
            "5 and/or 6 MB/s are free: see https://example.org/a",
            "5 and/or 6 MB/s are free: see https://example.org/a",
        ),
        ("", ""),
    ],
)
def test_paths_are_hidden_and_nothing_else(said: str, left: str) -> None:
    assert without_paths(said) == left


def test_it_answers_while_the_model_is_busy(serve: Serving, studio: Studio) -> None:
    """A chunk that never ends holds the model; the health page neither waits for it nor hides it."""
    counting, let_go = threading.Event(), threading.Event()
    encode = studio.lab.encoder.encode

    def blocked(images: object) -> object:
        counting.set()
        let_go.wait(300)
        return encode(images)  # type: ignore[arg-type]

    studio.lab.encoder.encode = blocked  # type: ignore[method-assign, assignment]
    page = serve()
    visit = threading.Thread(target=studio.evaluate, args=[EditSpec.finetuned("digits", images=20)])
    visit.start()
    try:
        assert counting.wait(120)
        for _ in range(20):
            page.status = studio.status()
            with page.client() as client:
                answer = client.get("/health")
            assert answer.status_code == 200
            assert answer.json()["queue"]["running"] == 1
        assert visit.is_alive()
    finally:
        let_go.set()
        visit.join(120)
    assert not visit.is_alive()


ROOTS = ("", "/deep")
LAUNCHED = """
import sys
from pathlib import Path
import gradio as gr
from starlette.middleware import Middleware
from serving.health import health_route
from serving.metrics import Metrics, metrics_route
from serving.request_limits import RequestLimitsMiddleware
from tests.serving.conftest import STANDING

for root_path in sys.argv[1:]:
    metrics = Metrics()
    metrics.watch(lambda: STANDING)
    gate = Middleware(RequestLimitsMiddleware, folder=Path("unused"), allowed=False)
    routes = [health_route(lambda: STANDING, lambda: False), metrics_route(metrics)]
    with gr.Blocks() as page:
        gr.File()
    page.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, _frontend=False,
                root_path=root_path or None, app_kwargs={"middleware": [gate], "routes": routes})
    print(page.server_port, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def launched() -> Iterator[dict[str, int]]:
    """The ports of two pages of another process, by their root paths."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHED, *ROOTS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        yield {root_path: int(process.stdout.readline()) for root_path in ROOTS}
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("root_path", ROOTS)
def test_all_of_it_is_in_place_on_a_page_that_was_launched(launched: dict[str, int], root_path: str) -> None:
    """Also where the page is not at the root: a proxy may leave its prefix on or take it off."""
    url = f"http://127.0.0.1:{launched[root_path]}"
    with httpx.Client(base_url=url, timeout=120.0, trust_env=False) as client:
        for prefix in {"", root_path}:
            assert client.get(f"{prefix}/health").json()["models"] == ["tiny-clip", "ViT-B-32"]
            assert "lines_requests_total" in client.get(f"{prefix}/metrics").text
            assert "<!doctype html>" in client.get(f"{prefix}/").text
            refused = client.post(f"{prefix}/gradio_api/upload", files={"files": ("a.pt", b"x")})
            assert refused.status_code == 403
