"""The tab "Merge", from its controls to what the browser shows, at once and then chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from html import escape

from evaluators.errors import Preparing, Queued, Superseded
from evaluators.experiments.merge_search import Score, score
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.merge_spec import MergeSpec
from lines_core.merging import METHODS, MergingAlpha
from ui.explore.schedule_figure import schedule_alt, schedule_bars
from ui.live.asking import AT_ONCE, PATIENCE, all_numbers, alpha_of_eq_2, first_numbers
from ui.live.live_panel import Value, answer
from ui.live.queue_notice import in_line
from ui.live.visitors import Request, Visitors
from ui.merge import merge_text as words
from ui.merge.merge_controls import MergeControls, caught_up
from ui.merge.merge_figures import NAMES, bars_alt, bars_figure
from ui.shell import markup
from ui.shell.error_messages import message_of
from ui.shell.text import percent, points

Answers = Callable[[EditSpec], Evaluation | None]


@dataclass(frozen=True)
class Merged:
    """Everything that one position of the controls is measured by.

    Args:
        lines, plain, zero_shot, finetuned: specs, one or one a task.
        alpha: of LiNeS.
        found: Eq. 2's ingredients, None if alpha was set by hand.
    """

    lines: tuple[EditSpec, ...]
    plain: tuple[EditSpec, ...]
    zero_shot: tuple[EditSpec, ...]
    finetuned: tuple[EditSpec, ...]
    alpha: float
    found: MergingAlpha | None

    @property
    def all(self) -> tuple[EditSpec, ...]:
        """In the order in which they are wanted."""
        return (*self.lines, *self.plain, *self.finetuned, *self.zero_shot)


EqTwo = Callable[[str, MergeSpec], MergingAlpha]
"""Eq. 2's alpha, as ``Studio.merging_alpha`` has it."""


def alpha_of(eq_two: EqTwo, controls: MergeControls) -> tuple[float, MergingAlpha | None]:
    """LiNeS's alpha: by Eq. 2 where that is asked for and the method has one residual, else as set.

    Raises: SpecError, and as ``eq_two``.
    """
    config = controls.config()
    if METHODS[config.method].per_task:
        return (1.0 if controls.auto else controls.alpha), None
    if not controls.auto:
        return controls.alpha, None
    found = eq_two(config.model, config.merges[0])
    return found.alpha, found


def merged(eq_two: EqTwo, controls: MergeControls) -> Merged:
    """What the controls ask for.

    Raises: SpecError for anything that a visitor can set wrongly, and as ``eq_two``.
    """
    config = controls.config()
    alpha, found = alpha_of(eq_two, controls)
    images = controls.images
    return Merged(
        config.specs(alpha, controls.beta, controls.shape, images=images),
        config.specs(controls.plain, images=images),
        config.zero_shot(images=images),
        config.finetuned(images=images),
        alpha,
        found,
    )


