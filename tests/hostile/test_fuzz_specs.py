"""Fuzzing of edits, merges and links: each is parsed or refused with a message.

The same examples on every run; ``python -m benchmarks fuzz`` draws others for minutes.
"""

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.hostile.spec_strategies import check_edit, check_link, check_merge, edits, links, merges

EXAMPLES = 400
"""Of each of the three kinds."""
_QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)
_THESE = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=_QUIET
)


@_THESE
@given(edits())
def test_edits_from_json(plain: Any) -> None:
    check_edit(plain)


@_THESE
@given(merges())
def test_merges_from_json(plain: Any) -> None:
    check_merge(plain)


@_THESE
@given(links)
def test_links_with_any_query(query: Mapping[str, str]) -> None:
    check_link(query)
