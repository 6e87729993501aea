"""The table of subcommands: listed without heavy imports, dispatched with their own arguments."""

import subprocess
import sys

import pytest

from lines_cli import __main__ as command_line
from lines_cli.__main__ import COMMANDS, Command, main


def test_help_lists_every_command_and_imports_neither_torch_nor_gradio() -> None:
    code = (
        "import sys; from lines_cli.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'gradio', 'numpy', 'evaluators'} & set(sys.modules)))"
    )
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert lines.endswith("[]\n")
    assert all(f"  {name} " in lines and command.description in lines for name, command in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: lines {name} ")


def test_an_unknown_command_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["fly"])
    message = capsys.readouterr().err
    assert all(name in message for name in COMMANDS)


def test_a_command_that_lacks_its_requirements_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(COMMANDS, "cluster", Command("nowhere:main", "", "cluster"))
    monkeypatch.setitem(command_line.NEEDS, "cluster", ("no_such_module", "install the extra"))
    assert main(["cluster"]) == 1
    assert capsys.readouterr().err == "`lines cluster` cannot run here: install the extra\n"


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (3, 3)])
def test_the_status_of_a_command_is_the_exit_status(
    returned: int | None, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[list[str], str]] = []

    def entry(arguments: list[str], prog: str) -> int | None:
        calls.append((arguments, prog))
        return returned

    monkeypatch.setattr("lines_cli.serve.main", entry)
    assert main(["app", "--port", "8000"]) == status
    assert calls == [(["--port", "8000"], "lines app")]


def test_ctrl_c_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Also while a command is imported: that printed a traceback of fifty lines."""

    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupted)
    assert main(["edit"]) == 130
    assert capsys.readouterr().err == "lines edit: stopped\n"
