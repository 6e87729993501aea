"""Entry point of the command `lines`, also ``python -m lines_cli``: picks a subcommand and runs it."""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from typing import NamedTuple

from lines_cli import STOPPED, app_folder


class Command(NamedTuple):
    """One subcommand.

    Args:
        entry: "module:function", imported when it is run; takes (arguments, prog), returns an exit status.
        description: for the list of commands.
        needs: key of ``NEEDS``, or "" for a command that needs torch and safetensors only.
    """

    entry: str
    description: str
    needs: str = ""


COMMANDS = {
    "app": Command("lines_cli.serve:main", "serve the page on this machine", "app"),
    "prefetch": Command(
        "lines_cli.public_models:prefetch",
        "download encoders, checkpoints and images, and check them against published accuracies",
        "app",
    ),
    "table1": Command(
        "lines_cli.public_models:table1",
        "measure the paper's Table 1 and print it beside the paper's figures",
        "app",
    ),
    "table2": Command(
        "lines_cli.public_models:table2",
        "measure merges of eight tasks by the paper's methods and later ones, with LiNeS and without",
        "app",
    ),
    "oracle": Command(
        "lines_cli.public_models:oracle", "run the authors' notebook and print its figures beside ours", "app"
    ),
    "evaluate": Command(
        "lines_cli.evaluate_command:main",
        "count what an edited model keeps of its task and of all others, your own images too",
        "app",
    ),
    "sweep": Command(
        "lines_cli.sweep_command:main",
        "measure a table of the paper or a grid of edits, and go on after a stop",
        "app",
    ),
    "edit": Command(
        "lines_cli.model_commands:edit", "scale a fine-tuned model's update by depth, files to files"
    ),
    "merge": Command(
        "lines_cli.model_commands:merge", "merge fine-tuned models, with LiNeS on top if you like"
    ),
    "inspect": Command(
        "lines_cli.inspect_command:main", "say what a model is and how far each block was moved"
    ),
    "static": Command(
        "lines_cli.static_site:main", "write the page as files that need no server, only a browser", "static"
    ),
    "bench": Command("benchmarks.__main__:main", "run benchmarks", "checkout"),
}
NEEDS = {  # what a command needs -> a module that is there with it, and what to do where it is not
    "app": ("gradio", "install the app's requirements: pip install 'lines-explorer[app]'"),
    "static": ("onnx", "install its requirements too: pip install 'lines-explorer[app,static]'"),
    "checkout": ("benchmarks", "run it in a checkout of the repository"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the subcommand that the arguments name. Returns: its exit status."""
    app_folder()
    from serving.command_line import OneLineParser
    from serving.version import VERSION

    width = max(map(len, COMMANDS))
    parser = OneLineParser(
        prog="lines",
        description="Layer-increasing scaling of fine-tuned models (LiNeS).",
        epilog="commands:\n"
        + "\n".join(f"  {name:{width}}  {command.description}" for name, command in COMMANDS.items())
        + "\n\n`lines COMMAND --help` lists the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lines-explorer {VERSION}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="its own arguments")
    options = parser.parse_args(arguments)
    command = COMMANDS[options.command]
    if command.needs:
        module, advice = NEEDS[command.needs]
        if importlib.util.find_spec(module) is None:
            print(f"`lines {options.command}` cannot run here: {advice}", file=sys.stderr)
            return 1
    module, _, function = command.entry.partition(":")
    prog = f"lines {options.command}"
    try:
        status = getattr(importlib.import_module(module), function)(options.arguments, prog)
    except KeyboardInterrupt:  # also while torch is imported, which takes seconds
        print(f"{prog}: stopped", file=sys.stderr)
        return STOPPED
    return status or 0


if __name__ == "__main__":
    sys.exit(main())
