"""One pair of ears for a whole crowd: a thread that looks at the answers of all jobs of gradio_client.

With a thread for each job, 100 visitors' process is woken so often that it gets to little else: requests
leave it up to a minute late, and the server is blamed for the wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradio_client.client import Job

LOOK = 0.05
"""Seconds between two looks, as often as gradio_client itself looks for what it has received."""


@dataclass(eq=False)
class _Heard:
    """One job, and how many of its answers have been taken."""

    job: Job
    take: Callable[[Any], None]
    ended: Callable[[BaseException | None], None]
    taken: int = 0

    def goes_on(self) -> bool:
        """Take what is new; whether more may come."""
        done, error = self.job.done(), None
        try:
            for value in self.job.outputs()[self.taken :]:
                self.taken += 1
                self.take(value)
            if not done:
                return True
            self.job.result()
        except BaseException as problem:  # noqa: BLE001 -- whatever it is, it ends this job only
            error = problem
        self.ended(error)
        return False


class Ears:
    """Hears jobs until they end. Any thread may add to them."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._heard: list[_Heard] = []

    def hear(
        self, job: Job, take: Callable[[Any], None], ended: Callable[[BaseException | None], None]
    ) -> None:
        """Take a job's answers one by one, and then its end, in a thread of the ears.

        Args:
            ended: is called with what the job or ``take`` failed with, or with None.
        """
        with self._mutex:
            self._heard.append(_Heard(job, take, ended))
            if len(self._heard) == 1:
                threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        listening = True
        while listening:
            time.sleep(LOOK)
            with self._mutex:
                heard = list(self._heard)
            ended = [one for one in heard if not one.goes_on()]
            with self._mutex:
                self._heard = [one for one in self._heard if one not in ended]
                listening = bool(self._heard)
