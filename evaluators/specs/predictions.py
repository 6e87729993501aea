"""Predicted classes of one task's images, packed into one byte an image, or two where classes are many."""

from collections.abc import Sequence

import numpy as np

from evaluators.errors import EvaluationError

ONE_BYTE = 256
"""Most classes of a task whose predictions take one byte each; those of others take two."""


def pack(predicted: Sequence[int], classes: int) -> bytes:
    """Class indices as bytes, in the order of the images.

    Args:
        predicted: indices in [0, classes).
        classes: number of classes of the task, which decides the width: 1 byte up to 256, else 2, low first.
    Raises: EvaluationError for an index outside of the classes, or more classes than two bytes can tell.

    >>> pack([2, 0], classes=10), pack([2, 300], classes=1000)
    (b'\\x02\\x00', b'\\x02\\x00,\\x01')
    """
    if classes > 1 << 16 or any(not 0 <= index < classes for index in predicted):
        raise EvaluationError(f"Predictions are indices of {classes} classes, at most 65536.")
    return np.asarray(predicted, "u1" if classes <= ONE_BYTE else "<u2").tobytes()


def unpack(packed: bytes, images: int) -> tuple[int, ...]:
    """Class indices of ``images`` images, the inverse of ``pack``.

    Raises: EvaluationError if there is not one byte an image, nor two.

    >>> unpack(b"\\x02\\x00,\\x01", images=2)
    (2, 300)
    """
    if len(packed) not in (images, 2 * images):
        raise EvaluationError(f"{len(packed)} bytes are not the predictions of {images} images.")
    return tuple(np.frombuffer(packed, "u1" if len(packed) == images else "<u2").tolist())
