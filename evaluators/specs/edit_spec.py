"""Specification of an edited model and its evaluation, in one frozen value.

An ``EditSpec`` is the content of a share link, the argument of the public API and the provenance stored in an
exported checkpoint. Equal specs give equal counts.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import islice
from typing import Any, NamedTuple

import torch

from evaluators.errors import SpecError
from evaluators.specs.merge_spec import NAME, MergeSpec, task_of
from lines_core.editing import OUTSIDE_RULES, outside_scales
from lines_core.schedules import SHAPES, coefficients, free_form
from lines_core.serial_layout import SERIAL_PARTS
from lines_core.untrusted_text import quoted

FREE = "free"
SPLITS = ("val", "test")
MAX_COEFFICIENT = 10.0
MAX_IMAGES = 1_000_000_000
MAX_BLOCKS = 1000
"""Limit of ``free_form``; ViT-L/14 has 24 blocks."""
DECIMALS = 9


class Scales(NamedTuple):
    """Factors on the residual, the WiSE-FT mix already multiplied in.

    Args:
        blocks: lambda(1) .. lambda(L), shallowest block first.
        before: for the parameters before block 1 (patch and position embedding, ln_pre).
        after: for the parameters after block L (ln_post, proj).
    """

    blocks: tuple[float, ...]
    before: float
    after: float


@dataclass(frozen=True)
class EditSpec:
    """An edited model and the images that it is evaluated on.

        theta = theta_0 + mix * lambda(l) * tau,    lambda(l) = alpha + beta * f((l - 1) / (L - 1))    (Eq. 1)

    Numbers are rounded to nine decimals: a slider's 0.30000000000000004 equals 0.3.

    Args:
        model: key of the pre-trained encoder.
        checkpoint: key of the fine-tuned checkpoint, whose last part is the key of its target task:
            ``digits``, ``tall-masks.mnist``. With ``merge``, one of those merged, which is then set to the
            merge's ``task`` or to its first checkpoint.
        shape: f, a key of ``lines_core.schedules.SHAPES``, or ``"free"``.
        alpha: scale of block 1, a factor on the residual: 0 = pretrained, 1 = finetuned.
        beta: rise from block 1 to block L, same unit.
        outside: scale of the parameters in no block, a key of ``lines_core.editing.OUTSIDE_RULES``.
        mix: WiSE-FT coefficient, multiplies every factor: 0 = pretrained.
        split: ``"val"`` (to choose by) or ``"test"`` (to report).
        images: images per task; 0 = all.
        free_form: with shape ``"free"`` only: lambda(1) .. lambda(L), shallowest block first.
        merge: tau is its merged residual instead of the checkpoint's.
        part: whose blocks follow the schedule, of a model with an encoder and a decoder; empty for others.
    Raises: SpecError for an unknown name, a number that is not finite or beyond +-10, a wrong type.
    """

    model: str = "tiny-clip"
    checkpoint: str = "digits"
    shape: str = "linear"
    alpha: float = 1.0
    beta: float = 0.0
    outside: str = "alpha"
    mix: float = 1.0
    split: str = "test"
    images: int = 200
    free_form: tuple[float, ...] | None = None
    merge: MergeSpec | None = None
    part: str = ""

    def __post_init__(self) -> None:
        for field in ("model", "checkpoint"):
            name = getattr(self, field)
            if not isinstance(name, str) or not NAME.fullmatch(name):
                raise SpecError(
                    f"{field} must be a short name of letters, digits, '_', '-' or '.', got {quoted(name)}."
                )
        _one_of("shape", self.shape, (*SHAPES, FREE))
        _one_of("outside", self.outside, tuple(OUTSIDE_RULES))
        _one_of("split", self.split, SPLITS)
        _one_of("part", self.part, ("", *SERIAL_PARTS))
        for field in ("alpha", "beta", "mix"):
            object.__setattr__(self, field, _number(field, getattr(self, field)))
        whole = isinstance(self.images, int) and not isinstance(self.images, bool)
        if not whole or not 0 <= self.images <= MAX_IMAGES:
            raise SpecError(
                f"images must be a whole number of images per task, or 0 for all, got {quoted(self.images)}."
            )
        if (self.shape == FREE) != (self.free_form is not None):
            raise SpecError(
                f"free_form goes with shape 'free' and with nothing else, got shape {self.shape!r} "
                f"and free_form {quoted(self.free_form)}."
            )
        if self.free_form is not None:
            if not isinstance(self.free_form, tuple | list) or not 1 <= len(self.free_form) <= MAX_BLOCKS:
                raise SpecError(f"free_form must list one scale a block, got {quoted(self.free_form)}.")
            values = tuple(_number(f"free_form[{i}]", value) for i, value in enumerate(self.free_form))
            object.__setattr__(self, "free_form", values)
        if self.merge is not None:
            if not isinstance(self.merge, MergeSpec):
                raise SpecError(f"merge must be a MergeSpec, got {quoted(self.merge)}.")
            object.__setattr__(self, "checkpoint", self.merge.task or self.merge.checkpoints[0])

    @property
    def targets(self) -> tuple[str, ...]:
        """Keys of the target tasks."""
        return (task_of(self.checkpoint),) if self.merge is None else self.merge.tasks

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of the checkpoints that it is made of."""
        return (self.checkpoint,) if self.merge is None else self.merge.checkpoints

    @classmethod
    def pretrained(cls, checkpoint: str = "digits", **rest: Any) -> "EditSpec":
        """theta_0, without the residual."""
        return cls(checkpoint=checkpoint, shape="flat", alpha=0.0, **rest)

    @classmethod
    def merged(cls, merge: MergeSpec, alpha: float = 1.0, beta: float = 0.0, **rest: Any) -> "EditSpec":
        """theta_0 + lambda(l) * tau of a merge: with beta = 0 the plain merge under coefficient alpha."""
        return cls(checkpoint=merge.checkpoints[0], alpha=alpha, beta=beta, merge=merge, **rest)

    @classmethod
    def finetuned(cls, checkpoint: str = "digits", **rest: Any) -> "EditSpec":
        """theta_t, with the whole residual."""
        return cls(checkpoint=checkpoint, shape="flat", alpha=1.0, **rest)

    @classmethod
    def lines(cls, checkpoint: str = "digits", gamma: float = 0.5, **rest: Any) -> "EditSpec":
        """Single-task LiNeS (paper, section 3): alpha = gamma, beta = 1 - gamma."""
        gamma = _number("gamma", gamma)
        return cls(checkpoint=checkpoint, alpha=gamma, beta=1.0 - gamma, **rest)

    @classmethod
    def wise_ft(cls, checkpoint: str = "digits", mix: float = 0.5, **rest: Any) -> "EditSpec":
        """The WiSE-FT line (paper, section 5.1): theta_0 + mix * tau."""
        return cls(checkpoint=checkpoint, shape="flat", alpha=1.0, mix=mix, **rest)

    def scales(self, num_blocks: int) -> Scales:
        """Factors on the residual for an encoder of L = ``num_blocks`` blocks.

        Raises: SpecError if ``free_form`` has another length; ScheduleError from the schedule itself.
        """
        if self.free_form is None:
            blocks = coefficients(self.shape, self.alpha, self.beta, num_blocks)
        elif len(self.free_form) != num_blocks:
            raise SpecError(
                f"free_form has {len(self.free_form)} scales, the encoder {num_blocks} blocks: "
                "give one scale a block."
            )
        else:
            blocks = free_form(self.free_form, num_blocks)
        before, after = outside_scales(self.outside, self.alpha, blocks)
        mixed = (
            self.mix * torch.tensor([*blocks.tolist(), before, after], dtype=torch.float64) + 0.0
        ).tolist()
        return Scales(tuple(mixed[:-2]), mixed[-2], mixed[-1])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, the inverse of ``from_dict``."""
        plain = asdict(self)
        plain["free_form"] = None if self.free_form is None else list(self.free_form)
        del plain["merge"]
        if self.merge is not None:
            plain["merge"] = self.merge.as_dict()
        if not self.part:
            del plain["part"]  # so that keys of edits of image encoders stay as they were
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "EditSpec":
        """Inverse of ``as_dict``; absent keys get their defaults.

        Raises: SpecError for no mapping, an unknown key, or an invalid value.
        """
        known = sorted(field.name for field in fields(cls))
        if not isinstance(plain, Mapping):
            raise SpecError(f"An edit must be a mapping of settings, got {quoted(plain)}.")
        foreign = [*islice((name for name in plain if name not in known), 2)]
        if foreign:
            raise SpecError(
                f"An edit has no setting {', '.join(map(quoted, foreign))}: it has {', '.join(known)}."
            )
        values = dict(plain)
        if isinstance(values.get("free_form"), list):
            values["free_form"] = tuple(values["free_form"])
        if isinstance(values.get("merge"), Mapping):
            values["merge"] = MergeSpec.from_dict(values["merge"])
        return cls(**values)

    def key(self) -> str:
        """SHA-256 of the canonical JSON, stable over releases."""
        canonical = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def _one_of(field: str, value: object, known: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in known:
        raise SpecError(f"{field} must be one of {', '.join(known)}, got {quoted(value)}.")


def _number(field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{field} must be a number, got {quoted(value)}.")
    # "not <=" also refuses NaN; an integer of 400 digits is compared before it would overflow a float
    if not abs(value) <= MAX_COEFFICIENT:
        raise SpecError(
            f"{field} must be finite and between {-MAX_COEFFICIENT:g} and {MAX_COEFFICIENT:g}, "
            f"got {quoted(value)}."
        )
    return round(float(value), DECIMALS) + 0.0  # + 0.0 makes one zero of two
