"""`lines static`: write the edition without a server into a folder, and serve it on this machine."""

import argparse
import errno
from collections.abc import Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lines_cli import app_folder, default_cache
from lines_core.errors import LinesError
from serving.command_line import OneLineParser, fail, listening_problem, port
from static.page.site import write_site
from static.runtime import ARCHIVE, fetch_runtime

HOST = "127.0.0.1"
PORT = 8000
ISOLATED = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Headers of every answer, as a static Space sends them."""


class SiteHandler(SimpleHTTPRequestHandler):
    """Answers with files of a folder, and writes no log."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".webmanifest": "application/manifest+json",
        ".webp": "image/webp",
    }

    def end_headers(self) -> None:
        for name, value in ISOLATED.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def main(arguments: Sequence[str], prog: str = "lines static") -> int:
    """Write the folder; with ``--serve`` offer it until Ctrl+C. Exits with a line that says why it cannot."""
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    if options.serve and (problem := listening_problem(HOST, options.serve)):
        fail(prog, problem.replace("--port", "port"))
    try:
        runtime = fetch_runtime(options.cache, options.onnxruntime)
        write_site(app_folder() / "assets", options.out, runtime, options.cache, partial(print, flush=True))
    except LinesError as error:
        fail(prog, error)
    except OSError as error:
        fail(prog, _unwritten(options.out, error))
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"Wrote {options.out} ({size / 1e6:.0f} MB).")
    if options.serve:
        _serve(options.out, options.serve)
    else:
        print(f"Offer it with any web server: python -m http.server --directory {options.out}")
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=prog,
        description="Write the explorer as a folder of files that any web server can offer: the model runs "
        "in the visitor's browser.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="absent, empty, or written by this command before, which is replaced",
    )
    parser.add_argument(
        "--serve",
        type=port,
        nargs="?",
        const=PORT,
        metavar="PORT",
        help=f"then serve it at http://{HOST}:PORT (default {PORT})",
    )
    parser.add_argument(
        "--onnxruntime",
        type=Path,
        metavar="ARCHIVE",
        help=f"{ARCHIVE}, where npm or the network is missing",
    )
    parser.add_argument(
        "--cache", type=Path, default=default_cache(), help="the app's --cache; keeps that archive too"
    )
    return parser


def _unwritten(folder: Path, error: OSError) -> str:
    """Why the folder was not written, in words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{folder} was not written: there is no space left. It needs 60 MB."
    return f"{error.filename or folder} cannot be written: {error.strerror}."


def _serve(folder: Path, number: int) -> None:
    """Offer the folder on this machine until Ctrl+C."""
    with ThreadingHTTPServer((HOST, number), partial(SiteHandler, directory=str(folder))) as server:
        print(f"Open http://{HOST}:{number} (Ctrl+C ends it).", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
