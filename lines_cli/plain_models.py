"""Models as the commands on files read them: what is no plain safetensors file is written as one first."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lines_core import save_checkpoint
from lines_core.checkpoints import open_checkpoint
from lines_core.checkpoints.weight_files import INDEX_SUFFIX, MAX_SET_BYTES, SUFFIX
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import quoted


@contextmanager
def plain_models(paths: Sequence[Path], choose: str | None) -> Iterator[list[Path]]:
    """The models as safetensors: as given, or of a temporary folder.

    A file of ``torch.save``, and one of several models, is read into memory and written there; nothing in it
    is executed.

    Args:
        choose: which model, of the files that hold several.
    Raises: ChoiceError if a file holds several and that is none of them; CheckpointError if a file cannot be
        read, or a model is chosen and none of the files holds several.
    """
    with tempfile.TemporaryDirectory(prefix="lines-") as folder:
        found = [
            _plain(path, choose, Path(folder, str(number), f"{path.stem}{SUFFIX}"))
            for number, path in enumerate(paths)
        ]
        if choose is not None and not any(several for _, several in found):
            raise CheckpointError(f"There is no {quoted(choose)} to choose: each file holds one model.")
        yield [path for path, _ in found]


def _plain(path: Path, choose: str | None, place: Path) -> tuple[Path, bool]:
    """Path of the model, and whether it was one of several."""
    if path.is_dir() or path.name.endswith(INDEX_SUFFIX):
        return path, False
    safetensors = path.suffix.lower() == SUFFIX
    contents = open_checkpoint(path, **({"max_bytes": MAX_SET_BYTES} if safetensors else {}))
    several = len(contents.candidates) > 1
    if safetensors and not several:
        return path, False
    place.parent.mkdir()
    save_checkpoint(place, contents.tensors(choose if several else None))
    return place, several
