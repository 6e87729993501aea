"""Fuzzing of the checkpoint readers: each damaged file is read or refused with a message.

The same examples on every run; ``python -m benchmarks fuzz`` draws others for minutes.
"""

from hypothesis import HealthCheck, given, settings

from tests.hostile.checkpoint_strategies import (
    check_reading,
    damaged_files,
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


def test_the_undamaged_files_are_read() -> None:
    """Else everything would be refused, and nothing tested."""
    assert check_reading(valid_safetensors())
    assert check_reading(valid_torch())


@_THESE
@given(safetensors_headers())
def test_false_safetensors_headers(content: bytes) -> None:
    check_reading(content)


@_THESE
@given(torch_records())
def test_pytorch_files_with_damaged_records(content: bytes) -> None:
    check_reading(content)


@_THESE
@given(damaged_files())
def test_files_with_changed_bytes(content: bytes) -> None:
    check_reading(content)
