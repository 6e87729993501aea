"""Warning before a merge: a ticked checkpoint hardly comes from the pre-trained model of the others."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from evaluators.errors import SpecError
from evaluators.service.studio import Studio
from ui.merge import merge_text as words


def pretraining_warning(studio: Studio, model: str, checkpoints: Sequence[str]) -> str:
    """HTML of the warning; empty if all checkpoints are plausible, or the model is not loaded."""
    try:
        reports, listed = studio.reports(model), studio.checkpoints(model)
    except SpecError:
        return ""
    doubtful = [
        (info.title, report.total)
        for info in listed
        if info.key in checkpoints and (report := reports.get(info.key)) is not None and report.implausible
    ]
    said = "".join(f"<p>{escape(words.implausible(title, total))}</p>" for title, total in doubtful)
    return f'<div class="lx-notice" role="alert">{said}</div>' if said else ""
