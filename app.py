"""LiNeS Explorer: `python app.py` opens the page; on Hugging Face Spaces the same file is the app."""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from serving.app_options import option_parser
from serving.command_line import fail, listening_problem, port
from serving.graceful_shutdown import GracefulShutdown

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported and reads it
# After each event Gradio builds a pandas table of the last 10,000, holding the interpreter lock.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
# Before torch is imported: spinning threads take the cores of other visitors.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    import gradio as gr

    from evaluators.engine.ray_link import RayLink
    from evaluators.engine.zero_gpu import ZeroGpuHost
    from evaluators.service.request_stats import Observer, RequestStats
    from evaluators.service.studio import Studio
    from serving.metrics import Metrics
    from ui.live.browser_engine import BrowserEngine

ROOT = Path(__file__).resolve().parent
DEFAULT_PORT = 7860
LOCALHOST = "127.0.0.1"
QUEUED = 64
"""Queue length on a ZeroGPU Space, where Gradio would refuse the second event."""
FIRST_PAGE = 20.0
"""Timeout in seconds for the first page to open, after which the model is loaded in any case."""


def arguments(given: Sequence[str] | None = None, prog: str | None = None) -> argparse.Namespace:
    """Parsed command line; defaults come from GRADIO_SERVER_NAME, GRADIO_SERVER_PORT and SPACE_ID."""
    parser = option_parser(prog, ROOT / ".cache", uploads=not os.environ.get("SPACE_ID"))
    options = parser.parse_args(given)
    options.prog = parser.prog
    if options.browser_engine and options.static_edition is None:
        parser.error("--browser-engine needs --static-edition DIR, a folder that `lines static` wrote")
    if options.static_edition is not None and not (options.static_edition / "live_engine.js").is_file():
        parser.error(f"--static-edition: {options.static_edition} is no folder that `lines static` wrote")
    if options.port is None:
        try:
            options.port = port(os.environ.get("GRADIO_SERVER_PORT") or str(DEFAULT_PORT))
        except argparse.ArgumentTypeError as problem:
            parser.error(f"GRADIO_SERVER_PORT: {problem}: unset it, or give --port")
    if options.host is None:
        options.host = os.environ.get("GRADIO_SERVER_NAME") or LOCALHOST
    return options


def zero_gpu() -> ZeroGpuHost | None:
    """GPU of a ZeroGPU Space; None anywhere else, where ``spaces`` is not imported.

    To be called before anything else: ``spaces`` must be imported before CUDA is initialised.
    """
    if os.environ.get("SPACES_ZERO_GPU", "").lower() not in ("1", "t", "true"):
        return None
    try:
        spaces = importlib.import_module("spaces")  # a Space installs it
    except ModuleNotFoundError:
        return None
    import gradio as gr

    from evaluators.engine.zero_gpu import ZeroGpuHost

    return ZeroGpuHost(spaces.GPU, gr.Error)


def opened(
    cache: Path | None,
    device: str = "auto",
    uploads: bool = False,
    observe: Observer | None = None,
    browser: BrowserEngine | None = None,
    workers: RayLink | None = None,
) -> tuple[Studio, gr.Blocks]:
    """A Studio of the embedded lab and the page over it.

    Args:
        cache: folder for what is kept between runs.
        device: what models run on, or "auto".
        uploads: whether visitors may add their own checkpoints; ``serve`` installs the limits for them.
        observe: is called with the stats of every request.
        browser: which requests are left to the engine in the visitor's browser.
        workers: of a cluster, to count on.
    Raises: LinesError if the device is not there, or the lab's files do not fit together.
    """
    gc.disable()  # garbage collections during the imports free nothing and take a second
    try:
        gpu = zero_gpu()
        from evaluators.encoder.autotune import usable_device

        if device == "auto" and gpu is not None:
            device = "cpu"  # ``spaces`` only emulates a GPU in this process
        device = usable_device(device)
        from evaluators.service.studio import Studio
        from ui.gradio_import import import_gradio

        import_gradio()
        from ui.layout import build
    finally:
        gc.enable()
    studio = Studio(ROOT / "assets", cache, device, zero_gpu=gpu, observe=observe, workers=workers)
    page = build(studio, uploads, browser)
    if gpu is not None:
        page.queue(max_size=QUEUED)
    return studio, page


def upload_folder() -> Path:
    """New folder for uploads of this process, which deletes it at the end.

    It lies in GRADIO_TEMP_DIR if that is set, else among the system's temporary files.
    """
    home = os.environ.get("GRADIO_TEMP_DIR")
    if home is not None:
        os.makedirs(home, exist_ok=True)
    os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="lines-uploads-", dir=home)
    return Path(os.environ["GRADIO_TEMP_DIR"])


