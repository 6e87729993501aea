"""`lines edit` and `lines merge`: weights of any size, from files to files."""

import argparse
import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from lines_cli import STOPPED
from lines_cli.model_paths import local_model
from lines_cli.plain_models import plain_models
from lines_cli.progress_line import ProgressLine
from lines_core import METHODS, OUTSIDE_RULES, SHAPES, edit_files, merge_files
from lines_core.architectures.recognition import PARTS
from lines_core.errors import CheckpointError, ChoiceError, LinesError
from lines_core.large_files.other_pretraining import other_pretraining
from serving.command_line import OneLineParser, decimal

FAILED = 1
CONTINUES = "the same command goes on where this one was"
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
MODEL = "a file, a folder with a .safetensors file or shards, or owner/name[@revision] of the Hub"


def edit(arguments: Sequence[str], prog: str = "lines edit") -> int:
    """Write an edited model; 0 if it was written."""
    parser = _parser(prog, "Scale the update of a fine-tuned model by depth (LiNeS).")
    parser.add_argument("--pretrained", metavar="P", help=f"{MODEL}; not for a LoRA adapter")
    parser.add_argument(
        "--finetuned", metavar="F", required=True, help="the same, or a LoRA adapter's folder"
    )
    add_copy(parser, "parameters of F, or beginnings of their names, that are copied, such as a new head")
    add_line(parser)
    options = parser.parse_args(arguments)
    alpha, beta = chosen_line(parser, options)

    def write(progress: ProgressLine) -> Path:
        given = [options.finetuned] if options.pretrained is None else [options.finetuned, options.pretrained]
        paths = [local_model(one) for one in given]
        if len({path.resolve() for path in paths}) < len(paths):
            raise CheckpointError(f"{paths[0].name} is given as both models: there is no update to scale.")
        with plain_models(paths, options.choose) as (finetuned, *pretrained):
            return edit_files(
                pretrained[0] if pretrained else None,
                finetuned,
                options.out,
                alpha=alpha,
                beta=beta,
                progress=progress,
                **_shared(options),
            )

    return _run(prog, options.out, write)


def merge(arguments: Sequence[str], prog: str = "lines merge") -> int:
    """Write a merged model; 0 if it was written."""
    parser = _parser(
        prog, "Merge fine-tuned models of one pre-trained model, with LiNeS on top if --beta is given."
    )
    parser.add_argument("--pretrained", metavar="P", required=True, help=MODEL)
    parser.add_argument("--finetuned", metavar="F", required=True, nargs="+", help="the same, one or more")
    parser.add_argument("--method", choices=list(METHODS), default="ties", help="default ties")
    parser.add_argument(
        "--task", type=int, metavar="N", help="for masks: the fine-tuned model to merge for, counted from 1"
    )
    parser.add_argument(
        "--weights",
        type=decimal,
        nargs="+",
        metavar="W",
        help="factor of each model's update before the merge",
    )
    parser.add_argument(
        "--alpha", "--scale", type=decimal, help="scale of the merged update, with --beta of block 1"
    )
    parser.add_argument(
        "--beta", type=decimal, default=0.0, help="rise to the last block; then alpha is Eq. 2's"
    )
    add_copy(
        parser, "parameters, or beginnings of their names, that are taken from P as they are, such as heads"
    )
    for key, title in _settings().items():
        parser.add_argument(f"--{key.replace('_', '-')}", dest=key, type=decimal, metavar="X", help=title)
    options = parser.parse_args(arguments)
    per_task = METHODS[options.method].per_task
    if per_task and not 1 <= (options.task or 0) <= len(options.finetuned):
        parser.error(
            f"{options.method} makes one model per task: give --task from 1 to {len(options.finetuned)}"
            + ("" if options.task is None else f", got {options.task}")
        )
    if options.task is not None and not per_task:
        parser.error(f"--task has no meaning for {options.method}, which makes one model for all tasks")
    settings = {key: value for key in _settings() if (value := getattr(options, key)) is not None}

    def write(progress: ProgressLine) -> Path:
        paths = [local_model(one) for one in (options.pretrained, *options.finetuned)]
        with plain_models(paths, options.choose) as (pretrained, *finetuned):
            for warning in other_pretraining(pretrained, finetuned, part=options.part, copy=options.copy):
                print(f"{prog}: warning: {warning}", file=sys.stderr)
            return merge_files(
                pretrained,
                finetuned,
                options.out,
                method=options.method,
                settings=settings,
                task=None if options.task is None else options.task - 1,
                weights=options.weights,
                alpha=options.alpha,
                beta=options.beta,
                progress=progress,
                **_shared(options),
            )

    return _run(prog, options.out, write)


