"""onnxruntime-web is fetched once, checked, and its absence explained."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from static import runtime
from static.errors import RuntimeFilesError
from static.runtime import copy_runtime, fetch_runtime
from tests.static.conftest import write_archive

Pin = Callable[[Path], None]


def use_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Path:
    """Put an npm on PATH that runs this Python code; ``calls`` in the folder counts its starts."""
    npm = folder / "npm"
    start = (
        f"import pathlib, shutil, sys\ncalls = pathlib.Path({str(folder / 'calls')!r}).open('a').write('x')\n"
    )
    npm.write_text(f"#!{sys.executable}\n{start}{code}", "utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder / "calls"


def test_it_is_fetched_once_and_kept(
    tmp_path: Path, archive: Path, pin: Pin, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(archive)
    code = f"shutil.copy({str(archive)!r}, pathlib.Path(sys.argv[4]) / {runtime.ARCHIVE!r})"
    calls = use_npm(tmp_path, monkeypatch, code)
    kept = fetch_runtime(tmp_path / "cache")
    assert kept == fetch_runtime(tmp_path / "cache")
    assert kept.read_bytes() == archive.read_bytes()
    assert calls.read_text() == "x"


def test_a_given_archive_needs_no_npm(archive: Path, pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    pin(archive)
    monkeypatch.setenv("PATH", "")
    assert fetch_runtime(archive.parent / "cache", archive) == archive


@pytest.mark.parametrize("given", [True, False], ids=["given", "kept"])
def test_another_archive_is_refused(tmp_path: Path, archive: Path, given: bool) -> None:
    if not given:
        archive = archive.rename(tmp_path / runtime.ARCHIVE)
    with pytest.raises(RuntimeFilesError, match=r"is not onnxruntime-web 1\.30\.0: its digest differs"):
        fetch_runtime(tmp_path, archive if given else None)


def test_a_download_that_differs_is_not_kept(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"shutil.copy({str(archive)!r}, pathlib.Path(sys.argv[4]) / {runtime.ARCHIVE!r})"
    use_npm(tmp_path, monkeypatch, code)
    with pytest.raises(RuntimeFilesError, match="digest differs"):
        fetch_runtime(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_without_npm_it_says_how_to_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeFilesError, match=r"npm is needed .*`npm pack onnxruntime-web@1\.30\.0`"):
        fetch_runtime(tmp_path)


def test_npm_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_npm(tmp_path, monkeypatch, "print('npm error code ENOTFOUND', file=sys.stderr); sys.exit(1)")
    with pytest.raises(RuntimeFilesError, match="npm cannot fetch onnxruntime-web: npm error code ENOTFOUND"):
        fetch_runtime(tmp_path / "cache")


def test_an_archive_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFilesError, match=r"absent\.tgz cannot be read: No such file"):
        fetch_runtime(tmp_path, tmp_path / "absent.tgz")


def test_only_what_the_browser_needs_is_copied_with_a_licence(archive: Path) -> None:
    copied = copy_runtime(archive)
    assert sorted(copied) == ["license", "module", "wasm"]
    assert b"Copyright (c) Microsoft Corporation" in copied["license"][1]


def test_an_archive_without_its_module(tmp_path: Path) -> None:
    damaged = write_archive(tmp_path / "damaged.tgz", leave_out=runtime.MODULE)
    with pytest.raises(RuntimeFilesError, match="cannot be read as onnxruntime-web"):
        copy_runtime(damaged)


def test_another_licence_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFilesError, match="not under the MIT licence"):
        copy_runtime(write_archive(tmp_path / "other.tgz", "GPL-3.0"))
