"""The choice of gamma for one checkpoint (C.1): which models it needs and what follows from their counts."""

from dataclasses import dataclass

from evaluators.experiments.sweeps import Found, gamma_sweep, reference_specs, run_sweep
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.gamma_choice import TARGET_WEIGHT, Choice, choose_gamma


@dataclass(frozen=True)
class GammaSearch:
    """gamma = 1.0, 0.9 .. 0.0 of a checkpoint, chosen on validation images and reported on test images.

    Args:
        checkpoint, model: keys.
        images: of each task, 0 for all.
    """

    checkpoint: str
    model: str = TINY_CLIP
    images: int = 200

    def references(self, split: str) -> tuple[EditSpec, EditSpec]:
        """The pre-trained and the fine-tuned model."""
        return reference_specs(self.checkpoint, split, self.images, self.model)

    def candidates(self, split: str) -> tuple[EditSpec, ...]:
        """LiNeS with every gamma, largest first."""
        return gamma_sweep(self.checkpoint, split, images=self.images, model=self.model)

    def specs(self, split: str) -> tuple[EditSpec, ...]:
        """References and candidates; C.1 needs those of "val"."""
        return (*self.references(split), *self.candidates(split))

    def choice(self, found: Found, weight: float = TARGET_WEIGHT) -> Choice | None:
        """C.1 from evaluations on validation; None while one of ``specs("val")`` is missing.

        Raises: EvaluationError as ``choose_gamma``.
        """
        if any(spec not in found for spec in self.specs("val")):
            return None
        pretrained, finetuned = (found[spec] for spec in self.references("val"))
        points = [(spec.alpha, found[spec]) for spec in self.candidates("val")]
        return choose_gamma(points, pretrained, finetuned, weight)

    def known(self, studio: Studio) -> float | None:
        """The gamma that C.1 chooses from cached evaluations; None while one is missing.

        Raises: SpecError if a task has no validation images.
        """
        cached = {spec: studio.cached(spec) for spec in self.specs("val")}
        choice = self.choice({spec: evaluation for spec, evaluation in cached.items() if evaluation})
        return None if choice is None else choice.gamma

    def measure(self, studio: Studio, ticket: Ticket | None = None) -> float:
        """The gamma that C.1 chooses, after measuring what is not cached.

        Raises: SpecError if a task has no validation images; otherwise as ``run_sweep``.
        """
        choice = self.choice(dict(run_sweep(studio, self.specs("val"), ticket)))
        assert choice is not None  # run_sweep yields every spec or raises
        return choice.gamma
