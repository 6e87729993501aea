"""Workaround for importing torchvision with a torch of another build, such as CUDA and CPU.

open_clip imports torchvision for its image transforms. If torchvision's compiled library cannot be loaded,
the import fails at registering shapes for its operators ``nms`` and ``qnms``. Declaring their signatures is
enough, as nothing here calls them.
"""

import importlib.util
from pathlib import Path

import torch

_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []  # a declaration lives as long as its Library object


def declare_missing_operators() -> None:
    """Declare torchvision's operators if its compiled library cannot be loaded."""
    if _declared or hasattr(torch.ops.torchvision, "nms") or _load_real_operators():
        return
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(name + _SIGNATURE)  # type: ignore[no-untyped-call]
    _declared.append(library)


def _load_real_operators() -> bool:
    found = importlib.util.find_spec("torchvision")
    for folder in (found.submodule_search_locations or []) if found else []:
        for pattern in ("_C*.so", "_C*.pyd"):
            for path in Path(folder).glob(pattern):
                try:
                    torch.ops.load_library(path)  # type: ignore[no-untyped-call]
                except OSError:
                    continue
                return True
    return False
