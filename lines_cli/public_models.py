"""`lines prefetch`, `table1`, `table2`, `oracle`: load public models, and check them against the paper.

What was loaded before is read from disk; the commands may be stopped and started again.
"""

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TextIO

from evaluators.encoder.autotune import usable_device
from evaluators.errors import DeviceError, SpecError
from evaluators.experiments import table1 as experiment
from evaluators.experiments.load_check import check_load
from evaluators.experiments.oracle import OracleFigure
from evaluators.experiments.oracle import oracle as notebook
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.experiments.table1 import Table1Row, mean_row
from evaluators.experiments.table2 import METHODS_SHOWN, merged_checkpoints, references
from evaluators.experiments.table2 import table2 as merge_rows
from evaluators.hub.load_request import FAILED, IMAGES, LoadRequest, LoadStep
from evaluators.hub.public_loader import PublicRequest
from evaluators.hub.published_check import CAUSES, AccuracyCheck, self_test
from evaluators.hub.texts.text_request import QUESTIONS, TextLoadRequest
from evaluators.labs.embedded_lab import EMBEDDED
from evaluators.service.load_jobs import LoadJob
from evaluators.service.studio import Studio
from evaluators.zoo import BENCHMARKS, ENCODERS, FAMILIES, PAPER_TABLE1, TASKS
from evaluators.zoo.notebook_figures import FAMILY, MODEL
from evaluators.zoo.public_texts import GLUE_TASKS, TEXT_MODELS
from evaluators.zoo.published_merges import published_words
from lines_cli import app_folder, default_cache
from lines_cli.accuracy_table import in_percent
from lines_core.errors import LinesError, MergeError
from lines_core.merging import METHODS
from serving.command_line import DEVICES, USAGE_ERROR, OneLineParser

POLL = 0.5
"""Seconds between two looks at the progress of a load."""


def prefetch(arguments: Sequence[str], prog: str = "lines prefetch") -> int:
    """Load a model and check it against published accuracies; 0 if every part was loaded."""
    parser = _parser(prog, "Download weights, checkpoints and images, or questions.", TEXT_MODELS)
    parser.add_argument(
        "--no-check", action="store_true", help="skip the self-test, which takes long without a GPU"
    )
    options = parser.parse_args(arguments)
    return _load_and(prog, None if options.no_check else _print_self_test, options)


def table1(arguments: Sequence[str], prog: str = "lines table1") -> int:
    """Load a model and measure Table 1 on it; 0 if every part was loaded."""
    options = _parser(prog, "Measure the paper's Table 1.").parse_args(arguments)
    return _load_and(prog, _print_table1, options)


def table2(arguments: Sequence[str], prog: str = "lines table2") -> int:
    """Load a model and measure merges of its checkpoints, with LiNeS and without; 0 if all was loaded.

    An embedded model has its checkpoints and images with it.
    """
    parser = _parser(prog, "Measure the paper's Table 2 and the merging methods after it.", ships=EMBEDDED)
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=[key for key, method in METHODS.items() if not method.per_task],
        default=METHODS_SHOWN,
        metavar="METHOD",
        help=f"default {' '.join(METHODS_SHOWN)}",
    )
    options = parser.parse_args(arguments)
    if options.model in EMBEDDED and (options.tasks, options.images) != (None, None):
        parser.error(f"{options.model} is measured on all its own images: leave --tasks and --images out")
    return _load_and(prog, lambda studio, model: _print_table2(studio, model, options.methods), options)


def oracle(arguments: Sequence[str], prog: str = "lines oracle") -> int:
    """Run the authors' notebook; 0 if all figures agree whose test sets are the same."""
    parser = OneLineParser(
        prog=prog, description="Run the authors' notebook and print its figures beside ours."
    )
    add_tasks(parser, "8", ALL_IMAGES, "test images per task (default 0: all, as they did)")
    add_machine(parser)
    options = parser.parse_args(arguments)
    figures: list[OracleFigure] = []
    options.model, options.family = MODEL, FAMILY
    status = _load_and(prog, lambda studio, _: figures.extend(_print_oracle(studio)), options)
    return status or int(any(not figure.agrees and not figure.other_set for figure in figures))


