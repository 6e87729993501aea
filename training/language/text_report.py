"""The report on the text lab: Fig. 7 and Table 3, the paper's numbers beside ours."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from evaluators import EditSpec, Evaluation
from evaluators.experiments.table2 import Table2Row
from evaluators.experiments.text_forgetting import (
    TEXT_PARTS,
    text_curves,
    text_edit,
    text_references,
)
from evaluators.experiments.text_merging import (
    PAPER_FINETUNED,
    PAPER_GAINS,
    PAPER_PLAIN,
    PAPER_ZERO_SHOT,
    text_bounds,
    text_merges,
)
from evaluators.labs.tiny_text_lab import TEXT_FOLDER, TinyTextLab
from evaluators.specs.intervals import mean_interval
from lines_core.merging import METHODS
from training.language.reading_attempt import LOGGED
from training.language.text_strength_report import strength_section
from training.report_tables import markdown, pct, value_with_interval, with_interval
from training.study import read_evaluations
from training.training_log import read_training_log
from ui.shell.text import signed

REPORTED = (0.6, 0.4, 0.2, 0.0)
"""Gammas in the table, of those that were measured."""
Measured = Mapping[EditSpec, Evaluation]


def text_section(assets: Path) -> Iterator[str]:
    """The lines of the section; none if the text lab does not ship."""
    folder = assets / TEXT_FOLDER
    if not folder.is_dir():
        return
    lab = TinyTextLab(folder, torch.device("cpu"), torch.float32, chunk=1)
    found = read_evaluations(sorted((folder / "sweeps").glob("*.json.gz")))
    keys = [one.key for one in lab.checkpoints() if all(spec in found for spec in _needed(one.key))]
    if not keys:
        return
    yield from ("## Text: T5 (Fig. 7, Table 3)", "")
    yield (
        "A T5 of six encoder and six decoder blocks, pre-trained on an invented world and fine-tuned on "
        "six of seven kinds of questions; 300 test questions each, answered by rank classification (mean "
        f"log-likelihood of a token of each choice). Means over {len(keys)} checkpoints; 95 % intervals for "
        "other questions. "
        f"{_reading(read_training_log(folder))}"
    )
    yield ""
    yield from _forgetting(found, keys)
    yield ""
    yield from _task_by_task(found, keys, {one.key: one.title for one in lab.checkpoints()})
    yield ""
    yield from _claim(found, keys)
    yield ""
    bounds = text_bounds(lab, found)
    rows = [["pre-trained", with_interval(bounds[0]) if bounds[0] else "", "", "", "", pct(PAPER_ZERO_SHOT)]]
    for row in text_merges(lab, found).values():
        if row is not None:
            scores = (with_interval(row.plain), with_interval(row.lines))
            chosen = f"{row.scale:g} / {row.beta:g}"
            rows.append([METHODS[row.method].title, *scores, _change(row), chosen, _paper(row.method)])
    rows.append(
        ["fine-tuned", with_interval(bounds[1]) if bounds[1] else "", "", "", "", pct(PAPER_FINETUNED)]
    )
    header = ["merge of all", "plain", "LiNeS on the decoder", "change", "λ / β (validation)", "paper"]
    yield from markdown(header, rows)
    yield ""
    gains = ", ".join(f"{METHODS[method].title} {signed(gain)}" for method, gain in PAPER_GAINS.items())
    yield (
        "The paper's figures are of T5-large and 7 NLP tasks. Those with LiNeS are the plain ones and the "
        f"gains in its text ({gains} points); it gives none for TIES on these tasks."
    )
    yield from strength_section(assets)


def _reading(log: Mapping[str, Mapping[str, Any]]) -> str:
    """What was run of the task that has no checkpoint."""
    long, easy = (log.get(name) for name in ("lookup", LOGGED))
    if long is None or easy is None:
        return ""
    return (
        "Reading, the seventh kind, is a control task only. It was fine-tuned once, for "
        f"{long['steps']} steps of {long['batch']} questions on three or four sentences "
        f"({long['seconds']:.0f} s): the loss fell to that of a guess among the places of the text. The same "
        f"training for {easy['steps']} steps on an easier form, two sentences and one of two places, answers "
        f"{easy['correct']} of {easy['n']} test questions of that form."
    )


def _paper(method: str) -> str:
    """'71.9 → 76.4': plain, and with the gain that LiNeS has in the paper's text."""
    plain, gain = PAPER_PLAIN[method], PAPER_GAINS.get(method)
    return pct(plain) if gain is None else f"{pct(plain)} → {pct(plain + gain)}"


def _change(row: Table2Row) -> str:
    low, high = row.gain_interval
    return f"{row.gain:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def _needed(key: str) -> list[EditSpec]:
    return [*text_references(key), *(spec for curve in text_curves(key).values() for spec in curve[1:])]


def _forgetting(found: Measured, keys: Sequence[str]) -> Iterator[str]:
    rows = []
    for title, place in (("pre-trained", 0), ("fine-tuned", 1)):
        rows.append([title, "", *_both([found[text_references(key)[place]] for key in keys])])
    for part in TEXT_PARTS:
        for gamma in REPORTED:
            models = [found[text_edit(key, part, gamma)] for key in keys]
            rows.append([f"LiNeS on {part}", f"{gamma:g}", *_both(models)])
    yield from markdown(["model", "γ", "target", "control"], rows)


def _both(models: Sequence[Evaluation]) -> tuple[str, str]:
    """Mean target and mean control of several checkpoints, with intervals."""
    targets = [(task.correct, task.n) for model in models for task in model.target_tasks]
    controls = [(task.correct, task.n) for model in models for task in model.control_tasks]
    return tuple(  # type: ignore[return-value]
        value_with_interval(sum(right / n for right, n in counts) / len(counts), mean_interval(counts))
        for counts in (targets, controls)
    )


def _task_by_task(found: Measured, keys: Sequence[str], titles: Mapping[str, str]) -> Iterator[str]:
    rows = []
    for key in keys:
        specs = (*text_references(key), *(text_edit(key, part, 0.0) for part in TEXT_PARTS))
        models = [found[one] for one in specs]
        rows.append([titles[key], *(f"{pct(one.target)} / {pct(one.control)}" for one in models)])
    header = ["target / control", "pre-trained", "fine-tuned", *(f"{part}, γ = 0" for part in TEXT_PARTS)]
    yield from markdown(header, rows)


def _claim(found: Measured, keys: Sequence[str]) -> Iterator[str]:
    """What became of the paper's words on its Fig. 7."""

    def change(part: str, of: str) -> float:
        edits = [found[text_edit(key, part, 0.0)] for key in keys]
        whole = [found[text_references(key)[1]] for key in keys]
        rise: float = sum(getattr(a, of) - getattr(b, of) for a, b in zip(edits, whole, strict=True))
        return rise / len(keys)

    said = ", ".join(
        f"{part} {100 * change(part, 'target'):+.1f} target and {100 * change(part, 'control'):+.1f} control"
        for part in TEXT_PARTS
    )
    keeps = change("decoder", "target") > change("encoder", "target")
    yield (
        "The paper (C.5): only the decoder keeps the target, the encoder loses it, and control improves a "
        f"little. Here, γ = 0 against fine-tuned, in points: {said}. The decoder keeps "
        f"{'more' if keeps else 'less'} of the target than the encoder: the effect "
        f"{'shows' if keeps else 'does not show'}. "
        "Other than in the paper, fine-tuning lowers control accuracy here: the model has practised the "
        "seven tasks before, so there is something to forget."
    )
