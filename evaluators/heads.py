"""Zero-shot classification heads: class names become a matrix through prompts and the text tower."""

from collections.abc import Callable, Sequence
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
