"""The one image tower all visitors share, and the residuals of its fine-tuned checkpoints."""

import threading
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor

from evaluators.errors import LabError
from evaluators.models import TOWER, LoadedModel, load_model
from evaluators.spec import Scales
from lines_core.checkpoints import compare, read_checkpoint
from lines_core.editing import LayerEditor
from lines_core.flat import adopt

RESIDUAL_BYTES = 512 * 2**20


def checkpoint_path(folder: Path, checkpoint: str) -> Path:
    """Where the weights fine-tuned on a task lie in a model's folder."""
    return folder / "finetuned" / f"{checkpoint}.safetensors"


def checkpoint_keys(folder: Path) -> tuple[str, ...]:
    """Keys of the fine-tuned checkpoints that are there."""
    return tuple(sorted(path.stem for path in (folder / "finetuned").glob("*.safetensors")))


class LiveEncoder:
    """An image tower whose weights are views into one flat vector, edited in place.

    Whoever calls ``carry`` and then ``encode`` holds the studio's lock over both; everything else
    here may be called from any thread.
    """

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        self.folder = folder
        self.loaded: LoadedModel = load_model(folder, device)
        named = {
            name: value.detach().clone()
            for name, value in self.loaded.clip.named_parameters()
            if name.startswith(TOWER)
        }
        self.layout, self._live = adopt(self.loaded.clip, TOWER, dtype)
        self._pretrained = self.layout.flatten(named)
        self._editor = LayerEditor(self.layout, self._pretrained, self._live)
        self._carries: tuple[str, Scales] | None = None
        self._residuals: OrderedDict[str, Tensor] = OrderedDict()
        self._loading = threading.Lock()

    def residual(self, checkpoint: str) -> Tensor:
        """tau = theta_t - theta_0 as one float32 vector in depth order.

        Kept for the checkpoints used last, up to ``RESIDUAL_BYTES``, and always for this one.

        Raises: LabError if the file is absent; CheckpointError if it cannot be read or does not fit.
        """
        with self._loading:
            residual = self._residuals.get(checkpoint)
            if residual is None:
                path = checkpoint_path(self.folder, checkpoint)
                if not path.is_file():
                    raise LabError(f"{path} is absent: checkpoint {checkpoint!r} has no weights.")
                finetuned = read_checkpoint(path)
                compare(self.layout.unflatten(self._pretrained), finetuned)
                residual = self.layout.flatten(finetuned).to(self._pretrained.device) - self._pretrained
                self._residuals[checkpoint] = residual
            self._residuals.move_to_end(checkpoint)
            while len(self._residuals) > 1 and _bytes(self._residuals) > RESIDUAL_BYTES:
                self._residuals.popitem(last=False)
            return residual

    @torch.no_grad()
    def carry(self, checkpoint: str, scales: Scales) -> None:
        """Make the tower theta_0 + lambda(l) * tau; nothing is written if it is exactly that already.

        Starts from the pretrained weights each time, so it never matters what the tower carried before.
        """
        if self._carries == (checkpoint, scales):
            return
        self.forget()  # whatever fails from here on, the next call writes
        if not any((*scales.blocks, scales.before, scales.after)):
            self._editor.restore()
        else:
            blocks = torch.tensor(scales.blocks, dtype=torch.float64)
            self._editor.apply(self.residual(checkpoint), blocks, scales.before, scales.after)
        self._carries = (checkpoint, scales)

    def forget(self) -> None:
        """Take nothing for granted: the next ``carry`` writes. For use after something failed."""
        self._carries = None

    def encode(self, pictures: Tensor) -> Tensor:
        """Image features of shape (n, D), not normalised: length does not change which class wins."""
        features: Tensor = self.loaded.clip.encode_image(pictures)
        return features


def _bytes(residuals: OrderedDict[str, Tensor]) -> int:
    return sum(residual.numel() * residual.element_size() for residual in residuals.values())
