"""`lines edit` and `lines merge`: the library's files, one line for what cannot be done, the exit status."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from lines_cli import model_commands, progress_line
from lines_cli.__main__ import main
from lines_core import edit_files, merge_files
from tests.lines_core.checkpoints.equality import equal
from tests.lines_core.large_files.models import (
    files_of,
    finetuning_of,
    random_model,
    read_folder,
    write_folder,
)


@pytest.fixture(autouse=True)
def _no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a command takes longer than it is quiet for."""
    monkeypatch.setattr(progress_line, "QUIET", math.inf)


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path, Path]:
    pretrained = random_model(0)
    write_folder(tmp_path / "p", pretrained, shards=1)
    for number in (1, 2):
        write_folder(tmp_path / f"f{number}", finetuning_of(pretrained, number))
    return tmp_path / "p", tmp_path / "f1", tmp_path / "f2"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_edit_writes_what_the_library_writes(
    models: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pretrained, finetuned, _ = models
    given = ("edit", "--pretrained", pretrained, "--finetuned", finetuned)
    assert run(*given, "--gamma", 0.4, "--shape", "sqrt", "--outside", "depth", "-o", tmp_path / "a") == 0
    assert capsys.readouterr() == (f"Wrote {tmp_path / 'a'}\n", "")
    settings: dict[str, Any] = {"shape": "sqrt", "outside": "depth"}
    expected = edit_files(pretrained, finetuned, tmp_path / "b", alpha=0.4, beta=0.6, **settings)
    assert equal(read_folder(tmp_path / "a"), read_folder(expected))
    half = ("--alpha", 0.2, "--beta", 0.5, "--dtype", "bfloat16")
    assert run(*given, *half, "--out", tmp_path / "c") == 0
    expected = edit_files(pretrained, finetuned, tmp_path / "d", alpha=0.2, beta=0.5, dtype=torch.bfloat16)
    assert equal(read_folder(tmp_path / "c"), read_folder(expected))


def test_an_adapter_needs_no_pretrained_model(
    models: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The update is B A, so only B is scaled: 0.25, 0.625, 1 in three blocks."""
    generator = torch.Generator().manual_seed(0)
    name = "base_model.model.model.layers.{}.self_attn.q_proj.lora_{}.weight"
    adapter = {
        name.format(block, factor): torch.randn(4, 4, generator=generator)
        for block in range(3)
        for factor in "AB"
    }
    folder = tmp_path / "adapter"
    folder.mkdir()
    save_file(adapter, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "target_modules": ["q_proj"]}')
    assert run("edit", "--finetuned", folder, "--gamma", 0.25, "-o", tmp_path / "out") == 0
    out = read_folder(tmp_path / "out")
    assert files_of(tmp_path / "out") == files_of(folder) | {"lines_recipe.json"}
    for block, scale in enumerate((0.25, 0.625, 1.0)):
        assert torch.equal(out[name.format(block, "A")], adapter[name.format(block, "A")])
        product = out[name.format(block, "B")] @ out[name.format(block, "A")]
        expected = scale * (adapter[name.format(block, "B")] @ adapter[name.format(block, "A")])
        torch.testing.assert_close(product, expected)
    capsys.readouterr()
    for restriction in (
        {"layers_to_transform": [0, 1, 2]},
        {"target_modules": r".*layers\.[0-2]\..*q_proj"},
        {"target_modules": ["q_proj", "2.self_attn.v_proj"]},
        {"target_modules": ["q_proj"], "exclude_modules": ["layers.3.self_attn.q_proj"]},
    ):
        (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", **restriction}))
        assert run("edit", "--finetuned", folder, "--gamma", 0.25, "-o", tmp_path / "o") == 1
        assert "adapter may change some layers only" in capsys.readouterr().err
    assert run("inspect", folder, "--pretrained", models[0]) == 1
    assert "adapter is a LoRA adapter and p a whole model: merge" in capsys.readouterr().err
    assert run("merge", "--pretrained", models[0], "--finetuned", folder, "-o", tmp_path / "o") == 1
    assert "adapter is a LoRA adapter and p a whole model: merge" in capsys.readouterr().err
    given = ("edit", "--pretrained", models[0], "--finetuned", folder, "--gamma", 0.25)
    assert run(*given, "-o", tmp_path / "o") == 1
    assert "adapter is a LoRA adapter, an update by itself: name no pre-trained" in capsys.readouterr().err
    assert run("edit", "--finetuned", models[1], "--gamma", 0.25, "-o", tmp_path / "o") == 1
    assert "f1 is no LoRA adapter: name the pre-trained model" in capsys.readouterr().err


def test_merge_writes_what_the_library_writes(models: tuple[Path, Path, Path], tmp_path: Path) -> None:
    pretrained, *finetuned = models
    given = ("merge", "--pretrained", pretrained, "--finetuned", *finetuned)
    assert run(*given, "--density", 0.3, "--beta", 0.5, "-o", tmp_path / "a") == 0
    expected = merge_files(pretrained, finetuned, tmp_path / "b", settings={"density": 0.3}, beta=0.5)
    assert equal(read_folder(tmp_path / "a"), read_folder(expected))
    mask = ("--method", "tall-masks", "--task", 2, "--tall-lambda", 0.6, "--scale", 0.8)
    assert run(*given, *mask, "-o", tmp_path / "c") == 0
    expected = merge_files(
        pretrained,
        finetuned,
        tmp_path / "d",
        method="tall-masks",
        task=1,
        settings={"tall_lambda": 0.6},
        alpha=0.8,
    )
    assert equal(read_folder(tmp_path / "c"), read_folder(expected))


def test_merge_warns_of_another_pretraining_before_it_merges(
    models: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pretrained, *finetuned = models
    other = write_folder(tmp_path / "other", random_model(7))
    given = ("merge", "--pretrained", pretrained, "--method", "sum", "--finetuned", *finetuned)
    assert run(*given, "-o", tmp_path / "a") == 0
    assert capsys.readouterr().err == ""
    assert run(*given, other, "-o", tmp_path / "b") == 0
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("lines merge: warning: other: The change is 1")
    assert said.endswith("it probably comes from another pre-training.")


@pytest.mark.parametrize(
    "numbers",
    [
        (),
        ("--alpha", 1),
        ("--beta", 1),
        ("--gamma", 1, "--beta", 0),
        ("--gamma", 1, "--alpha", 1, "--beta", 0),
    ],
)
def test_edit_takes_gamma_or_alpha_and_beta(
    numbers: Sequence[object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("edit", "--pretrained", "p", "--finetuned", "f", *numbers, "-o", tmp_path / "out")
    said = capsys.readouterr().err
    assert said.startswith("lines edit: give --gamma, or --alpha and --beta")
    assert said.count("\n") == 1


def test_a_decimal_comma_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It said "invalid float value", also of weights with commas between them."""
    for numbers in (("--gamma", "0,5"), ("--alpha", 1, "--beta", "0,5")):
        with pytest.raises(SystemExit, match="2"):
            run("edit", "--pretrained", "p", "--finetuned", "f", *numbers, "-o", tmp_path / "out")
        assert "expected a number, got '0,5': decimals take a point" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        run("merge", "--pretrained", "p", "--finetuned", "f", "--weights", "1,0.5", "-o", tmp_path / "out")
    assert "got '1,0.5': decimals take a point, and a space separates" in capsys.readouterr().err


@pytest.mark.parametrize("gamma", ["1.5", "-0.1", "inf"])
def test_gamma_is_from_0_to_1(gamma: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A percentage is a slip that would multiply the update."""
    with pytest.raises(SystemExit, match="2"):
        run("edit", "--pretrained", "p", "--finetuned", "f", "--gamma", gamma, "-o", tmp_path / "out")
    assert capsys.readouterr().err.startswith(f"lines edit: --gamma is from 0 to 1, got {gamma};")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (("--method", "tall-masks"), "tall-masks makes one model per task: give --task from 1 to 2 ("),
        (
            ("--method", "tall-masks", "--task", 3),
            "tall-masks makes one model per task: give --task from 1 to 2, got 3",
        ),
        (("--method", "tall-masks", "--task", 0), "tall-masks makes one model per task: give --task from 1"),
        (("--task", 1), "--task has no meaning for ties"),
    ],
)
def test_a_task_is_counted_from_1_and_for_masks_only(
    given: Sequence[object], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("merge", "--pretrained", "p", "--finetuned", "f", "g", *given, "-o", tmp_path / "out")
    assert capsys.readouterr().err.startswith(f"lines merge: {line}")


def test_a_part_is_asked_for_as_the_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`both` is offered only where encoder and decoder have as many blocks."""
    for decoder, choices in ((2, '"encoder" or "decoder" or "both".'), (1, '"encoder" or "decoder".')):
        weights = {f"model.encoder.layers.{block}.fc1.weight": torch.ones(1) for block in range(2)}
        for block in range(decoder):
            weights[f"model.decoder.layers.{block}.encoder_attn.k_proj.weight"] = torch.ones(1)
        weights["model.encoder.conv1.weight"] = torch.ones(1)
        save_file(weights, tmp_path / "whisper.safetensors")
        assert run("inspect", tmp_path / "whisper.safetensors") == 1
        assert capsys.readouterr().err.endswith(f"choose one with --part {choices}\n")


def test_what_cannot_be_done_is_said_in_one_line(
    models: tuple[Path, Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretrained, finetuned, _ = models

    def said(*arguments: object) -> str:
        assert run(*arguments) == 1
        out, line = capsys.readouterr()
        assert out == ""
        assert line.startswith(f"lines {arguments[0]}: ")
        assert line.count("\n") == 1
        return line

    edit = ("edit", "--pretrained", pretrained, "--finetuned", finetuned, "--gamma", 0.5)
    same = (*edit[:3], "--finetuned", pretrained, *edit[5:])
    assert "p is given as both models: there is no update to scale" in said(*same, "-o", tmp_path / "o")
    assert "exists: choose another name" in said(*edit, "-o", finetuned)
    assert "must be finite" in said(*edit[:-1], "nan", "-o", tmp_path / "o")
    assert "no file or folder 'nowhere'" in said(*edit[:2], "nowhere", *edit[3:], "-o", tmp_path / "o")
    merge = ("merge", "--pretrained", pretrained, "--finetuned", finetuned)
    assert "TIES has no setting 'drop'" in said(*merge, "--drop", 0.5, "-o", tmp_path / "o")
    monkeypatch.chdir(tmp_path.parent)
    mistyped = f"{tmp_path.name}/nowhere"
    assert f"'nowhere' in the folder '{tmp_path.name}'" in said("inspect", mistyped)
    assert "no file or folder" in said("inspect", "nowhere")
    assert "no file or folder 'xxx" in said("inspect", "x" * 300)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (
            OSError(28, "No space left on device"),
            1,
            "there is no space left; files that are finished are kept",
        ),
        (PermissionError(13, "Permission denied", "here"), 1, "here cannot be used: Permission denied"),
        (KeyboardInterrupt(), 130, "stopped; the same command goes on where this one was"),
    ],
)
def test_a_full_disk_and_a_stopped_run(
    error: BaseException,
    status: int,
    line: str,
    models: tuple[Path, Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(model_commands, "edit_files", fail)
    given = ("edit", "--pretrained", models[0], "--finetuned", models[1], "--gamma", 0.5)
    assert run(*given, "-o", tmp_path / "o") == status
    assert line in capsys.readouterr().err


def test_the_recipe_is_in_the_output(models: tuple[Path, Path, Path], tmp_path: Path) -> None:
    run("edit", "--pretrained", models[0], "--finetuned", models[1], "--gamma", 0.4, "-o", tmp_path / "o")
    recipe = json.loads((tmp_path / "o" / "lines_recipe.json").read_text())
    assert recipe == {
        "pretrained": "p",
        "finetuned": "f1",
        "alpha": 0.4,
        "beta": 0.6,
        "shape": "linear",
        "outside": "alpha",
        "architecture": "GPT-2",
        "part": "",
        "num_blocks": 4,
        "dtype": None,
    }


def test_neither_gradio_nor_the_hub_is_needed(models: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Only torch and safetensors: what else is imported would be asked for where it is not installed."""
    code = (
        "import sys\n"
        "for name in ('gradio', 'huggingface_hub', 'numpy', 'open_clip', 'datasets', 'httpx'):\n"
        "    sys.modules[name] = None\n"
        "from lines_cli.__main__ import main\n"
        "p, f, o = sys.argv[1:]\n"
        "assert main(['edit', '--pretrained', p, '--finetuned', f, '--gamma', '0.4', '-o', o]) == 0\n"
        "assert main(['inspect', f, '--pretrained', p]) == 0\n"
    )
    import subprocess

    arguments = [str(models[0]), str(models[1]), str(tmp_path / "o")]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


def test_of_a_file_with_several_models_one_is_chosen(
    models: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of a pickle, which was "no .safetensors file": converted, without executing anything in it."""
    pretrained, *finetuned = (read_folder(folder) for folder in models)
    run_file = tmp_path / "run.pt"
    torch.save({"state_dict": finetuned[0], "state_dict_ema": finetuned[1], "args": Path("x")}, run_file)
    torch.save(pretrained, tmp_path / "base.bin")
    given = ("--pretrained", tmp_path / "base.bin", "--finetuned", run_file)
    for command in (("edit", "--gamma", 0.4), ("merge",)):
        assert run(*command, *given, "-o", tmp_path / "o") == 1
        said = capsys.readouterr().err
        assert "run.pt holds 2 models, 'state_dict', 'state_dict_ema'" in said
        assert said.endswith("The option is --choose.\n")
    assert run("inspect", run_file, "--choose", "ema") == 1
    assert "it has no 'ema'" in capsys.readouterr().err
    chosen = ("--choose", "state_dict_ema")
    assert run("edit", *given, *chosen, "--gamma", 0.4, "-o", tmp_path / "a") == 0
    expected = edit_files(models[0], models[2], tmp_path / "b", alpha=0.4, beta=0.6)
    assert equal(read_folder(tmp_path / "a"), read_folder(expected))
    assert json.loads((tmp_path / "a" / "lines_recipe.json").read_text())["finetuned"] == "run.safetensors"
    assert run("merge", *given, models[1], *chosen, "-o", tmp_path / "c") == 0
    expected = merge_files(models[0], [models[2], models[1]], tmp_path / "d")
    assert equal(read_folder(tmp_path / "c"), read_folder(expected))
    capsys.readouterr()
    assert run("inspect", run_file, *chosen, "--pretrained", tmp_path / "base.bin", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert run("inspect", models[2], "--pretrained", models[0], "--json") == 0
    assert found["blocks"] == json.loads(capsys.readouterr().out)["blocks"]
    assert run("inspect", models[2], *chosen) == 1
    assert "no 'state_dict_ema' to choose: each file holds one model" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} >= {"a", "c"}
    assert not (tmp_path / "o").exists()
    assert run("merge", *given, *chosen, "-o", tmp_path / "o.pt") == 1
    assert (
        "o.pt would be a folder of that name: weights are written as safetensors" in capsys.readouterr().err
    )


def test_heads_are_no_part_of_a_merge_or_a_comparison(
    models: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Heads that fine-tuning added, of other shapes each, and one of the pre-trained model alone."""
    plain = [read_folder(folder) for folder in models]
    heads = [{"cls.bias": torch.ones(3)}, *({"score.weight": torch.ones(size, 6)} for size in (2, 5))]
    folders = [
        write_folder(tmp_path / f"h{number}", weights | head, shards=1)
        for number, (weights, head) in enumerate(zip(plain, heads, strict=True))
    ]
    given = ("--pretrained", folders[0], "--finetuned", *folders[1:])
    assert run("merge", *given, "-o", tmp_path / "o") == 1
    assert "left aside if --copy names it" in capsys.readouterr().err
    assert run("merge", *given, "--copy", "score", "cls", "-o", tmp_path / "o") == 0
    expected = merge_files(models[0], models[1:], tmp_path / "d")
    assert equal(read_folder(tmp_path / "o"), read_folder(expected) | heads[0])
    assert json.loads((tmp_path / "o" / "lines_recipe.json").read_text())["copy"] == ["score", "cls"]
    assert run("merge", *given, "--copy", "scor", "-o", tmp_path / "p2") == 1
    assert "no parameter 'scor' to copy" in capsys.readouterr().err
    assert run("inspect", folders[1], "--pretrained", folders[0]) == 1
    capsys.readouterr()
    copy = ("--copy", "score", "cls")
    assert run("inspect", folders[1], "--pretrained", folders[0], *copy, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unchanged"] == ["score.weight"]
    assert run("inspect", models[1], "--pretrained", models[0], "--json") == 0
    assert found["total"] == json.loads(capsys.readouterr().out)["total"]
