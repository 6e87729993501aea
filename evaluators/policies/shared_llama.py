"""One live language model for all visitors: read when first asked for, one turn a summary."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillLoading
from pathlib import Path
from time import monotonic

import torch

from evaluators.errors import Preparing
from evaluators.policies.live_llama import LiveLlama
from evaluators.policies.soup_setting import SoupSetting
from evaluators.service.scheduler import Priority, Scheduler, Ticket


class SharedLlama:
    """Writes a soup and lets it speak within one turn, so that nobody hears another's weights. Any thread.

    Args:
        folder: of a ``LiveLlama``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._scheduler = Scheduler()
        self._mutex = threading.Lock()
        self._loading: Future[LiveLlama] | None = None
        self._since = 0.0

    def summaries(
        self, setting: SoupSetting, scenes: Sequence[str], ticket: Ticket, patience: float | None = None
    ) -> list[str]:
        """A summary of each scene by a soup, words drawn at temperature 1 with a fixed seed, as measured.

        Args:
            ticket: checked before each word.
            patience: seconds to wait for the model to be read, and for a turn; None for as long as it takes.
        Raises: Preparing while the model is read, which goes on; Queued; Superseded; SpecError for a scene
            that the model cannot read; LabError or CheckpointError if its files cannot be used.
        """
        llama = self._llama(patience)
        ticket.check()
        with self._scheduler.turn(ticket, Priority.NUMBERS, patience):
            llama.write(setting)
            return llama.summaries(scenes, torch.Generator().manual_seed(0), ticket.check)

    def _llama(self, patience: float | None) -> LiveLlama:
        with self._mutex:
            if self._loading is None or (self._loading.done() and self._loading.exception() is not None):
                reader = ThreadPoolExecutor(1, "language model")
                self._loading, self._since = reader.submit(LiveLlama, self.folder), monotonic()
                reader.shutdown(wait=False)
            loading = self._loading
        try:
            return loading.result(patience)
        except StillLoading as error:
            if loading.done():  # a moment ago, or the reader itself timed out
                return loading.result()
            seconds = monotonic() - self._since
            raise Preparing(
                f"The language model is being read, {seconds:.0f} s so far.", 0, seconds
            ) from error
