"""The text lab's measurements, shipped as evaluations: forgetting by part (Fig. 7) and merges (Table 3)."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import torch

from evaluators import EditSpec, Evaluation, Studio
from evaluators.engine.counting import count_chunk
from evaluators.experiments.text_forgetting import text_curves, text_references
from evaluators.experiments.text_merging import text_merge_specs, text_merge_tests
from evaluators.labs.text_lab import TEXT_METHODS
from evaluators.labs.tiny_text_lab import ALPHAS, TINY_T5, TinyTextLab
from evaluators.service.result_cache import FINGERPRINT
from evaluators.specs.evaluation_files import save_packed_entries
from evaluators.specs.merge_spec import MergeSpec

CHUNK = 700
"""Questions counted together, over all tasks."""


def measure_text_lab(assets: Path, cache: Path) -> Iterator[str]:
    """Write ``alphas.json`` and ``sweeps/``; what ``cache`` knows is not measured again."""
    torch.set_num_threads(1)
    studio = Studio(assets, cache, chunk=CHUNK)
    lab = studio.text_lab
    assert lab is not None, f"{assets} holds no text lab"
    keys = tuple(checkpoint.key for checkpoint in lab.checkpoints())
    alphas = {method: studio.merging_alpha(TINY_T5, MergeSpec(keys, method)).alpha for method in TEXT_METHODS}
    (lab.folder / ALPHAS).write_text(json.dumps(alphas, indent=1) + "\n", encoding="utf-8")
    for key in keys:
        specs = [*text_references(key), *(spec for curve in text_curves(key).values() for spec in curve)]
        _save(lab, key, _measured(studio, specs))
        yield f"{key}: {len(specs)} evaluations"
    found = dict.fromkeys(text_merge_specs(lab))
    known = dict(zip(found, _measured(studio, found), strict=True))
    tests = text_merge_tests(lab, known)
    known |= dict(zip(tests, _measured(studio, tests), strict=True))
    bare = [replace(one, predictions=None) if one.spec.split == "val" else one for one in known.values()]
    _save(lab, "merging", bare)
    yield f"merging: {len(known)} evaluations, alphas {alphas}"


def _measured(studio: Studio, specs: Iterable[EditSpec]) -> list[Evaluation]:
    """The complete evaluations, counted in this thread where they are not known."""
    lab = studio.lab_of(TINY_T5)
    found = []
    for spec in specs:
        evaluation = studio.cached(spec)
        if evaluation is None:
            resolved = lab.resolve(spec)
            batches, began = lab.batches(resolved.suite, resolved.split), time.perf_counter()
            chunks = batches.chunks(resolved.images)
            counted = [count_chunk(lab, resolved, batches, chunk, ()) for chunk in chunks]
            evaluation = studio.record(spec, counted, time.perf_counter() - began)
        found.append(evaluation)
    return found


def _save(lab: TinyTextLab, name: str, evaluations: Iterable[Evaluation]) -> None:
    folder = lab.folder / "sweeps"
    folder.mkdir(exist_ok=True)
    plain = [{**evaluation.as_dict(), "seconds": round(evaluation.seconds, 2)} for evaluation in evaluations]
    save_packed_entries(folder / f"{name}.json.gz", plain)
    (folder / FINGERPRINT).write_text(lab.fingerprint() + "\n", encoding="utf-8")
