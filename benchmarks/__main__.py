"""Run the benchmarks one after the other: ``make bench``, or ``make bench ARGS="edit page"`` for some.

A benchmark that misses something it needs (Chromium, the shipped weights) says so, and the next one runs.
"""

import argparse
import subprocess
import sys
import time

BENCHMARKS = {
    "edit": "one in-place edit against memory streams and against the reference's dictionary arithmetic",
    "evaluate": "one slider move at the server against the bare forward pass over the same images",
    "conversion": "features of a converted transformers checkpoint against transformers' own, full sizes",
    "public": "a full-size ViT-B/32 from a local Hub: load, one move, memory",
    "merging": "TIES, Consensus and DARE of eight ViT-B/32 against whole-matrix code: time and memory",
    "dragging": "first numbers on a ViT-B/32 while somebody else drags a setting of a merge, against alone",
    "tuning": "an edit of a merge against an edit of one checkpoint; the map against single cells",
    "large": "ViT-L/14 with twenty checkpoints: memory",
    "page": "slider input to changed page in Chromium",
    "crowd": "1, 8, 40 and 100 visitors who drag for a minute: right answers, waiting, fairness",
    "soak": "40 visitors for ten minutes: right answers, memory",
    "fuzz": "the fuzzers of the checkpoint reader and of the settings, for longer",
}


def run(name: str) -> bool:
    """Run one benchmark in a process of its own; whether it ran to its end.

    Its own process, so that memory, threads and warm caches of one do not colour the next.
    """
    print(f"\n== {name}: {BENCHMARKS[name]}", flush=True)
    started = time.perf_counter()
    call = f"import sys; from benchmarks.{name} import main; sys.exit(main())"
    status = subprocess.run([sys.executable, "-c", call], check=False).returncode
    ended = (
        f"took {time.perf_counter() - started:.1f} s" if status == 0 else f"did not finish (status {status})"
    )
    print(f"-- {name} {ended}", flush=True)
    return status == 0


def main(arguments: list[str] | None = None) -> int:
    """Run the named benchmarks, all of them by default; 0 if each ran to its end, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Print the explorer's timings.",
        epilog="\n".join(f"{name:11} {what}" for name, what in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHMARKS)} (default: all)"
    )
    names: list[str] = parser.parse_args(arguments).names
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"unknown benchmark {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    ran = [run(name) for name in names or BENCHMARKS]
    return 0 if all(ran) else 1


if __name__ == "__main__":
    sys.exit(main())
