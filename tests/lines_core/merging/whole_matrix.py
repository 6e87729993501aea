"""Every merging rule once more, slowly: in numpy, on the whole matrix (T, d), sorted, in float64.

Written from the rules' descriptions and sharing no code with them, for the tests to compare with.
"""

import math

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


def top(vector: Matrix, density: float, reference_size: int = 0) -> Mask:
    """|v| >= k-th smallest, k = d - int(density * d), of the vector made up to d with zeros."""
    padded = np.concatenate([np.abs(vector), np.zeros(max(0, reference_size - len(vector)))])
    k = len(padded) - int(density * len(padded))
    threshold = float(np.sort(padded)[k - 1]) if k else 0.0
    mask: Mask = np.abs(vector) >= threshold
    return mask


def ties(matrix: Matrix, density: float, agg: str, reference_size: int = 0) -> Matrix:
    trimmed = np.stack([np.where(top(row, density, reference_size), row, 0.0) for row in matrix])
    elected = np.sign(trimmed.sum(axis=0))
    elected[elected == 0] = np.sign(elected.sum())
    agreeing = (np.sign(trimmed) == elected) & (trimmed != 0)
    total: Matrix = np.where(agreeing, trimmed, 0.0).sum(axis=0)
    if agg == "mean":
        total /= np.maximum(agreeing.sum(axis=0), 1)
    return total


def below_masks(matrix: Matrix, use_ties: float, density: float, reference_size: float) -> Matrix:
    merged = ties(matrix, density, "sum", int(reference_size)) if use_ties else matrix.sum(axis=0)
    return np.asarray(merged.astype(np.float32), dtype=np.float64)


def tall(matrix: Matrix, merged: Matrix, tall_lambda: float) -> Mask:
    """(T, d)."""
    mask: Mask = np.abs(matrix) > tall_lambda * np.abs(merged - matrix)
    return mask


def breadcrumbs(matrix: Matrix, drop_small: float, drop_large: float) -> Matrix:
    total = np.zeros(matrix.shape[1])
    for row in matrix:
        ranked = np.sort(np.abs(row))
        kept = ranked[int(drop_small * len(row)) : len(row) - int(drop_large * len(row))]
        total += np.where((np.abs(row) >= kept[0]) & (np.abs(row) <= kept[-1]), row, 0.0)
    return total


def elected(dropped: Matrix, agg: str) -> Matrix:
    """TIES without trimming; entries that cancel give 0."""
    rounded = dropped.astype(np.float32).astype(np.float64)
    agreeing = (np.sign(rounded) == np.sign(rounded.sum(axis=0))) & (rounded != 0)
    total: Matrix = np.where(agreeing, rounded, 0.0).sum(axis=0)
    return total / np.maximum(agreeing.sum(axis=0), 1) if agg == "mean" else total


def dare_row(matrix: Matrix, task: int, drop: float, seed: int) -> Matrix:
    """One task as DARE leaves it: the others are zero in the sum."""
    alone = np.zeros_like(matrix)
    alone[task] = matrix[task]
    return dare(alone, drop, seed)


def splitmix(seed: int, task: int, place: int) -> int:
    """SplitMix64 one number at a time, in Python's own integers: from 0 to 2**64 - 1."""
    word, golden = 1 << 64, 0x9E3779B97F4A7C15

    def output(state: int) -> int:
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % word
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) % word
        return state ^ (state >> 31)

    begin = output((output((seed + golden) % word) + task + golden) % word)
    return output((begin + (place + 1) * golden) % word)


def dare(matrix: Matrix, drop: float, seed: int) -> Matrix:
    """Each entry kept with probability 1 - drop."""
    word = 1 << 64
    kept = np.zeros(matrix.shape)
    for task, row in enumerate(matrix):
        for place in range(len(row)):
            drawn = splitmix(seed, task, place)
            # as a signed number, uniform over all 64 bits
            signed = drawn - word if drawn >= word // 2 else drawn
            kept[task, place] = signed >= int(drop * word) - word // 2
    total: Matrix = (matrix * kept).sum(axis=0) / (1.0 - drop)
    return total


def slerp(one: Matrix, other: Matrix, t: float) -> Matrix:
    """Both directions on the unit circle of their plane; the way is a line where they are parallel."""
    lengths = [float(np.sqrt(np.dot(row, row))) for row in (one, other)]
    cosine = float(np.dot(one, other)) / (lengths[0] or 1.0) / (lengths[1] or 1.0)
    if abs(cosine) > 0.9995:
        return (1.0 - t) * one + t * other
    angle = math.acos(cosine)
    found: Matrix = (math.sin((1.0 - t) * angle) / math.sin(angle)) * one
    return found + (math.sin(t * angle) / math.sin(angle)) * other


def merged(key: str, matrix: Matrix, settings: dict[str, float], task: int) -> Matrix:
    """Any of the rules, settings as floats."""
    settings = {name: value for name, value in settings.items() if name != "scope"}
    if key == "sum":
        return np.asarray(matrix.sum(axis=0))
    if key == "slerp":
        return slerp(matrix[0], matrix[1], settings["t"])
    if key == "average":
        return np.asarray(matrix.mean(axis=0))
    if key == "ties":
        agg = "sum" if settings["agg"] else "mean"
        return ties(matrix, settings["density"], agg, int(settings["reference_size"]))
    if key == "dare":
        return dare(matrix, settings["drop"], int(settings["seed"]))
    if key == "dare-ties":
        drop, seed = settings["drop"], int(settings["seed"])
        rows = [dare_row(matrix, task, drop, seed) for task in range(len(matrix))]
        return elected(np.stack(rows), "sum" if settings["agg"] else "mean")
    if key == "breadcrumbs":
        return breadcrumbs(matrix, **settings)
    if key == "magnitude-masks":
        mask = top(matrix[task], settings["density"], int(settings["reference_size"]))
        return np.where(mask, matrix.sum(axis=0), 0.0)
    settings = dict(settings)
    tall_lambda, k = settings.pop("tall_lambda"), settings.pop("k", None)
    base = below_masks(matrix, **settings)
    masks = tall(matrix, base, tall_lambda)
    return np.where(masks[task] if k is None else masks.sum(axis=0) >= k, base, 0.0)
