"""TSV-M, Iso-C and Iso-CTS against full SVDs in numpy, and what the formulas leave open."""

import numpy as np
import pytest
import torch
from torch import Tensor

from lines_core.errors import MergeError
from lines_core.merging import merge, merging_alpha, stopped_by
from lines_core.merging.singular import largest_triples, matrix_shapes, nearest_orthonormal
from tests.lines_core.merging import authors_svd

KEYS = ("tsv-m", "iso-c", "iso-cts")
CASES: list[tuple[str, dict[str, float]]] = [
    ("tsv-m", {}),
    ("iso-c", {}),
    ("iso-cts", {}),
    ("iso-cts", {"common": 0.0}),
    ("iso-cts", {"common": 0.5}),
    ("iso-cts", {"common": 1.0}),
]


def residuals(shape: tuple[int, int], tasks: int, rank: int | None = None) -> list[Tensor]:
    """Random changes whose singular values fall, as those of fine-tunings do; of a low rank if asked."""
    generator = torch.Generator().manual_seed(11)
    found = []
    for _ in range(tasks):
        inner = min(shape) if rank is None else rank
        left = torch.randn(shape[0], inner, generator=generator, dtype=torch.float64)
        right = torch.randn(inner, shape[1], generator=generator, dtype=torch.float64)
        found.append(0.01 * ((left * torch.arange(1, inner + 1) ** -0.7) @ right).float())
    return found


def merged(key: str, taus: list[Tensor], settings: dict[str, float] | None = None) -> Tensor:
    shape = tuple(taus[0].shape)
    return merge(key, [tau.flatten() for tau in taus], settings or {}, shapes=[shape]).view(shape)


def expected(key: str, taus: list[Tensor], settings: dict[str, float] | None = None, **kept: bool) -> Tensor:
    plain = [tau.double().numpy() for tau in taus]
    return torch.from_numpy(authors_svd.merged(key, plain, settings or {}, **kept)).float()


def close(found: Tensor, wanted: Tensor, within: float = 1e-5) -> bool:
    return bool((found - wanted).norm() <= within * wanted.norm()) and bool(wanted.norm() > 0)


@pytest.mark.parametrize("shape", [(24, 24), (72, 24), (24, 72), (50, 24), (25, 7)])
@pytest.mark.parametrize(("key", "settings"), CASES)
def test_as_the_papers_say(key: str, settings: dict[str, float], shape: tuple[int, int]) -> None:
    taus = residuals(shape, tasks=3)
    found = merged(key, taus, settings)
    assert close(found, expected(key, taus, settings))
    assert close(found, expected(key, taus, settings, null=True)), "nothing is near zero: as the authors do"


