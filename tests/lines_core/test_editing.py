"""In-place edits: the formula, zeros bit for bit, no drift, and a refused edit that changes nothing."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lines_core import editing
from lines_core.editing import OUTSIDE_RULES, LayerEditor, outside_scales
from lines_core.errors import EditError
from lines_core.flat import FlatLayout
from lines_core.schedules import coefficients

Tower = dict[str, Tensor]
SCALES = torch.tensor([0.1, 0.4, 0.7, 1.0], dtype=torch.float64)


class Bench:
    """A pretrained vector, a residual and an editor of a live copy."""

    def __init__(self, pretrained: Tower, finetuned: Tower, live_dtype: torch.dtype = torch.float32) -> None:
        self.layout = FlatLayout.of(pretrained)
        self.pretrained = self.layout.flatten(pretrained)
        self.finetuned = self.layout.flatten(finetuned)
        self.residual = self.finetuned - self.pretrained
        self.live = torch.full_like(self.pretrained, 7.0, dtype=live_dtype)
        self.editor = LayerEditor(self.layout, self.pretrained, self.live)


@pytest.fixture
def bench(pretrained: Tower, finetuned: Tower) -> Bench:
    return Bench(pretrained, finetuned)


def transcribed(
    pretrained: Tower, finetuned: Tower, block_scales: list[float], before: float, after: float
) -> Tower:
    """theta_0 + lambda(l) * (theta_t - theta_0), name by name, with the names of the fixture spelt out."""
    edited = {}
    for name, weight in pretrained.items():
        if "resblocks" in name:
            scale = block_scales[int(name.split(".")[3])]
        else:
            scale = after if name.split(".")[1] in ("ln_post", "proj") else before
        edited[name] = weight + scale * (finetuned[name] - weight)
    return edited


def test_an_edit_worked_by_hand() -> None:
    layout = FlatLayout.of({name: torch.zeros(1) for name in ("wte.w", "h.0.w", "h.1.w", "ln_f.w")})
    pretrained, residual = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([8.0, 8.0, -8.0, 8.0])
    live = torch.zeros(4)
    LayerEditor(layout, pretrained, live).apply(residual, torch.tensor([0.5, 1.0]), before=0.25, after=-1.0)
    assert live.tolist() == [3.0, 6.0, -5.0, -4.0]


def test_agrees_with_the_formula_name_by_name(bench: Bench, pretrained: Tower, finetuned: Tower) -> None:
    bench.editor.apply(bench.residual, SCALES, before=0.3, after=0.6)
    expected = transcribed(pretrained, finetuned, SCALES.tolist(), 0.3, 0.6)
    for name, weight in bench.layout.unflatten(bench.live).items():
        torch.testing.assert_close(weight, expected[name])


def test_ones_are_finetuned_and_zeros_are_pretrained(bench: Bench) -> None:
    bench.editor.apply(bench.residual, torch.ones(4), 1.0, 1.0)
    torch.testing.assert_close(bench.live, bench.finetuned)
    bench.editor.apply(bench.residual, torch.zeros(4), 0.0, 0.0)
    assert torch.equal(bench.live, bench.pretrained)


def test_pretrained_and_residual_are_never_written(bench: Bench) -> None:
    pretrained, residual = bench.pretrained.clone(), bench.residual.clone()
    bench.editor.apply(bench.residual, SCALES, 0.3, 0.6)
    bench.editor.restore()
    assert torch.equal(bench.pretrained, pretrained)
    assert torch.equal(bench.residual, residual)


def test_a_thousand_edits_leave_no_trace(bench: Bench) -> None:
    """Every edit starts from the pretrained weights. Adding the change of scale to the live weights instead
    is what repositories do, and is off by 1e-5 after this many."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(1000):
        scales = torch.randn(6, generator=generator, dtype=torch.float64)
        bench.editor.apply(bench.residual, scales[:4], float(scales[4]), float(scales[5]))
    used = bench.live.clone()
    fresh = torch.empty_like(bench.live)
    LayerEditor(bench.layout, bench.pretrained, fresh).apply(
        bench.residual, scales[:4], float(scales[4]), float(scales[5])
    )
    assert torch.equal(used, fresh)
    bench.editor.apply(bench.residual, torch.zeros(4), 0.0, 0.0)
    assert torch.equal(bench.live, bench.pretrained)


