"""Answers to the controls of the page Text: accuracies of the edited model, and what three models answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from evaluators.errors import Queued, SpecError
from evaluators.experiments.text_forgetting import TEXT_PARTS, text_edit, text_references
from evaluators.labs.text_lab import TextLab
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.zoo.public_texts import TEXT_MODELS
from ui.language import language_text as words
from ui.language.example_answers import example_table
from ui.language.language_figure import PART_ROLES
from ui.live.live_answers import QUICK_PATIENCE, SETTLE_PATIENCE, LiveAnswers
from ui.live.live_panel import Value, answer
from ui.live.subject import line
from ui.shell import markup


def text_models(values: Sequence[Any]) -> tuple[EditSpec, EditSpec, EditSpec]:
    """The pre-trained, the fine-tuned and the edited model that (model, task, part, gamma) ask for.

    Raises: SpecError if a value means nothing.
    """
    model, task, part, gamma = values
    if part not in TEXT_PARTS:
        raise SpecError(f"LiNeS acts on {', '.join(TEXT_PARTS)}, got {part!r}.")
    if isinstance(gamma, bool) or not isinstance(gamma, int | float) or not math.isfinite(gamma):
        raise SpecError(f"γ is a number from 0 to 1, got {gamma!r}.")
    edit = text_edit(task, part, round(gamma, 9), model=model)
    return *text_references(task, model=model), edit


def text_lab(studio: Studio, model: str) -> TextLab:
    """The lab of a text model. Raises: SpecError if it is not loaded, or reads no texts."""
    lab = studio.lab_of(model)
    if not isinstance(lab, TextLab):
        raise SpecError(f"{lab.info.title} reads images, not questions: choose a text model.")
    return lab


def loaded_text_lab(studio: Studio, model: str, follows: str) -> TextLab:
    """As ``text_lab``; of a model that is not loaded yet it says what follows, the curves on top how to load.

    Args:
        follows: a sentence with ``{model}``.
    """
    if model in TEXT_MODELS and model not in studio.text_labs():
        raise SpecError(follows.format(model=TEXT_MODELS[model].title))
    return text_lab(studio, model)


def edit_subject(studio: Studio, spec: EditSpec) -> str:
    """The model, task, part and gamma of an edit in words. Raises: SpecError as ``text_lab``."""
    titles = {one.key: one.title for one in studio.checkpoints(spec.model)}
    return words.EDIT_SUBJECT.format(
        model=text_lab(studio, spec.model).info.title,
        task=titles.get(spec.checkpoint, spec.checkpoint),
        part=words.PARTS[spec.part],
        gamma=spec.alpha,
    )


class LanguageAnswers(LiveAnswers[Sequence[Any]]):
    """Answers for all visitors of one Studio, to (model, task, part, gamma)."""

    panel = "text"

    def key(self, studio: Studio, controls: Sequence[Any]) -> str:
        """Names the edited model."""
        loaded_text_lab(studio, controls[0], words.HERE_FOLLOWS)
        return text_models(controls)[-1].key()

    def first(self, studio: Studio, controls: Sequence[Any], ticket: Ticket) -> Value:
        """What is known of the edit, or its first questions; the other two as far as they are known."""
        *references, edit = text_models(controls)
        here = studio.first(edit, ticket, QUICK_PATIENCE)
        return self._shown([*map(studio.cached, references), here], ticket)

    def all(self, studio: Studio, controls: Sequence[Any], ticket: Ticket) -> Iterator[Value | Queued]:
        """The edit over more and more questions, then what it is compared with where that is not known."""
        *references, edit = text_models(controls)
        models = [*map(studio.cached, references), None]
        for place, spec in ((2, edit), (1, references[1]), (0, references[0])):
            for found in studio.stream(spec, ticket, patience=SETTLE_PATIENCE):
                if isinstance(found, Queued):
                    yield found
                    continue
                models[place] = found
                yield self._shown(models, ticket)

    def _shown(self, models: Sequence[Evaluation | None], ticket: Ticket) -> Value:
        _, finetuned, edit = models
        assert edit is not None
        complete = all(model is not None and model.complete for model in models)
        return answer(
            version=ticket.version,
            state="complete" if complete else "partial",
            key=ticket.key,
            settled=complete,
            slots={
                "subject": line(edit_subject(self.studio, edit.spec)),
                "sentence": f'<p class="lx-evidence">{words.evidence(edit)}</p>',
                "tiles": _tiles(edit, finetuned if finetuned is not None and finetuned.complete else None),
                "examples": example_table(text_lab(self.studio, edit.spec.model), models) if complete else "",
            },
        )


def _tiles(edit: Evaluation, finetuned: Evaluation | None) -> str:
    tiles = ""
    for role, (name, what) in words.TILES.items():
        low, high = getattr(edit, f"{role}_interval")
        change = "" if finetuned is None else f" · {words.role_change(finetuned, edit, role)}"
        more = f"{100 * low:.1f} to {100 * high:.1f}{change}"
        tiles += markup.tile(name, what, getattr(edit, role), more, PART_ROLES[edit.spec.part])
    return f'<div class="lx-tiles">{tiles}</div>'