def add_line(parser: argparse.ArgumentParser) -> None:
    """Add the options that `chosen_line` reads."""
    parser.add_argument("--gamma", type=decimal, help="from 0 to 1: alpha = GAMMA and beta = 1 - GAMMA")
    parser.add_argument("--alpha", type=decimal, help="scale of the first block and outside the blocks")
    parser.add_argument("--beta", type=decimal, help="rise from the first block to the last")


def chosen_line(parser: argparse.ArgumentParser, options: argparse.Namespace) -> tuple[float, float]:
    """alpha and beta, also from a gamma that ties them. Ends the program unless it is one of the two."""
    tied, free = options.gamma is not None, options.alpha is not None and options.beta is not None
    if tied == free or (tied and (options.alpha is not None or options.beta is not None)):
        parser.error("give --gamma, or --alpha and --beta")
    if tied and (options.gamma < 0.0 or options.gamma > 1.0):
        parser.error(
            f"--gamma is from 0 to 1, got {options.gamma:g}; other schedules are set by --alpha and --beta"
        )
    return (options.gamma, 1.0 - options.gamma) if tied else (options.alpha, options.beta)


def add_copy(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option that names parameters to which no update is applied."""
    parser.add_argument("--copy", nargs="+", default=(), metavar="NAME", help=f"{what}: classifier")


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what of a file is meant."""
    parser.add_argument("--part", choices=PARTS, help="of a model with several stacks of blocks")
    parser.add_argument("--choose", metavar="NAME", help="which model, of a file that holds several")


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Add the options for the schedule's shape, and for the parameters in no block."""
    parser.add_argument(
        "--shape", choices=list(SHAPES), default="linear", help="of the schedule (default linear)"
    )
    parser.add_argument(
        "--outside",
        choices=list(OUTSIDE_RULES),
        default="alpha",
        help="scale outside the blocks (default alpha)",
    )


def reported(prog: str, work: Callable[[], object], again: str = CONTINUES) -> int:
    """Do the work of a command; the reason in one line on standard error if it cannot be done.

    Args:
        again: what becomes of a command that was stopped.
    Returns: the exit status.
    """
    try:
        work()
    except ChoiceError as error:
        reason, status = f"{error} The option is --choose.", FAILED
    except LinesError as error:
        reason, status = str(error), FAILED
    except OSError as error:
        reason, status = _disk_problem(error), FAILED
    except KeyboardInterrupt:
        reason, status = f"stopped; {again}", STOPPED
    else:
        return 0
    reason = reason.replace("part=", "--part ")  # the library's argument is an option here
    print(f"{prog}: {' '.join(reason.split())}", file=sys.stderr)
    return status


def _run(prog: str, out: Path, write: Callable[[ProgressLine], Path]) -> int:
    def work() -> None:
        with ProgressLine(f"writing {out.name}") as progress:
            write(progress)
        print(f"Wrote {out}")

    return reported(prog, work)


def _parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Parser of the options that both commands have."""
    parser = OneLineParser(prog=prog, description=description)
    add_rules(parser)
    add_choice(parser)
    parser.add_argument("--dtype", choices=list(DTYPES), help="of the output (default: as it is)")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        help="a new folder, or a .safetensors file for one file of weights",
    )
    return parser


def _shared(options: argparse.Namespace) -> dict[str, Any]:
    """What `edit_files` and `merge_files` take alike."""
    alike = {key: getattr(options, key) for key in ("shape", "outside", "part", "copy")}
    return {**alike, "dtype": DTYPES.get(options.dtype)}


def _settings() -> dict[str, str]:
    """Settings of all methods by key, with the methods that have them."""
    owners: dict[str, list[str]] = {}
    for method in METHODS.values():
        for parameter in method.parameters:
            owners.setdefault(parameter.key, []).append(f"{method.key} (default {parameter.default:g})")
    return {key: f"setting of {', '.join(names)}" for key, names in owners.items()}


def _disk_problem(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "there is no space left; files that are finished are kept, the same command goes on with them"
    return f"{error.filename or 'a file'} cannot be used: {error.strerror}"