def test_zeros_restore_the_sign_of_zero_and_ignore_what_the_residual_holds(bench: Bench) -> None:
    """-0.0 + 0 * r is 0.0, and 0 * NaN is NaN: a scale of zero copies instead."""
    bench.pretrained[::3] = -0.0
    bench.residual[::2] = math.nan
    bench.editor.apply(bench.residual, torch.zeros(4), -0.0, 0.0)
    assert torch.equal(bench.live.view(torch.int32), bench.pretrained.view(torch.int32))


def test_restore(bench: Bench) -> None:
    bench.editor.apply(bench.residual, SCALES, 0.3, 0.6)
    assert not torch.equal(bench.live, bench.pretrained)
    bench.editor.restore()
    assert torch.equal(bench.live, bench.pretrained)


@given(scales=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=6, max_size=6))
def test_merging_equal_neighbours_changes_no_bit(scales: list[float]) -> None:
    layout = FlatLayout.of(
        {name: torch.zeros(37) for name in ("wte.w", *(f"h.{i}.w" for i in range(4)), "ln_f.w")}
    )
    generator = torch.Generator().manual_seed(0)
    pretrained, residual = torch.randn(2, layout.numel, generator=generator)
    live = torch.empty(layout.numel)
    LayerEditor(layout, pretrained.clone(), live).apply(
        residual, torch.tensor(scales[1:-1]), scales[0], scales[-1]
    )
    for index, scale in enumerate(scales):
        part = layout.segment(index)
        assert torch.equal(live[part], torch.add(pretrained[part], residual[part], alpha=scale))


@pytest.mark.parametrize(
    ("before", "blocks", "after", "adds", "copies"),
    [
        (0.1, [0.2, 0.3, 0.4, 0.5], 0.6, 6, 0),
        (0.5, [0.5, 0.5, 0.5, 0.5], 0.5, 1, 0),
        (0.0, [0.0, 0.5, 0.5, 1.0], 1.0, 2, 1),
        (0.5, [0.0, 0.5, 0.0, 0.5], 0.0, 3, 3),
        (0.0, [0.0, 0.0, 0.0, 0.0], 0.0, 0, 1),
    ],
)
def test_neighbours_of_equal_scale_share_a_pass(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    before: float,
    blocks: list[float],
    after: float,
    adds: int,
    copies: int,
) -> None:
    calls: list[str] = []
    add, copy = torch.add, Tensor.copy_

    def counted_add(*operands: Tensor, alpha: float, out: Tensor) -> Tensor:
        calls.append("add")
        return add(*operands, alpha=alpha, out=out)

    def counted_copy(self: Tensor, source: Tensor) -> Tensor:
        calls.append("copy")
        return copy(self, source)

    monkeypatch.setattr(torch, "add", counted_add)
    monkeypatch.setattr(Tensor, "copy_", counted_copy)
    bench.editor.apply(bench.residual, torch.tensor(blocks), before, after)
    assert (calls.count("add"), calls.count("copy")) == (adds, copies)


def test_a_segment_without_parameters_takes_no_pass() -> None:
    layout = FlatLayout.of({"h.0.w": torch.zeros(2), "h.1.w": torch.zeros(2)})
    live = torch.zeros(4)
    editor = LayerEditor(layout, torch.zeros(4), live)
    editor.apply(torch.ones(4), torch.tensor([2.0, 3.0]), before=9.0, after=9.0)
    assert live.tolist() == [2.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 18])
def test_a_live_model_in_bfloat16_is_the_rounded_edit(
    pretrained: Tower, finetuned: Tower, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """The sum is made in float32 and rounded once, whatever the size of the buffer."""
    monkeypatch.setattr(editing, "_CHUNK", chunk)
    exact = Bench(pretrained, finetuned)
    rounded = Bench(pretrained, finetuned, torch.bfloat16)
    for scales in (SCALES, torch.tensor([0.0, 0.0, 0.5, 0.5]), torch.ones(4)):
        exact.editor.apply(exact.residual, scales, 0.3, 0.0)
        rounded.editor.apply(rounded.residual, scales, 0.3, 0.0)
        assert torch.equal(rounded.live, exact.live.to(torch.bfloat16))
    rounded.editor.restore()
    assert torch.equal(rounded.live, rounded.pretrained.to(torch.bfloat16))


@pytest.mark.parametrize("live_dtype", [torch.float32, torch.bfloat16])
def test_an_edit_allocates_nothing_large(
    make_tower: Callable[..., Tower], live_dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editing, "_CHUNK", 64)
    bench = Bench(make_tower(seed=0), make_tower(seed=1), live_dtype)
    bench.editor.apply(bench.residual, SCALES, 0.3, 0.6)
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU],
        profile_memory=True,
        acc_events=True,  # torch 2.11 warns without it
    ) as profile:
        bench.editor.apply(bench.residual, SCALES, 0.3, 0.6)
    allocated = sum(max(0, event.self_cpu_memory_usage) for event in profile.key_averages())
    assert allocated < bench.live.nbytes / 10


