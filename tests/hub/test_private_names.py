"""The code uses no private names of huggingface_hub, open_clip and datasets, whose updates may drop them."""

import ast
from collections.abc import Iterator

import pytest

from tests.paths import ROOT

LIBRARIES = ("huggingface_hub", "open_clip", "datasets")
FOLDERS = ("lines_core", "evaluators", "ui", "static", "serving", "training", "benchmarks")


def private_names(source: str) -> Iterator[str]:
    """Dotted names of a library in a source file that have a part with a leading underscore."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        for name in names:
            library, *parts = name.split(".")
            if library in LIBRARIES and any(p.startswith("_") and not p.startswith("__") for p in parts):
                yield name


def test_no_private_names() -> None:
    used = {
        f"{path.relative_to(ROOT)}: {name}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for name in private_names(path.read_text("utf-8"))
    }
    assert not used, f"use a public name instead, or write the few lines yourself: {sorted(used)}"


@pytest.mark.parametrize(
    "source",
    [
        "from huggingface_hub.utils._http import http_backoff",
        "from open_clip import _build",
        "import datasets._folder",
        "import open_clip\nopen_clip.factory._MODEL_CONFIGS",
    ],
)
def test_private_names_are_found(source: str) -> None:
    assert list(private_names(source))


def test_undocumented_names_still_exist() -> None:
    """If this fails after an update: httpx is the client's module (http_client), `repo_folder_name` the
    folder of a repository in the cache (hub_cache), `RepoFile` an entry of a listing (repository_listing)."""
    from huggingface_hub import get_session
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.hf_api import RepoFile
    from huggingface_hub.utils import httpx

    assert isinstance(get_session(), httpx.Client), "http_client.TimeoutClient must subclass its class"
    assert repo_folder_name(repo_id="owner/name", repo_type="model") == "models--owner--name"
    assert {"path", "size"} <= set(RepoFile.__annotations__)
