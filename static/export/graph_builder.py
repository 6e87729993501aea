"""Builds ONNX graphs node by node, and the residual block that both towers of CLIP consist of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

OPSET = 20
"""The oldest operator set that has Gelu."""
IR_VERSION = 9
EPSILON = 1e-5
"""Of torch's layer norm."""


class GraphBuilder:
    """A graph that grows by one operator at a time; values are known by name.

    Args:
        name: of the graph.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Name of the only output of a new node."""
        (output,) = self.split(operator, inputs, 1, **attributes)
        return output

    def split(self, operator: str, inputs: Sequence[str], count: int, **attributes: Any) -> list[str]:
        """Names of the ``count`` outputs of a new node."""
        outputs = [f"{operator}_{len(self._nodes)}_{number}" for number in range(count)]
        self._nodes.append(helper.make_node(operator, [*inputs], outputs, **attributes))
        return outputs

    def integers(self, *values: int) -> str:
        """Name of a constant int64 vector."""
        return self.constant("integers_" + "_".join(map(str, values)), np.array(values, np.int64))

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Name of a constant."""
        kind = helper.np_dtype_to_tensor_dtype(values.dtype)
        self._constants[name] = helper.make_tensor(name, kind, values.shape, values.tobytes(), raw=True)
        return name

    def reshape(self, value: str, *shape: int) -> str:
        """The value in another shape; one length may be -1, which follows from the others."""
        return self.add("Reshape", value, self.integers(*shape))

    def layer_norm(self, value: str, weights: Mapping[str, str], name: str) -> str:
        """Layer norm over the last axis."""
        scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return self.add("LayerNormalization", value, scale, shift, axis=-1, epsilon=EPSILON)

    def linear(self, value: str, weight: str, bias: str) -> str:
        """x W^T + b of rows x."""
        return self.add("Gemm", value, weight, bias, transB=1)

    def model(self, input_name: str, kind: int, shape: Sequence[str | int], output: str, width: int) -> bytes:
        """The finished graph, from one input, and one more of flat weights if a node reads ``weights``.

        Args:
            input_name, kind, shape: of the input, whose first axis is called "n".
            output: name of the result of shape (n, width), called ``features`` in the graph.
        """
        self._nodes.append(helper.make_node("Identity", [output], ["features"]))
        inputs = [helper.make_tensor_value_info(input_name, kind, ["n", *shape])]
        if any("weights" in node.input for node in self._nodes):
            inputs.append(helper.make_tensor_value_info("weights", TensorProto.FLOAT, ["numel"]))
        outputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", width])]
        constants = list(self._constants.values())
        graph = helper.make_graph(self._nodes, self._name, inputs, outputs, constants)
        opset = [helper.make_opsetid("", OPSET)]
        content: bytes = helper.make_model(
            graph, opset_imports=opset, ir_version=IR_VERSION
        ).SerializeToString()
        return content


BLOCK = (
    "ln_1.weight ln_1.bias attn.in_proj_weight attn.in_proj_bias attn.out_proj.weight attn.out_proj.bias "
    "ln_2.weight ln_2.bias mlp.c_fc.weight mlp.c_fc.bias mlp.c_proj.weight mlp.c_proj.bias"
).split()
"""Parameters of a residual block."""


def residual_block(
    graph: GraphBuilder,
    rows: str,
    weights: Mapping[str, str],
    *,
    tokens: int,
    width: int,
    heads: int,
    mask: str = "",
) -> str:
    """x + attention(ln_1(x)), and to that its mlp(ln_2(.)).

    Args:
        rows: (n * tokens, width).
        weights: names of the block's parameters, as `BLOCK`.
        mask: (tokens, tokens) added to the scores before the softmax; none by default.
    Source: open_clip's ResidualAttentionBlock.
    """
    each = width // heads
    normed = graph.layer_norm(rows, weights, "ln_1")
    merged = graph.linear(normed, weights["attn.in_proj_weight"], weights["attn.in_proj_bias"])
    parts = graph.split("Split", [merged], 3, axis=1, num_outputs=3)
    split = [graph.reshape(part, -1, tokens, heads, each) for part in parts]
    orders = (
        [0, 2, 1, 3],
        [0, 2, 3, 1],
        [0, 2, 1, 3],
    )  # the keys are transposed for their product with queries
    query, key, value = (
        graph.add("Transpose", part, perm=order) for part, order in zip(split, orders, strict=True)
    )
    factor = graph.constant(f"scale_{each}", np.array(each**-0.5, np.float32))
    scores = graph.add("MatMul", graph.add("Mul", query, factor), key)
    if mask:
        scores = graph.add("Add", scores, mask)
    attended = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), value)
    joined = graph.reshape(graph.add("Transpose", attended, perm=[0, 2, 1, 3]), -1, width)
    projected = graph.linear(joined, weights["attn.out_proj.weight"], weights["attn.out_proj.bias"])
    rows = graph.add("Add", rows, projected)
    hidden = graph.linear(
        graph.layer_norm(rows, weights, "ln_2"), weights["mlp.c_fc.weight"], weights["mlp.c_fc.bias"]
    )
    widened = graph.add("Gelu", hidden)
    return graph.add(
        "Add", rows, graph.linear(widened, weights["mlp.c_proj.weight"], weights["mlp.c_proj.bias"])
    )
