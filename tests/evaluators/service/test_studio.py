"""What the studio measures, lists and refuses."""

import gc
import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from evaluators.data.task_list import read_tasks
from evaluators.errors import LabError, SpecError
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.resolved_spec import ResidualSpec
from lines_core.errors import CheckpointError
from tests.conftest import CHUNK
from tests.evaluators.service.measured_specs import SPECS, Counts, counts


def reference_counts(lab: Path, spec: EditSpec) -> Counts:
    """The same counts from open_clip alone: its state dict, transform and classifier, edited by Eq. 1."""
    import datasets
    import open_clip

    folder = lab / "tiny_clip"
    clip, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}", bpe_path=str(folder / "bpe_merges.txt.gz"))
    state = clip.state_dict()
    for name, finetuned in load_file(folder / "finetuned" / f"{spec.checkpoint}.safetensors").items():
        block = re.match(r"visual\.transformer\.resblocks\.(\d+)\.", name)
        scale = spec.alpha + (spec.beta * int(block[1]) / 3 if block else 0.0)
        state[name] = state[name] + spec.mix * scale * (finetuned.float() - state[name])
    clip.load_state_dict(state)
    clip.eval()
    results = {}
    for task in read_tasks(lab / "eval" / "tasks.json"):
        if task.suite != "tasks":
            continue
        head = open_clip.build_zero_shot_classifier(clip, tokenizer, task.classes, task.prompts)
        rows = datasets.Dataset.from_parquet(
            str(lab / "eval" / f"{task.key}-{spec.split}.parquet"), cache_dir=str(lab.parent / "datasets")
        )
        with torch.no_grad():
            features = clip.encode_image(
                torch.stack([transform(row["image"]) for row in rows]), normalize=True
            )
        named = (100 * features @ head).argmax(dim=1)
        results[task.key] = (int((named == torch.tensor(rows["label"])).sum()), len(rows))
    return results


@pytest.mark.parametrize(
    "spec",
    [
        EditSpec.pretrained("digits"),
        EditSpec.finetuned("faces"),
        EditSpec.lines("faces", 0.25),
        EditSpec(checkpoint="digits", alpha=0.5, beta=0.5, mix=0.5, split="val"),
    ],
)
def test_counts_equal_those_of_open_clip_and_eq_1(lab: Path, studio: Studio, spec: EditSpec) -> None:
    evaluation = studio.evaluate(spec)
    assert counts(evaluation) == reference_counts(lab, spec)
    assert evaluation.target_task.key == spec.checkpoint
    assert (evaluation.dtype, evaluation.device, evaluation.complete) == ("float32", "cpu", True)
    assert evaluation.seconds > 0


def test_the_edits_matter(truth: dict[EditSpec, Counts]) -> None:
    """If all edits scored alike, no test of order or threads below could fail."""
    assert len({str(result) for result in truth.values()}) == len(SPECS)


@pytest.mark.parametrize("order", [1, -1])
def test_same_spec_same_counts_in_any_order(
    studio: Studio, truth: dict[EditSpec, Counts], order: int
) -> None:
    for spec in SPECS[::order]:
        assert counts(studio.evaluate(spec)) == truth[spec]
    for spec in SPECS:
        assert counts(studio.evaluate(spec, fresh=True)) == truth[spec]


