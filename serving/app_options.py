"""Options of `lines app` and `python app.py`."""

from __future__ import annotations

import argparse
from pathlib import Path

from serving.command_line import DEVICES, OneLineParser, port, positive_seconds
from serving.graceful_shutdown import WITHIN


def named_path(given: str) -> tuple[str, Path]:
    """Name and path of NAME=PATH. Raises: ArgumentTypeError."""
    name, equals, path = given.partition("=")
    if not name.strip() or not equals or not path:
        raise argparse.ArgumentTypeError(f"expected NAME=PATH, got {given!r}")
    return " ".join(name.split()), Path(path)


def option_parser(prog: str | None, cache: Path, uploads: bool) -> OneLineParser:
    """The parser.

    Args:
        prog: name of the command in messages.
        cache, uploads: defaults.
    """
    parser = OneLineParser(prog, description="Serve the LiNeS Explorer page.")
    parser.add_argument(
        "--host", default=None, help="address to listen on; 0.0.0.0 for everyone (default: this machine)"
    )
    parser.add_argument("--port", type=port, default=None, help="port (default: GRADIO_SERVER_PORT or 7860)")
    parser.add_argument("--cache", type=Path, default=cache, help="folder for results and decoded images")
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="auto",
        help="what the models run on (default: a GPU if there is one)",
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="count on a Ray cluster: auto for the one of this machine, or HOST:PORT of its head; this "
        "machine has to be a node of it",
    )
    parser.add_argument(
        "--uploads",
        action=argparse.BooleanOptionalAction,
        default=uploads,
        help="let visitors add checkpoints of their own (default: yes, but not on a Space)",
    )
    parser.add_argument(
        "--task",
        type=named_path,
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="a task of your own for every visitor: a folder or zip file of images, one folder a class or "
        "with a CSV file of the columns path and label; may be given several times",
    )
    parser.add_argument(
        "--static-edition",
        type=Path,
        default=None,
        metavar="DIR",
        help="folder that `lines static` wrote: it is served too, and visitors' browsers count for "
        "themselves while several requests wait",
    )
    parser.add_argument(
        "--browser-engine",
        action="store_true",
        help="with --static-edition: browsers count every edit of the embedded lab, so that a class costs "
        "the server nothing",
    )
    parser.add_argument(
        "--request-log",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write a line of JSON for each request to standard error (default: yes)",
    )
    parser.add_argument(
        "--shutdown-seconds",
        type=positive_seconds,
        default=WITHIN,
        help="seconds from SIGTERM to the exit at most; Docker kills after 10 (default: %(default)s)",
    )
    return parser
