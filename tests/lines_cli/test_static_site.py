"""`lines static` says in one line why it cannot write or serve; it serves as a static Space does."""

import errno
import shutil
import socket
import threading
import urllib.request
from collections.abc import Callable
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from lines_cli import static_site
from lines_cli.static_site import HOST, ISOLATED, SiteHandler, main


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The runtime is there."""
    monkeypatch.setattr(static_site, "fetch_runtime", lambda cache, archive: tmp_path / "runtime.tgz")


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which the command ends."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    said = capsys.readouterr().err
    assert said.startswith("lines static: ")
    assert said.count("\n") == 1
    return said


def test_a_folder_with_something_else_in_it_is_left_alone(
    fetched: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    assert "is not empty and holds no site of this program" in refused(["--out", str(tmp_path)], capsys)
    assert (tmp_path / "thesis.txt").read_text() == "all of it"


def test_a_file_in_the_place_of_the_folder_is_named(
    fetched: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site").write_text("")
    assert f"{tmp_path / 'site'} cannot be written: Not a directory." in refused(
        ["--out", str(tmp_path / "site")], capsys
    )


def test_a_full_disk_is_named(
    fetched: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "engine" / "theta_0.pack"))

    monkeypatch.setattr(static_site, "write_site", full)
    said = refused(["--out", str(tmp_path / "site")], capsys)
    assert f"{tmp_path / 'site'} was not written: there is no space left." in said


def test_without_npm_it_says_how_to_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    said = refused(["--out", str(tmp_path / "site"), "--cache", str(tmp_path / "cache")], capsys)
    assert "npm is needed" in said
    assert "`npm pack onnxruntime-web@" in said
    assert not (tmp_path / "site").exists()


def test_a_port_in_use_is_named_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server((HOST, 0)) as taken:
        number = str(taken.getsockname()[1])
        said = refused(["--out", str(tmp_path / "site"), "--serve", number], capsys)
    assert f"port {number} of {HOST} is in use" in said


def test_each_step_is_said_and_then_how_to_open_it(
    fetched: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(assets: Path, folder: Path, runtime: Path, cache: Path, report: Callable[[str], None]) -> None:
        folder.mkdir()
        (folder / "index.html").write_bytes(bytes(2_000_000))
        report("Writing the page ...")

    monkeypatch.setattr(static_site, "write_site", write)
    assert main(["--out", str(tmp_path / "site")]) == 0
    first, wrote, last = capsys.readouterr().out.splitlines()
    assert first == "Writing the page ..."
    assert wrote.startswith(f"Wrote {tmp_path / 'site'} (2 MB")
    assert last.endswith(f"python -m http.server --directory {tmp_path / 'site'}")


def test_files_are_served_as_a_static_space_serves_them(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    with ThreadingHTTPServer((HOST, 0), partial(SiteHandler, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://{HOST}:{server.server_port}/a.js") as answer:
            headers = answer.headers
        server.shutdown()
    assert headers["Content-Type"] == "text/javascript"
    assert {name: headers[name] for name in ISOLATED} == ISOLATED
