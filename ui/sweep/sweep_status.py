"""What a sweep says of itself: progress, how many points are known and where from, what is missing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

from evaluators.experiments.sweeps import Found, largest_difference
from evaluators.specs.edit_spec import EditSpec
from ui.shell import text


@dataclass
class ProgressRate:
    """Points that a sweep has measured, by wall clock: it shares the device with other requests."""

    points: int = 0
    started: float = field(default_factory=time.monotonic)

    def left(self, points: int) -> str:
        """The time that so many further points take, in words; empty before the first one."""
        if not self.points:
            return ""
        return f", about {points * (time.monotonic() - self.started) / self.points:.0f} s left"


def progress(done: int, total: int, rate: ProgressRate) -> str:
    """Progress of a sweep, and the time left."""
    left = rate.left(total - done)
    return (
        f'<p class="lx-status" role="status">measuring: {done} of {total} positions{left}'
        f'<progress value="{done}" max="{total}" aria-label="Progress of the sweep"></progress></p>'
    )


def unfinished(found: Found, needed: Iterable[EditSpec]) -> str:
    """What a finding says before all its points are measured; empty once they are."""
    wanted = set(needed)
    missing = sum(spec not in found for spec in wanted)
    if missing == len(wanted):
        return text.SWEEP["waiting"]
    return text.unfinished(missing, len(wanted)) if missing else ""


def button_label(found: Found, total: int) -> str:
    if len(found) < total:
        return text.SWEEP["more" if found else "run"]
    return text.SWEEP["again" if all(point.precomputed for point in found.values()) else "anew"]


def known_points(found: Found, total: int, counted: str = "images") -> str:
    """How many points are known, and where from.

    Args:
        counted: what was counted of each.
    """
    if not found:
        return status_line(text.SWEEP["nothing"])
    shipped = sum(point.precomputed for point in found.values())
    here, button = len(found) - shipped, ""
    if not here and len(found) < total:
        badge, more, button = "incomplete", text.SWEEP["shipped"], text.SWEEP["others"]
    elif not here:
        badge, more, button = "precomputed", text.SWEEP["precomputed"], text.SWEEP["repeat"]
    elif not shipped:
        badge, more = "measured", text.SWEEP["measured"]
    else:
        badge, more = "partly measured", text.partly_measured(here, shipped)
    images = {sum(task.n for task in point.tasks) for point in found.values()}
    each = f"{'up to ' if len(images) > 1 else ''}{max(images):,} {counted} each"
    return status_line(f"{len(found)} of {total} positions, {each}; {more}", badge, button)


def status_line(message: str, badge: str = "", button: str = "") -> str:
    """A message below the button of a sweep.

    Args:
        button: what it goes on to say of the button, where there is a server.
    """
    mark = f'<span class="lx-badge">{escape(badge)}</span>' if badge else ""
    more = f'<span class="lx-served">{escape(button)}</span>' if button else ""
    return f'<p class="lx-status" role="status">{mark}<span>{escape(message)}{more}</span></p>'


def agreement(before: Found, after: Found) -> str:
    """How a repeated measurement compares with the points that were cached."""
    worst = largest_difference(before, after)
    if worst == 0.0:
        return f"Reproduced: all {len(after)} positions agree to the last image."
    return f"Reproduced: the largest difference of any task is {100 * worst:.2f} points."
