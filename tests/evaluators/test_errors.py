"""Every exception can be pickled: a worker process sends it back."""

import pickle

from evaluators import errors
from evaluators.engine import zero_gpu
from evaluators.engine.zero_gpu import GpuRefused
from evaluators.errors import LabError
from lines_core import errors as core_errors
from lines_core.errors import CheckpointError, ChoiceError, LinesError


def subclasses(of: type[LinesError]) -> set[type[LinesError]]:
    return {of}.union(*map(subclasses, of.__subclasses__()))


def test_every_error_of_ours_can_be_pickled() -> None:
    modules = {errors.__name__, core_errors.__name__, zero_gpu.__name__}
    ours = {kind for kind in subclasses(LinesError) if kind.__module__ in modules}
    assert {LinesError, CheckpointError, LabError, GpuRefused} <= ours
    for kind in ours:
        back = pickle.loads(pickle.dumps(kind("Expected this, got that.")))
        assert (type(back), str(back)) == (kind, "Expected this, got that.")
    choice = pickle.loads(pickle.dumps(ChoiceError("Two models.", ("ema", "raw"))))
    assert (str(choice), choice.candidates) == ("Two models.", ("ema", "raw"))
    back = pickle.loads(pickle.dumps(CheckpointError("Three differ.", ("a", "b", "c"))))
    assert (str(back), back.mismatches) == ("Three differ.", ("a", "b", "c"))
