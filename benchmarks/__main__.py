"""Run benchmarks one after the other, each in a process of its own: all of them, or those that are named.

A benchmark that lacks something it needs (Chromium, the shipped weights) says so, and the next one runs.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence

BENCHMARKS = {  # module of this package, each with a function main() -> int | None
    "edit": "one in-place edit against memory streams and against the reference's dictionary arithmetic",
    "evaluate_edit": "one slider move at the server against the bare forward pass over the same images",
    "conversion": "features of a converted transformers checkpoint against transformers' own, full sizes",
    "public_encoder": "a full-size ViT-B/32 from a local Hub: load, one move, memory",
    "public_text": "a full-size Flan-T5-base from a local Hub: load, one edit, 64 questions, memory",
    "merge_methods": "merging eight ViT-B/32 slice by slice against whole-matrix code: time and memory",
    "dragged_merge": "a slider move on a ViT-B/32 while another session drags a merge, against alone",
    "merge_grid": "an edit of a merge against an edit of one checkpoint; the map against single cells",
    "large": "ViT-L/14 with twenty checkpoints: memory",
    "large_files": "edit and merge of an 8.6 GB LLaMA on disk: memory, speed against a copy",
    "page_latency": "slider input to changed page in Chromium",
    "page_openings": "press on a page's tab to its first numbers in Chromium",
    "static_engine": "the engine in the browser: 56 edits against Python's predictions, time, size, memory",
    "static_page": "the static edition: moves, bytes, memory; a server whose visitors' browsers count",
    "idle": "CPU time of the server while nobody uses it, without a page and with one",
    "ray_workers": "a Ray worker against this process, two against one, time to the first result",
    "app_costs": "the app's processor time of a move, and of an answer that refines it",
    "cluster_costs": "a simulation: visitors against workers, where a cluster saturates",
    "load_test": "1, 8, 40 and 100 sessions that drag for a minute: correct answers, waiting, fairness",
    "soak": "40 sessions for ten minutes: correct answers, memory",
    "fuzz": "the fuzzers of the checkpoint reader and of the settings, for longer",
}
GROUPS = {
    "static": ("static_engine", "static_page"),
    "ray": ("ray_workers", "app_costs", "cluster_costs"),
    "crowd": ("load_test",),
}
"""Names that stand for several benchmarks."""


def run(name: str) -> bool:
    """Run one benchmark and return whether it succeeded.

    In a process of its own, so that memory, threads and warm caches of one do not affect the next.
    """
    print(f"\n== {name}: {BENCHMARKS[name]}", flush=True)
    started = time.perf_counter()
    call = f"import sys; from benchmarks.{name} import main; sys.exit(main())"
    status = subprocess.run([sys.executable, "-c", call], check=False).returncode
    result = f"took {time.perf_counter() - started:.1f} s" if status == 0 else f"failed (status {status})"
    print(f"-- {name} {result}", flush=True)
    return status == 0


def main(arguments: Sequence[str] | None = None, prog: str = "python -m benchmarks") -> int:
    """Run the named benchmarks, all of them by default; 0 if each succeeded, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog="\n".join(
            f"{name:14} {description}"
            for name, description in [*BENCHMARKS.items(), *((key, ", ".join(GROUPS[key])) for key in GROUPS)]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all)")
    given: list[str] = parser.parse_args(arguments).names
    names = [one for name in given for one in GROUPS.get(name, (name,))]
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        parser.error(f"unknown benchmark {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    results = [run(name) for name in names or BENCHMARKS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
