"""Figures of the page "Learned coefficients": coefficients by depth (Fig. 5), and accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluators.experiments.coefficient_learning import LEARNERS
from evaluators.experiments.learned_merge import LearnedMerge, mean_over_seeds
from evaluators.experiments.merge_search import Score
from ui.learned import learned_text as words
from ui.shell.figure_style import Figure, Trace, axis, figure, marker, percent, percent_axis, whiskers
from ui.shell.text import decimal

DASHES = {"attention": "solid", "mlp": "dash", "": "solid"}
SYMBOLS = {"adamerging": "diamond-open", "atlas": "star"}
ROLE_OF = {
    words.ZERO_SHOT: "pretrained",
    words.PLAIN: "wise_ft",
    words.LINES: "lines",
    words.FINETUNED: "finetuned",
}


def depth_figure(
    lines: Sequence[float],
    plain: float,
    runs: Mapping[str, Sequence[LearnedMerge]],
    here: LearnedMerge | None,
) -> Figure:
    """Coefficients of the blocks: LiNeS's line, the plain sum's, and what was learned.

    Args:
        lines: LiNeS's coefficient of block 1 .. L.
        plain: task arithmetic's.
        runs: the shipped runs of each learner, by seed.
        here: what is being learned, or was, in place of the shipped runs of its learner.
    """
    blocks = list(range(1, len(lines) + 1))
    traces = [
        _curve(blocks, [plain] * len(blocks), words.PLAIN, "wise_ft", "dot", "triangle-up"),
        _curve(blocks, lines, words.LINES, "lines", "solid", "circle", width=4),
    ]
    for learner in LEARNERS:
        shown = [here] if here is not None and here.learner == learner else runs.get(learner, ())
        if shown:
            traces += _learned(blocks, shown, here is not None and shown[0] is here)
    return figure(
        traces,
        xaxis=axis("block, from shallow to deep", dtick=1 if len(blocks) <= 12 else 4),
        yaxis=axis("coefficient", rangemode="tozero"),
        showlegend=True,
        legend={"orientation": "h", "y": -0.22, "font": {"size": 12, "color": "@ink"}},
        margin={"l": 52, "r": 14, "t": 10, "b": 96},
        uirevision="learned",
    )


def _learned(blocks: list[int], runs: Sequence[LearnedMerge], here: bool) -> list[Trace]:
    """One curve for each half of the blocks: the mean over repetitions, with their range."""
    learner = runs[0].learner
    traces = []
    for part in runs[0].profile:
        repeated = list(zip(*(run.mean_profile()[part] for run in runs), strict=True))
        means = [sum(values) / len(values) for values in repeated]
        name = f"{LEARNERS[learner].title}{f', {words.part_name(part)}' if part else ''}"
        name = f"{name}, {words.HERE}" if here else name
        curve = _curve(blocks, means, name, learner, DASHES[part], SYMBOLS[learner])
        if len(runs) > 1:
            pairs = list(zip(repeated, means, strict=True))
            curve["error_y"] = {
                "type": "data",
                "symmetric": False,
                "array": [round(max(values) - mean, 4) for values, mean in pairs],
                "arrayminus": [round(mean - min(values), 4) for values, mean in pairs],
                "color": f"@{learner}/0.5",
                "thickness": 1.2,
                "width": 3,
            }
        traces.append(curve)
    return traces


def _curve(
    blocks: Sequence[int],
    values: Sequence[float],
    name: str,
    colour: str,
    dash: str,
    symbol: str,
    width: float = 2.2,
) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(blocks),
        "y": [round(value, 4) for value in values],
        "line": {"color": f"@{colour}", "width": width, "dash": dash},
        "marker": {"symbol": symbol, "size": 7, "color": f"@{colour}"},
        "hovertemplate": f"<b>{name}</b>, block %{{x}}: %{{y:.3f}}<extra></extra>",
    }


def depth_alt(lines: Sequence[float], runs: Sequence[LearnedMerge]) -> str:
    """The curves in words."""
    said = [f"LiNeS {_listed(lines)}"]
    for run in runs:
        for part, values in run.mean_profile().items():
            said.append(f"{words.title_of(run)} {words.part_name(part)} {_listed(values)}")
    return f"Lines of the mean coefficient of each block, shallowest first: {'; '.join(said)}."


def _listed(values: Sequence[float]) -> str:
    return ", ".join(map(decimal, values))


def accuracy_figure(
    scores: Mapping[str, Score], runs: Sequence[tuple[str, Sequence[LearnedMerge]]]
) -> Figure:
    """A row for each model: mean accuracy with its interval, and the repetitions as small marks.

    Args:
        scores: by title, of the models that are not learned; "Separate models" comes last.
        runs: (title, repetitions) of what was learned.
    """
    rows: list[tuple[str, Score, dict[str, Any], str]] = []
    for title in (words.ZERO_SHOT, words.PLAIN, words.LINES):
        if title in scores:
            rows.append((title, scores[title], marker(ROLE_OF[title], 12), ROLE_OF[title]))
    for title, repeated in runs:
        learner = repeated[0].learner
        look = {"symbol": SYMBOLS[learner], "size": 12, "color": f"@{learner}", "line": {"width": 2}}
        rows.append((title, mean_over_seeds(repeated).score, look, learner))
    if words.FINETUNED in scores:
        rows.append((words.FINETUNED, scores[words.FINETUNED], marker("finetuned", 12), "finetuned"))
    traces = [_dot(*row) for row in rows]
    for title, repeated in runs:
        if len(repeated) > 1:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": [percent(run.score.mean) for run in repeated],
                    "y": [title] * len(repeated),
                    "marker": {"symbol": "line-ns-open", "size": 12, "color": f"@{repeated[0].learner}"},
                    "hovertemplate": "one seed, an order of the images: %{x:.1f} %<extra></extra>",
                }
            )
    ends = [end for _, score, _, _ in rows for end in score.interval]
    return figure(
        traces,
        xaxis=percent_axis("accuracy on test images →", ends, nticks=3, tickangle=0),
        yaxis=axis(
            "",
            autorange="reversed",
            type="category",
            categoryorder="array",
            categoryarray=[title for title, *_ in rows],
            tickvals=[title for title, *_ in rows],
            ticktext=[title.replace(f" {words.ON_TEST}", f"<br>{words.ON_TEST}") for title, *_ in rows],
            tickfont={"size": 12, "color": "@ink"},
            automargin=True,
            fixedrange=True,
        ),
        annotations=[_value(title, score) for title, score, _, _ in rows],
        margin={"l": 10, "r": 52, "t": 10, "b": 46},
        uirevision="learned",
    )


def _dot(title: str, score: Score, look: dict[str, Any], colour: str) -> Trace:
    low, high = score.interval
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [percent(score.mean)],
        "y": [title],
        "marker": look,
        "error_x": whiskers([score.mean], [score.interval], colour),
        "hovertemplate": f"<b>{title}</b>: %{{x:.1f}} % ({100 * low:.1f} to {100 * high:.1f})<extra></extra>",
    }


def _value(title: str, score: Score) -> dict[str, Any]:
    return {
        "x": 1.0,
        "xref": "paper",
        "xanchor": "left",
        "y": title,
        "text": f"<b>{100 * score.mean:.1f}</b>",
        "showarrow": False,
        "xshift": 6,
        "font": {"size": 12, "color": "@ink"},
    }


def accuracy_alt(scores: Mapping[str, Score], runs: Sequence[tuple[str, Sequence[LearnedMerge]]]) -> str:
    """The rows in words."""
    listed = [(title, score) for title, score in scores.items()]
    listed += [(title, mean_over_seeds(repeated).score) for title, repeated in runs]
    said = "; ".join(
        f"{title} {100 * score.mean:.1f} % ({100 * score.interval[0]:.1f} to {100 * score.interval[1]:.1f})"
        for title, score in listed
    )
    return f"Mean accuracy of each model on test images: {said or 'not measured'}."
