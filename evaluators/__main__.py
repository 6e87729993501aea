"""``python -m evaluators``: load public models ahead of time, and check them against the paper.

    python -m evaluators prefetch --model ViT-B-32 --tasks 8
    python -m evaluators table1 --model ViT-B-32

What was loaded before is taken from disk; both commands may be stopped and started again.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluators.encoder.autotune import best_device
from evaluators.experiments.load_check import check_load
from evaluators.experiments.table1 import Row, mean_row, table1
from evaluators.hub.loader import FAILED, IMAGES, LoadRequest, LoadStep
from evaluators.hub.published_check import CAUSES, AccuracyCheck, self_test
from evaluators.service.load_jobs import LoadJob
from evaluators.service.studio import Studio
from evaluators.zoo import BENCHMARKS, ENCODERS, FAMILIES, PAPER_TABLE1, TASKS
from lines_core.errors import LinesError

ROOT = Path(__file__).resolve().parent.parent
LOOK = 0.5
"""Seconds between two looks at the progress."""


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m evaluators", description="Load and check public models.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("prefetch", "download weights, checkpoints and images, so that the page has them at once"),
        ("table1", "measure the paper's Table 1 and print it beside the paper's figures"),
    ):
        command = commands.add_parser(name, help=words, description=words)
        command.add_argument("--model", choices=list(ENCODERS), default="ViT-B-32")
        command.add_argument(
            "--tasks",
            default="8",
            help=f"{', '.join(map(str, BENCHMARKS))}, or keys with commas: {', '.join(TASKS)}",
        )
        command.add_argument("--family", choices=list(FAMILIES), default="tall-masks")
        command.add_argument("--images", type=int, default=IMAGES, help="test images a task (default 256)")
        command.add_argument("--cache", type=Path, default=ROOT / ".cache", help="as app.py's --cache")
        command.add_argument("--device", default=best_device(), help="cpu, cuda or mps")
    return parser.parse_args(given)


def tasks_of(text: str) -> tuple[str, ...]:
    """Keys of the tasks that ``--tasks`` means."""
    return BENCHMARKS[int(text)] if text.isdigit() and int(text) in BENCHMARKS else tuple(text.split(","))


def follow(job: LoadJob) -> None:
    """Print each step as it changes, until the load ends. Raises: LinesError with what went wrong."""
    shown: dict[str, str] = {}
    try:
        while True:
            ended = job.wait(LOOK)
            for step in job.steps():
                line = line_of(step)
                if line != shown.get(step.key):
                    shown[step.key] = line
                    print(line, flush=True)
            if ended:
                break
    except KeyboardInterrupt:
        job.stop()
        job.wait(10)
        raise
    if job.problem:
        raise LinesError(job.problem)


def line_of(step: LoadStep) -> str:
    """A step as one line."""
    share = f" {100 * step.done // step.total} %" if step.total else ""
    what = f": {step.phase}" if step.phase else ""
    return f"{step.title:>16}  {step.state}{what}{share}"


def print_checks(checks: Sequence[AccuracyCheck]) -> None:
    """The self-test, a line a task."""
    for check in checks:
        verdict = "as published" if check.right else "NOT AS PUBLISHED"
        interval = f"{100 * check.low:.1f} to {100 * check.high:.1f}"
        measured = f"{check.what} {100 * check.accuracy:.1f} % ({interval})"
        print(f"{check.title:>16}  {measured}, published {100 * check.published:.1f}: {verdict}")
    if any(not check.right for check in checks):
        print(CAUSES)


def print_table(model: str, rows: Sequence[Row]) -> None:
    """Means over the checkpoints beside the paper's."""
    paper = {
        row.method: row
        for row in PAPER_TABLE1
        if row.encoder == model and row.tasks == len(rows) and not row.normalised
    }
    print(f"\n{'target / control, %':>24} {'measured':>14} {'paper':>14}")
    for name, (target, control) in mean_row(rows).items():
        stated = "-"
        if name in paper:
            other = paper[name].control
            stated = f"{100 * paper[name].target:.1f} / " + ("-" if other is None else f"{100 * other:.1f}")
        print(f"{name:>24} {f'{100 * target:.1f} / {100 * control:.1f}':>14} {stated:>14}")


def main(given: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it did what was asked for."""
    options = arguments(given)
    try:
        load_request = LoadRequest(options.model, options.family, tasks_of(options.tasks), options.images)
        studio = Studio(ROOT / "assets", options.cache, options.device)
        job = studio.load(load_request)
        follow(job)
        complete = not any(step.state == FAILED for step in job.steps())
        if options.command == "prefetch":
            for progress in check_load(studio, options.model):
                print_checks(progress.checks)
        if options.command == "table1":
            rows: list[Row] = []
            for row in table1(studio, options.model):
                if not rows:
                    print_checks(self_test(row.pretrained))
                print_checks(self_test(row.finetuned))
                told = ", ".join(
                    f"{name} {100 * found.target:.1f} / {100 * found.control:.1f}"
                    for name, found in (("fine-tuned", row.finetuned), (f"LiNeS γ {row.gamma:g}", row.lines))
                )
                print(f"{row.title:>16}  {told}", flush=True)
                rows.append(row)
            print_table(options.model, rows)
    except LinesError as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
