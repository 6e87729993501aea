"""Texts that several pages share. A page's own texts are in its folder, in ``*_text.py``."""

from __future__ import annotations

from evaluators.errors import Preparing, Queued
from evaluators.service.request_stats import ServiceStatus
from evaluators.service.studio import Studio

TITLE = "LiNeS Explorer"
DESCRIPTION = (
    "See a CLIP model forget while it learns a task, and undo it with one slider: layer-increasing scaling "
    "(LiNeS) live on real models."
)
INTRO = (
    "Fine-tuning teaches CLIP one task and makes it forget others. <b>LiNeS</b> undoes most of it without "
    "training: move the slider."
)


def faults(now: ServiceStatus) -> list[str]:
    """Problems of the server that visitors should know of, a sentence each."""
    store = [f"Results are not kept between starts: {now.problem}."] if now.problem else []
    away = (
        ["The machines that count for this page are away: it counts by itself, and slower."]
        if now.local
        else []
    )
    return [*store, *away, *filter(None, [now.failure])]


def counted_here(studio: Studio, what: str) -> str:
    """Where something is counted that no other machine gets; empty if this one counts everything."""
    if studio.workers is None:
        return ""
    return f" Other machines count for this page; {what} on this one alone, so their numbers take longer."


def in_line(ahead: int, seconds: float) -> str:
    """The queue position and the expected wait of a queued request."""
    requests = "1 request comes" if ahead == 1 else f"{ahead} requests come"
    return f"The server is busy: {requests} before yours, about {max(1, round(seconds))} s."


def preparing(seconds: float) -> str:
    """Progress while the weights of an edit are read or merged."""
    return f"Preparing the weights: {max(1, round(seconds))} s so far."


def queued(line: Queued) -> str:
    """The queue position of a request, or the progress of preparing its weights."""
    if isinstance(line, Preparing):
        return preparing(line.seconds)
    return in_line(line.ahead, line.seconds)


UNEXPECTED = (
    "Something went wrong on our side; the server's log has the details. Move a control to try again."
)


WAITING = "Measuring …"
STATIC_LINK = '<a href="/static-edition/" target="_blank">Without a server ↗</a>'
"""Link to the edition that runs in the browser alone, where the server has it."""


def minus(number: str) -> str:
    """A formatted number with the page's minus sign instead of a hyphen.

    >>> minus("-0.5"), minus("+0.5")
    ('−0.5', '+0.5')
    """
    return number.replace("-", "−")


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction as the page writes it: '97.5 %', a narrow space before the sign.

    >>> percent(0.9751), percent(-0.0301)
    ('97.5\\u202f%', '−3.0\\u202f%')
    """
    number = f"{100 * fraction:.{digits}f}"
    if float(number) == 0:
        number = number.lstrip("-")
    return minus(number) + "\u202f%"


def decimal(value: float) -> str:
    """A number with two decimals and the page's minus sign.

    >>> decimal(0.125), decimal(-0.034), decimal(-0.001)
    ('0.12', '−0.03', '0.00')
    """
    number = f"{value:.2f}"
    return minus(number.lstrip("-") if float(number) == 0 else number)


def percent_range(low: float, high: float) -> str:
    """Both ends of an interval in percent.

    >>> percent_range(-0.01, 0.052), percent_range(-0.008, -0.0004)
    ('−1.0 to 5.2', '−0.8 to 0.0')
    """
    ends = (round(100 * end, 1) + 0.0 for end in (low, high))  # -0.0 + 0.0 is 0.0
    return minus(" to ".join(f"{end:.1f}" for end in ends))


def signed(difference: float) -> str:
    """A difference of fractions in percent, always with a sign.

    >>> signed(0.052), signed(-0.0004)
    ('+5.2', '±0.0')
    """
    number = f"{100 * difference:+.1f}"
    return "±0.0" if float(number) == 0 else minus(number)


def points(difference: float) -> str:
    """A difference of two accuracies in percentage points, always signed: '+5.2 points'."""
    return f"{signed(difference)} points"


def thousands(number: int) -> str:
    """1600 -> '1,600'."""
    return f"{number:,}"


ZOOM = {
    "zoom": "Zoom",
    "zoom_help": "Drag over a part of the chart to enlarge it; a double click shows all of it",
}
"""The button of a Plotly chart."""
SWEEP = {
    "run": "Measure it now",
    "more": "Measure the rest",
    "again": "Precomputed · reproduce it here",
    "anew": "Measure it again",
    "cancel": "Stop",
    "precomputed": "precomputed with the shipped weights",
    "repeat": "; the button measures every point again",
    "shipped": "these came with the page",
    "others": "; the button measures the others",
    "measured": "measured here",
    "nothing": "not measured yet",
    "waiting": "Not measured yet: the button above starts it.",
    "stopped": "stopped; the points measured so far are kept",
}
LINK = {
    "copy": "Copy link",
    "copied": "Copied",
    "present": "Present",
    "embed": "Embed",
    "code": "QR code",
    "long": "This link is too long for a QR code: copy it instead.",
}


def unfinished(missing: int, total: int) -> str:
    """In place of a finding of which points are missing."""
    return f"{total - missing} of {total} points are measured: this sentence needs the other {missing}."


def partly_measured(here: int, shipped: int) -> str:
    """Where the points of a sweep come from."""
    return f"{here} measured here, {shipped} precomputed with the shipped weights"


PAGES = {
    "start": "Start",
    "explore": "Explore",
    "robust": "Robust fine-tuning",
    "merge": "Merge",
    "learned": "Learned coefficients",
    "soup": "Soup",
    "rewarded": "Rewarded soups",
    "text": "Text",
    "compared": "Fine-tuning compared",
    "models": "Models",
    "about": "About",
}
"""Title of every page by its key, in the order of the navigation; the address names a page by its key."""
