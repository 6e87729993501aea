"""What all of `METHODS` have in common: identities, the slow transcription, and what they refuse."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from lines_core.errors import LinesError, MergeError
from lines_core.merging import METHODS, Parameter, complete_settings, merge
from tests.lines_core.merging import whole_matrix
from tests.lines_core.merging.cases import BY_MATRIX, CASES, KEYS, taken


def run(key: str, vectors: list[Tensor], settings: dict[str, float] | None = None, task: int = 1) -> Tensor:
    return merge(key, taken(key, vectors), settings, task=min(task, len(vectors) - 1))


def test_the_methods_are_those_of_the_page() -> None:
    assert list(METHODS) == [*KEYS, *BY_MATRIX, "pcb", "sce", "della", "model-stock"]
    assert {key for key, method in METHODS.items() if method.per_task} == {"tall-masks", "magnitude-masks"}


@pytest.mark.parametrize("key", METHODS)
def test_every_row_is_complete(key: str) -> None:
    method = METHODS[key]
    assert method.key == key
    assert "arXiv:" in method.paper
    assert method.help.endswith(".")
    for parameter in method.parameters:
        assert parameter.low <= parameter.default <= parameter.high
        assert parameter.checked(parameter.default) == parameter.default
        assert parameter.help.endswith(".")
    assert len({parameter.key for parameter in method.parameters}) == len(method.parameters)
    hash(method)


def test_the_grids_are_the_authors() -> None:
    assert METHODS["sum"].grid == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    assert METHODS["consensus"].grid == METHODS["sum"].grid
    assert METHODS["ties"].grid[0] == 0.1
    assert METHODS["ties"].grid[-1] == 1.5
    assert len(METHODS["ties"].grid) == 15
    for key in BY_MATRIX:
        assert METHODS[key].grid == tuple(round(0.1 * step, 9) for step in range(1, 31))
    for key in ("average", "tall-masks", "magnitude-masks"):
        assert METHODS[key].grid == (1.0,)


@pytest.mark.parametrize("vectors", ["planted", "ordinary"])
@pytest.mark.parametrize(("key", "settings"), CASES)
def test_against_the_slow_transcription(
    key: str, settings: dict[str, float], vectors: str, request: pytest.FixtureRequest
) -> None:
    taus: list[Tensor] = request.getfixturevalue(vectors)
    matrix = torch.stack(taken(key, taus)).double().numpy()
    expected = whole_matrix.merged(key, matrix, complete_settings(key, settings), task=2)
    assert np.count_nonzero(expected) > 0
    assert torch.equal(run(key, taus, settings, task=2), torch.from_numpy(expected).float())


@pytest.mark.parametrize("vectors", ["planted", "ordinary"])
@pytest.mark.parametrize(("key", "settings"), CASES)
def test_the_size_of_a_slice_changes_no_bit(
    key: str,
    settings: dict[str, float],
    vectors: str,
    slice_of: Callable[[int], None],
    request: pytest.FixtureRequest,
) -> None:
    taus: list[Tensor] = request.getfixturevalue(vectors)
    whole = run(key, taus, settings)
    for size in (17, 64, 1002, 1003):
        slice_of(size)
        assert torch.equal(run(key, taus, settings).view(torch.int32), whole.view(torch.int32)), size


ORDERED = ("dare", "dare-ties", "slerp")
"""Methods for which the order of the vectors matters."""


@pytest.mark.parametrize("vectors", ["planted", "ordinary"])
@pytest.mark.parametrize(("key", "settings"), [case for case in CASES if case[0] not in ORDERED])
def test_the_order_of_the_tasks_does_not_matter(
    key: str, settings: dict[str, float], vectors: str, request: pytest.FixtureRequest
) -> None:
    taus: list[Tensor] = request.getfixturevalue(vectors)
    order = [3, 0, 4, 2, 1]
    shuffled = run(key, [taus[number] for number in order], settings, task=order.index(2))
    assert torch.equal(shuffled, run(key, taus, settings, task=2))


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("sum", {}),
        ("average", {}),
        ("ties", {"density": 1.0}),
        ("ties", {"density": 1.0, "agg": 1.0}),
        ("ties", {"density": 1.0, "reference_size": 4000.0}),
        ("consensus", {"k": 0.0}),
        ("consensus", {"k": 1.0, "tall_lambda": 0.6}),
        ("tall-masks", {}),
        ("tall-masks", {"use_ties": 1.0, "density": 1.0}),
        ("magnitude-masks", {"density": 1.0}),
        ("dare", {"drop": 0.0}),
        ("dare-ties", {"drop": 0.0}),
        ("breadcrumbs", {"drop_small": 0.0, "drop_large": 0.0}),
    ],
)
def test_one_task_merged_is_that_task(key: str, settings: dict[str, float], ordinary: list[Tensor]) -> None:
    assert torch.equal(run(key, ordinary[:1], settings), ordinary[0])


@pytest.mark.parametrize("vectors", ["planted", "ordinary"])
@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("consensus", {"k": 0.0}),
        ("magnitude-masks", {"density": 1.0}),
        ("dare", {"drop": 0.0}),
        ("breadcrumbs", {"drop_small": 0.0, "drop_large": 0.0}),
    ],
)
def test_what_leaves_nothing_out_is_the_sum(
    key: str, settings: dict[str, float], vectors: str, request: pytest.FixtureRequest
) -> None:
    taus: list[Tensor] = request.getfixturevalue(vectors)
    assert torch.equal(run(key, taus, settings), run("sum", taus))


@pytest.mark.parametrize("key", KEYS)
def test_entries_that_no_task_changed_stay_zero(key: str, planted: list[Tensor]) -> None:
    assert not run(key, planted)[100:140].any()


@pytest.mark.parametrize(("key", "settings"), CASES)
def test_the_mirror_image_merges_to_the_mirror_image(
    key: str, settings: dict[str, float], planted: list[Tensor]
) -> None:
    assert torch.equal(run(key, [-tau for tau in planted], settings), -run(key, planted, settings))


VALUES = st.integers(-4, 4).map(lambda value: value / 4)
MATRICES = st.integers(1, 9).flatmap(
    lambda length: st.lists(st.lists(VALUES, min_size=length, max_size=length), min_size=1, max_size=5)
)


@pytest.mark.parametrize("key", KEYS)
@given(data=st.data(), matrix=MATRICES)
def test_any_small_matrix_and_settings(key: str, data: st.DataObject, matrix: list[list[float]]) -> None:
    settings = {}
    for parameter in METHODS[key].parameters:
        high = parameter.high
        if parameter.key == "reference_size":
            settings[parameter.key] = data.draw(st.sampled_from([0.0, 9.0, 10.0, 30.0]))
        elif parameter.key == "scope":
            settings[parameter.key] = 0.0
        elif parameter.step == 1.0:
            settings[parameter.key] = float(data.draw(st.integers(int(parameter.low), int(high))))
        elif parameter.key.startswith("drop_"):
            settings[parameter.key] = data.draw(st.sampled_from([0.0, 0.1, 0.25, 0.49]))
        else:
            settings[parameter.key] = data.draw(st.sampled_from([parameter.low, 0.2, 0.5, high]))
    task = data.draw(st.integers(0, len(matrix) - 1))
    rows = taken(key, matrix)
    expected = whole_matrix.merged(key, np.array(rows), settings, task)
    found = merge(key, [torch.tensor(row) for row in rows], settings, task=task)
    assert torch.equal(found, torch.from_numpy(expected).float())


@pytest.mark.parametrize("key", KEYS)
def test_files_mapped_into_memory(key: str, planted: list[Tensor], tmp_path: Path) -> None:
    expected = run(key, planted)
    mapped = []
    for number, tau in enumerate(planted):
        (tmp_path / f"{number}.bin").write_bytes(tau.numpy().tobytes())
        mapped.append(torch.from_file(str(tmp_path / f"{number}.bin"), size=len(tau), shared=True))
    assert torch.equal(run(key, mapped), expected)
    assert [(tmp_path / f"{number}.bin").read_bytes() for number in range(5)] == [
        tau.numpy().tobytes() for tau in planted
    ], "nothing is written back"

    save_file({str(number): tau.clone() for number, tau in enumerate(planted)}, tmp_path / "a.safetensors")
    with safe_open(tmp_path / "a.safetensors", "pt") as file:
        tensors = [file.get_tensor(str(number)) for number in range(5)]
    assert torch.equal(run(key, tensors), expected)


@pytest.mark.parametrize("key", KEYS)
def test_the_vectors_are_left_alone_and_not_handed_out(key: str, ordinary: list[Tensor]) -> None:
    before = [tau.clone() for tau in ordinary]
    one = run(key, ordinary[:1])
    one.fill_(7.0)
    run(key, ordinary).fill_(7.0)
    assert all(torch.equal(*pair) for pair in zip(ordinary, before, strict=True))


@pytest.mark.parametrize("key", KEYS)
def test_views_and_parameters_are_taken(key: str, ordinary: list[Tensor]) -> None:
    expected = run(key, ordinary)
    columns = torch.stack(ordinary, dim=1).requires_grad_()
    found = run(key, list(columns.unbind(1)))
    assert torch.equal(found, expected)
    assert found.is_contiguous()
    assert not found.requires_grad


@pytest.mark.parametrize(("key", "settings"), CASES)
def test_threads_change_no_bit(
    key: str,
    settings: dict[str, float],
    ordinary: list[Tensor],
    slice_of: Callable[[int], None],
    request: pytest.FixtureRequest,
) -> None:
    """Threads do not inherit that gradients are off: without their own `no_grad` this raises."""
    expected = run(key, ordinary, settings)
    slice_of(100)
    request.getfixturevalue("three_threads")
    found = run(key, [tau.requires_grad_() for tau in ordinary], settings)
    assert torch.equal(found, expected)


def test_an_unknown_method_is_refused(ordinary: list[Tensor]) -> None:
    with pytest.raises(MergeError, match="Unknown merging method 'fisher': pick one of sum, average, ties"):
        merge("fisher", ordinary)
    with pytest.raises(MergeError, match="Unknown merging method 'fisher'"):
        complete_settings("fisher", {})
    assert issubclass(MergeError, LinesError)


@pytest.mark.parametrize(
    ("key", "settings", "message"),
    [
        ("ties", {"topk": 20.0}, r"TIES has no setting 'topk': it has density, agg, scope, reference_size\."),
        ("sum", {"density": 0.2}, r"Task arithmetic has no setting 'density': it has none\."),
        ("ties", {"density": 20.0}, "density must be between 0 and 1, got 20"),
        ("ties", {"density": -0.1}, "density must be between 0 and 1, got -0.1"),
        ("ties", {"density": math.nan}, "density must be a finite number, got nan"),
        ("ties", {"density": math.inf}, "density must be a finite number, got inf"),
        ("ties", {"density": True}, "density must be a finite number, got True"),
        ("ties", {"density": "0.2"}, "density must be a finite number, got '0.2'"),
        ("ties", {"agg": 0.5}, r"agg must be one of 0 \(mean\), 1 \(sum\), got 0.5"),
        ("ties", {"reference_size": 1002.0}, "must be 0 or at least the 1003 entries .*, got 1002"),
        ("ties", {"reference_size": 2000.5}, "reference_size must be a whole number, got 2000.5"),
        ("consensus", {"k": 1.5}, "k must be a whole number, got 1.5"),
        ("consensus", {"k": -1.0}, "k must be between 0 and 21, got -1"),
        ("tall-masks", {"use_ties": 2.0}, r"use_ties must be one of 0 \(sum\), 1 \(TIES sum\), got 2"),
        ("magnitude-masks", {"reference_size": 1.0}, "must be 0 or at least the 1003 entries"),
        ("dare", {"drop": 1.0}, "drop must be between 0 and 0.99, got 1"),
        ("dare", {"seed": -1.0}, "seed must be between 0 and"),
        ("breadcrumbs", {"drop_small": 0.6, "drop_large": 0.4}, "leave nothing"),
    ],
)
def test_settings_that_a_method_cannot_take_are_refused(
    key: str, settings: dict[str, float], message: str, ordinary: list[Tensor]
) -> None:
    with pytest.raises(MergeError, match=message):
        merge(key, ordinary, settings, task=0)


def test_complete_settings_fill_in_and_round() -> None:
    assert complete_settings("ties", {"density": 0.1 + 0.2}) == {
        "density": 0.3,
        "agg": 0.0,
        "scope": 0.0,
        "reference_size": 0.0,
    }
    found = complete_settings("consensus", {"k": 1})
    assert list(found) == ["k", "tall_lambda", "use_ties", "density", "reference_size"]
    assert found == {"k": 1.0, "tall_lambda": 0.4, "use_ties": 0.0, "density": 0.2, "reference_size": 0.0}
    assert all(type(value) is float for value in found.values())
    assert complete_settings("sum", {}) == {}


def test_parameters_of_equal_content_are_equal() -> None:
    def make() -> Parameter:
        return Parameter("a", "A", "What a is.", 0.0, 0.0, 1.0, 1.0, {0.0: "no", 1.0: "yes"})

    assert make() == make()
    assert hash(make()) == hash(make())
    assert Parameter("a", "A", "What a is.", 0.0, 0.0, 1.0, 0.1).choices == {}


@pytest.mark.parametrize("key", ["tall-masks", "magnitude-masks"])
@pytest.mark.parametrize("task", [None, -1, 5, True, 1.0])
def test_a_mask_needs_its_task(key: str, task: int | None, ordinary: list[Tensor]) -> None:
    with pytest.raises(MergeError, match=f"task must be from 0 to 4, got {task!r}"):
        merge(key, ordinary, task=task)
