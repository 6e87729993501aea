"""An exported file says what it was made of: the form takes its task over and warns of another one."""

import json
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import save_file

from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.merge_spec import MergeSpec
from tests.browser.zero_cost_studio import ZeroCostStudio
from ui.models.file_origin import edit_in, origin_note, suggested_task


def exported(folder: Path, said: str | None) -> str:
    path = folder / "mine.safetensors"
    save_file({"w": torch.zeros(1)}, path, None if said is None else {"spec": said})
    return str(path)


def as_json(spec: EditSpec) -> str:
    return json.dumps(spec.as_dict())


def test_an_edited_export_is_taken_for_what_it_is(studio: ZeroCostStudio, tmp_path: Path) -> None:
    """The export of house numbers was added as textures without a word."""
    seen = cast(Studio, studio)
    spec = edit_in(exported(tmp_path, as_json(EditSpec.lines("street_numbers", 0.4))))
    assert suggested_task(seen, "tiny-clip", spec) == "street_numbers"
    right = origin_note(seen, "tiny-clip", spec, "street_numbers")
    assert "fine-tuned on House numbers. Its change is edited already" in right
    assert 'role="status"' in right
    wrong = origin_note(seen, "tiny-clip", spec, "textures")
    assert "It does not say Textures: check the task" in wrong
    assert 'role="alert"' in wrong


def test_a_whole_change_is_not_called_edited(studio: ZeroCostStudio, tmp_path: Path) -> None:
    whole = edit_in(exported(tmp_path, as_json(EditSpec.finetuned("faces"))))
    assert "edited" not in origin_note(cast(Studio, studio), "tiny-clip", whole, None)
    merge = EditSpec.merged(MergeSpec(("digits", "faces")), 1.0)
    said = origin_note(cast(Studio, studio), "tiny-clip", merge, "faces")
    assert "Handwritten digits and Facial expressions" in said
    assert "edited already" in said
    assert "alert" not in said


@pytest.mark.parametrize("said", [None, "", "[]", "no JSON", '{"alpha": "x"}', "[" * 100_000, '{"a": NaN}'])
def test_any_other_file_says_nothing(studio: ZeroCostStudio, tmp_path: Path, said: str | None) -> None:
    spec = edit_in(exported(tmp_path, said))
    assert spec is None
    assert suggested_task(cast(Studio, studio), "tiny-clip", spec) is None
    assert origin_note(cast(Studio, studio), "tiny-clip", spec, "digits") == ""
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"x")
    assert edit_in(str(broken)) is edit_in(str(tmp_path / "absent.safetensors")) is edit_in(None) is None
