"""TSV-M, Iso-C and Iso-CTS once more: full SVDs in numpy, from the papers' formulas, sharing no code.

Null directions are left out where `null` is False; the authors keep them.
"""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def svd(matrix: Matrix, null: bool, beside: float = 0.0) -> tuple[Matrix, Matrix, Matrix]:
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    cut = 1e-5 * max(values[0] if values.size else 0.0, beside)
    kept = len(values) if null else int(np.sum(values > cut))
    return left[:, :kept], values[:kept], right[:kept].T


def polar(matrix: Matrix, null: bool) -> Matrix:
    left, _, right = svd(matrix, null)
    return np.asarray(left @ right.T)


def tsv_m(taus: list[Matrix], null: bool = False) -> Matrix:
    count = min(taus[0].shape) // len(taus)
    parts = [tuple(each[..., :count] for each in svd(tau, null)) for tau in taus]
    left, values, right = (np.concatenate(side, axis=-1) for side in zip(*parts, strict=True))
    return np.asarray(polar(left, null) @ np.diag(values) @ polar(right, null).T)


def iso_c(taus: list[Matrix], null: bool = False) -> Matrix:
    left, values, right = svd(np.sum(taus, axis=0), null)
    return np.asarray(values.mean() * left @ right.T)


def iso_cts(taus: list[Matrix], common: float, null: bool = False) -> Matrix:
    rank, tasks = min(taus[0].shape), len(taus)
    own = round((rank - int(rank * common)) / tasks)
    shared = [each[..., : rank - own * tasks] for each in svd(np.sum(taus, axis=0), null)]
    parts = [shared]
    for tau in taus:
        rest = tau - shared[0] @ shared[0].T @ tau  # only rounding where the common directions hold all of it
        parts.append([each[..., :own] for each in svd(rest, null, float(np.linalg.norm(tau)))])
    left, values, right = (np.concatenate(side, axis=-1) for side in zip(*parts, strict=True))
    return np.asarray(values.mean() * polar(left, null) @ polar(right, null).T)


def merged(key: str, taus: list[Matrix], settings: dict[str, float], null: bool = False) -> Matrix:
    """Any of the three on one matrix."""
    if key == "iso-cts":
        return iso_cts(taus, settings.get("common", 0.8), null)
    return {"tsv-m": tsv_m, "iso-c": iso_c}[key](taus, null)
