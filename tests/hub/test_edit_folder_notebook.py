"""The notebook in `examples`, run as printed, on a small model under the same names in the local Hub."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from evaluators.encoder.torchvision_operators import declare_missing_operators
from tests.hub.server import Hub
from tests.lines_core.large_files.models import finetuning_of

NOTEBOOK = Path(__file__).parents[2] / "examples" / "edit_folder.ipynb"
BLOCKS = 4


def cells() -> dict[str, str]:
    content = json.loads(NOTEBOOK.read_text("utf-8"))
    return {cell["id"]: "".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"}


def test_no_output_is_committed() -> None:
    content = json.loads(NOTEBOOK.read_text("utf-8"))
    assert all(cell.get("outputs", []) == [] for cell in content["cells"])
    assert all(cell.get("execution_count") is None for cell in content["cells"])


def test_the_notebook_runs_as_printed(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    declare_missing_operators()
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=BLOCKS,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    base, tuned = Qwen2ForCausalLM(config).bfloat16(), Qwen2ForCausalLM(config).bfloat16()
    tuned.load_state_dict(finetuning_of(base.state_dict(), 1, share=0.005))
    tuned.tie_weights()
    for name, model in (("Qwen/Qwen2.5-0.5B", base), ("Qwen/Qwen2.5-0.5B-Instruct", tuned)):
        folder = hub.folder(name)
        model.save_pretrained(tmp_path / "saved")
        for path in (tmp_path / "saved").iterdir():
            shutil.copy(path, folder)
        (folder / "tokenizer.json").write_text("{}")
    monkeypatch.chdir(tmp_path)

    scope: dict[str, Any] = {}
    for name, source in cells().items():
        exec(compile(source, f"{NOTEBOOK.name}, {name}", "exec"), scope)

    said = capsys.readouterr().out
    assert f"{BLOCKS} blocks" in said
    assert scope["shares"] == pytest.approx([0.4, 0.6, 0.8, 1.0], abs=0.02)
    assert scope["language_model"].dtype is torch.bfloat16
    copied = {"config.json", "generation_config.json", "tokenizer.json"}
    files = {path.name for path in scope["edited"].iterdir()}
    assert files == copied | {"lines_recipe.json", "model.safetensors"}
