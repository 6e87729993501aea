"""Cache of the heads of class names that visitors typed."""

import threading
from collections.abc import Callable

from torch import Tensor

from evaluators.encoder.classifier_heads import ClassifierHead
from evaluators.specs.class_names import ClassNames

HEADS_KEPT = 64


class TypedHeads:
    """Zero-shot heads by class names and prompt. Any method may be called from any thread.

    Args:
        make: weights (D, C) on the encoder's device; called one at a time.
    """

    def __init__(self, make: Callable[[ClassNames], Tensor]) -> None:
        self._make = make
        self._mutex = threading.Lock()  # held while a text tower reads class names
        self._heads: dict[ClassNames, ClassifierHead] = {}

    def get(self, names: ClassNames) -> ClassifierHead:
        """The head of class names. Cost: a pass of the text tower over each; none if it is kept."""
        with self._mutex:
            head = self._heads.pop(names, None) or ClassifierHead(self._make(names))
            self._heads[names] = head
            while len(self._heads) > HEADS_KEPT:
                self._heads.pop(next(iter(self._heads)))
            return head
