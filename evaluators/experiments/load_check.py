"""Self-test at the end of a load: every loaded public checkpoint against its published accuracy."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from evaluators.experiments.sweeps import ALL_IMAGES
from evaluators.hub.published_check import AccuracyCheck, self_test
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.zoo import FAMILIES
from evaluators.zoo.public_texts import GLUE


@dataclass(frozen=True)
class CheckProgress:
    """How far a self-test is.

    Args:
        done, total: models measured: the pre-trained one, then each fine-tuned one.
        checks: of the model measured last; empty before the first, and for one without published accuracy.
    """

    done: int
    total: int
    checks: tuple[AccuracyCheck, ...] = ()


def check_load(studio: Studio, model: str, ticket: Ticket | None = None) -> Iterator[CheckProgress]:
    """Measure what was loaded of an encoder on all loaded test images, in the background of other requests.

    Args:
        ticket: as for ``Studio.stream``.
    Raises: SpecError if the encoder is not loaded; Superseded; else as ``Studio.evaluate``.
    Cost: an evaluation of the pre-trained model and of each checkpoint; known ones cost nothing.
    """
    families = {*FAMILIES, GLUE}
    keys = [one.key for one in studio.checkpoints(model) if one.key.partition(".")[0] in families]
    specs = [*map(EditSpec.pretrained, keys[:1]), *map(EditSpec.finetuned, keys)]
    yield CheckProgress(0, len(specs))
    for done, spec in enumerate(specs, 1):
        evaluation = studio.evaluate(replace(spec, model=model, images=ALL_IMAGES), ticket, background=True)
        yield CheckProgress(done, len(specs), self_test(evaluation))
