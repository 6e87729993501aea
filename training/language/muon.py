"""Muon: gradient descent whose steps are orthogonal matrices, which takes fewer of them than AdamW."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration that drives singular values to one; K. Jordan et al., 2024."""


class BatchedMuon:
    """Muon over matrices; those of one shape take one batched product.

    Args:
        matrices: hidden weights; embeddings, biases and norms belong to another optimiser.
        rate: size of a step relative to the weights as they are at first, by root mean square. T5 does not
            divide queries by anything, and starts with small ones instead: equal steps would saturate them.
        momentum: of the gradient's running mean, looked ahead of (Nesterov).
        decay: weight decay, a share of the rate.
    """

    def __init__(
        self, matrices: Iterable[nn.Parameter], rate: float, momentum: float = 0.95, decay: float = 0.01
    ) -> None:
        self.rate = rate
        self._momentum = momentum
        self._decay = decay
        self._groups: dict[torch.Size, list[nn.Parameter]] = {}
        for matrix in matrices:
            self._groups.setdefault(matrix.shape, []).append(matrix)
        self._means = [torch.zeros(len(group), *shape) for shape, group in self._groups.items()]
        self._sizes = [
            torch.stack([weight.detach().pow(2).mean().sqrt() for weight in group])[:, None, None]
            for group in self._groups.values()
        ]

    def state(self) -> list[Tensor]:
        """Running means, for `load`."""
        return self._means

    def load(self, means: Iterable[Tensor]) -> None:
        """Go on from a saved state."""
        for mean, saved in zip(self._means, means, strict=True):
            mean.copy_(saved)

    @torch.no_grad()
    def step(self) -> None:
        """One step, which takes the gradients away."""
        for (shape, group), mean, size in zip(self._groups.items(), self._means, self._sizes, strict=True):
            gradient = torch.stack([matrix.grad for matrix in group if matrix.grad is not None])
            mean.lerp_(gradient, 1 - self._momentum)
            update = orthogonal(gradient.lerp(mean, self._momentum)) * max(shape) ** 0.5 * size
            for matrix, step in zip(group, update, strict=True):
                matrix.mul_(1 - self.rate * self._decay).sub_(step, alpha=self.rate)
                matrix.grad = None


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """Matrices (n, rows, columns) with all singular values near one, by Newton and Schulz's iteration."""
    a, b, c = COEFFICIENTS
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    turned: Tensor = x.mT if tall else x
    return turned


def hidden_matrices(model: nn.Module) -> Mapping[str, nn.Parameter]:
    """The weights that Muon trains: all matrices but the embedding and the position biases."""
    return {
        name: weight
        for name, weight in model.named_parameters()
        if weight.ndim == 2 and "shared" not in name and "bias" not in name
    }
