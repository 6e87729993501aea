"""Names without what wrappers of torch put into them: compiled, sharded, distributed modules."""

from collections.abc import Iterable

WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_fpw_module", "_checkpoint_wrapped_module")
"""Parts of names that no model has of its own: torch.compile, FSDP, activation checkpoints."""
DISTRIBUTED = "module."
"""Prefix of DataParallel and DistributedDataParallel; inside a name it may be a model's own."""


def unwrapped(names: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Each name without the parts that wrappers add, in any order and anywhere in it.

    Returns: name in the file -> name of the model, and the parts that were removed, as ``module.``. Nothing
        is removed if two names would become one.

    >>> unwrapped(["module._orig_mod.visual._orig_mod.proj", "module._orig_mod.logit_scale"])[0].values()
    dict_values(['visual.proj', 'logit_scale'])
    """
    original = list(names)
    plain = original
    removed: list[str] = []
    while plain:
        if all(name.startswith(DISTRIBUTED) and name != DISTRIBUTED for name in plain):
            plain, part = [name.removeprefix(DISTRIBUTED) for name in plain], DISTRIBUTED
        else:
            part = next((f"{one}." for one in WRAPPERS if any(f"{one}." in name for name in plain)), "")
            if not part:
                break
            plain = [".".join(_without(name.split("."), part[:-1])) for name in plain]
        if part not in removed:
            removed.append(part)
    if len(set(plain)) < len(original) or not all(plain):
        return {name: name for name in original}, ()
    return dict(zip(original, plain, strict=True)), tuple(removed)


def _without(parts: list[str], wrapper: str) -> list[str]:
    return [part for part in parts if part != wrapper]
