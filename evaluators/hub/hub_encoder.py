"""Pre-trained CLIP of the zoo: the image tower to edit, and the text tower for zero-shot heads."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evaluators.encoder.autotune import EngineConfig, TimedBlock, cached_config
from evaluators.encoder.classifier_heads import zero_shot_head
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.encoder.open_clip_folder import TOWER, LoadedModel
from evaluators.encoder.open_clip_import import import_open_clip
from evaluators.encoder.residual_files import mapped_residual
from evaluators.errors import LabError
from evaluators.specs.resolved_spec import ResidualSpec
from evaluators.zoo.public_encoders import Encoder
from lines_core.checkpoints import compare, read_checkpoint
from lines_core.errors import CheckpointError

TEMPERATURE = "logit_scale"
CLASSES_AT_ONCE = 10
"""Classes whose prompts are encoded together; bounds the memory, without influence on the result."""


def open_image_tower(encoder: Encoder, weights: Path, device: torch.device) -> LoadedModel:
    """The image tower with its pre-trained weights in float32, without the text tower.

    Args:
        weights: the file of the whole CLIP, open_clip names.
    Raises: LabError if the file is not this encoder's.
    Cost: half a second and twice the tower's memory for ViT-B/32.
    """
    clip, tokenizer = _empty_clip(encoder)
    named = _read(encoder, weights, clip, image=True)
    del clip.transformer, clip.token_embedding, clip.positional_embedding, clip.ln_final, clip.text_projection
    _fill(clip, named, device)
    return LoadedModel(clip, tokenizer)


class HubEncoder(LiveEncoder):
    """A public CLIP's image tower; its residuals are memory-mapped from ``residual_paths``.

    Args:
        row: of the zoo.
        weights: the file of the whole CLIP.
        identity: content name of that file.
        device: that the tower runs on.
        configs: folder where the autotuned dtype and chunk are kept.
        config: that is used in place of them.
    Raises: LabError if the file is not this encoder's.
    """

    def __init__(
        self,
        row: Encoder,
        weights: Path,
        identity: str,
        device: torch.device,
        configs: Path,
        config: EngineConfig | None = None,
    ) -> None:
        loaded = open_image_tower(row, weights, device)
        self.row = row
        self.weights = weights
        self.identity = identity
        self.device = device
        self.engine_config = config or cached_config(
            configs / f"{row.key}-{device.type}.json", TimedBlock.of_tower(loaded.clip.visual), device
        )
        super().__init__(loaded, self.engine_config.dtype)

    def residual_cost(self, of: ResidualSpec) -> int:
        """Bytes of memory that a residual takes: none for a mapped file."""
        return 0 if isinstance(of, str) and self.device.type == "cpu" else super().residual_cost(of)

    def _read_residual(self, checkpoint: str) -> Tensor:
        return mapped_residual(self.residual_paths[checkpoint], self.layout)


class TextTower:
    """The text tower, to make heads; its memory is free again with the last reference to it.

    Args:
        weights: as for ``open_image_tower``.
    Raises: LabError if the file is not this encoder's.
    """

    def __init__(self, encoder: Encoder, weights: Path, device: torch.device) -> None:
        clip, self._tokenizer = _empty_clip(encoder)
        named = _read(encoder, weights, clip, image=False)
        length = clip.context_length
        del clip.visual
        _fill(clip, named, device)
        # not a parameter, so not in the file: the causal mask
        clip.attn_mask = torch.full((length, length), float("-inf"), device=device).triu_(1)
        self._clip: Any = clip

    def head(
        self,
        classes: Sequence[str],
        prompts: Sequence[str],
        progress: Callable[[int, int], None] | None = None,
    ) -> Tensor:
        """The zero-shot classifier of class names, float32 (D, classes). Source: as ``zero_shot_head``.

        Args:
            progress: called with classes done and in total; may raise, to stop it.
        Cost: an encoder pass over each prompt of each class: of ImageNet 80,000 texts.
        """
        parts = []
        for start in range(0, len(classes), CLASSES_AT_ONCE):
            if progress is not None:
                progress(start, len(classes))
            names = classes[start : start + CLASSES_AT_ONCE]
            parts.append(zero_shot_head(self._clip, self._tokenizer, names, prompts))
        return torch.cat(parts, dim=1)


def _empty_clip(encoder: Encoder) -> tuple[Any, Callable[[list[str]], Tensor]]:
    """The CLIP on the meta device, which takes neither time nor memory, and its tokenizer."""
    open_clip = import_open_clip()
    with torch.device("meta"):
        clip = open_clip.CLIP(**open_clip.get_model_config(encoder.open_clip))
    return clip, _tokenizer(encoder.open_clip)


@cache
def _tokenizer(name: str) -> Callable[[list[str]], Tensor]:
    """The tokenizer of a configuration of open_clip; reading its 49,152 pairs takes a tenth of a second."""
    tokenizer: Callable[[list[str]], Tensor] = import_open_clip().get_tokenizer(name)
    return tokenizer


def _read(encoder: Encoder, weights: Path, clip: nn.Module, image: bool) -> dict[str, Tensor]:
    """Copies of one tower's tensors in float32, checked against the empty model's.

    The temperature, `logit_scale`, belongs to both.
    """
    try:
        tensors = read_checkpoint(weights)
        wanted, found = (
            {
                name: value
                for name, value in named.items()
                if name.startswith(TOWER) == image or name == TEMPERATURE
            }
            for named in (clip.state_dict(), tensors)
        )
        compare(wanted, found, encoder.title)
    except CheckpointError as error:
        raise LabError(f"The weights of {encoder.title} cannot be used: {error}") from error
    return {name: tensor.to(torch.float32, copy=True) for name, tensor in found.items()}


def _fill(clip: nn.Module, named: dict[str, Tensor], device: torch.device) -> None:
    """Replace the parameters of a model on the meta device."""
    clip.load_state_dict(
        {name: tensor.to(device) for name, tensor in named.items()}, strict=False, assign=True
    )
    clip.eval().requires_grad_(False)