def test_same_spec_same_counts_from_four_threads(studio: Studio, truth: dict[EditSpec, Counts]) -> None:
    wrong: list[tuple[EditSpec, Counts]] = []
    start = threading.Barrier(4)

    def visit(thread: int) -> None:
        start.wait(60)
        for step in range(2 * len(SPECS)):
            spec = SPECS[(3 * thread + step) % len(SPECS)]
            result = counts(studio.evaluate(spec, ticket=studio.ticket(str(thread)), fresh=step % 2 == 0))
            if result != truth[spec]:
                wrong.append((spec, result))

    threads = [threading.Thread(target=visit, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert wrong == []
    assert not studio._scheduler.held


def test_chunks_are_counted_under_the_lock_with_their_own_weights(
    lab: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two visitors take turns on one model: at every forward pass the weights are those of its own spec."""
    encode = studio.lab.encoder.encode
    carried: list[ResidualSpec] = []

    def checked(images: torch.Tensor) -> torch.Tensor:
        assert studio._scheduler.held
        before = studio.lab.encoder._live.clone()
        features = encode(images)
        assert torch.equal(before, studio.lab.encoder._live)
        assert studio.lab.encoder._written is not None
        checkpoint, scales = studio.lab.encoder._written
        residual = studio.lab.encoder.residual(checkpoint)
        expected = studio.lab.encoder._pretrained + scales.before * residual
        part = studio.lab.encoder.layout.segment(0)
        assert torch.equal(before[part], expected[part])
        carried.append(checkpoint)
        return features

    monkeypatch.setattr(studio.lab.encoder, "encode", checked)
    one = studio.stream(EditSpec.finetuned("digits"), studio.ticket("one"))
    two = studio.stream(EditSpec.finetuned("faces"), studio.ticket("two"))
    for _ in range(11):
        next(one), next(two)
    assert carried == ["digits", "faces"] * 11


def test_chunk_size_does_not_change_counts_here(lab: Path, truth: dict[EditSpec, Counts]) -> None:
    for chunk in (3, 50, 1000):
        assert counts(Studio(lab, None, chunk=chunk).evaluate(SPECS[1])) == truth[SPECS[1]]


def test_subsets_of_other_sizes_share_chunks(studio: Studio, encoded: list[int]) -> None:
    """The first 10 images per task are counted once, whoever asks for 10, 20 or all."""
    spec = EditSpec.lines("digits", 0.4)
    few = studio.evaluate(replace(spec, images=10))
    assert encoded == [12, 12, 6]
    more = studio.evaluate(replace(spec, images=20))
    assert encoded == [12, 12, 6, 12, 12, 12]
    assert [task.n for task in few.tasks] == [10] * 3
    assert all(a.correct <= b.correct for a, b in zip(few.tasks, more.tasks, strict=True))
    assert studio.evaluate(replace(spec, images=0)).tasks == studio.evaluate(replace(spec, images=42)).tasks


def test_bfloat16_is_reported_and_cached_apart(lab: Path, tmp_path: Path) -> None:
    exact = Studio(lab, tmp_path, chunk=CHUNK).evaluate(EditSpec.finetuned("digits"))
    studio = Studio(lab, tmp_path, dtype=torch.bfloat16, chunk=CHUNK)
    assert studio.cached(EditSpec.finetuned("digits")) is None
    evaluation = studio.evaluate(EditSpec.finetuned("digits"))
    assert evaluation.dtype == "bfloat16"
    assert abs(evaluation.control - exact.control) < 0.15


def test_lists_models_checkpoints_and_tasks(studio: Studio) -> None:
    (model,) = studio.models()
    assert (model.key, model.num_blocks, model.image_size) == ("tiny-clip", 4, 24)
    assert [info.key for info in studio.checkpoints("tiny-clip")] == ["digits", "faces", "objects"]
    assert [info.suite for info in studio.checkpoints("tiny-clip")] == ["tasks", "tasks", "objects"]
    assert [task.key for task in studio.tasks()] == ["digits", "textures", "faces"]
    assert [task.key for task in studio.tasks("objects")] == ["objects", "objects_sketch"]


def test_residuals_are_kept_within_their_budget(studio: Studio) -> None:
    studio.lab.encoder.residuals.max_bytes = 2 * 4 * studio.models()[0].parameters
    for key in ("digits", "faces", "objects", "faces", "digits"):
        studio.lab.encoder.residual(key)
    assert studio.lab.encoder.residuals.keys == ("faces", "digits")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (EditSpec(model="vit-l-14"), "no model 'vit-l-14': pick one of tiny-clip"),
        (EditSpec(checkpoint="textures"), "no checkpoint 'textures': pick one of digits, faces, objects"),
        (EditSpec(shape="free", free_form=(1.0,)), "free_form has 1 scales, the encoder 4 blocks"),
        (EditSpec(checkpoint="objects", split="val"), "no 'val' images for objects_sketch"),
    ],
)
def test_what_this_lab_cannot_answer_is_refused_at_once(studio: Studio, spec: EditSpec, message: str) -> None:
    ask: tuple[Callable[[EditSpec], object], ...] = (
        studio.cached,
        studio.stream,
        studio.first,
        studio.evaluate,
    )
    for variant in ask:
        with pytest.raises(SpecError, match=message):
            variant(spec)
    with pytest.raises(SpecError, match="no model 'vit'"):
        studio.checkpoints("vit")


@pytest.mark.parametrize("where", ["encode", "apply"])
def test_any_exception_leaves_the_studio_usable(
    studio: Studio,
    truth: dict[EditSpec, Counts],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """Half-written weights are the worst case: the next request must not take them for its own."""
    studio.evaluate(SPECS[1])

    def fail(*args: object) -> None:
        studio.lab.encoder._live.fill_(float("nan"))
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(studio.lab.encoder._editor if where == "apply" else studio.lab.encoder, where, fail)
        with pytest.raises(RuntimeError, match="out of memory"):
            studio.evaluate(SPECS[2])
    assert not studio._scheduler.held
    for spec in (SPECS[2], SPECS[1]):
        assert counts(studio.evaluate(spec, fresh=True)) == truth[spec]


def test_an_abandoned_stream_holds_nothing(studio: Studio) -> None:
    stream = studio.stream(EditSpec.lines("digits", 0.5), studio.ticket("visitor"))
    next(stream)
    del stream
    gc.collect()
    assert studio.evaluate(EditSpec.lines("digits", 0.6)).complete


def test_a_damaged_checkpoint_hurts_only_itself(own_lab: Path) -> None:
    path = own_lab / "tiny_clip" / "finetuned" / "digits.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    studio = Studio(own_lab, None, chunk=CHUNK)
    with pytest.raises(CheckpointError, match=r"digits\.safetensors"):
        studio.evaluate(EditSpec.finetuned("digits"))
    assert studio.evaluate(EditSpec.finetuned("faces")).complete
    assert studio.evaluate(EditSpec.pretrained("digits")).complete
    path.unlink()
    with pytest.raises(LabError, match=r"digits\.safetensors is absent"):
        studio.evaluate(EditSpec.lines("digits", 0.5))


def test_a_checkpoint_of_another_model_is_refused(own_lab: Path) -> None:
    path = own_lab / "tiny_clip" / "finetuned" / "digits.safetensors"
    named = load_file(path)
    del named["visual.proj"]
    save_file(named, path)
    with pytest.raises(CheckpointError, match=r"visual\.proj"):
        Studio(own_lab, None).evaluate(EditSpec.finetuned("digits"))


def test_a_lab_that_does_not_fit_together_is_refused(own_lab: Path) -> None:
    folder = own_lab / "tiny_clip" / "finetuned"
    (folder / "faces.safetensors").rename(folder / "nobody.safetensors")
    with pytest.raises(LabError, match=r"no task \['nobody'\]"):
        Studio(own_lab, None)
    shutil.rmtree(folder)
    with pytest.raises(LabError, match="holds no fine-tuned checkpoint"):
        Studio(own_lab, None)
