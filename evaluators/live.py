"""The one image tower all visitors share, and the residuals of its fine-tuned checkpoints."""

import sys
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor

from evaluators.errors import LabError
from evaluators.measurement import Residual
from evaluators.merge import Merge
from evaluators.models import TOWER, LoadedModel
from evaluators.replay import Forward, ReplayedForward
from evaluators.spec import Scales
from lines_core.editing import LayerEditor
from lines_core.flat import FlatLayout, adopt
from lines_core.merging import MergingAlpha, merge, merging_alpha

RESIDUAL_BYTES = 512 * 2**20


class LiveEncoder(ABC):
    """An image tower whose weights are views into one flat vector, edited in place.

    Whoever calls ``carry`` and then ``encode`` holds the studio's lock over both; everything else
    here may be called from any thread.

    Args:
        loaded: the pre-trained CLIP; its image tower is adopted.
        dtype: of the live weights. The pre-trained ones and the residuals stay float32.
        residual_bytes: of residuals kept on the tower's device.
    """

    def __init__(self, loaded: LoadedModel, dtype: torch.dtype, residual_bytes: int = RESIDUAL_BYTES) -> None:
        self.loaded = loaded
        named = {name: value for name, value in loaded.clip.named_parameters() if name.startswith(TOWER)}
        self._pretrained = FlatLayout.of(named).flatten(named)
        self.layout, self._live = adopt(loaded.clip, TOWER, dtype)
        self._editor = LayerEditor(self.layout, self._pretrained, self._live)
        self._carries: tuple[Residual, Scales] | None = None
        self._at_once = sys.maxsize
        self._forward: Forward = ReplayedForward(self._run) if self._live.is_cuda else self._run
        self._residuals: OrderedDict[Residual, Tensor] = OrderedDict()
        self._alphas: dict[Merge, MergingAlpha] = {}
        self.residual_bytes = residual_bytes
        self._loading = threading.Lock()

    @abstractmethod
    def _read_residual(self, checkpoint: str) -> Tensor:
        """The residual of a checkpoint, float32 (numel,) in depth order, on any device; mapped if large.

        Raises: LabError if its file is absent; CheckpointError if it cannot be read or does not fit.
        """

    def pretrained(self) -> dict[str, Tensor]:
        """theta_0 by name: views that nobody may write to."""
        return self.layout.unflatten(self._pretrained)

    def residual_of(self, finetuned: Mapping[str, Tensor]) -> Tensor:
        """tau = theta_t - theta_0 of weights that fit, float32 of shape (numel,), on the tower's device."""
        return self.layout.flatten(finetuned).to(self._pretrained.device).sub_(self._pretrained)

    def residual(self, of: Residual) -> Tensor:
        """The residual of a checkpoint, or of a merge, on the tower's device.

        Kept for those used last, up to ``residual_bytes``, and always for this one.

        Raises: LabError if a file is absent; CheckpointError if it cannot be read or does not fit.
        Cost: of a merge, a pass or more over all its checkpoints; from then on none.
        """
        with self._loading:
            residual = self._residuals.get(of)
            if residual is None:
                merged = self._merge(of) if isinstance(of, Merge) else self._read_residual(of)
                residual = merged.to(self._pretrained.device)
                self._residuals[of] = residual
            self._residuals.move_to_end(of)
            while len(self._residuals) > 1 and _bytes(self._residuals) > self.residual_bytes:
                self._residuals.popitem(last=False)
            return residual

    def merging_alpha(self, of: Merge) -> MergingAlpha:
        """Eq. 2's alpha of a merge, with its ingredients. Raises, Cost: as ``residual``."""
        merged = self.residual(of)
        with self._loading:
            if of not in self._alphas:
                self._alphas[of] = merging_alpha(self._vectors(of), merged.cpu())
            return self._alphas[of]

    def _merge(self, of: Merge) -> Tensor:
        task = of.checkpoints.index(of.task) if of.task else None
        return merge(of.method, self._vectors(of), dict(of.settings), task=task)

    def _vectors(self, of: Merge) -> list[Tensor]:
        """The residuals of a merge as they are stored, so that large ones stay on disk."""
        return [self._read_residual(checkpoint).cpu() for checkpoint in of.checkpoints]

    @torch.no_grad()
    def carry(self, residual: Residual, scales: Scales) -> None:
        """Make the tower theta_0 + lambda(l) * tau; nothing is written if it is exactly that already.

        Starts from the pretrained weights each time, so it never matters what the tower carried before.
        """
        if self._carries == (residual, scales):
            return
        self.forget()  # whatever fails from here on, the next call writes
        if not any((*scales.blocks, scales.before, scales.after)):
            self._editor.restore()
        else:
            blocks = torch.tensor(scales.blocks, dtype=torch.float64)
            self._editor.apply(self.residual(residual), blocks, scales.before, scales.after)
        self._carries = (residual, scales)

    def _run(self, pictures: Tensor) -> Tensor:
        features: Tensor = self.loaded.clip.encode_image(pictures)
        return features

    def forget(self) -> None:
        """Take nothing for granted: the next ``carry`` writes. For use after something failed."""
        self._carries = None

    def encode(self, pictures: Tensor) -> Tensor:
        """Image features of shape (n, D), not normalised: length does not change which class wins.

        Where the memory does not suffice, half as many pictures at a time are tried, from then on.

        Raises: LabError if there is not memory enough for one picture.
        """
        while True:
            at_once = min(self._at_once, len(pictures))
            try:
                parts = [self._forward(part) for part in torch.split(pictures, at_once)]
                return parts[0] if len(parts) == 1 else torch.cat(parts)
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                if at_once == 1:
                    raise LabError(
                        f"There is not enough memory on {pictures.device} for a single picture: close what "
                        "else uses it, or choose a smaller model."
                    ) from error
                self._at_once = at_once // 2
                if pictures.is_cuda:
                    torch.cuda.empty_cache()


def is_out_of_memory(error: Exception) -> bool:
    """Whether an allocation failed. On the CPU torch raises a plain RuntimeError that says so in its text."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _bytes(residuals: OrderedDict[Residual, Tensor]) -> int:
    return sum(residual.numel() * residual.element_size() for residual in residuals.values())