@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_no_matrix_is_averaged(threads: int, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("torch_threads")(threads)
    shapes = [(4, 3, 2, 2), (6,), (9, 6), (6, 6), (6, 5), (0, 3), ()]
    names = [
        "conv1",
        "class_embedding",
        "positional_embedding",
        "in_proj",
        "clip.text_projection",
        "none",
        "s",
    ]
    sizes = [int(np.prod(shape)) for shape in shapes]
    generator = torch.Generator().manual_seed(1)
    vectors = [torch.randn(sum(sizes), generator=generator) for _ in range(2)]
    found = torch.split(merge("tsv-m", vectors, shapes=shapes, names=names), sizes)
    parts = [torch.split(vector, sizes) for vector in vectors]
    for number in (0, 1, 4, 5, 6):
        assert torch.equal(found[number], ((parts[0][number].double() + parts[1][number]) / 2).float())
    for number in (2, 3):
        taus = [part[number].view(shapes[number]) for part in parts]
        assert close(found[number].view(shapes[number]), expected("tsv-m", taus))
    without = torch.split(merge("tsv-m", vectors, shapes=shapes), sizes)
    assert close(without[4].view(6, 5), expected("tsv-m", [part[4].view(6, 5) for part in parts]))


def test_one_task_is_that_task() -> None:
    (tau,) = residuals((8, 6), tasks=1)
    assert torch.equal(merged("tsv-m", [tau]), tau)


def test_more_tasks_than_directions_leave_nothing() -> None:
    assert not merged("tsv-m", residuals((9, 4), tasks=5)).any()
    assert close(merged("iso-c", residuals((9, 4), tasks=5)), expected("iso-c", residuals((9, 4), tasks=5)))


@pytest.mark.parametrize("key", KEYS)
def test_low_rank_has_no_arbitrary_directions(key: str) -> None:
    """LoRA of rank 2: with the null directions of float32 rounding the merge would be another one."""
    taus = residuals((48, 32), tasks=4, rank=2)
    found = merged(key, taus)
    assert close(found, expected(key, taus))
    assert not close(found, expected(key, taus, null=True), 0.1)
    assert int(torch.linalg.matrix_rank(found)) <= 8
    flipped = merged(key, [tau.flip(0) for tau in taus]).flip(0)
    assert close(flipped, found), "the order of the rows says nothing about the tasks"


@pytest.mark.parametrize("key", KEYS)
def test_tasks_that_changed_nothing_count_as_no_direction(key: str) -> None:
    taus = residuals((30, 20), tasks=2)
    zeros = [torch.zeros(30, 20)] * 2
    assert close(merged(key, [*taus, *zeros]), expected(key, [*taus, *zeros]))
    assert not merged(key, zeros).any()


def test_equal_tasks_count_as_one() -> None:
    """P(U) of [U U] is not unique: here it is [U U] / sqrt(2), and the merge the task's k largest triples."""
    (tau,) = residuals((12, 10), tasks=1)
    left, values, right = np.linalg.svd(tau.double().numpy(), full_matrices=False)
    cut = torch.from_numpy(left[:, :5] * values[:5] @ right[:5]).float()
    assert close(merged("tsv-m", [tau, tau.clone()]), cut)


@pytest.mark.parametrize("key", KEYS)
def test_order_scale_and_sign(key: str) -> None:
    taus = residuals((20, 14), tasks=3)
    found = merged(key, taus)
    assert close(merged(key, [taus[2], taus[0], taus[1]]), found)
    assert torch.equal(merged(key, [-tau for tau in taus]), -found)
    assert close(merged(key, [4 * tau for tau in taus]), 4 * found)
    assert close(merged(key, [tau.T.contiguous() for tau in taus]).T, found) or key == "iso-cts"


def test_triples_and_the_nearest_orthonormal_matrix() -> None:
    matrix = torch.tensor([[3.0, 0.0], [0.0, -2.0], [0.0, 0.0]])
    found = largest_triples(matrix, 2)
    assert found.values.tolist() == pytest.approx([3.0, 2.0])
    assert torch.allclose((found.left * found.values) @ found.right.mT, matrix.double())
    assert nearest_orthonormal(matrix).tolist() == [[1.0, 0.0], [0.0, -1.0], [0.0, 0.0]]
    assert largest_triples(matrix, 2, beside=2.5e5).values.tolist() == pytest.approx([3.0])
    assert largest_triples(torch.zeros(3, 0), 2).left.shape == (3, 0)


def test_shapes_that_do_not_fit_are_refused() -> None:
    vectors = [torch.ones(6)] * 2
    for shapes in (None, [(2, 2)]):
        with pytest.raises(MergeError, match="needs the shapes of those that make up the 6 entries"):
            merge("iso-c", vectors, shapes=shapes)
    assert matrix_shapes(None, None) is None


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("key", KEYS)
def test_broken_values_are_refused(key: str, value: float) -> None:
    vectors = [torch.ones(6), torch.tensor([1.0, 2.0, value, 4.0, 5.0, 6.0])]
    with pytest.raises(MergeError, match="holds NaN or infinity"):
        merge(key, vectors, shapes=[(2, 3)])


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("threads", [1, 3])
def test_stops_between_matrices(key: str, threads: int, request: pytest.FixtureRequest) -> None:
    class Enough(Exception):
        pass

    request.getfixturevalue("torch_threads")(threads)
    vectors, shapes = [torch.rand(5 * 12) for _ in range(2)], [(4, 3)] * 5
    left = [3]

    def check() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Enough

    with pytest.raises(Enough), stopped_by(check):
        merge(key, vectors, shapes=shapes)
    assert torch.get_num_threads() == threads
    merge(key, vectors, shapes=shapes)


def test_eq_2_counts_every_entry() -> None:
    taus = [tau.flatten() for tau in residuals((12, 10), tasks=3)]
    found = merge("tsv-m", taus, shapes=[(12, 10)])
    total = torch.stack(taus).sum(0)
    assert merging_alpha(taus, found).alpha == pytest.approx(float(total.abs().sum() / found.abs().sum()) / 3)
