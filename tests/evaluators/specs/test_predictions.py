"""Predictions packed as bytes."""

import pytest

from evaluators.errors import EvaluationError
from evaluators.specs.predictions import pack, unpack


@pytest.mark.parametrize(("classes", "width"), [(2, 1), (256, 1), (257, 2), (65536, 2)])
def test_unpack_inverts_pack(classes: int, width: int) -> None:
    predicted = (classes - 1, 0, classes // 2)
    packed = pack(predicted, classes)
    assert len(packed) == width * len(predicted)
    assert unpack(packed, len(predicted)) == predicted
    assert pack(predicted[:1], classes) + pack(predicted[1:], classes) == packed  # chunks are joined


def test_what_is_no_class_is_refused() -> None:
    for predicted, classes in (([3], 3), ([-1], 3), ([0], 65537)):
        with pytest.raises(EvaluationError, match="indices of"):
            pack(predicted, classes)
    with pytest.raises(EvaluationError, match="3 bytes are not the predictions of 2 images"):
        unpack(b"abc", 2)
