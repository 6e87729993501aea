"""Registry of the loaded labs, one an encoder, and of the sessions that use each."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from evaluators.errors import SpecError
from evaluators.labs.lab import Lab

SESSIONS_KEPT = 4096


class LabRegistry:
    """Labs by the keys of their encoders. Any method may be called from any thread.

    Args:
        embedded: the labs that are there from the start.
    """

    def __init__(self, embedded: Sequence[Lab]) -> None:
        self._mutex = threading.Lock()
        self._labs: dict[str, Lab] = {lab.info.key: lab for lab in embedded}
        self._model_of: OrderedDict[str, str] = OrderedDict()  # by session, the one used last at the end

    def all(self) -> tuple[Lab, ...]:
        """Every lab, in the order in which they were added."""
        return tuple(self._labs.values())

    def find(self, model: str) -> Lab | None:
        """The lab of an encoder, None if it is not loaded."""
        return self._labs.get(model)

    def get(self, model: str) -> Lab:
        """The lab of an encoder. Raises: SpecError if it is not loaded."""
        lab = self._labs.get(model)
        if lab is None:
            raise SpecError(f"There is no model {model!r}: pick one of {', '.join(self._labs)}.")
        return lab

    def put(self, lab: Lab) -> None:
        """Add a lab, in place of any earlier one of the same encoder."""
        with self._mutex:
            self._labs = {**self._labs, lab.info.key: lab}

    def use(self, session: str, model: str) -> None:
        """Record which encoder a session used last; the empty session is nobody's."""
        with self._mutex:
            if session:
                self._model_of[session] = model
                self._model_of.move_to_end(session)
                while len(self._model_of) > SESSIONS_KEPT:
                    self._model_of.popitem(last=False)

    def sessions(self, model: str) -> set[str]:
        """The sessions that used an encoder last."""
        with self._mutex:
            return {session for session, used in self._model_of.items() if used == model}

    def leave(self, session: str) -> None:
        """Forget a session."""
        with self._mutex:
            self._model_of.pop(session, None)