def main(given: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Serve the page until a signal arrives.

    The page opens on precomputed answers; the model is loaded once it is open, because doing both at once
    delays the page. A start that fails ends with exit code 2, says why in one line, and leaves no folder.
    """
    stopping = GracefulShutdown()
    stopping.install()
    options = arguments(given, prog)
    stopping.within = options.shutdown_seconds
    check_address(options)
    folder = upload_folder()
    from lines_core.errors import LinesError

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("serving").setLevel(logging.INFO)
    try:
        start(options, stopping, folder)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, LinesError):
            fail(options.prog, error)
        if isinstance(error, OSError):
            check_address(options)  # another program may have taken it meanwhile
        raise
    stopping.wait()


def check_address(options: argparse.Namespace) -> None:
    """End the program with its reason if it cannot listen on the address and port of the command line."""
    for host in (options.host, LOCALHOST):  # Gradio tries the latter too
        problem = listening_problem(host, options.port)
        if problem:
            fail(options.prog, problem)


def start(options: argparse.Namespace, stopping: GracefulShutdown, folder: Path) -> None:
    """Open the page, then load the model. Raises: LinesError if either is not possible."""
    from serving.metrics import Metrics
    from serving.request_log import RequestLog

    metrics = Metrics()
    log = RequestLog() if options.request_log else None

    def observe(stats: RequestStats) -> None:
        metrics.observe(stats)
        if log is not None:
            log(stats)

    browser = None
    if options.static_edition is not None:
        from ui.live.browser_engine import BrowserEngine

        browser = BrowserEngine(always=options.browser_engine)
    workers = None
    if options.ray is not None:
        from evaluators.engine.ray_link import RayLink

        workers = RayLink(options.ray, options.device)
    studio, page = opened(options.cache, options.device, options.uploads, observe, browser, workers)
    for title, path in options.task:
        print(f"{title}: {' '.join(studio.add_public_task(title, path))}")
    metrics.watch(studio.status)
    shown = serve(options, studio, page, stopping, metrics, folder, browser)
    if workers is not None:
        stopping.before_exit("leave the cluster", workers.close)
    if log is not None:
        stopping.before_exit("write the request log", log.flush)
    shown.wait(FIRST_PAGE)
    with ThreadPoolExecutor(1) as reader:  # on ZeroGPU `spaces` emulates a GPU for this thread's tensors
        reader.submit(studio.warm_up).result()
    settle_memory()


def settle_memory() -> None:
    """Exclude all existing objects from garbage collection: scanning them stops every visitor for 0.4 s.

    Python makes full collections rare after a large one, so the second collection shows it the small heap;
    without it garbage grew by 15 MB a minute with forty visitors.
    """
    gc.collect()
    gc.freeze()
    gc.collect()


def serve(
    options: argparse.Namespace,
    studio: Studio,
    page: gr.Blocks,
    stopping: GracefulShutdown,
    metrics: Metrics,
    folder: Path,
    browser: BrowserEngine | None = None,
) -> threading.Event:
    """Start serving the page, the health check and the metrics. Returns: event of the first opened page."""
    from starlette.middleware import Middleware
    from starlette.routing import BaseRoute, Mount
    from starlette.staticfiles import StaticFiles

    from serving.graceful_shutdown import closing
    from serving.health import health_route
    from serving.memory import return_freed_memory
    from serving.metrics import metrics_route
    from serving.periodic_tasks import run_periodically
    from serving.queue_limit import limit_queue
    from serving.queue_polling import slow_queue_polling
    from serving.request_limits import RequestLimitsMiddleware, UploadLimits
    from serving.upload_folder import UploadSweeper
    from ui.export.take_home import forget_all
    from ui.layout import launch_settings
    from ui.live.browser_engine import ADDRESS
    from ui.pictures.sprites import delete_sprites

    shown = threading.Event()
    with page:
        page.load(shown.set, queue=False, show_progress="hidden", api_visibility="private")
    stopping.before_exit("stop evaluations", studio.close)
    stopping.before_exit("close the page", closing(page))
    stopping.before_exit("delete uploads", lambda: shutil.rmtree(folder, ignore_errors=True))
    stopping.before_exit("delete exports", forget_all)
    stopping.before_exit("delete sprites", delete_sprites)
    routes: list[BaseRoute] = [health_route(studio.status, lambda: stopping.stopping), metrics_route(metrics)]
    limits = UploadLimits()
    request_limits = Middleware(
        RequestLimitsMiddleware, folder=folder, allowed=options.uploads, limits=limits
    )
    if browser is not None:
        routes.append(Mount(ADDRESS, StaticFiles(directory=options.static_edition, html=True)))
    settings = launch_settings(browser)
    settings["app_kwargs"]["middleware"].insert(0, request_limits)
    settings["app_kwargs"]["routes"] = routes
    page.launch(
        server_name=options.host,
        server_port=options.port,
        prevent_thread_lock=True,
        max_file_size=limits.file_bytes,
        **settings,
    )
    slow_queue_polling(page)
    limit_queue(page)
    run_periodically([UploadSweeper(folder).sweep, studio.expire, return_freed_memory])
    return shown


def __getattr__(name: str) -> gr.Blocks:
    """`from app import demo` builds the page; importing this file alone costs nothing."""
    if name == "demo":
        return opened(ROOT / ".cache")[1]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()
