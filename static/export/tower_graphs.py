"""The towers of a CLIP as ONNX graphs: one takes its weights as input, the text tower has them inside."""

from typing import Any

import numpy as np
from onnx import TensorProto
from torch import nn

from evaluators.encoder.open_clip_folder import TOWER
from evaluators.errors import LabError
from lines_core.flat import FlatLayout
from static.export.graph_builder import BLOCK, GraphBuilder, residual_block

BLOCKS = "transformer.resblocks"
_IMAGE = (
    "class_embedding positional_embedding conv1.weight "
    "ln_pre.weight ln_pre.bias ln_post.weight ln_post.bias proj"
)
_TEXT = "token_embedding.weight positional_embedding ln_final.weight ln_final.bias text_projection"


def image_graph(clip: Any, layout: FlatLayout) -> bytes:
    """From ``pixels`` (n, 3, S, S), normalised, and ``weights`` (numel,) to ``features`` (n, D).

    One small graph serves every edit, because no weight is part of it.

    Args:
        clip: open_clip CLIP whose image tower is a ViT with a class token.
        layout: of the flat vector of its image tower.
    Raises: LabError if the tower has a part that the graph lacks.
    """
    tower = clip.visual
    names = [name.removeprefix(TOWER) for name in layout.names]
    count = layout.num_blocks
    _check("image", names, _IMAGE, count, tower.transformer)
    if tower.pool_type != "tok" or tower.final_ln_after_pool:
        raise LabError("The graph of the image tower reads the class token, which this encoder does not do.")
    shapes = dict(zip(names, layout.shapes, strict=True))
    tokens, width = shapes["positional_embedding"]
    patch, side = shapes["conv1.weight"][2], int((tokens - 1) ** 0.5)

    graph = GraphBuilder("image tower")
    sizes = graph.integers(*(shape.numel() for shape in layout.shapes))
    flat = graph.split("Split", ["weights", sizes], len(names), axis=0)
    weights = {
        name: value if len(shapes[name]) == 1 else graph.reshape(value, *shapes[name])
        for name, value in zip(names, flat, strict=True)
    }
    # the convolution's patches do not overlap: it is one product of all patches with its kernels
    cut = graph.reshape("pixels", -1, 3, side, patch, side, patch)
    patches = graph.reshape(graph.add("Transpose", cut, perm=[0, 2, 4, 1, 3, 5]), -1, 3 * patch * patch)
    kernels = graph.reshape(weights["conv1.weight"], width, -1)
    embedded = graph.reshape(graph.add("Gemm", patches, kernels, transB=1), -1, tokens - 1, width)
    batch = graph.add("Shape", embedded, start=0, end=1)
    shape = graph.add("Concat", batch, graph.integers(1, width), axis=0)
    token = graph.add("Expand", graph.reshape(weights["class_embedding"], 1, 1, width), shape)
    sequence = graph.add("Concat", token, embedded, axis=1)
    placed = graph.reshape(graph.add("Add", sequence, weights["positional_embedding"]), -1, width)
    rows = graph.layer_norm(placed, weights, "ln_pre")
    heads = tower.transformer.resblocks[0].attn.num_heads
    for number in range(count):
        own = {name: weights[f"{BLOCKS}.{number}.{name}"] for name in BLOCK}
        rows = residual_block(graph, rows, own, tokens=tokens, width=width, heads=heads)
    first = graph.constant("first", np.array(0, np.int64))
    pooled = graph.add("Gather", graph.reshape(rows, -1, tokens, width), first, axis=1)
    features = graph.add("MatMul", graph.layer_norm(pooled, weights, "ln_post"), weights["proj"])
    size = side * patch
    return graph.model("pixels", TensorProto.FLOAT, [3, size, size], features, shapes["proj"][1])


def text_graph(clip: Any) -> bytes:
    """From ``tokens`` (n, context length), int32, to ``features`` (n, D) of length 1.

    The weights are inside, as float16 where that is exact; they are widened when the graph is loaded.

    Args:
        clip: open_clip CLIP with a causal text tower that is read at its last token.
    Raises: LabError if the tower has a part that the graph lacks.
    """
    named = {
        name: value.detach().cpu().numpy()
        for name, value in clip.named_parameters()
        if not name.startswith(TOWER) and name != "logit_scale"
    }
    count = len(clip.transformer.resblocks)
    _check("text", list(named), _TEXT, count, clip.transformer)
    if clip.text_pool_type != "argmax" or clip.attn_mask is None:
        raise LabError("The graph of the text tower reads the last token, which this encoder does not do.")
    tokens, width = named["positional_embedding"].shape

    graph = GraphBuilder("text tower")
    weights = {}
    for name, value in named.items():
        halves = value.astype(np.float16)
        exact = np.array_equal(halves.astype(np.float32), value)
        stored = graph.constant(name, halves if exact else value)
        weights[name] = graph.add("Cast", stored, to=TensorProto.FLOAT) if exact else stored
    mask = graph.constant("mask", clip.attn_mask.detach().cpu().numpy().astype(np.float32))
    embedded = graph.add("Gather", weights["token_embedding.weight"], "tokens", axis=0)
    rows = graph.reshape(graph.add("Add", embedded, weights["positional_embedding"]), -1, width)
    heads = clip.transformer.resblocks[0].attn.num_heads
    for number in range(count):
        own = {name: weights[f"{BLOCKS}.{number}.{name}"] for name in BLOCK}
        rows = residual_block(graph, rows, own, tokens=tokens, width=width, heads=heads, mask=mask)
    last = graph.add("ArgMax", "tokens", axis=1, keepdims=1)  # the end of a text is the largest token
    sequence = graph.reshape(graph.layer_norm(rows, weights, "ln_final"), -1, tokens, width)
    pooled = graph.add("GatherND", sequence, last, batch_dims=1)
    projected = graph.add("MatMul", pooled, weights["text_projection"])
    unit = graph.add("LpNormalization", projected, axis=-1, p=2)
    return graph.model("tokens", TensorProto.INT32, [tokens], unit, named["text_projection"].shape[1])


def _check(tower: str, names: list[str], outside: str, count: int, transformer: Any) -> None:
    """Raises: LabError unless the tower has exactly the parts that the graph computes."""
    expected = {*outside.split(), *(f"{BLOCKS}.{block}.{name}" for block in range(count) for name in BLOCK)}
    if different := sorted(expected.symmetric_difference(names)):
        raise LabError(f"The graph of the {tower} tower does not fit this encoder: see {different[0]!r}.")
    if kinds := {type(block.mlp.gelu).__name__ for block in transformer.resblocks} - {nn.GELU.__name__}:
        raise LabError(f"The graph of the {tower} tower has GELU between its layers, the encoder {kinds}.")
