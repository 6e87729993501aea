"""The labs there are, one an encoder, as all visitors share them, and who is at which."""

import threading
from collections import OrderedDict

from evaluators.errors import SpecError
from evaluators.labs.lab import Lab

SESSIONS_KEPT = 4096


class LabRegistry:
    """Labs by the keys of their encoders. Any method may be called from any thread.

    Args:
        first: the lab that is there from the start.
    """

    def __init__(self, first: Lab) -> None:
        self._mutex = threading.Lock()
        self._labs: dict[str, Lab] = {first.info.key: first}
        self._at: OrderedDict[str, str] = OrderedDict()

    def all(self) -> tuple[Lab, ...]:
        """Every lab, in the order in which they came."""
        return tuple(self._labs.values())

    def find(self, model: str) -> Lab | None:
        """The lab of an encoder, None if there is none."""
        return self._labs.get(model)

    def get(self, model: str) -> Lab:
        """The lab of an encoder. Raises: SpecError if there is none."""
        lab = self._labs.get(model)
        if lab is None:
            raise SpecError(f"There is no model {model!r}: pick one of {', '.join(self._labs)}.")
        return lab

    def put(self, lab: Lab) -> None:
        """Take in a lab, in place of any earlier one of the same encoder."""
        with self._mutex:
            self._labs = {**self._labs, lab.info.key: lab}

    def visit(self, session: str, model: str) -> None:
        """Note that a session is at an encoder; the empty one is nobody's."""
        with self._mutex:
            if session:
                self._at[session] = model
                self._at.move_to_end(session)
                while len(self._at) > SESSIONS_KEPT:
                    self._at.popitem(last=False)

    def visitors(self, model: str) -> set[str]:
        """The sessions that are at an encoder."""
        with self._mutex:
            return {session for session, at in self._at.items() if at == model}

    def leave(self, session: str) -> None:
        """Forget a session."""
        with self._mutex:
            self._at.pop(session, None)
