"""LiNeS Explorer: `python app.py` opens the page; on Hugging Face Spaces the same file is the app."""

from __future__ import annotations

import argparse
import gc
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before the import below reads it

if TYPE_CHECKING:
    import gradio as gr

    from evaluators.studio import Studio

ROOT = Path(__file__).resolve().parent
DEFAULT_PORT = 7860
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


def opened(cache: Path | None, device: str = "auto") -> tuple[Studio, gr.Blocks]:
    """A Studio of the embedded lab and the page over it."""
    gc.disable()  # collections among so many imports find nothing and take a second of the start
    from evaluators.pace import best_device
    from evaluators.studio import Studio
    from ui.layout import build

    gc.enable()
    studio = Studio(ROOT / "assets", cache, best_device() if device == "auto" else device)
    return studio, build(studio)


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
    studio.warm_up()
    page.block_thread()


def __getattr__(name: str) -> gr.Blocks:
    """`from app import demo` builds the page when asked for it; importing this file costs nothing."""
    if name == "demo":
        return opened(ROOT / ".cache")[1]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()
