"""The one image tower all visitors share, and the residuals of its fine-tuned checkpoints."""

import sys
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from evaluators.encoder.cuda_graph import CudaGraphForward, Forward
from evaluators.encoder.open_clip_folder import TOWER, LoadedModel
from evaluators.encoder.residual_cache import CancelCheck, ResidualCache, never_cancel
from evaluators.encoder.traced_forward import TracedForward
from evaluators.errors import DeviceError, LabError
from evaluators.specs.edit_spec import Scales
from evaluators.specs.merge_spec import MergeSpec
from evaluators.specs.resolved_spec import ResidualSpec, checkpoints_of
from lines_core.editing import LayerEditor
from lines_core.errors import LinesError
from lines_core.flat import FlatLayout, adopt
from lines_core.merging import MergingAlpha, merge, merging_alpha, stopped_by

RESIDUAL_BYTES = 1536 * 2**20
"""Of residuals in memory: four of ViT-B or one of ViT-L. On a GPU a quarter of its memory if that is more."""
MOST_RESIDUALS = 64
"""Of a small encoder, where another merge takes milliseconds."""
ALPHAS_KEPT = 1024
_NO_MEMORY = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "HIP error: out of memory",
    "MPS backend out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
_LOST = ("CUDA error", "CUDA driver error", "HIP error", "CUBLAS_STATUS", "cuDNN error", "CUDNN_STATUS")


