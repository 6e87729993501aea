"""mergekit's two programs, which one process imports once and then forks for each run.

The programs are called as their console scripts do, after declarations that let transformers import a
torchvision of another build than torch.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from evaluators.export.loading_snippets import TORCHVISION

PROGRAMS = {
    "open_clip": ("merge_raw_pytorch", ()),
    "transformers": ("run_yaml", ("--no-copy-tokenizer",)),
}
"""What the recipe of a layout names: its module in mergekit.scripts, and its options."""

SERVER = f"""
import json, os, sys
import torch
{TORCHVISION}
from mergekit.scripts import merge_raw_pytorch, run_yaml
for line in sys.stdin:
    module, where, said, *arguments = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(where)
        for number in (1, 2):
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
        sys.argv[1:] = arguments
        globals()[module].main()
        os._exit(1)  # as a click command, main does not return
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Ran:
    """Exit code of a program, and what it wrote."""

    returncode: int
    said: str


class Mergekit:
    """Runs the program of a layout; a context manager, whose process starts with the first run."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Mergekit":
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.communicate()

    def __call__(self, layout: str, recipe: Path, where: Path) -> Ran:
        """The layout's program in a folder; it writes to ``merged`` beside the recipe."""
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, "-c", SERVER],
                env=os.environ | {"HF_HUB_OFFLINE": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        module, options = PROGRAMS[layout]
        said = recipe.parent / "said.txt"
        order = [module, where, said, recipe, recipe.parent / "merged", "--quiet", *options]
        self._server.stdin.write(json.dumps(order, default=str) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        return Ran(code, said.read_text("utf-8"))
