"""Classifier heads: zero-shot from class names, fine-tuned with a checkpoint, or between the two."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from evaluators.errors import LabError


@torch.no_grad()
def zero_shot_head(
    model: Any, tokenizer: Callable[[list[str]], Tensor], classes: Sequence[str], prompts: Sequence[str]
) -> Tensor:
    """Zero-shot weights: for each class a unit-length column, the mean direction of its prompts.

        w_c = m_c / |m_c|,    m_c = mean over prompts p of t(p, c) / |t(p, c)|

    Frozen while the image tower is fine-tuned and edited. Without temperature, which does not change the
    prediction.

    Args:
        model: an open_clip CLIP; only its text tower is used.
        tokenizer: from a list of texts to token ids.
        classes: C class names.
        prompts: templates with one ``{}`` for the class name.
    Returns: float32 tensor of shape (D, C).
    Raises: LabError if there is no class or no prompt.
    Source: open_clip.build_zero_shot_classifier, to which it is equal (tested).
    """
    if not classes or not prompts:
        raise LabError(f"A head needs classes and prompts, got {len(classes)} and {len(prompts)}.")
    device = next(model.parameters()).device
    texts = tokenizer([prompt.format(name) for name in classes for prompt in prompts]).to(device)
    embedded = model.encode_text(texts, normalize=True).float()
    means = embedded.reshape(len(classes), len(prompts), -1).mean(dim=1)
    head: Tensor = (means / means.norm(dim=1, keepdim=True)).T.contiguous()
    return head


@dataclass(frozen=True)
class ClassifierHead:
    """A linear classifier of image features.

    Args:
        weight: (D, C).
        bias: (C,), for L2-normalised features; None for a zero-shot head, whose prediction does not depend on
            the length of the features.
    """

    weight: Tensor
    bias: Tensor | None = None

    def logits(self, features: Tensor) -> Tensor:
        """Scores (n, C) of features (n, D); without a bias they grow with the length of the features."""
        if self.bias is None:
            return features @ self.weight
        unit: Tensor = features / features.norm(dim=1, keepdim=True)
        return unit @ self.weight + self.bias

    @property
    def classes(self) -> int:
        """C, the number of classes."""
        return self.weight.shape[1]

    def predict(self, features: Tensor) -> Tensor:
        """Predicted class of each feature, (n,)."""
        return self.logits(features).argmax(dim=1)

    def probabilities(self, features: Tensor, temperature: float) -> Tensor:
        """Probability of each class, (n, C): softmax of ``scaled_logits``, whose arguments it takes."""
        return torch.softmax(self.scaled_logits(features, temperature), dim=1)

    def scaled_logits(self, features: Tensor, temperature: float) -> Tensor:
        """Logits (n, C) whose softmax are the classes' probabilities.

            s cos(feature, w_c),    or the logits of a head with a bias

        Args:
            features: (n, D).
            temperature: s = exp(logit_scale) of CLIP; the weights of a head with a bias include it.
        """
        if self.bias is not None:
            return self.logits(features)
        unit: Tensor = features / features.norm(dim=1, keepdim=True)
        return temperature * (unit @ self.weight)

    def select_classes(self, positions: Sequence[int]) -> "ClassifierHead":
        """The head restricted to some classes: its logits are those columns of the full logits."""
        chosen = torch.tensor(positions, device=self.weight.device)
        return ClassifierHead(self.weight[:, chosen], None if self.bias is None else self.bias[chosen])


def edited_head(zero_shot: Tensor, temperature: float, own: ClassifierHead, factor: float) -> ClassifierHead:
    """The head of an edited encoder whose checkpoint was fine-tuned together with a head.

        W = s W_0 + c (W_t - s W_0),    b = c b_t

    The head follows the last block, so c is the factor of the parameters there, `Scales.after`. c = 0 gives
    the predictions of the zero-shot head, c = 1 the checkpoint's head exactly, and values between them
    WiSE-FT's interpolation, the same for head and encoder.

    Args:
        zero_shot: W_0, (D, C), unit-length columns.
        temperature: s = exp(logit_scale) of the pre-trained CLIP.
        own: W_t and b_t.
        factor: c.
    Raises: LabError if the shapes differ.
    Source: mlfoundations/wise-ft 58b7a4b, which interpolates the state dicts of encoder and head together;
        mlfoundations/model-soups d5398f1, utils.py: features are L2-normalised before the head.
    """
    if own.bias is None or own.weight.shape != zero_shot.shape or own.bias.shape != zero_shot.shape[1:]:
        found = None if own.bias is None else tuple(own.bias.shape)
        raise LabError(
            f"A checkpoint's head has weight {tuple(own.weight.shape)} and bias {found}, expected "
            f"{tuple(zero_shot.shape)} and {tuple(zero_shot.shape[1:])} as the task's zero-shot head."
        )
    weight = torch.lerp(temperature * zero_shot, own.weight, factor)
    return ClassifierHead(weight, torch.lerp(torch.zeros_like(own.bias), own.bias, factor))
