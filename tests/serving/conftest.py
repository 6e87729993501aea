"""A small page of Gradio's with everything around it that the server has, reached over real HTTP."""

import asyncio
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
import uvicorn
from gradio.routes import App
from starlette.middleware import Middleware

from evaluators.service.request_stats import ServiceStatus
from serving.health import health_route
from serving.metrics import Metrics, metrics_route
from serving.request_limits import RequestLimitsMiddleware, UploadLimits

STANDING = ServiceStatus("cpu", ("tiny-clip", "ViT-B-32"), 1, 3, 2.5, 17, "", "", "", 2, 4096)
KB = 1024
LIMITS = UploadLimits(
    file_bytes=256 * KB,
    at_once=2,
    files=2,
    folder_bytes=1024 * KB,
    free_bytes=0,
    other_bytes=64 * KB,
)
UPLOAD = "/gradio_api/upload"
FORM = {"content-type": "multipart/form-data; boundary=cut"}
HEAD = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a.pt"\r\n\r\n'
TAIL = b"\r\n--cut--\r\n"


@dataclass
class Page:
    """A page that is being served.

    Args:
        url: where, without a slash at the end.
        folder: for uploads.
        taken: what its button was given.
    """

    url: str
    folder: Path
    metrics: Metrics
    status: ServiceStatus = STANDING
    stopping: bool = False
    taken: list[Any] = field(default_factory=list)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=120.0, trust_env=False)


class Serving:
    """Pages of a test module, closed at its end.

    Served as ``launch`` serves them, short of its own server thread, which leaves sockets open behind it.
    """

    def __init__(self, folders: Path) -> None:
        self._folders = folders
        self._open: list[tuple[gr.Blocks, uvicorn.Server, threading.Thread]] = []

    def __call__(
        self, allowed: bool = True, limits: UploadLimits = LIMITS, root_path: str | None = None
    ) -> Page:
        folder = self._folders / f"page-{len(self._open)}"
        page = Page("", folder, Metrics())
        page.metrics.watch(lambda: page.status)
        middleware = [Middleware(RequestLimitsMiddleware, folder=folder, allowed=allowed, limits=limits)]
        routes = [
            health_route(lambda: page.status, lambda: page.stopping),
            metrics_route(page.metrics),
        ]

        async def made() -> tuple[gr.Blocks, App]:
            blocks = _blocks(page)
            blocks.root_path = root_path or ""
            return blocks, App.create_app(blocks, app_kwargs={"middleware": middleware, "routes": routes})

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GRADIO_TEMP_DIR", str(folder))
            blocks, app = asyncio.run(made())  # Gradio makes a loop where none is running, and leaves it open
        blocks._queue.set_server_app(app)
        server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        self._open.append((blocks, server, thread))
        while not server.started:
            time.sleep(0.01)
        page.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        with page.client() as client:
            assert client.get("/gradio_api/startup-events").json() is True
        return page

    def close(self) -> None:
        for blocks, server, thread in self._open:
            blocks._queue.close()  # type: ignore[no-untyped-call]
            server.should_exit = True
            thread.join()


def _blocks(page: Page) -> gr.Blocks:
    """A file, a slider, and a button that takes both."""

    def take(path: str | None, value: float) -> str:
        page.taken.append((path, value))
        return "taken"

    blocks: gr.Blocks
    with gr.Blocks(analytics_enabled=False) as blocks:
        file, slider, said = gr.File(), gr.Slider(0, 1), gr.Textbox()
        gr.Button().click(take, [file, slider], said, api_name="take")
    blocks.run_history, blocks.max_file_size = False, None  # from here on as `launch` leaves it
    blocks.allowed_paths, blocks.blocked_paths = [], []
    blocks.has_launched = True
    return blocks


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    serving = Serving(tmp_path_factory.mktemp("uploads"))
    yield serving
    serving.close()


@pytest.fixture(scope="module")
def page(serve: Serving) -> Page:
    """One page for all tests of a module that change nothing about it."""
    return serve()


@pytest.fixture
def fresh(page: Page) -> Page:
    """The page, with nothing in its folder."""
    shutil.rmtree(page.folder, ignore_errors=True)
    page.taken.clear()
    return page


def send(page: Page, content: bytes, name: str = "a.pt") -> httpx.Response:
    """Upload a file as the page does."""
    with page.client() as client:
        return client.post(UPLOAD, files={"files": (name, content)})


def files(page: Page) -> list[Path]:
    """What lies in the folder for uploads."""
    return [path for path in page.folder.rglob("*") if path.is_file()]