class LiveEncoder(ABC):
    """An image tower whose weights are views into one flat vector, edited in place.

    Whoever calls ``write_edit`` and then ``encode`` holds the studio's lock over both; everything else
    here may be called from any thread.

    Args:
        loaded: the pre-trained CLIP; its image tower is adopted.
        dtype: of the live weights. The pre-trained ones and the residuals stay float32.
    Attributes:
        residuals: of its checkpoints and merges, on the tower's device.
        problem: how the device has failed; empty while it works, and again once it does.
    """

    def __init__(self, loaded: LoadedModel, dtype: torch.dtype) -> None:
        self.loaded = loaded
        named = {name: value for name, value in loaded.clip.named_parameters() if name.startswith(TOWER)}
        self._pretrained = FlatLayout.of(named).flatten(named)
        self.layout, self._live = adopt(loaded.clip, TOWER, dtype)
        self._editor = LayerEditor(self.layout, self._pretrained, self._live)
        self._written: tuple[ResidualSpec, Scales] | None = None
        self._batch_limit = sys.maxsize
        self._forward = self._fastest_forward()
        self.residuals = ResidualCache(self._make_residual, self.residual_cost, self._room())
        self._alphas: OrderedDict[MergeSpec, MergingAlpha] = OrderedDict()
        self.problem = ""

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

    def residual(self, of: ResidualSpec) -> Tensor:
        """The residual of a checkpoint, or of a merge, on the tower's device.

        Raises: LabError if a file is absent, or there is not memory enough; CheckpointError if it cannot be
            read or does not fit; DeviceError if the device has failed.
        Cost: of a merge, a pass or more over all its checkpoints; none if it is kept.
        """
        return self.residuals.get(of)

    def residual_cost(self, of: ResidualSpec) -> int:
        """Bytes of memory that a residual takes."""
        return 4 * self.layout.numel

    def _room(self) -> int:
        """Bytes that residuals may take."""
        room = RESIDUAL_BYTES
        if self._live.is_cuda:
            room = max(room, torch.cuda.get_device_properties(self._live.device).total_memory // 4)
        return min(room, MOST_RESIDUALS * 4 * self.layout.numel)

    def _make_residual(self, of: ResidualSpec, check: CancelCheck) -> Tensor:
        """One that is not kept yet. Where the memory does not suffice, those that are kept give way."""
        with self._translated_errors():
            while True:
                try:
                    made = self._merge(of, check) if isinstance(of, MergeSpec) else self._read_residual(of)
                    return made.to(self._pretrained.device)
                except RuntimeError as error:
                    if not is_out_of_memory(error) or not self.residuals.evict_all(check):
                        raise
                if self._live.is_cuda:
                    torch.cuda.empty_cache()

    def merging_alpha(
        self, of: MergeSpec, check: CancelCheck = never_cancel, patience: float | None = None
    ) -> MergingAlpha:
        """Eq. 2's alpha of a merge, with its ingredients. Arguments, Raises: as ``ResidualCache.pinned``.

        Cost: as ``residual``, and a pass over all its checkpoints; from then on none.
        """
        alpha = self._alphas.get(of)
        if alpha is None:
            with self.residuals.pinned(of, check, patience) as merged, stopped_by(check):
                alpha = self._alphas[of] = merging_alpha(self._vectors(of), merged.cpu())
            while len(self._alphas) > ALPHAS_KEPT:
                self._alphas.popitem(last=False)
        return alpha

    def drop(self, checkpoint: str) -> None:
        """Keep nothing more of a checkpoint that is gone, nor of merges with it."""
        self.residuals.drop(lambda of: checkpoint in checkpoints_of(of))
        for of in [one for one in tuple(self._alphas) if checkpoint in one.checkpoints]:
            self._alphas.pop(of, None)

    def _merge(self, of: MergeSpec, check: CancelCheck) -> Tensor:
        task = of.checkpoints.index(of.task) if of.task else None
        with stopped_by(check):
            return merge(of.method, self._vectors(of), dict(of.settings), task=task)

    def _vectors(self, of: MergeSpec) -> list[Tensor]:
        """The residuals of a merge as they are stored, so that large ones stay on disk."""
        return [self._read_residual(checkpoint).cpu() for checkpoint in of.checkpoints]

    @torch.no_grad()
    def write_edit(self, residual: ResidualSpec, scales: Scales) -> None:
        """Make the tower theta_0 + lambda(l) * tau; nothing is written if it is exactly that already.

        Starts from the pretrained weights each time, so it never matters what the tower carried before.

        Raises: as ``residual``. The weights are then unknown, and the next call writes.
        """
        if self._written == (residual, scales):
            return
        self.invalidate()  # whatever fails from here on, the next call writes
        with self._translated_errors():
            if not any((*scales.blocks, scales.before, scales.after)):
                self._editor.restore()
            else:
                blocks = torch.tensor(scales.blocks, dtype=torch.float64)
                self._editor.apply(self.residual(residual), blocks, scales.before, scales.after)
        self._written = (residual, scales)

    def _fastest_forward(self) -> Forward:
        """The forward pass as the device runs it best, with the very features of the eager one."""
        if self._live.is_cuda:
            return CudaGraphForward(self._run)
        return TracedForward(self.loaded.clip.visual, self._run) if self._live.is_cpu else self._run

    def _run(self, images: Tensor) -> Tensor:
        features: Tensor = self.loaded.clip.encode_image(images)
        return features

    def invalidate(self) -> None:
        """Take nothing for granted: the next ``write_edit`` writes. For use after something failed."""
        self._written = None

    @contextmanager
    def invalidated_on_error(self) -> Iterator[None]:
        """For whatever is done with the tower and its features: if it fails, the weights count as unknown.

        Raises: LabError in place of an error that says there is not memory enough, DeviceError in place of
            one that says the device has failed; any other error as it is.
        """
        try:
            with self._translated_errors():
                yield
        except BaseException:
            self.invalidate()
            raise

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            said = self._as_lines_error(error)
            if said is None:
                raise
            raise said from error

    def _as_lines_error(self, error: Exception) -> LinesError | None:
        """What a visitor is told of an error that is no mistake of ours; None for any other."""
        device = self._pretrained.device
        if is_out_of_memory(error):
            return LabError(
                f"There is not enough memory on {device} for this edit: close what else uses it, or choose a "
                "smaller model."
            )
        if not is_device_lost(error):
            return None
        self.problem = f"{device} has failed: {str(error).strip().partition(chr(10))[0]}"
        return DeviceError(
            f"The device that the model runs on has failed ({device}). Edits that were measured before are "
            "still answered. Try again in a minute; if that does not help, the app has to be restarted."
        )

    def encode(self, images: Tensor) -> Tensor:
        """Image features of shape (n, D), not normalised: length does not change which class wins.

        Where the memory does not suffice, half as many images at a time are tried, from then on.

        Raises: LabError if there is not memory enough for one image; DeviceError if the device has failed.
        """
        with self.invalidated_on_error():
            features = self._encode(images)
            if features.is_cuda:
                torch.cuda.synchronize(features.device)  # else its failure would only show later, elsewhere
        self.problem = ""
        return features

    def _encode(self, images: Tensor) -> Tensor:
        while True:
            at_once = min(self._batch_limit, len(images))
            try:
                parts = [self._forward(part) for part in torch.split(images, at_once)]
                return parts[0] if len(parts) == 1 else torch.cat(parts)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if at_once == 1:
                    raise LabError(
                        f"There is not enough memory on {images.device} for a single image: close what "
                        "else uses it, or choose a smaller model."
                    ) from error
                self._batch_limit = at_once // 2
            if images.is_cuda:
                torch.cuda.empty_cache()  # not above: there the error still holds what it could not use


def is_out_of_memory(error: Exception) -> bool:
    """Whether an allocation failed. Most of those who allocate say so only in the text of a RuntimeError."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or _contains(error, _NO_MEMORY)


def is_device_lost(error: Exception) -> bool:
    """Whether a GPU or its driver has failed; on CUDA every later call in this process fails too."""
    return isinstance(error, torch.AcceleratorError) or _contains(error, _LOST)


def _contains(error: Exception, signs: tuple[str, ...]) -> bool:
    return any(sign in str(error) for sign in signs)