def refused(bench: Bench, match: str, **changes: object) -> None:
    """Expect an EditError, and every byte of the live weights as it was."""
    bench.editor.apply(bench.residual, SCALES, 0.3, 0.6)
    untouched = bench.live.clone()
    call = {"residual": bench.residual, "block_scales": torch.zeros(4), "before": 0.0, "after": 0.0} | changes
    with pytest.raises(EditError, match=match):
        bench.editor.apply(**call)  # type: ignore[arg-type]
    assert torch.equal(bench.live, untouched)


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_another_number_of_scales_is_refused(bench: Bench, count: int) -> None:
    refused(bench, rf"Expected 4 block scales, got \({count},\)", block_scales=torch.zeros(count))


def test_scales_of_another_shape_are_refused(bench: Bench) -> None:
    refused(bench, r"Expected 4 block scales, got \(4, 1\)", block_scales=torch.zeros(4, 1))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scales_that_are_no_numbers_are_refused(bench: Bench, bad: float) -> None:
    """The last one of all is as bad as the first: everything is checked before the first write."""
    refused(bench, "Scales must be finite", block_scales=torch.tensor([0.0, 0.0, 0.0, bad]))
    refused(bench, "Scales must be finite", before=bad)
    refused(bench, "Scales must be finite", after=bad)


def test_residuals_that_do_not_fit_are_refused(bench: Bench) -> None:
    refused(bench, r"residual must have shape \(", residual=bench.residual[:-1])
    refused(bench, "residual must be contiguous", residual=torch.zeros(2 * len(bench.residual))[::2])
    refused(bench, "residual must be floating-point, got torch.int64", residual=bench.residual.long())
    refused(bench, "residual is torch.float64 on cpu", residual=bench.residual.double())
    refused(bench, "residual is torch.float32 on meta", residual=bench.residual.to("meta"))
    refused(bench, "residual and live share memory", residual=bench.live)


def test_vectors_that_do_not_fit_are_refused(bench: Bench) -> None:
    layout, pretrained = bench.layout, bench.pretrained
    with pytest.raises(EditError, match=r"pretrained must have shape"):
        LayerEditor(layout, pretrained[1:], bench.live)
    with pytest.raises(EditError, match=r"live must have shape"):
        LayerEditor(layout, pretrained, bench.live[1:])
    with pytest.raises(EditError, match="pretrained must be floating-point"):
        LayerEditor(layout, pretrained.long(), bench.live)
    with pytest.raises(EditError, match="live must be contiguous"):
        LayerEditor(layout, pretrained, torch.zeros(2 * layout.numel)[::2])
    with pytest.raises(EditError, match="pretrained is on cpu, live on meta"):
        LayerEditor(layout, pretrained, bench.live.to("meta"))
    with pytest.raises(EditError, match="pretrained and live share memory"):
        LayerEditor(layout, pretrained, pretrained)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("alpha", (0.3, 0.3)), ("depth", (0.1, 1.0)), ("pretrained", (0.0, 0.0)), ("finetuned", (1.0, 1.0))],
)
def test_outside_rules(rule: str, expected: tuple[float, float]) -> None:
    assert outside_scales(rule, 0.3, SCALES) == expected
    assert OUTSIDE_RULES[rule].title
    assert OUTSIDE_RULES[rule].help.endswith(".")


def test_every_outside_rule_is_tested_above() -> None:
    assert list(OUTSIDE_RULES) == ["alpha", "depth", "pretrained", "finetuned"]


def test_for_the_linear_shape_depth_differs_from_alpha_only_after_the_last_block() -> None:
    scales = coefficients("linear", 0.25, 0.75, 4)
    assert outside_scales("alpha", 0.25, scales) == (0.25, 0.25)
    assert outside_scales("depth", 0.25, scales) == (0.25, 1.0)


def test_unknown_rules_and_missing_scales_are_refused() -> None:
    with pytest.raises(EditError, match="'beta': pick one of alpha, depth, pretrained, finetuned"):
        outside_scales("beta", 0.3, SCALES)
    for scales in (torch.zeros(0), torch.zeros(2, 2)):
        with pytest.raises(EditError, match=r"Expected the scales of all blocks, shape \(L,\), got"):
            outside_scales("depth", 0.3, scales)
