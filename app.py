"""LiNeS Explorer: `python app.py` opens the page; on Hugging Face Spaces the same file is the app."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before the import below reads it

if TYPE_CHECKING:
    import gradio as gr

    from evaluators.lent_gpu import Lender
    from evaluators.studio import Studio

ROOT = Path(__file__).resolve().parent
DEFAULT_PORT = 7860
QUEUED = 64
"""Events that may wait on a ZeroGPU Space, where Gradio would turn away the second."""
FIRST_PAGE = 20.0
"""Seconds the first page has to open before the model is read regardless."""


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line: --host, --port (else GRADIO_SERVER_PORT, else 7860), --cache and --device."""
    parser = argparse.ArgumentParser(description="See and use LiNeS on a real CLIP, in the browser.")
    parser.add_argument(
        "--host", default=None, help="address to listen on; 0.0.0.0 for everyone (default: this machine)"
    )
    parser.add_argument(
        "--port", type=int, default=None, help=f"port (default: GRADIO_SERVER_PORT or {DEFAULT_PORT})"
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / ".cache", help="folder for results and decoded images"
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda", "mps"),
        default="auto",
        help="what the models run on (default: a GPU if there is one)",
    )
    found = parser.parse_args(given)
    if found.port is None:
        found.port = int(os.environ.get("GRADIO_SERVER_PORT", DEFAULT_PORT))
    if found.host is None:
        found.host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    return found


def zero_gpu() -> Lender | None:
    """What lends the GPU of a ZeroGPU Space; None anywhere else, where ``spaces`` is not imported.

    To be asked before anything else: ``spaces`` has to come before whatever initialises CUDA.
    """
    if os.environ.get("SPACES_ZERO_GPU", "").lower() not in ("1", "t", "true"):
        return None
    try:
        spaces = importlib.import_module("spaces")  # a Space installs it by itself
    except ModuleNotFoundError:
        return None
    import gradio as gr

    from evaluators.lent_gpu import Lender

    return Lender(spaces.GPU, gr.Error)


def opened(cache: Path | None, device: str = "auto") -> tuple[Studio, gr.Blocks]:
    """A Studio of the embedded lab and the page over it."""
    gc.disable()  # collections among so many imports find nothing and take a second of the start
    lender = zero_gpu()
    from evaluators.pace import best_device
    from evaluators.studio import Studio
    from ui.layout import build

    gc.enable()
    if device == "auto":
        device = best_device() if lender is None else "cpu"  # the GPU seen from here is an emulated one
    studio = Studio(ROOT / "assets", cache, device, lender=lender)
    page = build(studio)
    if lender is not None:
        page.queue(max_size=QUEUED)
    return studio, page


def main(given: Sequence[str] | None = None) -> None:
    """Serve the page until interrupted.

    The page opens on answers that are known already; the model is read once it is open, because a laptop
    that reads and shows at once does both late. Raises: LabError if the model cannot be read.
    """
    options = arguments(given)
    studio, page = opened(options.cache, options.device)
    from ui.layout import launch_settings

    shown = threading.Event()
    with page:
        page.load(shown.set, queue=False, show_progress="hidden", api_visibility="private")
    page.launch(
        server_name=options.host, server_port=options.port, prevent_thread_lock=True, **launch_settings()
    )
    shown.wait(FIRST_PAGE)
    with ThreadPoolExecutor(
        1
    ) as reader:  # on ZeroGPU, `spaces` emulates a GPU for all tensors of this thread
        reader.submit(studio.warm_up).result()
    page.block_thread()


def __getattr__(name: str) -> gr.Blocks:
    """`from app import demo` builds the page when asked for it; importing this file costs nothing."""
    if name == "demo":
        return opened(ROOT / ".cache")[1]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()
