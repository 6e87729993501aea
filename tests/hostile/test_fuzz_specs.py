"""JSON where an edit, a merge or a link should be: each means something, or is refused in words.

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
def test_400_edits(plain: Any) -> None:
    check_edit(plain)


@_THESE
@given(merges())
def test_400_merges(plain: Any) -> None:
    check_merge(plain)


@_THESE
@given(links)
def test_400_links(query: Mapping[str, str]) -> None:
    check_link(query)
