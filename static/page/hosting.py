"""Files beside the page: icon, manifest for the home screen, header of a static Space, licences."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from pathlib import Path

from static.runtime import PACKAGE
from static.runtime import VERSION as RUNTIME_VERSION
from ui.shell import text
from ui.shell.theme import palette

ROOT = Path(__file__).parents[2]
FAVICON = ROOT / "ui" / "shell" / "favicon.svg"
LICENCES = "licenses.txt"
AS_IT_IS = ".nojekyll"
"""Empty file that keeps GitHub Pages from building a site of its own out of the folder."""
README = Path(__file__).parent / "site_readme.md"
"""With the header of a static Space."""


def write_host_files(folder: Path) -> None:
    """Write all of them into the folder. Raises: OSError if that fails."""
    shutil.copyfile(FAVICON, folder / "favicon.svg")
    light = palette(dark=False)
    manifest = {
        "name": text.TITLE,
        "short_name": "LiNeS",
        "description": text.DESCRIPTION,
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": light["page"],
        "theme_color": light["page"],
        "icons": [{"src": "favicon.svg", "type": "image/svg+xml", "sizes": "any"}],
    }
    (folder / "manifest.webmanifest").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    shutil.copyfile(README, folder / "README.md")
    (folder / AS_IT_IS).touch()
    (folder / LICENCES).write_text(licences(), encoding="utf-8")


def licences() -> str:
    """Notices of all that the folder holds."""
    parts = {
        f"{text.TITLE}: code, weights and images": _own_licence(),
        "Plotly.js (plotly.min.js)": _licence_of("plotly"),
        f"{PACKAGE} {RUNTIME_VERSION} (engine/runtime)": (
            "See engine/runtime/LICENSE.txt. Notices of what it is built from:\n"
            f"https://github.com/microsoft/onnxruntime/blob/v{RUNTIME_VERSION}/ThirdPartyNotices.txt"
        ),
    }
    line = "=" * 80
    return (
        "\n\n".join(f"{line}\n{title}\n{line}\n\n{notice.strip()}" for title, notice in parts.items()) + "\n"
    )


def _own_licence() -> str:
    """From the checkout, or from the installed wheel."""
    path = ROOT / "LICENSE"
    return path.read_text(encoding="utf-8") if path.is_file() else _licence_of("lines-explorer")


def _licence_of(distribution: str) -> str:
    """Text of the licence that an installed distribution brings."""
    files = importlib.metadata.files(distribution) or []
    texts = [
        str(file.read_text())
        for file in files
        if file.name.upper().startswith("LICENSE") and "dist-info" in str(file)
    ]
    return "\n\n".join(texts)
