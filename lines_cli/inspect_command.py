"""`lines inspect`: what a model is, and how far fine-tuning moved each of its blocks."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from math import prod
from pathlib import Path
from typing import Any

from lines_cli.model_commands import MODEL, add_choice, add_copy, reported
from lines_cli.model_paths import local_model
from lines_cli.plain_models import plain_models
from lines_cli.progress_line import ProgressLine
from lines_core.architectures.recognition import recognise
from lines_core.checkpoints import WeightFiles
from lines_core.checkpoints.limits import label_of
from lines_core.errors import LayerError
from lines_core.large_files.matched_names import matched_names, named_by
from lines_core.packed import refuse_packed
from lines_core.update_norms import UpdateNorm, update_norms
from lines_core.update_notes import update_notes
from serving.command_line import OneLineParser

WIDTH = 40
"""Characters of the longest bar."""


def main(arguments: Sequence[str], prog: str = "lines inspect") -> int:
    """Print what a model is; 0 if it could be read."""
    parser = OneLineParser(
        prog=prog, description="Say what a model is and how far fine-tuning moved each block."
    )
    parser.add_argument("model", metavar="F", help=MODEL)
    parser.add_argument(
        "--pretrained", metavar="P", help="what it was fine-tuned from: adds the update's norms"
    )
    add_choice(parser)
    add_copy(parser, "parameters, or beginnings of their names, that are not compared, such as a new head")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)

    def work() -> None:
        given = [options.model] if options.pretrained is None else [options.model, options.pretrained]
        with plain_models([local_model(one) for one in given], options.choose) as paths:
            found = inspected(*paths, part=options.part, copy=options.copy)
        print(json.dumps(found) if options.json else "\n".join(as_lines(found)))

    return reported(prog, work)


def inspected(
    model: Path, pretrained: Path | None = None, *, part: str | None = None, copy: Sequence[str] = ()
) -> dict[str, Any]:
    """What is known of a model, as plain JSON values.

    Args:
        copy: parameters that are in neither an update nor a block, as in `edit_files`.
    Raises: LinesError if a model cannot be read, is of no known architecture, or does not fit the other.
    """
    with ExitStack() as stack:
        after = stack.enter_context(WeightFiles(model))
        before = None if pretrained is None else stack.enter_context(WeightFiles(pretrained))
        refuse_packed(after.names, label_of(after.path))
        copied = named_by(copy, [after] if before is None else [after, before])
        blocks = recognise([name for name in after.names if name not in copied], part=part)
        counts: Counter[int | None] = Counter()
        for name, entry in after.entries.items():
            counts[blocks.block.get(name)] += prod(entry.shape)
        found: dict[str, Any] = {
            "architecture": blocks.family.title,
            "part": blocks.part,
            "num_blocks": blocks.num_blocks,
            "files": len(after.shards),
            "bytes": sum(size for size, *_ in after.stamps.values()),
            "dtypes": sorted({str(entry.dtype).removeprefix("torch.") for entry in after.entries.values()}),
            "weights": sum(counts.values()),
            "block_weights": [counts[block] for block in range(blocks.num_blocks)],
            "outside_weights": counts[None],
            "unchanged": sorted(blocks.unchanged | copied.intersection(after)),
        }
        if before is None:
            return found
        matched = matched_names(after, before, blocks.unchanged | copied)
        compared = {name: block for name, block in blocks.block.items() if name not in blocks.unchanged}
        with ProgressLine("reading both models") as progress:
            norms = update_norms(before, after, compared, renamed=matched, progress=progress)
        text = _text_names(after.names) if blocks.part == "image" else []
        notes = update_notes(norms, text)
        return found | {
            "total": _plain(norms.total),
            "blocks": [_plain(norm) for norm in norms.blocks],
            "outside": _plain(norms.outside),
            "notes": [{"kind": note.kind, "text": note.text} for note in notes],
        }


def as_lines(found: dict[str, Any]) -> list[str]:
    """The same for a reader: facts, and a bar for each block."""
    part = f", part {found['part']}" if found["part"] else ""
    lines = [
        f"architecture  {found['architecture']}{part}, {found['num_blocks']} blocks",
        f"weights       {found['weights']:,} in {', '.join(found['dtypes'])}; "
        f"{found['bytes'] / 1e9:.2f} GB in {found['files']} file{'s'[: found['files'] != 1]}",
    ]
    rows = [(f"block {number + 1}", count) for number, count in enumerate(found["block_weights"])]
    rows.append(("outside", found["outside_weights"]))
    if "total" not in found:
        return [*lines, "", *(f"{title:>9}  {count:>14,} weights" for title, count in rows)]
    norms = [*found["blocks"], found["outside"]]
    most = max((norm["relative"] or 0.0 for norm in norms), default=0.0)
    lines += ["", f"{'':9}  {'weights':>14}  {'update':>9}  update / pre-trained weights"]
    for (title, count), norm in zip(rows, norms, strict=True):
        relative = norm["relative"]
        filled = "#" * round(WIDTH * (relative or 0.0) / most) if most else ""
        lines.append(
            f"{title:>9}  {count:>14,}  {_short(norm['update']):>9}  {_short(relative):>7}  {filled}".rstrip()
        )
    total = found["total"]
    lines.append(
        f"{'total':>9}  {found['weights']:>14,}  {_short(total['update']):>9}  {_short(total['relative']):>7}"
    )
    return [*lines, "", *(f"note: {note['text']}" for note in found["notes"])][
        : None if found["notes"] else -1
    ]


def _plain(norm: UpdateNorm) -> dict[str, float | None]:
    """Norms as JSON has them, which knows no infinity."""
    values = {"update": norm.residual, "pretrained": norm.pretrained, "relative": norm.relative}
    return {key: value if math.isfinite(value) else None for key, value in values.items()}


def _text_names(names: Sequence[str]) -> list[str]:
    """Parameters of the text tower's blocks, of a model that has one."""
    try:
        blocks = recognise(names, part="text").block
    except LayerError:
        return []
    return [name for name, block in blocks.items() if block is not None]


def _short(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}" if value >= 1 else f"{value:.4f}"
