"""What a host reads: the header of a static Space, the manifest, and all licences."""

import json
from pathlib import Path

import pytest

from static.page.hosting import write_host_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_host_files(folder)
    return folder


def test_the_readme_makes_the_folder_a_static_space_that_is_isolated(folder: Path) -> None:
    header = (folder / "README.md").read_text("utf-8").split("---\n")[1]
    assert "\nsdk: static\n" in header
    assert header.endswith(
        "custom_headers:\n"
        "  cross-origin-embedder-policy: require-corp\n"
        "  cross-origin-opener-policy: same-origin\n"
        "  cross-origin-resource-policy: cross-origin\n"
    )


def test_the_manifest_works_below_any_path(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.webmanifest").read_text("utf-8"))
    assert (manifest["start_url"], manifest["scope"]) == ("./", "./")
    assert all((folder / icon["src"]).is_file() for icon in manifest["icons"])


def test_github_pages_is_told_to_leave_the_folder_as_it_is(folder: Path) -> None:
    assert (folder / ".nojekyll").read_bytes() == b""


def test_every_part_has_its_licence(folder: Path) -> None:
    notices = (folder / "licenses.txt").read_text("utf-8")
    for words in (
        "Apache License",
        "Plotly Technologies Inc",
        "Permission is hereby granted",
        "onnxruntime-web",
    ):
        assert words in notices
