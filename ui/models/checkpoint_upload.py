"""Field for a visitor's checkpoint: checked in the browser, then uploaded with progress and Cancel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr

from evaluators.hub.declared_activation import CONFIGS
from evaluators.hub.model_files import READABLE
from evaluators.hub.visitor_checkpoint import MOST_BYTES
from evaluators.service.studio import Studio
from evaluators.zoo import ENCODERS
from lines_core.checkpoints.adapter import CONFIG, WEIGHTS
from lines_core.checkpoints.candidates import AVERAGES
from lines_core.checkpoints.limits import DTYPES, MAX_HEADER
from lines_core.clip_layouts.layouts import AROUND
from lines_core.packed import NO_MODEL, PARTS
from ui.models import models_text as words

HERE = Path(__file__).parent
ARCHIVE = HERE.parent / "shell" / "zip_archive.js"
"""Writes the zip file that several files travel in."""
SCRIPT = "".join(
    path.read_text(encoding="utf-8")
    for path in (ARCHIVE, HERE / "model_parts.js", HERE / "checkpoint_file.js")
)
TEMPLATE = """<div data-sending hidden><progress aria-label="Upload"></progress> <span></span>
<button type="button" class="lx-cancel">Cancel</button></div>
<p data-said class="lx-status" role="status"></p>"""
UPLOADED = "(said) => said ? [JSON.parse(said)] : [null]"


def checkpoint_upload(studio: Studio) -> gr.File:
    """Lay the field out. The browser refuses what Python would refuse, before hundreds of megabytes travel.

    Several files of one model, such as shards and their index, are one upload: the browser makes a zip file
    of them, to which the limits of a single file apply.

    Returns: the file once it is uploaded; Python's checks of it stay the authority.
    """
    file = gr.File(
        label=words.OWN["file"],
        file_types=[*READABLE, ".zip", ".json"],
        type="filepath",
        elem_id="lx-own-file",
        elem_classes="lx-files",
    )
    limits = json.dumps(upload_limits(studio))
    upload = gr.HTML(
        "",
        html_template=TEMPLATE,
        js_on_load=f'const limits = {limits}, inside = "#lx-own-file";\n{SCRIPT}',
        apply_default_css=False,
        elem_id="lx-own-upload",
    )
    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
    upload.change(None, upload, file, js=UPLOADED, trigger_mode="multiple", **private)
    return file


def upload_limits(studio: Studio) -> dict[str, Any]:
    """What the browser compares a file with: sizes in bytes, dtypes, files that belong to weights, parts of
    names around those of a CLIP, how a packed residual is known, and the shape of every encoder."""
    embedded = [
        {"title": info.title, "blocks": info.num_blocks}
        for info in studio.models()
        if info.key not in ENCODERS
    ]
    public = [
        {"title": row.title, "blocks": row.num_blocks, "width": row.width, "patch": row.patch_size}
        for row in ENCODERS.values()
    ]
    return {
        "bytes": MOST_BYTES,
        "header": MAX_HEADER,
        "dtypes": list(DTYPES),
        "beside": [CONFIG, *WEIGHTS, *CONFIGS],
        "around": sorted({*AROUND, *AVERAGES}),
        "packed": {"parts": PARTS, "said": NO_MODEL},
        "models": [*embedded, *public],
    }
