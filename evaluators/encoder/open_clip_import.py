"""Import of open_clip without the packages that most CLIPs of this app never use."""

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from torch import nn

from evaluators.encoder.torchvision_operators import declare_missing_operators

OPTIONAL = ("timm", "transformers")
"""open_clip imports them where they are installed, for towers of theirs."""
ROI_ALIGN = "torchvision.ops.roi_align"
"""An operator of torchvision's detection models, whose module imports all of ``torch._dynamo``."""
TIMM_TOWERS = "open_clip.timm_model"
"""The module of image towers of timm; its name ``timm`` is None if that was not there."""
_LOCK = threading.Lock()


def import_open_clip(*, timm: bool = False) -> Any:
    """The module open_clip.

    Args:
        timm: whether it must be able to make image towers of timm, which takes seconds once.

    Without ``timm``, ``transformers`` and ``torch._dynamo`` the first import takes 0.4 s instead of 2.9. Any
    of them that has been imported before stays as it is, and all can be imported afterwards.
    """
    with _LOCK:
        if "open_clip" not in sys.modules:
            declare_missing_operators()
            with _placeholders():
                importlib.import_module("open_clip")
        towers = sys.modules[TIMM_TOWERS]
        if timm and vars(towers)["timm"] is None:
            importlib.import_module("timm")
            importlib.reload(towers)  # its classes look timm up in the module, whoever holds them
    return sys.modules["open_clip"]


def import_transformers() -> Any:
    """The module transformers, imported before or after open_clip: meanwhile it is out of sight."""
    with _LOCK:
        declare_missing_operators()  # transformers imports torchvision where there is one
        return importlib.import_module("transformers")


@contextmanager
def _placeholders() -> Iterator[None]:
    """Put placeholders into ``sys.modules``; None makes an import raise ModuleNotFoundError."""
    stubs: dict[str, Any] = dict.fromkeys(OPTIONAL)
    if "torchvision" not in sys.modules:
        stubs[ROI_ALIGN] = ModuleType(ROI_ALIGN)
        vars(stubs[ROI_ALIGN]).update(roi_align=None, RoIAlign=nn.Module)
    added = {name: stub for name, stub in stubs.items() if name not in sys.modules}
    sys.modules.update(added)
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]
