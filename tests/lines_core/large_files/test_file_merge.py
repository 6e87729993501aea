"""Merges from files to files: the numbers of `merging.merge` on whole vectors, for every method."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lines_core import METHODS, FlatLayout, LayerEditor, coefficients, merge, merging_alpha, outside_scales
from lines_core.errors import CheckpointError, LinesError, MergeError, TaskVectorError
from lines_core.large_files import pieces
from lines_core.large_files.file_merge import merge_files
from lines_core.merging import slices
from lines_core.packed import pack
from tests.lines_core.checkpoints.equality import equal
from tests.lines_core.large_files.models import (
    Weights,
    files_of,
    finetuning_of,
    random_model,
    read_folder,
    write_folder,
)

Paths = tuple[Path, list[Path]]
COUNT = 3


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 50)
    monkeypatch.setattr(slices, "SLICE", 16)


def write_models(folder: Path, pretrained: Weights, models: list[Weights]) -> Paths:
    names = [f"task{number}" for number in range(len(models))]
    return write_folder(folder / "pretrained", pretrained, shards=3), [
        write_folder(folder / name, model, shards=number + 1)
        for number, (name, model) in enumerate(zip(names, models, strict=True))
    ]


def coarse_models(dtype: torch.dtype = torch.float32) -> tuple[Weights, list[Weights]]:
    """Updates in steps of 1/16, so that magnitudes are equal and signs cancel often."""
    pretrained = random_model(0, dtype)
    models = []
    for number in range(COUNT):
        moved = finetuning_of(pretrained, 1 + number, share=1.0)
        models.append(
            {
                name: (tensor.float() + ((moved[name] - tensor).float() * 16).round() / 16).to(dtype)
                for name, tensor in pretrained.items()
            }
        )
    return pretrained, models


def in_memory(
    pretrained: Weights,
    models: list[Weights],
    method: str,
    settings: Mapping[str, float],
    task: int | None = None,
    alpha: float | None = 1.0,
    beta: float = 0.0,
    weights: Sequence[float] = (1.0,) * COUNT,
) -> dict[str, Tensor]:
    """The same on whole flat vectors, float32."""
    layout = FlatLayout.of(pretrained)
    start = layout.flatten(pretrained)
    vectors = [
        factor * (layout.flatten(model) - start) for model, factor in zip(models, weights, strict=False)
    ]
    merged = merge(method, vectors, settings, task=task, shapes=layout.shapes, names=layout.names)
    first = merging_alpha(vectors, merged).alpha if alpha is None else alpha
    scales = coefficients("linear", first, beta, layout.num_blocks)
    live = torch.empty_like(start)
    LayerEditor(layout, start, live).apply(merged, scales, *outside_scales("alpha", first, scales))
    return dict(layout.unflatten(live))


CASES: list[tuple[str, dict[str, float]]] = [
    ("sum", {}),
    ("average", {}),
    ("ties", {"density": 0.3}),
    ("ties", {"density": 0.3, "agg": 1.0}),
    ("ties", {"density": 1.0}),
    ("ties", {"density": 0.3, "reference_size": 10_000}),
    ("consensus", {"k": 2.0}),
    ("consensus", {"k": 1.0, "use_ties": 1.0, "density": 0.5}),
    ("tall-masks", {"tall_lambda": 0.4}),
    ("tall-masks", {"tall_lambda": 0.6, "use_ties": 1.0}),
    ("magnitude-masks", {"density": 0.2}),
    ("dare", {"drop": 0.5, "seed": 3.0}),
    ("dare-ties", {"drop": 0.5, "seed": 3.0}),
    ("breadcrumbs", {"drop_small": 0.5, "drop_large": 0.05}),
    ("slerp", {"t": 0.3}),
    ("ties", {"density": 0.3, "scope": 1.0}),
    ("breadcrumbs", {"drop_small": 0.5, "drop_large": 0.05, "scope": 2.0}),
    ("slerp", {"t": 0.3, "scope": 1.0}),
    ("tsv-m", {}),
    ("iso-c", {}),
    ("iso-cts", {"common": 0.5}),
    ("sce", {"select": 0.5}),
    ("della", {"density": 0.5, "seed": 3.0}),
    ("model-stock", {}),
]


def test_every_method_is_among_the_cases() -> None:
    assert {method for method, _ in CASES} == set(METHODS) - {"pcb"}


@pytest.mark.parametrize(("method", "settings"), CASES)
def test_bit_for_bit_as_whole_vectors(tmp_path: Path, method: str, settings: dict[str, float]) -> None:
    task = 1 if METHODS[method].per_task else None
    pretrained, models = coarse_models()
    models = models[: METHODS[method].count or None]
    paths = write_models(tmp_path, pretrained, models)
    out = merge_files(*paths, tmp_path / "out", method=method, settings=settings, task=task)
    assert equal(read_folder(out), in_memory(pretrained, models, method, settings, task))


@pytest.mark.parametrize(("sign", "expected"), [(1, 0.75), (-1, -0.375)])
def test_the_majority_of_all_parts_decides_where_signs_cancel(
    tmp_path: Path, sign: int, expected: float
) -> None:
    """Three updates that cancel in one parameter get the sign that prevails in the others, also for Eq. 2."""
    pretrained = random_model(0) | {"ln_f.bias": torch.zeros(6)}
    models = [
        {name: tensor + sign * 0.5 for name, tensor in pretrained.items()}
        | {"ln_f.bias": torch.full((6,), last)}
        for last in (0.75, -0.25, -0.5)
    ]
    paths = write_models(tmp_path, pretrained, models)
    settings = {"density": 1.0}
    out = read_folder(merge_files(*paths, tmp_path / "out", settings=settings))
    assert torch.equal(out["ln_f.bias"], torch.full((6,), expected))
    assert equal(out, in_memory(pretrained, models, "ties", settings))
    lines = read_folder(merge_files(*paths, tmp_path / "lines", settings=settings, beta=0.5))
    assert equal(lines, in_memory(pretrained, models, "ties", settings, alpha=None, beta=0.5))


@pytest.mark.parametrize("method", ["sum", "ties", "consensus", "slerp", "tsv-m"])
def test_lines_on_top_with_alpha_of_eq_2(tmp_path: Path, method: str) -> None:
    pretrained, models = coarse_models()
    models = models[: METHODS[method].count or None]
    paths = write_models(tmp_path, pretrained, models)
    out = merge_files(*paths, tmp_path / "out", method=method, beta=0.5)
    assert equal(read_folder(out), in_memory(pretrained, models, method, {}, alpha=None, beta=0.5))
    recipe = json.loads((out / "lines_recipe.json").read_text())
    if method == "sum":
        assert recipe["alpha"] == pytest.approx(1 / COUNT)
    fixed = merge_files(*paths, tmp_path / "fixed", method=method, alpha=0.2, beta=0.5)
    assert equal(read_folder(fixed), in_memory(pretrained, models, method, {}, alpha=0.2, beta=0.5))


def test_half_precision_is_rounded_once(tmp_path: Path) -> None:
    pretrained, models = coarse_models(torch.bfloat16)
    paths = write_models(tmp_path, pretrained, models)
    out = merge_files(*paths, tmp_path / "out", beta=0.5)
    exact = in_memory(pretrained, models, "ties", {}, alpha=None, beta=0.5)
    assert equal(read_folder(out), {name: tensor.bfloat16() for name, tensor in exact.items()})


def test_files_are_those_of_the_pretrained_model(tmp_path: Path) -> None:
    pretrained, models = coarse_models()
    buffers = {"h.0.attn.bias": torch.ones(1, 1, 3, 3, dtype=torch.bool)}
    paths = write_models(tmp_path, pretrained | buffers, [model | buffers for model in models])
    out = merge_files(*paths, tmp_path / "out", method="sum", alpha=0.4)
    assert files_of(out) == files_of(paths[0]) - {"README.md", "pytorch_model.bin"} | {"lines_recipe.json"}
    assert torch.equal(read_folder(out)["h.0.attn.bias"], buffers["h.0.attn.bias"])
    recipe = json.loads((out / "lines_recipe.json").read_text())
    assert (recipe["pretrained"], recipe["finetuned"]) == ("pretrained", ["task0", "task1", "task2"])
    assert not list(tmp_path.glob(".*"))


def test_weights_of_the_models(tmp_path: Path) -> None:
    pretrained, models = coarse_models()
    paths = write_models(tmp_path, pretrained, models)
    out = merge_files(*paths, tmp_path / "out", weights=[1.0, 0.5, -2.0], beta=0.5)
    weights = (1.0, 0.5, -2.0)
    expected = in_memory(pretrained, models, "ties", {}, alpha=None, beta=0.5, weights=weights)
    assert equal(read_folder(out), expected)
    for wrong in ([1.0], [1.0, 2.0, float("nan")]):
        refused(MergeError, "Expected 3 finite weights", paths, tmp_path / "o", weights=wrong)


class _Stopped(Exception):
    pass


def stop_after(files: int, folder: Path) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if len(list(folder.glob(".out.*.part/*.*s*"))) >= files:
            raise _Stopped

    return progress


@pytest.mark.parametrize("files", [1, 2])
def test_what_the_passes_found_is_not_searched_again(tmp_path: Path, files: int) -> None:
    pretrained, models = coarse_models()
    paths = write_models(tmp_path, pretrained, models)
    with pytest.raises(_Stopped):
        merge_files(*paths, tmp_path / "out", beta=0.5, progress=stop_after(files, tmp_path))
    steps: list[tuple[int, int]] = []
    out = merge_files(*paths, tmp_path / "out", beta=0.5, progress=lambda *step: steps.append(step))
    assert equal(read_folder(out), in_memory(pretrained, models, "ties", {}, alpha=None, beta=0.5))
    whole = sum(tensor.nbytes for tensor in pretrained.values()) * (1 + COUNT)
    assert steps[-1] == (whole, whole), "one pass, that writes"


def test_progress_covers_all_passes(tmp_path: Path) -> None:
    pretrained, models = coarse_models()
    paths = write_models(tmp_path, pretrained, models)
    steps: list[tuple[int, int]] = []
    merge_files(*paths, tmp_path / "out", beta=0.5, progress=lambda *step: steps.append(step))
    whole = sum(tensor.nbytes for tensor in pretrained.values()) * (1 + COUNT)
    assert steps[-1] == (4 * whole, 4 * whole), (
        "two for the thresholds, majority with norms, and the last one"
    )


def test_eq_2_where_the_signs_add_up_to_nothing(tmp_path: Path) -> None:
    """Two updates that elect as many plus as minus, and cancel in places: these entries are zero."""
    pretrained = random_model(0)
    pretrained = {name: torch.zeros_like(tensor) for name, tensor in pretrained.items()}
    models = [{name: tensor.clone() for name, tensor in pretrained.items()} for _ in range(2)]
    models[0]["wte.weight"][0], models[1]["wte.weight"][0] = 0.5, -0.5
    models[0]["wte.weight"][1], models[1]["wte.weight"][2] = 0.25, -0.75
    paths = write_models(tmp_path, pretrained, models)
    steps: list[tuple[int, int]] = []
    settings = {"density": 1.0}
    out = merge_files(
        *paths, tmp_path / "out", settings=settings, beta=0.5, progress=lambda *step: steps.append(step)
    )
    merged = read_folder(out)
    assert equal(merged, in_memory(pretrained, models, "ties", settings, alpha=None, beta=0.5))
    assert not merged["wte.weight"][0].any()
    assert merged["wte.weight"][1].all()
    assert steps[-1][0] == steps[-1][1]
    assert max(steps) == steps[-1]


def refused(error: type[LinesError], message: str, paths: Paths, out: Path, **settings: Any) -> None:
    before = files_of(out.parent)
    with pytest.raises(error, match=message):
        merge_files(*paths, out, **settings)
    assert files_of(out.parent) == before


def test_wrong_inputs(tmp_path: Path) -> None:
    pretrained, models = coarse_models()
    paths = write_models(tmp_path, pretrained, models)
    out = tmp_path / "out"
    refused(MergeError, "Unknown merging method 'best'", paths, out, method="best")
    refused(MergeError, "density must be between 0 and 1", paths, out, settings={"density": 2.0})
    refused(MergeError, "reference_size must be 0 or at least", paths, out, settings={"reference_size": 9.0})
    refused(MergeError, "task must be from 0 to 2, got None", paths, out, method="tall-masks")
    refused(MergeError, "PCB merging ranks scores of whole models and is not made", paths, out, method="pcb")
    refused(MergeError, "at least one fine-tuned", (paths[0], []), out)
    lacking = write_folder(tmp_path / "lacking", {n: t for n, t in models[0].items() if n != "wpe.weight"})
    refused(CheckpointError, "only pretrained has 'wpe.weight'", (paths[0], [lacking]), out)
    packed = write_folder(tmp_path / "packed", dict(pack("wte.weight", models[0]["wte.weight"])))
    refused(CheckpointError, "packed is a packed residual", (paths[0], [packed]), out)
    models[0]["h.1.ln_1.bias"][0] = float("nan")
    broken = write_folder(tmp_path / "broken", models[0])
    refused(MergeError, "holds NaN or infinity", (paths[0], [broken]), out)
    refused(MergeError, "holds NaN or infinity", (paths[0], [broken]), out, method="sum")
    large = write_folder(tmp_path / "large", models[1] | {"ln_f.bias": torch.full((6,), 7e5)})
    half = {"method": "sum", "dtype": torch.float16}
    refused(TaskVectorError, "in float16", (paths[0], [large]), out, **half)
