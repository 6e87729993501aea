"""The report on the text lab: Fig. 7 and Table 3, the paper's numbers beside ours."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

from evaluators import EditSpec, Evaluation
from evaluators.experiments.text_forgetting import (
    TEXT_GAMMAS,
    TEXT_PARTS,
    text_curves,
    text_edit,
    text_references,
)
from evaluators.experiments.text_merging import text_bounds, text_merges
from evaluators.labs.tiny_text_lab import TEXT_FOLDER, TinyTextLab
from evaluators.specs.intervals import mean_interval
from lines_core.merging import METHODS
from training.report_tables import markdown, pct, value_with_interval, with_interval
from training.study import read_evaluations

PAPER = {"sum": "71.9 → 76.4", "ties": "71.6", "consensus": "73.5 → 75.4"}
"""Table 3, 7 NLP tasks; with LiNeS as far as the text gives the difference."""
PAPER_ENDS = ("44.9", "85.9")
Measured = Mapping[EditSpec, Evaluation]


def text_section(assets: Path) -> Iterator[str]:
    """The lines of the section; none if the text lab does not ship."""
    folder = assets / TEXT_FOLDER
    if not folder.is_dir():
        return
    lab = TinyTextLab(folder, torch.device("cpu"), torch.float32, chunk=1)
    found = read_evaluations(sorted((folder / "sweeps").glob("*.json")))
    keys = [one.key for one in lab.checkpoints() if all(spec in found for spec in _needed(one.key))]
    if not keys:
        return
    yield from ("## Text: T5 (Fig. 7, Table 3)", "")
    yield (
        "A T5 of six encoder and six decoder blocks, pre-trained on an invented world and fine-tuned on "
        "six of seven kinds of questions; 300 test questions each, answered by rank classification (mean "
        f"log-likelihood of a token of each choice). Means over {len(keys)} checkpoints; 95 % intervals for "
        "other questions. "
        "Reading, the seventh kind, is a control task only: after as many steps its loss was still that of a "
        "guess."
    )
    yield ""
    yield from _forgetting(found, keys)
    yield ""
    yield from _task_by_task(found, keys, {one.key: one.title for one in lab.checkpoints()})
    yield ""
    yield from _claim(found, keys)
    yield ""
    bounds = text_bounds(lab, found)
    rows = [["pre-trained", with_interval(bounds[0]) if bounds[0] else "", "", "", "", PAPER_ENDS[0]]]
    for method, merge in text_merges(lab, found).items():
        if merge.plain and merge.lines:
            change = f"{100 * (merge.lines.mean - merge.plain.mean):+.1f}"
            chosen = f"{merge.scale:g} / {merge.beta:g}"
            scores = (with_interval(merge.plain), with_interval(merge.lines))
            rows.append([METHODS[method].title, *scores, change, chosen, PAPER[method]])
    rows.append(["fine-tuned", with_interval(bounds[1]) if bounds[1] else "", "", "", "", PAPER_ENDS[1]])
    header = ["merge of all", "plain", "LiNeS on the decoder", "change", "λ / β (validation)", "paper"]
    yield from markdown(header, rows)
    yield from _why(lab, found)


def _why(lab: TinyTextLab, found: Measured) -> Iterator[str]:
    """Where LiNeS starts above the best plain coefficient, said with the numbers."""
    alphas = lab.alphas()
    scales = {
        method: merge.scale for method, merge in text_merges(lab, found).items() if merge.scale is not None
    }
    above = [method for method, scale in scales.items() if scale < alphas[method]]
    if above:
        said = ", ".join(
            f"{METHODS[method].title} {scales[method]:g} against {alphas[method]:.3f}" for method in above
        )
        yield ""
        yield (
            "That LiNeS improves every merge does not show here. Fine-tuning changed these models so much "
            "that validation chooses the smallest coefficients, and α of Eq. 2, which is not tuned, lies "
            f"above the best plain one: {said}. LiNeS, whose coefficients start at α, cannot reach it."
        )


def _needed(key: str) -> list[EditSpec]:
    return [*text_references(key), *(spec for curve in text_curves(key).values() for spec in curve[1:])]


def _forgetting(found: Measured, keys: Sequence[str]) -> Iterator[str]:
    rows = []
    for title, place in (("pre-trained", 0), ("fine-tuned", 1)):
        rows.append([title, "", *_both([found[text_references(key)[place]] for key in keys])])
    for part in TEXT_PARTS:
        for gamma in TEXT_GAMMAS[1:]:
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
