"""HTML of a load's progress, of an import's, and of the self-test."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from evaluators.experiments.load_check import CheckProgress
from evaluators.hub.load_request import DONE, FAILED, RUNNING, LoadRequest, LoadStep
from evaluators.hub.published_check import CAUSES, AccuracyCheck
from evaluators.service.load_jobs import LoadJob
from evaluators.zoo import ENCODERS, FAMILIES
from evaluators.zoo.public_tasks import IMAGENET, WITHOUT_OBJECTNET
from ui.models import models_text as words
from ui.shell import text

MARKS = {DONE: "✓", FAILED: "✗", RUNNING: "…"}


def size_of(request: LoadRequest) -> str:
    """Download size of a load."""
    encoder, family = ENCODERS[request.model], FAMILIES[request.family]
    tower = family.megabytes or 4 * encoder.tower_parameters / 1e6
    files = encoder.megabytes + len(request.chosen or request.tasks) * tower
    without = f" {WITHOUT_OBJECTNET}" if family.suite == IMAGENET else ""
    return (
        f"Downloads about {files / 1000:.1f} GB once: {encoder.megabytes} MB of weights, {tower:.0f} MB for "
        "each checkpoint, and images. The app's cache takes as much again. Cached files are not downloaded "
        f"again.{without}"
    )


def load_section(job: LoadJob) -> str:
    """The name of the encoder, all steps of its load, and its summary."""
    title = escape(job.request.title)
    rows = "".join(_row(step) for step in job.steps())
    status = f'<p class="lx-status" role="status">{escape(summary(job))}</p>'
    return (
        f'<section data-model="{escape(job.request.model)}"><div class="lx-scroll" tabindex="0">'
        f'<table class="lx-steps"><caption>{title}</caption><tbody>{rows}</tbody></table></div>'
        f"{status}</section>"
    )


def summary(job: LoadJob) -> str:
    """One sentence on the load as a whole."""
    steps = job.steps()
    failed = [step.title for step in steps if step.state == FAILED]
    if not job.done:
        done = sum(step.state == DONE for step in steps)
        return f"Loading: {done} of {len(steps)} parts are loaded."
    if job.problem and job.problem in [step.phase for step in steps]:
        return words.NOT_LOADED
    if job.problem:
        return job.problem
    if failed:
        return f"Loaded, but for {words.listed(failed)}. Load again to try what failed once more."
    return f"{job.request.title} is ready."


def _row(step: LoadStep) -> str:
    mark = MARKS.get(step.state, "")
    bar = ""
    if step.state == RUNNING and step.total:
        label = escape(f"{step.title}: {step.phase}")
        bar = f'<progress value="{step.done}" max="{step.total}" aria-label="{label}"></progress>'
        bar = f"{bar} {_amount(step)}"
    return (
        f'<tr data-state="{step.state}"><td aria-label="{step.state}">{mark}</td>'
        f'<th scope="row">{escape(step.title)}</th><td>{escape(step.phase)}</td><td>{bar}</td></tr>'
    )


def _amount(step: LoadStep) -> str:
    if step.unit == "bytes":
        return _megabytes(step.done, step.total)
    return f"{step.done:,} of {step.total:,}"


def _megabytes(done: int, total: int) -> str:
    return f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB"


def import_status(done: int, total: int) -> str:
    """Progress of the import of a visitor's checkpoint, in bytes; total 0 while it is unknown."""
    if not total:
        return '<p class="lx-status" role="status">Reading…</p>'
    if done >= total:
        return '<p class="lx-status" role="status">Downloaded. Reading the weights…</p>'
    bar = f'<progress value="{done}" max="{total}" aria-label="Download"></progress>'
    return f'<p class="lx-status" role="status">Downloading: {bar} {_megabytes(done, total)}</p>'


def check_status(progress: CheckProgress) -> str:
    """Progress of a self-test; empty at its end."""
    if progress.done == progress.total:
        return ""
    return f'<p class="lx-status" role="status">{words.CHECKING} {progress.done} of {progress.total}</p>'


def checks_table(checks: Sequence[AccuracyCheck]) -> str:
    """Table of the self-test: measured and published accuracy, and likely causes of a difference."""
    if not checks:
        return ""
    rows = "".join(
        f'<tr data-right="{str(check.right).lower()}"><th scope="row">{escape(check.title)}</th>'
        f"<td>{escape(check.what)}</td><td>{text.percent(check.accuracy)} "
        f"({100 * check.low:.1f} to {100 * check.high:.1f})</td><td>{text.percent(check.published)}</td>"
        f"<td>{'✓' if check.right else '✗ differs'}</td></tr>"
        for check in checks
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in words.CHECK_COLUMNS)
    notice = "" if all(check.right for check in checks) else f'<p class="lx-notice">{escape(CAUSES)}</p>'
    return (
        f'<div class="lx-scroll" tabindex="0"><table class="lx-table"><caption>{words.SELF_TEST}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{notice}"
    )
