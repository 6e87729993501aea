"""A language model with random weights and updates."""

from pathlib import Path

import pytest

from tests.random_llama import write_llama


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never to be changed."""
    folder = tmp_path_factory.mktemp("llama")
    write_llama(folder)
    return folder
