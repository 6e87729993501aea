"""Quota of visitors' checkpoints and tasks: what one and all may add, and how long it stays."""

from dataclasses import dataclass

from lines_core.errors import LinesError


class QuotaError(LinesError):
    """A visitor's quota is used up; the text says how large it is, and what to do."""


@dataclass(frozen=True)
class SessionLimits:
    """Quota of visitors' checkpoints and tasks.

    Args:
        session_bytes: disk space of what one session has added.
        session_count: number of one session's checkpoints and tasks.
        total_bytes: disk space of all sessions together.
        seconds: that they stay after they were last used.
        grace: seconds that they stay after the page was closed, so that a reload or a lost connection keeps
            them.
    """

    session_bytes: int = 4 * 10**9
    session_count: int = 8
    total_bytes: int = 16 * 10**9
    seconds: float = 7200.0
    grace: float = 900.0


ANEW = "open the app in a new tab to begin without them"


def check_session(limits: SessionLimits, count: int, used: int, size: int) -> None:
    """Raises: QuotaError if another ``size`` bytes are too much beside a session's own."""
    if count >= limits.session_count:
        raise QuotaError(
            f"You have added {count} checkpoints and tasks, {limits.session_count} are kept at most: remove "
            f"one, or {ANEW}."
        )
    if used + size > limits.session_bytes:
        raise QuotaError(
            f"This takes {_gb(size)} and you have used {_gb(used)} of {_gb(limits.session_bytes)}: {ANEW}."
        )


def check_total(limits: SessionLimits, total: int, size: int) -> None:
    """Raises: QuotaError if another ``size`` bytes are too much beside those of all sessions."""
    if total + size > limits.total_bytes:
        raise QuotaError(
            f"This takes {_gb(size)} and visitors together have used {_gb(total)} of "
            f"{_gb(limits.total_bytes)}: try again later, or start the app on your own machine."
        )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
