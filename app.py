"""LiNeS Explorer: `python app.py` opens the page; on Hugging Face Spaces the same file is the app."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before the import below reads it

if TYPE_CHECKING:
    import gradio as gr

ROOT = Path(__file__).resolve().parent
DEFAULT_PORT = 7860


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line: --host, --port (else GRADIO_SERVER_PORT, else 7860) and --cache."""
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
    found = parser.parse_args(given)
    if found.port is None:
        found.port = int(os.environ.get("GRADIO_SERVER_PORT", DEFAULT_PORT))
    if found.host is None:
        found.host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    return found


def page(cache: Path | None) -> gr.Blocks:
    """The page over one Studio of the embedded lab."""
    from evaluators.studio import Studio
    from ui.layout import build

    return build(Studio(ROOT / "assets", cache))


def main(given: Sequence[str] | None = None) -> None:
    """Serve the page until interrupted."""
    options = arguments(given)
    from ui.layout import launch_settings

    page(options.cache).launch(server_name=options.host, server_port=options.port, **launch_settings())


def __getattr__(name: str) -> gr.Blocks:
    """`from app import demo` builds the page when asked for it; importing this file costs nothing."""
    if name == "demo":
        return page(ROOT / ".cache")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()
