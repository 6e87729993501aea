"""Base of what answers the moves of a panel's controls: one ticket a move, and errors as part of the answer.

Tier 1 (`quick`) answers each move at once with cached or first-chunk numbers; tier 2 (`settle`) is asked when
the visitor pauses and counts on, chunk by chunk. Neither ever raises: Gradio would drop the slider's last
position. Tier 0, the schedule that bends with the slider, makes no request: `bent_schedule.js`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

from evaluators.errors import Queued, Superseded
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from lines_core.errors import LinesError
from ui.live.live_panel import Value, answer
from ui.shell import markup
from ui.shell.error_messages import message_of

QUICK_PATIENCE = 0.6
"""Seconds that tier 1 waits for a turn. The browser sends the next position when it has an answer to the
last, so a longer wait would spend the turn on a position that the visitor has left."""
SETTLE_PATIENCE = 1.0
"""Seconds without a turn after which tier 2 reports the queue position; later after up to four times that."""

Controls = TypeVar("Controls")


class LiveAnswers(ABC, Generic[Controls]):
    """Answers for all visitors of one Studio. A panel says what its controls ask for and how it is drawn.

    Attributes:
        panel: name of the panel: a newer move in it supersedes an older one of the same session.
    """

    panel: str

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    @abstractmethod
    def key(self, studio: Studio, controls: Controls) -> str | None:
        """Names what the controls ask for; None if that is nothing. Raises: SpecError."""

    def waits(self, queued: Queued, ticket: Ticket) -> Value:
        """The answer while the request is queued or prepared: no new numbers."""
        return waiting(markup.in_line(queued), ticket)

    def fails(self, message: str, version: int) -> Value:
        """The answer to a request that failed."""
        return answer(version=version, state="error", slots={"sentence": markup.trouble(message)})

    @abstractmethod
    def first(self, studio: Studio, controls: Controls, ticket: Ticket) -> Value:
        """The answer that is ready at once. Raises: Queued, Superseded, LinesError."""

    @abstractmethod
    def all(self, studio: Studio, controls: Controls, ticket: Ticket) -> Iterator[Value | Queued]:
        """Answers until all images are counted. Raises: Superseded, LinesError."""

    def at_once(self, studio: Studio, controls: Controls) -> bool:
        """Whether ``first`` answers from memory, within some two milliseconds. Raises: SpecError."""
        return False

    def known(self, session: str, controls: Controls, moves: float | None = None) -> Value | None:
        """Tier 1 of what is in memory, for the event loop itself: a thread and back would take longer.

        Args: as ``quick``.
        Returns: None where ``quick`` has to be asked.
        """
        try:
            at_once = self.at_once(self.studio.seen_by(session), controls)
        except LinesError:
            return None  # quick says why
        return self.quick(session, controls, moves) if at_once else None

    def quick(self, session: str, controls: Controls, moves: float | None = None) -> Value | None:
        """Tier 1: what is known at once, cached or from the first chunk of images.

        Args:
            moves: number of this move on the visitor's page, which orders it among the others.
        Returns: None if a newer move of the same session has replaced this one, or ``settle`` of this one.
        """
        return next(self._answers(session, controls, moves, settles=False), None)

    def settle(self, session: str, controls: Controls, moves: float | None = None) -> Iterator[Value]:
        """Tier 2: the numbers chunk by chunk until all images are counted; stops when a newer move arrives.

        Sends also what tier 1 may have sent: that may have been refused, or still be running.
        """
        return self._answers(session, controls, moves, settles=True)

    def _answers(
        self, session: str, controls: Controls, moves: float | None, settles: bool
    ) -> Iterator[Value]:
        studio = self.studio.seen_by(session)
        ticket = None
        try:
            key = self.key(studio, controls)
            if key is None:
                return
            ticket = studio.ticket(self.panel, key, moves, settles)
            if settles:
                for value in self.all(studio, controls, ticket):
                    yield self.waits(value, ticket) if isinstance(value, Queued) else value
            else:
                yield self.first(studio, controls, ticket)
        except Superseded:
            return
        except Queued as queued:
            assert ticket is not None  # nothing waits without one
            yield self.waits(queued, ticket)
        except Exception as problem:  # noqa: BLE001 -- a live listener answers, whatever happened
            version = (ticket or studio.ticket(self.panel)).version
            yield self.fails(message_of(problem), version)


def waiting(line: str, ticket: Ticket) -> Value:
    """What the page shows of a request that waits: a line of HTML that says for what, and no new charts."""
    return answer(version=ticket.version, state="waiting", key=ticket.key, slots={"line": line})
