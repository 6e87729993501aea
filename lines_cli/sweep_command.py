"""`lines sweep`: measure a table of the paper or a grid of edits, and go on after a stop."""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from evaluators.encoder.autotune import usable_device
from evaluators.engine.ray_link import RayLink
from evaluators.engine.ray_pool import CORES
from evaluators.errors import ClusterError, SpecError
from evaluators.experiments.sweep_plans.measured_leg import measure_parts
from evaluators.experiments.sweep_plans.outlook import Outlook, measured_pace, outlook
from evaluators.experiments.sweep_plans.paper_tables import PAPER_TABLES
from evaluators.experiments.sweep_plans.plan_file import PlanLeg, plan_legs, read_plan
from evaluators.experiments.sweep_plans.result_rows import write_results
from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from lines_cli import app_folder
from lines_cli.model_commands import reported
from lines_cli.progress_line import ProgressLine, duration
from lines_cli.public_models import add_machine, follow
from lines_core.atomic_write import check_writable
from lines_core.untrusted_text import quoted
from serving.command_line import OneLineParser
from serving.version import VERSION

AXES = {
    "checkpoint": "checkpoints by key, or all (default all)",
    "merge": "checkpoints to merge by key, or all",
    "method": "of the merge: sum, ties, consensus, ... (default sum)",
    "shape": "scaling functions (default linear)",
    "gamma": "alpha = γ, beta = 1 − γ: 0:1:0.1 is from 0 to 1 in steps of 0.1; or 0.2,0.5",
    "alpha": "factors of block 1; auto is Eq. 2's of a merge",
    "beta": "rises from block 1 to block L",
    "outside": "rules for the weights in no block (default alpha)",
    "mix": "WiSE-FT factors (default 1)",
    "split": "val, test or both (default test)",
}
OUTPUT = Path("sweep.parquet")
FIRST_WORKER = 120.0
"""Seconds to wait for the first worker of a cluster."""


def main(arguments: Sequence[str], prog: str = "lines sweep") -> int:
    """Measure what a sweep lacks and write all of it; 0 if everything is there then."""
    options = _parser(prog).parse_args(arguments)
    again = "what was counted is kept: the same command goes on from there"
    return reported(prog, lambda: _sweep(options), again=again)


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=prog,
        description="Measure every combination of some edits, or a table of the paper, on whatever counts "
        "images here. What is known is not counted again, so a stopped sweep goes on where it was.",
        epilog="Lists are given with commas. docs/scale.md describes the YAML file.",
    )
    parser.add_argument("plan", nargs="?", help=f"{', '.join(PAPER_TABLES)}, or a YAML file")
    parser.add_argument("--model", help="encoders: tiny-clip (default), ViT-B-32, ViT-B-16, ViT-L-14, ...")
    parser.add_argument("--family", help="of public checkpoints (default tall-masks)")
    parser.add_argument(
        "--tasks", help="of public models: 8, 14, 20 or several of these; or keys (default 8)"
    )
    parser.add_argument("--images", type=int, help="images per task, 0 for all (default: as the page)")
    for axis, what in AXES.items():
        parser.add_argument(f"--{axis}", help=what)
    parser.add_argument("-o", "--out", type=Path, default=OUTPUT, help=f"parquet file (default {OUTPUT})")
    parser.add_argument(
        "--dry-run", action="store_true", help="say how many positions are missing, and how long they take"
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="count on a Ray cluster: auto, or HOST:PORT of its head"
    )
    parser.add_argument("--ray-cores", type=int, default=CORES, help="of a worker without a GPU (default 4)")
    add_machine(parser)
    return parser


