"""One thread that takes the answers of all gradio_client jobs.

With a thread per job, the process of 100 visitors sends requests up to a minute late, and the server
seems slow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradio_client.client import Job

POLL_SECONDS = 0.05
"""As often as gradio_client itself polls."""


@dataclass(eq=False)
class _Subscription:
    """A job, and how many of its answers have been taken."""

    job: Job
    take: Callable[[Any], None]
    ended: Callable[[BaseException | None], None]
    taken: int = 0

    def take_new(self) -> bool:
        """Take new answers; whether more may come."""
        done, error = self.job.done(), None
        try:
            for value in self.job.outputs()[self.taken :]:
                self.taken += 1
                self.take(value)
            if not done:
                return True
            self.job.result()
        except BaseException as problem:  # noqa: BLE001 -- any error ends this job only
            error = problem
        self.ended(error)
        return False


class AnswerListener:
    """Takes the answers of jobs until they end. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._subscriptions: list[_Subscription] = []

    def listen(
        self, job: Job, take: Callable[[Any], None], ended: Callable[[BaseException | None], None]
    ) -> None:
        """Pass on a job's answers one by one, and then its end, in the listener's thread.

        Args:
            ended: is called with what the job or ``take`` failed with, or with None.
        """
        with self._mutex:
            self._subscriptions.append(_Subscription(job, take, ended))
            if len(self._subscriptions) == 1:
                threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        listening = True
        while listening:
            time.sleep(POLL_SECONDS)
            with self._mutex:
                subscriptions = list(self._subscriptions)
            ended = [one for one in subscriptions if not one.take_new()]
            with self._mutex:
                self._subscriptions = [one for one in self._subscriptions if one not in ended]
                listening = bool(self._subscriptions)
