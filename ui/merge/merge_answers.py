"""Answers of the tab "Merge": from its controls to what the browser shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from types import MappingProxyType

from evaluators.errors import Preparing, Queued
from evaluators.experiments.merge_comparison import MergeComparison, merge_comparison
from evaluators.experiments.merge_search import Score, score
from evaluators.experiments.merge_starts import start_coefficients, start_origin
from evaluators.experiments.table2 import Table2Row
from evaluators.labs.embedded_lab import TINY_CONVNEXT
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.paired_counts import Change
from lines_core.merging import complete_settings
from lines_core.schedules import SHAPES
from ui.live.live_answers import QUICK_PATIENCE, SETTLE_PATIENCE, LiveAnswers, waiting
from ui.live.live_panel import Value, answer
from ui.live.schedule_figure import schedule_alt, schedule_bars
from ui.live.subject import counted_on, line, model_title
from ui.merge import merge_text as words
from ui.merge.merge_controls import SHAPE, MergeControls, caught_up, config_of, merge_about
from ui.merge.merge_figures import NAMES, bars_alt, bars_figure
from ui.shell import markup
from ui.shell.text import percent, points

Evaluations = Callable[[EditSpec], Evaluation | None]
"""What is known of a spec so far."""
Gain = Callable[[str, Table2Row], Change | None]


def comparison_of(
    studio: Studio, controls: MergeControls, ticket: Ticket | None = None, patience: float | None = None
) -> MergeComparison:
    """The comparison that the controls ask for. Raises: as ``merge_comparison``."""
    return merge_comparison(
        studio,
        config_of(studio, controls),
        alpha=controls.lines_alpha,
        beta=controls.beta,
        plain=controls.plain,
        shape=controls.shape,
        images=controls.images,
        ticket=ticket,
        patience=patience,
    )


class MergeAnswers(LiveAnswers[MergeControls]):
    """Answers for all visitors of one Studio.

    Args:
        rows: of the tables of methods by model, which count all test images where a move counts a part.
        gain: what LiNeS changes in a row of a model, image by image; None where that was not measured.
    """

    panel = "merge"

    def __init__(
        self,
        studio: Studio,
        rows: Mapping[str, Sequence[Table2Row]] = MappingProxyType({}),
        gain: Gain = lambda model, row: None,
    ) -> None:
        super().__init__(studio)
        self._rows, self._gain = rows, gain

    def key(self, studio: Studio, controls: MergeControls) -> str:
        """Names the controls: the specs are known only once the weights are merged."""
        return sha256(repr(caught_up(studio, controls)).encode()).hexdigest()

    def first(self, studio: Studio, controls: MergeControls, ticket: Ticket) -> Value:
        """Both merges, cached or from a first chunk."""
        compared = comparison_of(studio, caught_up(studio, controls), ticket, QUICK_PATIENCE)
        merges = (*compared.lines, *compared.plain)
        first = {spec: studio.first(spec, ticket, QUICK_PATIENCE) for spec in merges}
        return self._render(
            studio, controls, compared, lambda spec: first.get(spec) or studio.cached(spec), ticket
        )

    def all(self, studio: Studio, controls: MergeControls, ticket: Ticket) -> Iterator[Value | Queued]:
        """Both merges and their baselines until all images are counted."""
        compared, waited = None, False
        while compared is None:
            try:
                compared = comparison_of(studio, caught_up(studio, controls), ticket, SETTLE_PATIENCE)
            except Preparing as preparing:
                waited = True
                yield preparing
        if waited:
            yield answer(version=ticket.version, state="partial")  # clears the waiting line
        merges = {*compared.lines, *compared.plain}
        found: dict[EditSpec, Evaluation] = {}
        for number, spec in enumerate(compared.all, 1):
            if number <= len(merges) > 2 and studio.cached(spec) is None:  # a model per task takes a while
                yield waiting(markup.waiting_line(words.measuring(number, len(merges))), ticket)
            for evaluation in studio.stream(spec, ticket, patience=SETTLE_PATIENCE):
                if isinstance(evaluation, Queued):
                    yield evaluation
                    continue
                found[spec] = evaluation
                if merges <= found.keys() and not evaluation.complete:
                    yield self._render(studio, controls, compared, found.get, ticket)
        yield self._render(studio, controls, compared, found.get, ticket)

    def _render(
        self,
        studio: Studio,
        controls: MergeControls,
        compared: MergeComparison,
        known: Evaluations,
        ticket: Ticket,
    ) -> Value:
        """Everything that the upper part of the tab shows."""
        lines, plain = _score(compared.lines, known), _score(compared.plain, known)
        if lines is None or plain is None:
            return answer(version=ticket.version, state="partial", slots={})
        finetuned, zero_shot = _score(compared.finetuned, known), _score(compared.zero_shot, known)
        complete = all(score is not None and score.complete for score in (lines, plain, finetuned, zero_shot))
        spec = compared.lines[0]
        alpha = words.alpha_text(compared.eq_2, compared.alpha, controls.auto)
        row = self._row(studio, controls, lines)
        said = [alpha, *([] if row else _start(studio, controls))]
        blocks = next(info.num_blocks for info in self.studio.models() if info.key == spec.model)
        return answer(
            version=ticket.version,
            state="complete" if complete else "partial",
            key=ticket.key,
            sample=counted_on(found for spec in compared.all if (found := known(spec)) is not None),
            charts={
                "bars": (bars_figure(lines, plain, zero_shot, finetuned, NAMES), bars_alt(lines, plain)),
                "factors": (schedule_bars(spec, blocks), schedule_alt(spec, blocks)),
            },
            slots={
                "subject": line(_about(studio, controls, compared)),
                "sentence": _sentence(
                    lines,
                    plain,
                    finetuned,
                    row,
                    spec.model != TINY_CONVNEXT,
                    self._gain(spec.model, row) if row else None,
                ),
                "tiles": _tiles(lines, plain, finetuned),
                "alpha": "".join(f'<p class="lx-status">{escape(one)}</p>' for one in said),
                "table": _table(lines, plain, zero_shot, finetuned),
            },
        )

    def _row(self, studio: Studio, controls: MergeControls, lines: Score) -> Table2Row | None:
        """The row of the table that merges the same on more images; None if there is none."""
        config = config_of(studio, caught_up(studio, controls))
        usual = dict(config.settings) == complete_settings(config.method, {})
        if config.weights or controls.shape != SHAPE or not usual:
            return None
        for row in self._rows.get(config.model, ()):
            same = [task.key for task in row.lines.tasks] == [task.key for task in lines.tasks]
            fewer = all(task.n < whole.n for task, whole in zip(lines.tasks, row.lines.tasks, strict=False))
            if row.method == config.method and same and fewer:
                return row
        return None


def _about(studio: Studio, controls: MergeControls, compared: MergeComparison) -> str:
    spec = compared.lines[0]
    shape = "" if controls.shape == SHAPE else f", {SHAPES[controls.shape].title.lower()}"
    more = f"LiNeS with α = {spec.alpha:.3g}, β = {spec.beta:g}{shape}, plain with λ = {controls.plain:g}"
    return merge_about(studio, config_of(studio, caught_up(studio, controls)), more)


def _start(studio: Studio, controls: MergeControls) -> list[str]:
    """Where the coefficients come from; nothing once a visitor has moved them."""
    if (controls.beta, controls.plain) != start_coefficients(controls.method, controls.model):
        return []
    origin = start_origin(controls.method, controls.model)
    return [words.start_text(origin and model_title(studio, origin))]


def _score(specs: Sequence[EditSpec], known: Evaluations) -> Score | None:
    """The score of a group of specs, None unless all are known."""
    evaluations = [evaluation for spec in specs if (evaluation := known(spec)) is not None]
    return score(evaluations) if len(evaluations) == len(specs) else None


def _sentence(
    lines: Score,
    plain: Score,
    finetuned: Score | None,
    row: Table2Row | None,
    shown_below: bool,
    gain: Change | None,
) -> str:
    text = words.sentence(lines, plain, finetuned if finetuned and finetuned.complete else None)
    evidence = words.evidence(lines, row, shown_below, gain)
    return f'<p class="lx-sentence">{escape(text)}</p><p class="lx-evidence">{escape(evidence)}</p>'


def _tiles(lines: Score, plain: Score, finetuned: Score | None) -> str:
    tiles = ""
    for role, name, merge in (("lines", "With LiNeS", lines), ("wise_ft", "Plain", plain)):
        low, high = merge.interval
        more = f"{100 * low:.1f} to {100 * high:.1f}"
        if merge is lines:
            more += f" · {points(lines.mean - plain.mean)} against plain"
        share = "" if finetuned is None else f"{percent(merge.normalised(finetuned))} normalised"
        tiles += markup.tile(name, share or "mean of the merged tasks", merge.mean, more, role)
    return f'<div class="lx-tiles">{tiles}</div>'


def _table(lines: Score, plain: Score, zero_shot: Score | None, finetuned: Score | None) -> str:
    columns = [("With LiNeS", lines), ("Plain", plain)]
    columns += [("Zero-shot", zero_shot)] if zero_shot else []
    columns += [("Fine-tuned", finetuned)] if finetuned else []
    rows = [
        [task.title, *(percent(column.tasks[index].accuracy) for _, column in columns)]
        for index, task in enumerate(lines.tasks)
    ]
    rows.append(["Mean", *(percent(column.mean) for _, column in columns)])
    return markup.plain_table("Accuracy per merged task", ["Task", *(name for name, _ in columns)], rows)
