"""What programs put around and into the names of a CLIP: prefixes, and parts that torch's wrappers add."""

from collections.abc import Iterable

from lines_core.checkpoints.wrapped_names import WRAPPERS
from lines_core.clip_layouts.layouts import AROUND

_WRAPPERS = frozenset((*WRAPPERS, "module"))
"""No layer of a CLIP is called ``module``, so it is removed inside names too."""


def without_wrappers(names: Iterable[str]) -> dict[str, str]:
    """Name without the parts of wrappers -> name in the file; unchanged if two names would become one."""
    originals = list(names)
    plain = {".".join(part for part in name.split(".") if part not in _WRAPPERS): name for name in originals}
    return plain if len(plain) == len(originals) else {name: name for name in originals}


def prefixes_around(names: Iterable[str]) -> list[str]:
    """Prefixes made of `AROUND` that any of the names has, the shortest first; the empty one is among them.

    >>> prefixes_around(["image_encoder.model.visual.proj"])
    ['', 'image_encoder.', 'image_encoder.model.']
    """
    found = {""}
    for name in names:
        prefix = ""
        for part in name.split(".")[:-1]:
            if part not in AROUND:
                break
            prefix += f"{part}."
            found.add(prefix)
    return sorted(found, key=lambda prefix: (len(prefix), prefix))
