"""Which files of a repository hold the weights that an address means: one, shards, or an adapter."""

from collections.abc import Sequence

from evaluators.errors import HubError
from evaluators.zoo.checkpoint_families import find_ignoring_case
from lines_core.checkpoints.adapter import CONFIG, WEIGHTS
from lines_core.checkpoints.weight_files import INDEX_SUFFIX, SUFFIX
from lines_core.untrusted_text import first_of

PREFERRED = ("model.safetensors", "open_clip_model.safetensors", "nonlinear_finetuned.pt")
READABLE = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


def model_files(repo: str, wanted: str | None, listed: Sequence[str]) -> tuple[str, ...]:
    """Names of the files to fetch, the one to open first: an index, or the options of an adapter.

    Args:
        wanted: a file or folder of the repository; None for all of it.
        listed: names of the files in the repository.
    Raises: HubError if there is no such file or folder, or not one model in it.
    """
    folder = ""
    if wanted is not None:
        name = find_ignoring_case(wanted, tuple(listed))
        if name is not None:
            return _with_its_parts(name, listed)
        folder = wanted.rstrip("/") + "/"
    inside = [name for name in listed if name.startswith(folder)]
    if not inside:
        raise HubError(f"{repo} has no {wanted}; it has {first_of(tuple(listed))}.")
    names = [name.removeprefix(folder) for name in inside]
    indices = [name for name in names if name.endswith(INDEX_SUFFIX) and "/" not in name]
    preferred = [name for name in (*PREFERRED, CONFIG, *indices) if name in names]
    readable = preferred[:1] or [name for name in names if name.endswith(READABLE)]
    if len(readable) != 1:
        what = (
            f"{len(readable)} files that could be meant: {first_of(readable)}" if readable else "no weights"
        )
        raise HubError(f"{repo} has {what}. Give the path of one: {repo}/path/to/file.")
    return _with_its_parts(folder + readable[0], listed)


def _with_its_parts(name: str, listed: Sequence[str]) -> tuple[str, ...]:
    """The file, and those beside it that it needs."""
    folder, slash, last = name.rpartition("/")
    before = folder + slash
    if last in (CONFIG, *WEIGHTS):
        weights = [one for one in WEIGHTS if before + one in listed]
        return before + CONFIG, *(before + one for one in weights[:1])
    if last.endswith(INDEX_SUFFIX):
        stem = before + last.removesuffix(INDEX_SUFFIX)
        return name, *(one for one in listed if one.startswith(f"{stem}-") and one.endswith(SUFFIX))
    return (name,)
