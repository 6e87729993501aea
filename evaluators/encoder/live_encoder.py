"""Image encoder with editable weights, shared by all sessions, and the residuals of its checkpoints."""

import sys
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from evaluators.encoder.cuda_graph import CudaGraphForward, Forward
from evaluators.encoder.image_format import fastest_format
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
"""Limit of the residual cache: four of ViT-B or one of ViT-L. On a GPU a quarter of its memory if more."""
MAX_RESIDUALS = 64
"""Limit for a small encoder, where computing a merge again takes milliseconds."""
ALPHAS_CACHED = 1024
_OUT_OF_MEMORY = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "HIP error: out of memory",
    "MPS backend out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
_DEVICE_LOST = (
    "CUDA error",
    "CUDA driver error",
    "HIP error",
    "CUBLAS_STATUS",
    "cuDNN error",
    "CUDNN_STATUS",
)


class LiveEncoder(ABC):
    """An image tower whose weights are views into one flat vector, edited in place.

    The caller holds the scheduler's turn over ``write_edit`` and the calls of ``encode`` that follow; all
    other methods are thread-safe.

    Args:
        loaded: the pre-trained CLIP; its image tower is adopted.
        dtype: of the live weights. The pre-trained weights and the residuals stay float32.
        layout: of the weights that are adopted, where they are not an image tower.
    Attributes:
        residuals: of its checkpoints and merges, on the tower's device.
        residual_paths: files of the checkpoints that were imported, by key.
        shared_merges: gives a merge that another process may have made; called with what makes it.
        problem: how the device failed; empty while it works.
    """

    def __init__(self, loaded: LoadedModel, dtype: torch.dtype, layout: FlatLayout | None = None) -> None:
        self.loaded = loaded
        named = dict(loaded.clip.named_parameters())
        self.layout = layout or FlatLayout.of({name: named[name] for name in named if name.startswith(TOWER)})
        self._pretrained = self.layout.flatten({name: named[name] for name in self.layout.names})
        _, self._live = adopt(loaded.clip, dtype=dtype, layout=self.layout)
        self._editor = LayerEditor(self.layout, self._pretrained, self._live)
        self._written: tuple[ResidualSpec, Scales] | None = None
        self._batch_limit = sys.maxsize
        self._memory_format = (
            fastest_format(loaded.clip.visual, self._live.device)
            if layout is None
            else torch.contiguous_format
        )
        self._forward = self._fastest_forward()
        self.residuals = ResidualCache(self._compute_residual, self.residual_cost, self._residual_bytes())
        self._alphas: OrderedDict[MergeSpec, MergingAlpha] = OrderedDict()
        self.residual_paths: dict[str, Path] = {}
        self.shared_merges: Callable[[MergeSpec, Callable[[], Tensor]], Tensor] = lambda spec, make: make()
        self.problem = ""

    @abstractmethod
    def _read_residual(self, checkpoint: str) -> Tensor:
        """The residual of a checkpoint, float32 (numel,) in depth order, on any device; mapped if large.

        Raises: LabError if its file is absent; CheckpointError if it cannot be read or does not fit.
        """

    @property
    def temperature(self) -> float:
        """s = exp(logit_scale), the factor of the cosine of image and text."""
        return float(self.loaded.clip.logit_scale.exp())

    def pretrained(self) -> dict[str, Tensor]:
        """theta_0 by name: views, not to be written to."""
        return self.layout.unflatten(self._pretrained)

    @property
    def flat_pretrained(self) -> Tensor:
        """theta_0 as one float32 vector (numel,), not to be written to."""
        return self._pretrained

    def residual_of(self, finetuned: Mapping[str, Tensor]) -> Tensor:
        """tau = theta_t - theta_0 of matching weights, float32 of shape (numel,), on the tower's device."""
        return self.layout.flatten(finetuned).to(self._pretrained.device).sub_(self._pretrained)

    def residual(self, spec: ResidualSpec) -> Tensor:
        """The residual of a checkpoint, or of a merge, on the tower's device.

        Raises: LabError if a file is absent, or there is not enough memory; CheckpointError if it cannot be
            read or does not fit; DeviceError if the device has failed.
        Cost: of a merge, at least a pass over all its checkpoints; none if it is cached.
        """
        return self.residuals.get(spec)

    def residual_cost(self, spec: ResidualSpec) -> int:
        """Bytes of memory that a residual takes."""
        return 4 * self.layout.numel

    def _residual_bytes(self) -> int:
        limit = RESIDUAL_BYTES
        if self._live.is_cuda:
            limit = max(limit, torch.cuda.get_device_properties(self._live.device).total_memory // 4)
        return min(limit, MAX_RESIDUALS * 4 * self.layout.numel)

    def _compute_residual(self, spec: ResidualSpec, check: CancelCheck) -> Tensor:
        """A residual that is not cached; if memory runs out, the cached ones are evicted first."""
        with self._translated_errors():
            while True:
                try:
                    if isinstance(spec, MergeSpec):
                        merged = self.shared_merges(spec, lambda: self._merge(spec, check))
                        return merged.to(self._pretrained.device)
                    return self._read_residual(spec).to(self._pretrained.device)
                except RuntimeError as error:
                    if not is_out_of_memory(error) or not self.residuals.evict_all(check):
                        raise
                if self._live.is_cuda:
                    torch.cuda.empty_cache()

    def merging_alpha(
        self, spec: MergeSpec, check: CancelCheck = never_cancel, patience: float | None = None
    ) -> MergingAlpha:
        """Eq. 2's alpha of a merge, with its ingredients. Arguments, Raises: as ``ResidualCache.pinned``.

        Cost: as ``residual``, and a pass over all its checkpoints; none if it is cached.
        """
        alpha = self._alphas.get(spec)
        if alpha is None:
            with self.residuals.pinned(spec, check, patience) as merged, stopped_by(check):
                alpha = self._alphas[spec] = merging_alpha(self._task_vectors(spec), merged.cpu())
            while len(self._alphas) > ALPHAS_CACHED:
                self._alphas.popitem(last=False)
        return alpha

    def drop(self, checkpoint: str) -> None:
        """Remove a deleted checkpoint, and merges with it, from the caches."""
        self.residual_paths.pop(checkpoint, None)
        self.residuals.drop(lambda spec: checkpoint in checkpoints_of(spec))
        for spec in [spec for spec in tuple(self._alphas) if checkpoint in spec.checkpoints]:
            self._alphas.pop(spec, None)

    def _merge(self, spec: MergeSpec, check: CancelCheck) -> Tensor:
        task = spec.checkpoints.index(spec.task) if spec.task else None
        with stopped_by(check):
            vectors, settings, layout = self._task_vectors(spec), dict(spec.settings), self.layout
            shapes, names = layout.shapes, layout.names
            return merge(spec.method, vectors, settings, task=task, shapes=shapes, names=names)

    def _task_vectors(self, spec: MergeSpec) -> list[Tensor]:
        """The residuals of a merge's checkpoints, weighted; those of weight 1 as stored: memory-mapped."""
        vectors = [self._read_residual(checkpoint).cpu() for checkpoint in spec.checkpoints]
        weighed = zip(vectors, spec.factors, strict=True)
        return [vector if factor == 1.0 else vector * factor for vector, factor in weighed]

    @torch.no_grad()
    def write_edit(self, residual: ResidualSpec, scales: Scales) -> None:
        """Set the tower's weights to theta_0 + lambda(l) * tau; a no-op if they are exactly that already.

        Starts from the pretrained weights each time: edits do not add up.

        Raises: as ``residual``. The weights are then unknown, and the next call writes.
        """
        if self._written == (residual, scales):
            return
        self.invalidate()  # if anything fails from here on, the next call writes
        with self._translated_errors():
            if not any((*scales.blocks, scales.before, scales.after)):
                self._editor.restore()
            else:
                blocks = torch.tensor(scales.blocks, dtype=torch.float64)
                self._editor.apply(self.residual(residual), blocks, scales.before, scales.after)
        self._written = (residual, scales)

    def _fastest_forward(self) -> Forward:
        """The fastest forward pass on this device that gives the same features as the eager one."""
        if self._live.is_cuda:
            return CudaGraphForward(self._run)
        return TracedForward(self.loaded.clip.visual, self._run) if self._live.is_cpu else self._run

    def _run(self, images: Tensor) -> Tensor:
        features: Tensor = self.loaded.clip.encode_image(images)
        return features

    def invalidate(self) -> None:
        """Mark the weights as unknown, so that the next ``write_edit`` writes."""
        self._written = None

    @contextmanager
    def invalidated_on_error(self) -> Iterator[None]:
        """Mark the weights as unknown if the ``with`` block raises.

        Raises: LabError in place of an out-of-memory error, DeviceError in place of one that says that the
            device has failed; any other error as it is.
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
            translated = self._as_lines_error(error)
            if translated is None:
                raise
            raise translated from error

    def _as_lines_error(self, error: Exception) -> LinesError | None:
        """The error for visitors if memory ran out or the device failed; None for any other error."""
        device = self._pretrained.device
        if is_out_of_memory(error):
            return LabError(
                f"There is not enough memory on {device} for this edit: close other programs that use it, or "
                "choose a smaller model."
            )
        if not is_device_lost(error):
            return None
        self.problem = f"{device} has failed: {str(error).strip().partition(chr(10))[0]}"
        return DeviceError(
            f"The device that the model runs on has failed ({device}). Cached results are still shown. "
            "Try again in a minute; if that does not help, the app has to be restarted."
        )

    def encode(self, images: Tensor) -> Tensor:
        """Image features of shape (n, D), not normalised: length does not change which class wins.

        If memory runs out, the batch size is halved from then on.

        Raises: LabError if there is not enough memory for one image; DeviceError if the device has failed.
        """
        with self.invalidated_on_error():
            features = self._encode(images)
            if features.is_cuda:
                torch.cuda.synchronize(features.device)  # else a failure would surface later, elsewhere
        self.problem = ""
        return features

    def _encode(self, images: Tensor) -> Tensor:
        images = images.contiguous(memory_format=self._memory_format)
        while True:
            size = min(self._batch_limit, len(images))
            try:
                features = [self._forward(batch) for batch in torch.split(images, size)]
                return features[0] if len(features) == 1 else torch.cat(features)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if size == 1:
                    raise LabError(
                        f"There is not enough memory on {images.device} for a single image: close other "
                        "programs that use it, or choose a smaller model."
                    ) from error
                self._batch_limit = size // 2
            if images.is_cuda:
                torch.cuda.empty_cache()  # not in the except block, where the error still holds tensors


def is_out_of_memory(error: Exception) -> bool:
    """Whether an allocation failed, which many libraries report as a plain RuntimeError."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or _contains(error, _OUT_OF_MEMORY)


def is_device_lost(error: Exception) -> bool:
    """Whether a GPU or its driver has failed; on CUDA every later call in this process fails too."""
    return isinstance(error, torch.AcceleratorError) or _contains(error, _DEVICE_LOST)


def _contains(error: Exception, messages: tuple[str, ...]) -> bool:
    return any(message in str(error) for message in messages)
