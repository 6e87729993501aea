"""The same tower as transformers and open_clip have it."""

from typing import Any

import pytest

from lines_core.clip_layouts.image_tower import image_tower
from tests.lines_core.clip_layouts.towers import SMALL, Tensors, open_clip_tower, transformers_clip, visual


@pytest.fixture(scope="module")
def clip() -> Any:
    return transformers_clip(SMALL)


@pytest.fixture(scope="module")
def pretrained() -> Tensors:
    return visual(open_clip_tower(SMALL))


@pytest.fixture(scope="module")
def tower(clip: Any, pretrained: Tensors) -> Tensors:
    """The reference for all layouts; the tests above show that its features are right."""
    return image_tower(clip.state_dict(), pretrained, "small").weights
