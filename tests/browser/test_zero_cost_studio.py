"""The studio that costs nothing takes the place of the real one on pages that are tested without a model."""

import inspect

import pytest

from evaluators.service.studio import Studio
from tests.browser.zero_cost_studio import ZeroCostStudio

METHODS = [
    name for name, _ in inspect.getmembers(ZeroCostStudio, inspect.isfunction) if not name.startswith("_")
]


@pytest.mark.parametrize("name", METHODS)
def test_it_is_asked_as_the_real_one_is(name: str) -> None:
    """A parameter that only the real one took left a chart empty, and only the browser tests saw it."""
    parameters = [list(inspect.signature(getattr(of, name)).parameters) for of in (ZeroCostStudio, Studio)]
    assert parameters[0] == parameters[1]
