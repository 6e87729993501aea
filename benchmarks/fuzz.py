"""Fuzzing for minutes with the strategies of ``tests/hostile``, with a new seed each time.

Each row is one kind of input for one minute. A failing example is minimised and printed, and its file is kept
to become a test.
"""

import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.hostile import checkpoint_strategies, spec_strategies

SECONDS = 60
"""A kind of input."""
ROUND = 1000
"""Examples between two looks at the clock."""
KINDS: tuple[tuple[str, st.SearchStrategy[Any], Callable[[Any], bool]], ...] = (
    (
        "false safetensors headers",
        checkpoint_strategies.safetensors_headers(),
        checkpoint_strategies.check_reading,
    ),
    (
        "PyTorch files with damaged records",
        checkpoint_strategies.torch_records(),
        checkpoint_strategies.check_reading,
    ),
    (
        "files with changed bytes",
        checkpoint_strategies.damaged_files(),
        checkpoint_strategies.check_reading,
    ),
    (
        "any bytes under a zip file's first four",
        checkpoint_strategies.zip_magic_files,
        checkpoint_strategies.check_reading,
    ),
    ("edits", spec_strategies.edits(), spec_strategies.check_edit),
    ("merges", spec_strategies.merges(), spec_strategies.check_merge),
    ("links", spec_strategies.links, spec_strategies.check_link),
)


def fuzz(strategy: st.SearchStrategy[Any], check: Callable[[Any], bool]) -> tuple[int, int, list[Any]]:
    """Examples tried, how many of them were taken, and those that failed, none or the smallest found."""
    tried = taken = 0
    last: list[Any] = []
    start = time.monotonic()
    while time.monotonic() - start < SECONDS:

        @seed(random.SystemRandom().getrandbits(64))
        @settings(
            max_examples=ROUND,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def one(example: Any) -> None:
            nonlocal tried, taken
            tried += 1
            last[:] = [example]
            taken += check(example)
            last.clear()

        try:
            one()
        except Exception:
            traceback.print_exc()
            if not last:
                raise  # a strategy's fault, no example's
            return tried, taken, last
    return tried, taken, []


def main() -> int:
    """Print a row a kind; 0 if nothing failed."""
    warnings.simplefilter("error")
    print(f"{'':42} {'examples':>10} {'a second':>9} {'taken':>7} {'failed':>7}")
    total, failures = 0, 0
    for title, strategy, check in KINDS:
        start = time.monotonic()
        tried, taken, failed = fuzz(strategy, check)
        rate = tried / (time.monotonic() - start)
        print(f"{title:42} {tried:10,} {rate:9,.0f} {taken / tried:7.0%} {len(failed):7}", flush=True)
        total, failures = total + tried, failures + len(failed)
        for example in failed:
            if isinstance(example, bytes):
                kept = Path(tempfile.mkdtemp(prefix="lines-fuzz-"), "untrusted")
                kept.write_bytes(example)
                print(f"  kept in {kept}")
            else:
                print(f"  {example!a:.2000}")
    print(f"{'all':42} {total:10,} {'':9} {'':7} {failures:7}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
