"""What a Gradio page needs so that its visitors' browsers count: a script and the static edition's data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from static.page.static_document import SHARED
from static.page.words import LIVE_WORDS
from ui.live.live_panel import HERE as LIVE

SCRIPT = "live_engine.js"
"""Name of the script in the folder of the static edition."""
DATA_FILE = "data/site.json"
RUNTIME = (
    "positions.js",
    "shipped_file.js",
    "shipped_answers.js",
    "lazy_engine.js",
    "browser_source.js",
    "counted_here.js",
)
DATA = ("shipped", "engine", "source")
"""Of what ``static.page.site`` makes."""


def write_live_engine(site: Mapping[str, Any], folder: Path) -> None:
    """Write ``live_engine.js`` and ``data/site.json`` into the folder of the static edition."""
    sources = [
        *(LIVE / name for name in SHARED),
        *(Path(__file__).parent / "runtime" / name for name in RUNTIME),
    ]
    script = "".join(source.read_text(encoding="utf-8") for source in sources)
    said = json.dumps(LIVE_WORDS, ensure_ascii=False)
    (folder / SCRIPT).write_text(f"{{\nconst liveWords = {said};\n{script}}}\n", encoding="utf-8")
    plain = json.dumps({name: site[name] for name in DATA}, ensure_ascii=False)
    (folder / DATA_FILE).write_text(plain, encoding="utf-8")