def tasks_of(text: str) -> tuple[str, ...]:
    """Keys of the tasks that ``--tasks`` means: a benchmark by its number of tasks, or a list."""
    return BENCHMARKS[int(text)] if text.isdigit() and int(text) in BENCHMARKS else tuple(text.split(","))


def _parser(
    prog: str, description: str, texts: Collection[str] = (), ships: Collection[str] = ()
) -> argparse.ArgumentParser:
    """Parser of `prefetch`, `table1` and `table2`.

    Args:
        texts: text models that it also takes.
        ships: embedded models that it also takes.
    """
    parser = OneLineParser(prog=prog, description=description)
    parser.add_argument("--model", choices=[*ENCODERS, *texts, *ships], default="ViT-B-32")
    parser.add_argument("--family", choices=list(FAMILIES), default="tall-masks")
    of_text = f"; of a text model questions, {QUESTIONS}" if texts else ""
    add_tasks(parser, None, None, f"test images per task (default {IMAGES}{of_text})")
    add_machine(parser)
    return parser


def add_tasks(
    parser: argparse.ArgumentParser, tasks: str | None, images: int | None, help_images: str
) -> None:
    """Add the options for what to load beside the model, with their defaults."""
    parser.add_argument(
        "--tasks",
        default=tasks,
        help=f"{', '.join(map(str, BENCHMARKS))}, or keys with commas: {', '.join(TASKS)}",
    )
    parser.add_argument("--images", type=int, default=images, help=help_images)


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add the options for where it runs and what it keeps."""
    parser.add_argument("--cache", type=Path, default=default_cache(), help="the app's --cache")
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="what the model runs on (default: a GPU if any)"
    )


def _load_and(prog: str, report: Callable[[Studio, str], None] | None, options: argparse.Namespace) -> int:
    try:
        request = None if options.model in EMBEDDED else _request(options)
        studio = Studio(app_folder() / "assets", options.cache, usable_device(options.device))
        steps: Sequence[LoadStep] = ()
        if request is not None:
            job = studio.load(request)
            follow(job)
            steps = job.steps()
        if report is not None:
            report(studio, options.model)
    except LinesError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return USAGE_ERROR if isinstance(error, SpecError | DeviceError | MergeError) else 1
    return 1 if any(step.state == FAILED for step in steps) else 0


def _request(options: argparse.Namespace) -> PublicRequest:
    """What the options ask to load. Raises: SpecError."""
    count = options.images
    if options.model in TEXT_MODELS:
        tasks = tuple(GLUE_TASKS if options.tasks is None else options.tasks.split(","))
        return TextLoadRequest(options.model, tasks, QUESTIONS if count is None else count)
    chosen = tasks_of("8" if options.tasks is None else options.tasks)
    return LoadRequest(options.model, options.family, chosen, IMAGES if count is None else count)


def follow(job: LoadJob, stream: TextIO | None = None) -> None:
    """Print each step as it changes, until the load ends.

    Args:
        stream: where to; None for standard output.
    Raises: LinesError if it failed as a whole.
    """
    printed: dict[str, str] = {}
    try:
        ended = False
        while not ended:
            ended = job.wait(POLL)
            for step in job.steps():
                line = _line(step)
                if line != printed.get(step.key):
                    printed[step.key] = line
                    print(line, file=stream, flush=True)
    except KeyboardInterrupt:
        job.stop()
        job.wait(10)
        raise
    if job.problem:
        raise LinesError(job.problem)


def _line(step: LoadStep) -> str:
    share = f" {100 * step.done // step.total} %" if step.total else ""
    phase = f": {step.phase}" if step.phase else ""
    return f"{step.title:>16}  {step.state}{phase}{share}"


def _print_self_test(studio: Studio, model: str) -> None:
    for progress in check_load(studio, model):
        _print_checks(progress.checks)


def _print_checks(checks: Sequence[AccuracyCheck]) -> None:
    for check in checks:
        verdict = "as published" if check.right else "NOT AS PUBLISHED"
        interval = f"{100 * check.low:.1f} to {100 * check.high:.1f}"
        measured = f"{check.what} {100 * check.accuracy:.1f} % ({interval})"
        print(f"{check.title:>16}  {measured}, published {100 * check.published:.1f}: {verdict}")
    if any(not check.right for check in checks):
        print(CAUSES)


def _print_table1(studio: Studio, model: str) -> None:
    """Each checkpoint as it is measured, then the means beside the paper's."""
    rows: list[Table1Row] = []
    for row in experiment.table1(studio, model):
        if not rows:
            _print_checks(self_test(row.pretrained))
        _print_checks(self_test(row.finetuned))
        accuracies = ", ".join(
            f"{name} {100 * evaluation.target:.1f} / {100 * evaluation.control:.1f}"
            for name, evaluation in (("fine-tuned", row.finetuned), (f"LiNeS γ {row.gamma:g}", row.lines))
        )
        print(f"{row.title:>16}  {accuracies}", flush=True)
        rows.append(row)
    published = {
        row.method: row
        for row in PAPER_TABLE1
        if row.encoder == model and row.tasks == len(rows) and not row.normalised
    }
    print(f"\n{'target / control, %':>24} {'measured':>14} {'paper':>14}")
    for name, (target, control) in mean_row(rows).items():
        paper = "-"
        if name in published:
            published_control = published[name].control
            paper = f"{100 * published[name].target:.1f} / "
            paper += "-" if published_control is None else f"{100 * published_control:.1f}"
        print(f"{name:>24} {f'{100 * target:.1f} / {100 * control:.1f}':>14} {paper:>14}")


