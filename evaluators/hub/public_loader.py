"""Loader of whatever a visitor may ask for from the Hub: an image encoder, or a text model."""

import threading
from pathlib import Path

import torch

from evaluators.hub.hub_lab import HubLab
from evaluators.hub.load_request import LoadRequest
from evaluators.hub.load_steps import Report
from evaluators.hub.loader import Loader
from evaluators.hub.texts.hub_text_lab import HubTextLab
from evaluators.hub.texts.text_loader import TextLoader
from evaluators.hub.texts.text_request import TextLoadRequest
from evaluators.labs.lab import Lab

PublicRequest = LoadRequest | TextLoadRequest
PublicLab = HubLab | HubTextLab


class PublicLoader:
    """Loads labs of both kinds.

    Args:
        cache, device: as for ``Loader``.
    Attributes:
        images: loader of image encoders.
    """

    def __init__(self, cache: Path, device: torch.device) -> None:
        self.cache = cache
        self.images = Loader(cache, device)
        self._texts = TextLoader(cache, device)

    def load(
        self, request: PublicRequest, report: Report, stop: threading.Event, earlier: Lab | None = None
    ) -> PublicLab:
        """The lab that a request is for. Args, Raises: as ``Loader.load``."""
        if isinstance(request, TextLoadRequest):
            same = earlier if isinstance(earlier, HubTextLab) else None
            return self._texts.load(request, report, stop, same)
        return self.images.load(request, report, stop, earlier if isinstance(earlier, HubLab) else None)
