"""Accuracies and their differences in the words of the report, which follow the 95 % intervals."""

from collections.abc import Sequence

from evaluators.specs.image_hits import TaskHits, accuracy
from evaluators.specs.paired_counts import Change
from training.report_tables import value_with_interval
from ui.shell.text import signed


def change_cell(found: Change) -> str:
    """As in a table: '+1.5 (+0.2 to +2.8)'."""
    value, low, high = map(signed, found)
    return f"{value} ({low} to {high})"


def change_words(found: Change) -> str:
    """As in a sentence: '+1.5 points (+0.2 to +2.8)', or that there is no measurable difference."""
    value, low, high = map(signed, found)
    if found[1] <= 0 <= found[2]:
        return f"no measurable difference ({low} to {high} points)"
    return f"{value} points ({low} to {high})"


def accuracy_cell(hits: TaskHits, tasks: Sequence[str] = ()) -> str:
    """Mean accuracy in percent with its interval."""
    found = accuracy(hits, tasks)
    return value_with_interval(found.mean, found.interval)