def _print_table2(studio: Studio, model: str, methods: Sequence[str]) -> None:
    """The references, then each method as it is measured, beside what others published.

    Raises: MergeError before anything is counted if a method does not merge so many tasks.
    """
    tasks = len(merged_checkpoints(studio, model))
    for method in methods:
        METHODS[method].check_count(tasks)
    zero_shot, finetuned = references(studio, model)
    images = sum(task.n for task in finetuned.tasks)
    print(f"\nMean of {len(finetuned.tasks)} tasks on {images:,} test images, %, with 95 % intervals;")
    print("λ and β were chosen on validation images, α is that of Eq. 2.")
    for name, found in (("zero-shot", zero_shot), ("fine-tuned", finetuned)):
        print(f"{name:>16}  {in_percent(found.mean, found.interval)}")
    for row in merge_rows(studio, model, methods):
        low, high = row.gain_interval
        plain = f"plain {in_percent(row.plain.mean, row.plain.interval)} at λ {row.scale:g}"
        lines = f"LiNeS {in_percent(row.lines.mean, row.lines.interval)} at α {row.alpha:.3g}, β {row.beta:g}"
        gain = f"{row.gain:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
        theirs = published_words(row.method) if model == "ViT-B-32" else ""
        print(f"{METHODS[row.method].title:>16}  {plain}, {lines}: {gain}", flush=True)
        if theirs:
            print(f"{'':>16}  published, eight tasks: {theirs}")


def _print_oracle(studio: Studio) -> list[OracleFigure]:
    """Each figure as it is measured, beside the notebook's."""
    print(f"\n{'top-1, %':>12} {'task':>12} {'here':>8} {'authors':>8} {'allowed':>8}")
    figures = []
    for figure in notebook(studio):
        verdict = "agrees" if figure.agrees else "DIFFERS"
        note = ", other test set or class names" if figure.other_set else ""
        print(
            f"{figure.model:>12} {figure.task.title:>12} {100 * figure.task.accuracy:8.2f} "
            f"{100 * figure.published:8.2f} {100 * figure.tolerance:8.2f}  {verdict}{note}",
            flush=True,
        )
        figures.append(figure)
    for task in dict.fromkeys(figure.task.key for figure in figures if figure.other_set):
        print(f"{TASKS[task].title}: {TASKS[task].note}")
    return figures
