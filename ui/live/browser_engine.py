"""Which requests a server leaves to the engine in the visitor's browser."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.hub.visitor_checkpoint import OWN
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec

ADDRESS = "/static-edition"
"""Where the server serves the folder that `lines static` wrote."""
SCRIPT = f'<script src="{ADDRESS}/live_engine.js"></script>'
HANDFUL = 4
"""Waiting requests from which on visitors count for themselves."""


@dataclass(frozen=True)
class BrowserEngine:
    """The static edition beside the page.

    Args:
        always: every edit of the embedded lab that is not known is left to the browser, not only while
            ``HANDFUL`` requests wait for the model.
    """

    always: bool = False

    def takes(self, studio: Studio, spec: EditSpec) -> bool:
        """Whether an edit is left to the browser: of the embedded lab, and not measured yet."""
        shipped = spec.model == TINY_CLIP and not any(key.startswith(OWN) for key in spec.sources)
        if not shipped or spec.merge is not None or studio.lab_of(TINY_CLIP).view.own:
            return False
        if studio.cached(spec) is not None:
            return False
        return self.always or studio.status().waiting >= HANDFUL
