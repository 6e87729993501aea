"""What passes over the vectors have found is kept as text, exactly."""

import pytest

from lines_core.errors import MergeError
from lines_core.large_files.whole_vectors import known_as_text, known_from_text
from lines_core.merging import Known


def test_text_and_back() -> None:
    known = Known(((0.1, 1e-40), (3.0, 0.0)), -1)
    assert known_from_text(known_as_text(known, 1 / 3)) == (known, 1 / 3)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"magnitudes": 3, "majority": 1, "alpha": 1}'])
def test_damaged_text(text: str) -> None:
    with pytest.raises(MergeError, match="is damaged"):
        known_from_text(text)
