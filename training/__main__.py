"""``python -m training``: make the embedded lab from nothing, or resume.

A step skips what already exists; delete a shipped file to make it again.
"""

import argparse
from pathlib import Path

from training.steps import STEPS, Folders


def main() -> None:
    """Run all steps, or those named, printing a line as each part is done."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("steps", nargs="*", help=f"any of {', '.join(STEPS)}; all in order if none is named")
    parser.add_argument("--assets", type=Path, default=Path("assets"), help="folder that ships")
    parser.add_argument("--work", type=Path, default=Path(".training"), help="folder for what does not ship")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw or count")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.steps) - set(STEPS))
    if unknown:
        parser.error(f"no step called {', '.join(unknown)}: the steps are {', '.join(STEPS)}")
    folders = Folders(chosen.assets, chosen.work, chosen.workers)
    folders.work.mkdir(parents=True, exist_ok=True)
    for name in chosen.steps or STEPS:
        for line in STEPS[name](folders):
            print(f"{name}: {line}", flush=True)


if __name__ == "__main__":
    main()
