"""`lines evaluate`: what an edit keeps and forgets, task by task, counted without the page."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluators.encoder.autotune import usable_device
from evaluators.errors import HubError, LabError, SpecError
from evaluators.experiments.sweeps import GAMMAS, reference_specs
from evaluators.hub.load_request import FAILED, IMAGES, LoadRequest
from evaluators.labs.embedded_lab import EMBEDDED, TINY_CLIP
from evaluators.labs.lab import CheckpointInfo
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import SPLITS, EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import task_of
from evaluators.zoo import ENCODERS, FAMILIES
from lines_cli import app_folder
from lines_cli.accuracy_table import edit_table, gamma_table
from lines_cli.model_commands import add_line, add_rules, chosen_line, reported
from lines_cli.progress_line import ProgressLine
from lines_cli.public_models import add_machine, add_tasks, follow, tasks_of
from lines_core.untrusted_text import first_names, quoted
from serving.app_options import named_path
from serving.command_line import OneLineParser, decimal

TARGET_NEEDED = "--target says which task the checkpoint was fine-tuned on: its key, or the NAME of a --task"


def main(arguments: Sequence[str], prog: str = "lines evaluate") -> int:
    """Print the accuracies of an edit, or of LiNeS by gamma; 0 if all that was asked for was counted."""
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    by_line = any(value is not None for value in (options.gamma, options.alpha, options.beta))
    line = chosen_line(parser, options) if by_line else None
    if options.model in EMBEDDED and (options.tasks or options.family):
        parser.error("--tasks and --family are for a public --model")
    if options.target is None and ("/" in options.finetuned or os.path.isfile(options.finetuned)):
        parser.error(TARGET_NEEDED)
    failed: list[str] = []

    def work() -> None:
        templates, device = _edits(line, options), usable_device(options.device)
        with closing(Studio(app_folder() / "assets", options.cache, device)) as studio:
            failed.extend(_prepare(studio, options))
            info = _checkpoint(studio, options)
            _check_counted(studio, options, info)
            edits = [replace(edit, checkpoint=info.key) for edit in templates]
            references = reference_specs(info.key, options.split, edits[0].images, options.model)
            found = [*_counted(studio, [*references, *edits])]
        if options.json:
            print(json.dumps([evaluation.as_dict() for evaluation in found]))
            return
        table = edit_table(*found) if len(edits) == 1 else gamma_table(found[0], found[1], found[2:])
        print("\n".join((f"{_heading(info, edits)}\n", *table)))

    return reported(prog, work, again="what was counted of the checkpoints that ship is kept") or bool(failed)


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=prog,
        description="Count what an edited model keeps of its target task and of all others. Without "
        "--gamma, --alpha and --beta, or --mix: LiNeS for gamma = 0, 0.1, ..., 1.",
    )
    parser.add_argument(
        "--finetuned",
        metavar="F",
        required=True,
        help="a checkpoint that is there (digits, tall-masks.mnist), else a file or folder, or "
        "owner/name[/path/to/file] of the Hub",
    )
    parser.add_argument("--target", metavar="NAME", help="of a file, or from the Hub: what it was tuned for")
    parser.add_argument("--choose", metavar="NAME", help="which model, if the file holds several")
    parser.add_argument("--model", choices=[*EMBEDDED, *ENCODERS], default=TINY_CLIP)
    add_line(parser)
    add_rules(parser)
    parser.add_argument("--mix", type=decimal, help="WiSE-FT: multiplies every factor, 0 = pre-trained")
    parser.add_argument(
        "--task",
        type=named_path,
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="count a task of your own too: a folder or zip file of images, one folder a class or with a "
        "CSV file of the columns path and label; may be given several times",
    )
    parser.add_argument(
        "--split", choices=SPLITS, default="test", help="val to choose by, test to report (default test)"
    )
    parser.add_argument("--json", action="store_true", help="print the evaluations as a JSON array")
    parser.add_argument("--family", choices=list(FAMILIES), help="of a public model (default tall-masks)")
    add_tasks(parser, None, None, f"images per task (default all, of a public model {IMAGES})")
    add_machine(parser)
    return parser


def _prepare(studio: Studio, options: argparse.Namespace) -> tuple[str, ...]:
    """Read the own images and load the public model. Returns: titles of the parts that could not be loaded.

    Raises: LinesError if the images make no task, or the load fails as a whole.
    """
    for title, path in options.task:
        print(f"{title}: {' '.join(studio.add_public_task(title, path))}", file=sys.stderr)
    if options.model in EMBEDDED:
        return ()
    given = options.finetuned
    job = studio.load(
        LoadRequest(
            options.model,
            options.family or "tall-masks",
            tasks_of(options.tasks or "8"),
            IMAGES if options.images is None else options.images,
            checkpoints=not (os.path.exists(given) or _is_address(given)),
        )
    )
    follow(job, sys.stderr)
    return tuple(step.title for step in job.steps() if step.state == FAILED)


def _is_address(given: str) -> bool:
    """Whether something that is no path of this machine may be one of the Hub."""
    return "/" in given and not given.startswith((".", "/", "~"))


def _checkpoint(studio: Studio, options: argparse.Namespace) -> CheckpointInfo:
    """The checkpoint that ``--finetuned`` means: one that is there, else imported.

    Raises: LinesError if there is none, it cannot be read, or the target does not fit.
    """
    given, model = options.finetuned, options.model
    known = {info.key: info for info in (*studio.checkpoints(model), *studio.compared(model))}
    if given in known:
        if options.target not in (None, task_of(given)):
            raise SpecError(f"{given} was fine-tuned on {task_of(given)}: leave --target out.")
        return known[given]
    path, there = Path(given), os.path.exists(given)
    if not there and not _is_address(given):
        shown = ", ".join(info.key for info in studio.checkpoints(model))
        raise SpecError(
            f"There is no checkpoint, file or folder {quoted(given)}: checkpoints of {model} are {shown}."
        )
    task = _target(studio, options)
    if there:
        info = studio.take_file(model, task, path, path.name, options.choose)
    else:
        try:
            with ProgressLine(f"fetching {given}") as progress:
                info = studio.take_address(model, task, given, progress, options.choose)
        except HubError as error:
            raise HubError(
                f"There is no file or folder {quoted(given)}, and from the Hub: {error}"
            ) from error
    if (report := studio.reports(model).get(info.key)) is not None:
        for note in report.notes:
            print(f"{'warning' if note.warning else 'note'}: {note.text}", file=sys.stderr)
    return info


def _target(studio: Studio, options: argparse.Namespace) -> str:
    """Key of the task that ``--target`` means by its key or title. Raises: SpecError if it is not one."""
    if options.target is None:
        raise SpecError(f"{TARGET_NEEDED}.")
    tasks = studio.target_tasks(options.model)
    wanted = options.target.casefold()
    found = [task.key for task in tasks if wanted in (task.key, task.title.casefold())]
    if len(found) != 1:
        what, titles = "Several tasks are" if found else "No task is", ", ".join(one.title for one in tasks)
        raise SpecError(f"{what} called {quoted(options.target)}: the tasks are {titles}.")
    return found[0]


def _check_counted(studio: Studio, options: argparse.Namespace, info: CheckpointInfo) -> None:
    """Raises: LabError if a ``--task`` is not among the tasks that the checkpoint is evaluated on."""
    counted = {task.title for task in studio.tasks(info.suite, options.model)}
    if absent := [title for title, _ in options.task if title not in counted]:
        raise LabError(
            f"{info.title} of {options.model} is evaluated on {', '.join(sorted(counted))}, where "
            f"{first_names(absent)} cannot be added."
        )


def _edits(line: tuple[float, float] | None, options: argparse.Namespace) -> list[EditSpec]:
    """The one edit that the options describe, or LiNeS for each gamma; of no checkpoint yet.

    Raises: SpecError for a number that no edit may have.
    """
    rest: dict[str, Any] = {name: getattr(options, name) for name in ("model", "split", "shape", "outside")}
    rest["images"] = options.images or 0
    if line is None and options.mix is None:
        return [EditSpec.lines(gamma=gamma, **rest) for gamma in GAMMAS]
    if line is None:
        return [EditSpec(mix=options.mix, **rest | {"shape": "flat"})]
    alpha, beta = line
    return [EditSpec(alpha=alpha, beta=beta, mix=1.0 if options.mix is None else options.mix, **rest)]


def _heading(info: CheckpointInfo, edits: Sequence[EditSpec]) -> str:
    """What the table is of: checkpoint, split, and what sets the edits apart from plain LiNeS."""
    edit = edits[0]
    line = f"α = {edit.alpha:g}, β = {edit.beta:g}" if len(edits) == 1 else "LiNeS, α = γ, β = 1 − γ"
    mix = "" if edit.mix == 1 else f", mix {edit.mix:g}"
    return (
        f"{edit.model}, {info.title}, {edit.split} images: {line}{mix}, shape {edit.shape}, outside "
        f"{edit.outside}"
    )


def _counted(studio: Studio, specs: Sequence[EditSpec]) -> Iterator[Evaluation]:
    """The complete evaluation of each spec, with progress on standard error."""
    lab, first = studio.lab_of(specs[0].model), specs[0]
    suite = lab.resolve(first).suite
    counts = [lab.count(task, first.split) for task in lab.tasks(suite)]
    images = sum(min(count, first.images or count) for count in counts)
    with ProgressLine("counting") as progress:
        for number, spec in enumerate(specs):
            for evaluation in studio.stream(spec):
                progress(number * images + sum(task.n for task in evaluation.tasks), len(specs) * images)
            yield evaluation
