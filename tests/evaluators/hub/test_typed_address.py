"""Addresses on the Hub as visitors type them."""

import pytest

from evaluators.errors import HubError
from evaluators.hub.typed_address import TypedAddress, typed_address


@pytest.mark.parametrize(
    "said",
    [
        "owner/name",
        " owner/name/ ",
        "https://huggingface.co/owner/name",
        "huggingface.co/models/owner/name",
        "https://hf.co/owner/name?library=open_clip#files",
    ],
)
def test_a_name_and_the_links_to_it_are_the_same(said: str) -> None:
    assert typed_address(said, "model", "") == TypedAddress("owner/name")


def test_a_link_to_a_file_or_folder_names_its_state() -> None:
    """A folder's link, with ``tree``, was looked for as a folder of that name."""
    for part in ("blob", "resolve", "tree"):
        said = f"https://huggingface.co/owner/name/{part}/v2/a/b.pt"
        assert typed_address(said, "model", "") == TypedAddress("owner/name", "v2", "a/b.pt")
    assert typed_address("owner/name/a/b.pt", "model", "").path == "a/b.pt"
    said = "https://huggingface.co/datasets/owner/name/viewer/default/train"
    assert typed_address(said, "dataset", "").repo == "owner/name"


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("  ", "The address of a data set on the Hub is missing"),
        ("mnist", "'mnist' names no owner and name of a data set on the Hub"),
        ("https://huggingface.co/datasets/mnist", "names no owner and name of a data set"),
        ("../x/y", "'../x/y' is no address of a data set on the Hub"),
        ("two words/name", "'two words/name' is no address of a data set"),
        ("https://huggingface.co", "'https://huggingface.co' is no address of a data set"),
        ("https://github.com/owner/name", "'https://github.com/owner/name' is on github.com, not on the Hub"),
        ("https://huggingface.co/spaces/a/b", "is the address of a Space, not of a data set"),
        ("models/a/b", "'models/a/b' is the address of a model, not of a data set"),
    ],
)
def test_what_is_no_address_is_told_what_was_expected(said: str, wrong: str) -> None:
    """An empty field was "no data set on the Hub", and a link to GitHub was taken for one to the Hub."""
    with pytest.raises(HubError) as error:
        typed_address(said, "dataset", "ylecun/mnist")
    assert wrong in str(error.value)
    assert str(error.value).endswith(": give owner/name, such as ylecun/mnist, or the link to it.")
