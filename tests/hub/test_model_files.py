"""Which files of a repository are fetched for an address."""

import pytest

from evaluators.errors import HubError
from evaluators.hub.model_files import model_files

SHARDS = tuple(f"model-0000{i}-of-00002.safetensors" for i in (1, 2))
INDEX = "model.safetensors.index.json"
ADAPTER = ("adapter_config.json", "adapter_model.safetensors")


@pytest.mark.parametrize(
    ("wanted", "listed", "expected"),
    [
        (None, ("README.md", "model.safetensors", "pytorch_model.bin"), ("model.safetensors",)),
        (None, ("config.json", "mine.pt"), ("mine.pt",)),
        ("MINE.PT", ("mine.pt", "other.pt"), ("mine.pt",)),
        (None, ("config.json", INDEX, *SHARDS), (INDEX, *SHARDS)),
        (None, ("README.md", *ADAPTER), ADAPTER),
        (None, (ADAPTER[0], "adapter_model.bin"), (ADAPTER[0], "adapter_model.bin")),
        ("adapter_model.safetensors", (*ADAPTER, "model.safetensors"), ADAPTER),
        (
            "run/3",
            ("model.safetensors", *(f"run/3/{name}" for name in ADAPTER)),
            tuple(f"run/3/{n}" for n in ADAPTER),
        ),
        (
            f"a/{INDEX}",
            (f"a/{INDEX}", *(f"a/{name}" for name in SHARDS), *SHARDS),
            (f"a/{INDEX}", *(f"a/{n}" for n in SHARDS)),
        ),
    ],
)
def test_one_model_with_all_its_files(
    wanted: str | None, listed: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert model_files("o/n", wanted, listed) == expected


@pytest.mark.parametrize(
    ("wanted", "listed", "words"),
    [
        (None, ("a.pt", "b.pt"), "o/n has 2 files that could be meant: a.pt, b.pt"),
        (None, ("README.md",), "o/n has no weights"),
        ("c.pt", ("a.pt",), "o/n has no c.pt; it has a.pt"),
        ("run", ("run/a.pt", "run/b.pt"), "2 files that could be meant: a.pt, b.pt"),
    ],
)
def test_what_is_not_one_model(wanted: str | None, listed: tuple[str, ...], words: str) -> None:
    with pytest.raises(HubError, match=words):
        model_files("o/n", wanted, listed)