class MergeAnswers:
    """Answers for all visitors of one studio. Nothing here raises: what goes wrong is said in the answer."""

    def __init__(self, studio: Studio, visitors: Visitors) -> None:
        self.studio = studio
        self.visitors = visitors

    def quick(self, visitor: str, controls: MergeControls, moves: float | None = None) -> Value | None:
        """What is known at once, cached or from a first chunk.

        None if a newer move has taken over, or ``settle`` of this one.
        """
        studio = self.studio.seen_by(visitor)
        controls = caught_up(studio, controls)
        name, key = _name(visitor), _key(controls)
        if self.visitors.settles(name, key):
            return None
        try:
            request = self.visitors.arrive(name, key, moves=moves)
        except Superseded:
            return None
        latest = partial(self.visitors.is_latest, name, request)
        try:
            asked = merged(partial(alpha_of_eq_2, studio, name, latest, AT_ONCE), controls)
            first = {spec: first_numbers(studio, spec, name, latest) for spec in (*asked.lines, *asked.plain)}
            return self.render(controls, asked, lambda spec: first.get(spec) or studio.cached(spec), request)
        except Queued as line:
            return in_line(line, request.version, request.key)
        except Superseded:
            return None
        except Exception as problem:  # noqa: BLE001 -- a live listener answers, whatever happened
            return _trouble(message_of(problem), request)

    def settle(self, visitor: str, controls: MergeControls, moves: float | None = None) -> Iterator[Value]:
        """The numbers until all images of all models are counted; stops when a newer move arrives."""
        name, studio = _name(visitor), self.studio.seen_by(visitor)
        controls = caught_up(studio, controls)
        try:
            request = self.visitors.arrive(name, _key(controls), settles=True, moves=moves)
        except Superseded:
            return
        latest = partial(self.visitors.is_latest, name, request)
        try:
            told = False
            while True:
                try:
                    asked = merged(partial(alpha_of_eq_2, studio, name, latest, PATIENCE), controls)
                    break
                except Preparing as line:
                    told = True
                    yield in_line(line, request.version, request.key)
            if told:
                yield answer(version=request.version, state="partial", slots={})
            found: dict[EditSpec, Evaluation] = {}
            for spec in asked.all:
                known = studio.cached(spec)
                if known is not None:
                    found[spec] = known
                    continue
                for evaluation in all_numbers(studio, spec, name, latest):
                    if isinstance(evaluation, Queued):
                        yield in_line(evaluation, request.version, request.key)
                        continue
                    found[spec] = evaluation
                    if all(one in found for one in (*asked.lines, *asked.plain)):
                        yield self.render(controls, asked, found.get, request)
            yield self.render(controls, asked, found.get, request)
        except Superseded:
            return
        except Exception as problem:  # noqa: BLE001 -- as above
            yield _trouble(message_of(problem), request)

    def render(self, controls: MergeControls, asked: Merged, known: Answers, request: Request) -> Value:
        """Everything the upper part of the tab shows."""
        lines, plain = _score(asked.lines, known), _score(asked.plain, known)
        if lines is None or plain is None:
            return answer(version=request.version, state="partial", slots={})
        finetuned, zero_shot = _score(asked.finetuned, known), _score(asked.zero_shot, known)
        complete = all(one is not None and one.complete for one in (lines, plain, finetuned, zero_shot))
        spec = asked.lines[0]
        blocks = next(one.num_blocks for one in self.studio.models() if one.key == spec.model)
        return answer(
            version=request.version,
            state="complete" if complete else "partial",
            key=request.key,
            charts={
                "bars": (bars_figure(lines, plain, zero_shot, finetuned, NAMES), bars_alt(lines, plain)),
                "factors": (schedule_bars(spec, blocks), schedule_alt(spec, blocks)),
            },
            slots={
                "sentence": _sentence(lines, plain, finetuned),
                "tiles": _tiles(lines, plain, finetuned),
                "alpha": f'<p class="lx-status">{escape(words.alpha_told(asked.found, asked.alpha))}</p>',
                "table": _table(lines, plain, zero_shot, finetuned),
            },
        )


def _name(visitor: str) -> str:
    return f"{visitor}:merge-live"


def _key(controls: MergeControls) -> str:
    """Names what was asked: known before the merge is, which may take a while."""
    return sha256(repr(controls).encode()).hexdigest()


def _score(specs: Sequence[EditSpec], known: Answers) -> Score | None:
    found = [known(spec) for spec in specs]
    there = [one for one in found if one is not None]
    return score(there) if len(there) == len(found) else None


def _sentence(lines: Score, plain: Score, finetuned: Score | None) -> str:
    said = words.sentence(lines, plain, finetuned if finetuned and finetuned.complete else None)
    seen = sum(task.n for task in lines.tasks)
    how = f"{seen:,} images of {len(lines.tasks)} tasks" + ("" if lines.complete else ", still counting")
    return f'<p class="lx-sentence">{escape(said)}</p><p class="lx-evidence">{escape(how)}</p>'


def _tiles(lines: Score, plain: Score, finetuned: Score | None) -> str:
    tiles = ""
    for role, name, one, other in (("lines", "With LiNeS", lines, plain), ("wise_ft", "Plain", plain, None)):
        low, high = one.interval
        more = f"{100 * low:.1f} to {100 * high:.1f}"
        if other is not None:
            more += f" · {points(one.mean - other.mean)} against plain"
        share = "" if finetuned is None else f"{percent(one.normalised(finetuned))} normalised"
        tiles += markup.tile(name, share or "mean of the merged tasks", one.mean, more, role)
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


def _trouble(message: str, request: Request) -> Value:
    return answer(version=request.version, state="error", slots={"sentence": markup.trouble(message)})
