"""Classification heads: zero-shot ones from class names, and those that a checkpoint brings along."""

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
    """One unit-length column a class: the mean direction of its prompts.

        w_c = m_c / |m_c|,    m_c = mean over prompts p of t(p, c) / |t(p, c)|

    Frozen while the image tower is fine-tuned and edited. No temperature: it cannot change
    which class wins.

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
    """A classifier of image features.

    Args:
        weight: (D, C).
        bias: (C,), which must not depend on how long a feature is: features are L2-normalised before it. None
            for a zero-shot head alone, where length does not change which class wins.
    """

    weight: Tensor
    bias: Tensor | None = None

    def logits(self, features: Tensor) -> Tensor:
        """Scores (n, C) of features (n, D); without a bias they grow with the length of the features."""
        if self.bias is None:
            return features @ self.weight
        unit: Tensor = features / features.norm(dim=1, keepdim=True)
        return unit @ self.weight + self.bias

    def predict(self, features: Tensor) -> Tensor:
        """The class that wins for each feature, (n,)."""
        return self.logits(features).argmax(dim=1)

    def select_classes(self, positions: Sequence[int]) -> "ClassifierHead":
        """The head of some of its classes, which is what slicing its logits to their columns gives."""
        chosen = torch.tensor(positions, device=self.weight.device)
        return ClassifierHead(self.weight[:, chosen], None if self.bias is None else self.bias[chosen])


def edited_head(zero_shot: Tensor, temperature: float, own: ClassifierHead, factor: float) -> ClassifierHead:
    """The head of an edited encoder whose checkpoint was fine-tuned together with a head of its own.

        W = s W_0 + c (W_t - s W_0),    b = c b_t

    The head comes after the last block, so c is the factor of the parameters there, `Scales.after`. At 0 it
    is the zero-shot head, which names the same classes without s and bias; at 1 the checkpoint's own, bit
    for bit; in between WiSE-FT's line, which mixes head and encoder alike.

    Args:
        zero_shot: W_0, (D, C), unit-length columns.
        temperature: s = exp(logit_scale), which the pre-trained CLIP multiplies its logits with.
        own: W_t and b_t.
        factor: c.
    Raises: LabError if the two are of different classes or features.
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
