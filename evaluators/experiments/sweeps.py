"""Sweeps: the edits along a curve of the paper, measured one by one through the studio."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evaluators.errors import Cancelled, EvaluationError
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.service.result_cache import FINGERPRINT
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation

ALL_IMAGES = 0
Found = Mapping[EditSpec, Evaluation]
"""Evaluations measured so far."""
KEPT_TARGET = 0.99
"""Share of the fine-tuned target accuracy that both curves of Fig. 1 are compared at."""
GAMMAS = tuple((10 - i) / 10 for i in range(11))
WISE_FT_MIXES = tuple(step / 10 for step in range(11))
"""From pretrained to finetuned in tenths, as Wortsman et al. (2022) draw their curves."""
ROBUST_ALPHA = ROBUST_BETA = 0.5


def reference_specs(
    checkpoint: str, split: str = "test", images: int = 200, model: str = TINY_CLIP
) -> tuple[EditSpec, EditSpec]:
    """The pre-trained and the fine-tuned model."""
    return (
        EditSpec.pretrained(checkpoint, model=model, split=split, images=images),
        EditSpec.finetuned(checkpoint, model=model, split=split, images=images),
    )


def gamma_sweep(
    checkpoint: str,
    split: str = "test",
    shape: str = "linear",
    images: int = 200,
    model: str = TINY_CLIP,
) -> tuple[EditSpec, ...]:
    """Single-task LiNeS, gamma = 1.0 (fine-tuned), 0.9, ..., 0.0, with alpha = gamma and beta = 1 - gamma.

    With shape ``"reverse"`` the deep blocks shrink instead of the shallow ones (the paper's Fig. 1). What
    lies before block 1 then goes with block 1, and what lies after block L with block L: scaled by alpha,
    the embeddings would shrink although the shallow blocks do not.
    """
    outside = "depth" if shape == "reverse" else "alpha"
    return tuple(
        EditSpec.lines(
            checkpoint, gamma, model=model, shape=shape, outside=outside, split=split, images=images
        )
        for gamma in GAMMAS
    )


def wise_ft_sweep(
    checkpoint: str, split: str = "test", images: int = 200, model: str = TINY_CLIP
) -> tuple[EditSpec, ...]:
    """The WiSE-FT line from pre-trained to fine-tuned: mix = 0.0, 0.1, ..., 1.0 (paper, section 5.1)."""
    return tuple(
        EditSpec.wise_ft(checkpoint, mix, model=model, split=split, images=images) for mix in WISE_FT_MIXES
    )


def robust_sweep(
    checkpoint: str, split: str = "test", images: int = 200, model: str = TINY_CLIP
) -> tuple[EditSpec, ...]:
    """LiNeS + WiSE-FT (Fig. 3): theta_0 + mix * lambda(l) tau, alpha = beta = 0.5, mix = 0.0 to 1.0."""
    return tuple(
        EditSpec(
            model=model,
            checkpoint=checkpoint,
            alpha=ROBUST_ALPHA,
            beta=ROBUST_BETA,
            mix=mix,
            split=split,
            images=images,
        )
        for mix in WISE_FT_MIXES
    )


def run_sweep(
    studio: Studio,
    specs: Iterable[EditSpec],
    ticket: Ticket | None = None,
    cancelled: threading.Event | None = None,
    *,
    fresh: bool = False,
) -> Iterator[tuple[EditSpec, Evaluation]]:
    """Evaluate one spec after the other in the background; yields each once complete, cached ones at once.

    Args:
        studio: evaluates; live requests have priority over a sweep.
        specs: the points in order.
        ticket: as for ``Studio.stream``, of a panel of its own: requests of one panel supersede each other.
        cancelled: checked after every chunk.
        fresh: measure even what is cached.
    Raises: Cancelled once ``cancelled`` is set; otherwise as ``Studio.stream``. Earlier points stay cached.
    """
    for number, spec in enumerate(specs):
        for evaluation in studio.stream(spec, ticket, fresh=fresh, background=True):
            if cancelled is not None and cancelled.is_set():
                raise Cancelled(f"The sweep was cancelled after {number} points.")
            if evaluation.complete:
                yield spec, evaluation


def best_control(curve: Sequence[Evaluation], finetuned: Evaluation) -> Evaluation:
    """The point of the best control accuracy that keeps ``KEPT_TARGET`` of the fine-tuned target accuracy.

    The fine-tuned model's if there is no such point.
    """
    enough = KEPT_TARGET * finetuned.target
    kept = (point for point in curve if point.target >= enough)
    return max(kept, key=lambda point: point.control, default=finetuned)


def largest_difference(before: Found, after: Found) -> float:
    """Largest difference of a task's accuracy between two measurements of the same specs; 0 without any."""
    return max(
        (
            abs(first.accuracy - second.accuracy)
            for spec in after
            if spec in before
            for first, second in zip(before[spec].tasks, after[spec].tasks, strict=True)
        ),
        default=0.0,
    )


def save_precomputed(studio: Studio, path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write evaluations that ship with the lab, and the lab's fingerprint.

    Args:
        studio: whose lab was measured.
        path: a ``.json`` file in the folder of the model's sweeps; the fingerprint there holds for all.
    Raises: EvaluationError if one of them is partial, or not of the embedded model of the others.
    """
    if not all(evaluation.complete for evaluation in evaluations):
        raise EvaluationError("Only complete evaluations ship, got a partial one.")
    models = {evaluation.spec.model for evaluation in evaluations} or {TINY_CLIP}
    lab = studio.embedded(models.pop())
    if models or lab is None:
        raise EvaluationError("Evaluations ship with one embedded model, got those of others.")
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = [replace(evaluation, precomputed=False).as_dict() for evaluation in evaluations]
    path.write_text(json.dumps(plain, separators=(",", ":")) + "\n", encoding="utf-8")
    (path.parent / FINGERPRINT).write_text(lab.fingerprint() + "\n", encoding="utf-8")