def _legs(options: argparse.Namespace) -> tuple[PlanLeg, ...]:
    """The sweep that the options mean. Raises: SpecError."""
    given = {name: value for name in AXES if (value := getattr(options, name)) is not None}
    top = {name: getattr(options, name) for name in ("model", "family", "tasks", "images")}
    plan: dict[str, Any] = {name: value for name, value in top.items() if value is not None}
    if options.plan is None or options.plan in PAPER_TABLES:
        if options.plan is not None and given:
            raise SpecError(f"{options.plan} says what is measured: leave {_flags(given)} out.")
        return plan_legs(plan | {"sweeps": [given if options.plan is None else {"table": options.plan}]})
    path = Path(options.plan)
    if not path.exists():
        tables = ", ".join(PAPER_TABLES)
        raise SpecError(f"Expected one of the tables {tables} or a YAML file, got {quoted(options.plan)}.")
    if given or plan:
        raise SpecError(f"The file says what is measured: leave {_flags(given | plan)} out.")
    return read_plan(path)


def _flags(names: dict[str, Any]) -> str:
    return ", ".join(f"--{name}" for name in names)


def _sweep(options: argparse.Namespace) -> None:
    legs, device = _legs(options), usable_device(options.device)
    if not options.out.name or options.out.is_dir():
        raise SpecError(f"--out must be a file, got the folder {quoted(str(options.out))}.")
    if not options.dry_run:
        check_writable(options.out)
    found: list[Evaluation] = []
    with _workers(options) as workers, closing(_studio(options, device, workers)) as studio:
        try:
            for leg in legs:
                if leg.load is not None:
                    follow(studio.load(leg.load), sys.stderr)
                if options.dry_run:
                    _print_outlook(studio, leg)
                else:
                    found += _measured(studio, leg)
        finally:
            if found:
                rows = write_results(options.out, found, {"lines-explorer": VERSION})
                print(f"Wrote {options.out}: {rows:,} rows of {len(found):,} positions.")
        now = studio.status()
    if not options.dry_run and now.problem:
        print(f"They are nowhere else: {now.problem}.")
    elif not options.dry_run and now.store:
        print(f"They are in {now.store} too: `lines app` with that --cache shows them without counting.")


@contextmanager
def _workers(options: argparse.Namespace) -> Iterator[RayLink | None]:
    """The workers of ``--ray``, of which one is ready. Raises: ClusterError."""
    if options.ray is None:
        yield None
        return
    with closing(RayLink(options.ray, options.device, options.ray_cores)) as pool:
        if not pool.wait(FIRST_WORKER):
            raise ClusterError(pool.problem)
        yield pool


def _studio(options: argparse.Namespace, device: str, workers: RayLink | None) -> Studio:
    return Studio(app_folder() / "assets", options.cache, device, workers=workers)


def _measured(studio: Studio, leg: PlanLeg) -> list[Evaluation]:
    with ProgressLine("counting") as progress:

        def seen(ahead: Outlook) -> None:
            if ahead.known or ahead.missing:
                print(f"{leg.title}: {_counts(ahead)}", file=sys.stderr, flush=True)
            progress.restart()

        found = measure_parts(studio, leg.parts, progress, seen=seen)
    table = [line for part in leg.parts for line in part.lines(found)]
    print("\n".join([*table, *_images_note(found)] if table and leg.load is None else table))
    return list(found.values())


def _images_note(found: Mapping[EditSpec, Evaluation]) -> list[str]:
    """How many test images of the embedded lab a table rests on, where there are more."""
    images = {spec.images for spec in found if spec.split == "test"}
    if not images or ALL_IMAGES in images:
        return []
    return [f"On {max(images)} images of each task; the report in assets takes all, as --images 0 does."]


def _print_outlook(studio: Studio, leg: PlanLeg) -> None:
    """What a leg lacks and how long that takes; what its results decide on is not known yet."""
    ahead = outlook(studio, (spec for part in leg.parts for spec in part.first(studio)))
    print(f"{leg.title}: {_counts(ahead)}")
    if ahead.missing:
        began = time.perf_counter()
        pace = measured_pace(studio, ahead)
        sample = duration(time.perf_counter() - began)
        print(f"  about {duration(ahead.total / pace)} at {pace:,.0f} images a second (a sample of {sample})")


def _counts(ahead: Outlook) -> str:
    positions = len(ahead.known) + len(ahead.missing)
    return (
        f"{positions:,} position{'s' * (positions != 1)}, {len(ahead.known):,} known, "
        f"{len(ahead.missing):,} to count on {ahead.total:,} images"
    )
