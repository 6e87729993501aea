"""One in-place edit against the machine's memory bandwidth and against the reference's way to do it.

Both are ratios of medians, measured in turn in one process, on random weights in the shapes of open_clip's
image towers. Run with ``python -m benchmarks edit``.
"""

import copy
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lines_core import FlatLayout, LayerEditor, adopt, coefficients

THREADS = 2
ALPHA = 0.3


class TowerShape(NamedTuple):
    """Shape of one open_clip image tower (open_clip/model_configs)."""

    title: str
    width: int
    num_blocks: int
    patch: int
    embed_dim: int
    rounds: int


ENCODERS = (
    TowerShape("ViT-B/32", 768, 12, 32, 512, rounds=15),
    TowerShape("ViT-L/14", 1024, 24, 14, 768, rounds=7),
)


def tower_shapes(encoder: TowerShape, image_size: int = 224) -> dict[str, tuple[int, ...]]:
    """Parameter shapes by open_clip's names: 87,849,216 weights for ViT-B/32, 303,966,208 for ViT-L/14."""
    width = encoder.width
    shapes: dict[str, tuple[int, ...]] = {
        "class_embedding": (width,),
        "positional_embedding": ((image_size // encoder.patch) ** 2 + 1, width),
        "proj": (width, encoder.embed_dim),
        "conv1.weight": (width, 3, encoder.patch, encoder.patch),
        "ln_pre.weight": (width,),
        "ln_pre.bias": (width,),
    }
    for block in range(encoder.num_blocks):
        inside = {
            "ln_1.weight": (width,),
            "ln_1.bias": (width,),
            "attn.in_proj_weight": (3 * width, width),
            "attn.in_proj_bias": (3 * width,),
            "attn.out_proj.weight": (width, width),
            "attn.out_proj.bias": (width,),
            "ln_2.weight": (width,),
            "ln_2.bias": (width,),
            "mlp.c_fc.weight": (4 * width, width),
            "mlp.c_fc.bias": (4 * width,),
            "mlp.c_proj.weight": (width, 4 * width),
            "mlp.c_proj.bias": (width,),
        }
        shapes |= {f"transformer.resblocks.{block}.{name}": shape for name, shape in inside.items()}
    return shapes | {"ln_post.weight": (width,), "ln_post.bias": (width,)}


def module_of(shapes: dict[str, tuple[int, ...]]) -> nn.Module:
    """A module with these parameters and nothing to run, which is all that an edit looks at."""
    root = nn.Module()
    for name, shape in shapes.items():
        *path, last = name.split(".")
        module = root
        for part in path:
            if part not in module._modules:
                module.add_module(part, nn.Module())
            module = module.get_submodule(part)
        module.register_parameter(last, nn.Parameter(torch.randn(shape), requires_grad=False))
    return root


def reference_edit(
    model: nn.Module, task_vector: dict[str, Tensor], num_blocks: int, as_printed: bool = True
) -> nn.Module:
    """An edited copy of the model as published code makes it: dictionaries, one new tensor a step.

    Source: arXiv:2410.17146, Appendix A, then theta_0 + tau' loaded into a deep copy of the model. Appendix A
    as printed also begins with a deep copy of the task vector, which nothing needs.
    """
    if as_printed:
        task_vector = copy.deepcopy(task_vector)
    key_blocks = [f".resblocks.{block}." for block in range(num_blocks)]
    scaling = {}
    for name in task_vector:
        for block, key in enumerate(key_blocks):
            if key in name:
                scaling[name] = ALPHA + (1.0 - ALPHA) * (block / (num_blocks - 1))
                break
    scaled = {name: residual * scaling.get(name, ALPHA) for name, residual in task_vector.items()}
    pretrained = model.state_dict()
    edited = {name: pretrained[name] + scaled[name] for name in pretrained}
    edited_model = copy.deepcopy(model)
    edited_model.load_state_dict(edited)
    return edited_model


def interleaved(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each run, taken in turn so that a busy spell of the machine hits all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            started = time.perf_counter()
            result = run()
            seconds[name].append(time.perf_counter() - started)
            del result  # freed outside the clock
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}  # the first warms up


def measure(encoder: TowerShape) -> None:
    """Measure one encoder and print its rows."""
    torch.manual_seed(0)
    shapes = tower_shapes(encoder)
    model = module_of(shapes)
    pretrained_model = module_of(shapes)
    layout, live = adopt(model)
    pretrained, residual = live.clone(), 0.01 * torch.randn_like(live)
    task_vector = {name: view.clone() for name, view in layout.unflatten(residual).items()}
    editor = LayerEditor(layout, pretrained, live)
    scales = coefficients("linear", ALPHA, 1.0 - ALPHA, encoder.num_blocks)
    edit_and_streams = interleaved(
        {
            "edit": lambda: editor.apply(residual, scales, ALPHA, ALPHA),
            "streams": lambda: torch.add(pretrained, residual, out=live),
        },
        3 * encoder.rounds,
    )
    edit_and_reference = interleaved(
        {
            "edit": lambda: editor.apply(residual, scales, ALPHA, ALPHA),
            "reference": lambda: reference_edit(pretrained_model, task_vector, encoder.num_blocks),
            "leaner": lambda: reference_edit(pretrained_model, task_vector, encoder.num_blocks, False),
        },
        encoder.rounds,
    )
    bfloat16 = bfloat16_edit(layout, pretrained, residual, scales, encoder.rounds)
    edit, streams = edit_and_streams["edit"], edit_and_streams["streams"]
    against, reference, leaner = edit_and_reference.values()
    print(f"{encoder.title}, {layout.numel:,} weights, float32, {THREADS} threads")
    row("edit in place", edit)
    row(
        "three memory streams of the same bytes",
        streams,
        f"edit / streams      {edit / streams:6.2f}",
        "<= 1.25",
    )
    row("reference way, as printed", reference, f"reference / edit    {reference / against:6.1f}", ">= 15")
    row("the same without copying the task vector", leaner, f"leaner / edit       {leaner / against:6.1f}")
    row("edit into a bfloat16 model", bfloat16, f"bfloat16 / float32  {bfloat16 / edit:6.2f}")


def bfloat16_edit(
    layout: FlatLayout, pretrained: Tensor, residual: Tensor, scales: Tensor, rounds: int
) -> float:
    """Median seconds of an edit that is rounded to a live model in bfloat16."""
    editor = LayerEditor(layout, pretrained, torch.empty_like(pretrained, dtype=torch.bfloat16))
    return interleaved({"edit": lambda: editor.apply(residual, scales, ALPHA, ALPHA)}, rounds)["edit"]


def row(what: str, seconds: float, ratio: str = "", target: str = "") -> None:
    """Print one line of the table."""
    print(
        f"  {what:40} {1000 * seconds:8.1f} ms   {ratio:27} {f'target {target}' if target else ''}".rstrip()
    )


def main() -> None:
    """Measure every encoder on two threads."""
    torch.set_num_threads(THREADS)
    for encoder in ENCODERS:
        measure(encoder)


if __name__ == "__main__":
    main()
