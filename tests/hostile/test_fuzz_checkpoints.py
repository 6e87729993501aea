"""Checkpoint files bent out of shape by the hundred: each is read as what it is, or refused in words.

The same examples on every run; ``python -m benchmarks fuzz`` draws others for minutes.
"""

from hypothesis import HealthCheck, given, settings

from tests.hostile.checkpoint_strategies import (
    bent_files,
    check_reading,
    safetensors_headers,
    torch_records,
    valid_safetensors,
    valid_torch,
)

EXAMPLES = 300
"""Of each of the three kinds."""
_QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)
_THESE = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=_QUIET
)


def test_what_is_bent_was_whole() -> None:
    """Else everything would be refused, and nothing tested."""
    assert check_reading(valid_safetensors())
    assert check_reading(valid_torch())


@_THESE
@given(safetensors_headers())
def test_300_headers_that_lie(content: bytes) -> None:
    check_reading(content)


@_THESE
@given(torch_records())
def test_300_pytorch_files_with_bent_records(content: bytes) -> None:
    check_reading(content)


@_THESE
@given(bent_files())
def test_300_files_with_bytes_changed_anywhere(content: bytes) -> None:
    check_reading(content)
