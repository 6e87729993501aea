"""Load time, time of one edit and of 64 questions, and memory of a full-size Flan-T5-base from a local Hub.

Random weights in the public layout, two checkpoints. The Hub, the writer of its files and the explorer are
separate processes.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.local_hub import local_hub
from benchmarks.public_encoder import peak, row

TASKS = ("cola", "mnli")
PUBLISHED_ROWS = 400
QUESTIONS = 64
LOADING = 1200.0
ROOT = Path(__file__).parents[1]


def serve(root: Path) -> None:
    """Write the public repositories: the model, two checkpoints and their tasks."""
    from tests.hub import text_repositories
    from tests.hub.server import Hub

    text_repositories.serve_texts(Hub(root, 0), TASKS, PUBLISHED_ROWS, text_repositories.FLAN_T5_BASE)


def explore(cache: Path) -> None:
    """One start of the explorer: load, then an edit and its questions."""
    begin = time.perf_counter()
    import torch

    from evaluators import Studio
    from evaluators.experiments.text_forgetting import text_edit
    from evaluators.hub.texts.text_request import TextLoadRequest

    studio = Studio(ROOT / "assets", cache)
    request = TextLoadRequest(tasks=TASKS, questions=QUESTIONS)
    job = studio.load(request)
    if not job.wait(LOADING) or job.problem:
        raise SystemExit(f"The load did not end well: {job.problem}")
    row("start of the process to loaded, with alphas", f"{time.perf_counter() - begin:.1f} s", "")
    row("memory at its peak, mapped files included", f"{peak() / 1e9:.2f} GB", "")
    lab = studio.text_labs()[request.model]
    row("precision, weights", f"{lab.dtype}, {lab.info.parameters:,}".removeprefix("torch."), "")
    spec = text_edit(lab.checkpoints()[0].key, "decoder", 0.4, model=request.model)
    resolved = lab.resolve(spec)
    for what in ("one edit, its residual read from disk", "one edit"):
        lab.encoder.invalidate()
        began = time.perf_counter()
        lab.encoder.write_edit(resolved.residual, resolved.scales)
        row(what, f"{time.perf_counter() - began:.2f} s", "")
    began, used = time.perf_counter(), time.process_time()
    found = studio.evaluate(replace(spec, images=QUESTIONS // len(TASKS)))
    taken = f"{time.perf_counter() - began:.1f} s, CPU {time.process_time() - used:.1f} s"
    row(f"{sum(task.n for task in found.tasks)} questions, {torch.get_num_threads()} threads", taken, "")
    row("memory that is the process's own", f"{_own() / 1e9:.2f} GB", "")


def _own() -> float:
    """Resident memory of this process without mapped files, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon:"):
            return 1024.0 * int(line.split()[1])
    return float("nan")


def main() -> int:
    """Print the table."""
    with local_hub() as hub:
        hub.run("public_text.serve(Path(sys.argv[1]) / 'served')")
        hub.run("public_text.explore(Path(sys.argv[1]) / 'cache')")
    return 0


if __name__ == "__main__":
    sys.exit(main())
