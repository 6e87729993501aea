import gc
import itertools
import json
import logging
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
from evaluators.errors import LabError, Queued, SpecError, Superseded
from evaluators.experiments.sweeps import save_precomputed
from evaluators.service.request_stats import RequestStats
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from evaluators.specs.edit_spec import EditSpec
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.resolved_spec import ResidualSpec
from lines_core.errors import CheckpointError

CHUNK = 12
SPECS = (
    EditSpec.pretrained("digits"),
    EditSpec.finetuned("digits"),
    EditSpec.lines("digits", 0.0),
    EditSpec.lines("digits", 0.5, shape="reverse", outside="depth"),
    EditSpec.wise_ft("faces", 0.6),
    EditSpec.lines("faces", 0.3, split="val"),
    EditSpec("tiny-clip", "objects", "free", 0.5, free_form=(0.0, 2.0, -1.0, 1.0), images=17),
    EditSpec.lines("digits", 0.2, shape="sqrt", images=10),
)


def counts(evaluation: Evaluation) -> dict[str, tuple[int, int]]:
    return {task.key: (task.correct, task.n) for task in evaluation.tasks}


@pytest.fixture
def encoded(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Images of each forward pass of ``studio``, as they happen."""
    passes: list[int] = []
    encode = studio.lab.encoder.encode

    def counted(images: torch.Tensor) -> torch.Tensor:
        passes.append(len(images))
        return encode(images)

    monkeypatch.setattr(studio.lab.encoder, "encode", counted)
    return passes


@pytest.fixture
def own_lab(lab: Path, tmp_path: Path) -> Path:
    """A copy of the lab that a test may damage."""
    return Path(shutil.copytree(lab, tmp_path / "lab"))


@pytest.fixture(scope="module")
def truth(lab: Path) -> dict[EditSpec, dict[str, tuple[int, int]]]:
    """Counts of each spec, each from a studio of its own that has done nothing else."""
    return {spec: counts(Studio(lab, None, chunk=CHUNK).evaluate(spec)) for spec in SPECS}


# What is measured


def by_the_book(lab: Path, spec: EditSpec) -> dict[str, tuple[int, int]]:
    """The same numbers from open_clip and the paper alone: its state dict, transform and classifier."""
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
def test_numbers_are_those_of_the_paper_by_the_book(lab: Path, studio: Studio, spec: EditSpec) -> None:
    evaluation = studio.evaluate(spec)
    assert counts(evaluation) == by_the_book(lab, spec)
    assert evaluation.target_task.key == spec.checkpoint
    assert (evaluation.dtype, evaluation.device, evaluation.complete) == ("float32", "cpu", True)
    assert evaluation.seconds > 0


def test_the_edits_matter(truth: dict[EditSpec, dict[str, tuple[int, int]]]) -> None:
    """If all edits scored alike, no test of order or threads below could fail."""
    assert len({str(result) for result in truth.values()}) == len(SPECS)


@pytest.mark.parametrize("order", [1, -1])
def test_same_spec_same_counts_in_any_order(
    studio: Studio, truth: dict[EditSpec, dict[str, tuple[int, int]]], order: int
) -> None:
    for spec in SPECS[::order]:
        assert counts(studio.evaluate(spec)) == truth[spec]
    for spec in SPECS:
        assert counts(studio.evaluate(spec, fresh=True)) == truth[spec]


def test_same_spec_same_counts_from_four_threads(
    studio: Studio, truth: dict[EditSpec, dict[str, tuple[int, int]]]
) -> None:
    wrong: list[tuple[EditSpec, dict[str, tuple[int, int]]]] = []
    start = threading.Barrier(4)

    def visit(thread: int) -> None:
        start.wait(10)
        for step in range(2 * len(SPECS)):
            spec = SPECS[(3 * thread + step) % len(SPECS)]
            result = counts(studio.evaluate(spec, ticket=studio.ticket(str(thread)), fresh=step % 2 == 0))
            if result != truth[spec]:
                wrong.append((spec, result))

    threads = [threading.Thread(target=visit, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
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
        assert studio.lab.encoder._carries is not None
        checkpoint, scales = studio.lab.encoder._carries
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


def test_chunk_size_does_not_change_counts_here(
    lab: Path, truth: dict[EditSpec, dict[str, tuple[int, int]]]
) -> None:
    for chunk in (3, 50, 1000):
        assert counts(Studio(lab, None, chunk=chunk).evaluate(SPECS[1])) == truth[SPECS[1]]


def test_subsets_of_other_sizes_share_chunks(studio: Studio, encoded: list[int]) -> None:
    """The first 10 images a task are counted once, whoever asks for 10, 20 or all."""
    spec = EditSpec.lines("digits", 0.4)
    few = studio.evaluate(replace(spec, images=10))
    assert encoded == [12, 12, 6]
    more = studio.evaluate(replace(spec, images=20))
    assert encoded == [12, 12, 6, 12, 12, 12]
    assert [task.n for task in few.tasks] == [10] * 3
    assert all(a.correct <= b.correct for a, b in zip(few.tasks, more.tasks, strict=True))
    assert studio.evaluate(replace(spec, images=0)).tasks == studio.evaluate(replace(spec, images=42)).tasks


def test_bfloat16_is_said_and_kept_apart(lab: Path, tmp_path: Path) -> None:
    exact = Studio(lab, tmp_path, chunk=CHUNK).evaluate(EditSpec.finetuned("digits"))
    studio = Studio(lab, tmp_path, dtype=torch.bfloat16, chunk=CHUNK)
    assert studio.cached(EditSpec.finetuned("digits")) is None
    evaluation = studio.evaluate(EditSpec.finetuned("digits"))
    assert evaluation.dtype == "bfloat16"
    assert abs(evaluation.control - exact.control) < 0.15


# How it is told


def test_stream_narrows_to_the_complete_answer(studio: Studio) -> None:
    answers = list(studio.stream(EditSpec.lines("digits", 0.5)))
    assert [answer.tasks[0].n for answer in answers] == [*range(4, 41, 4), 42]
    assert [answer.complete for answer in answers] == [False] * 10 + [True]
    for earlier, later in itertools.pairwise(answers):
        assert all(a.correct <= b.correct for a, b in zip(earlier.tasks, later.tasks, strict=True))
        assert earlier.seconds < later.seconds
    widths = [answer.control_interval[1] - answer.control_interval[0] for answer in answers]
    assert widths[-1] < widths[0] / 2
    assert answers[-1] == studio.evaluate(EditSpec.lines("digits", 0.5))


def test_stream_continues_what_first_began(studio: Studio, encoded: list[int]) -> None:
    spec = EditSpec.lines("digits", 0.5)
    coarse = studio.first(spec, studio.ticket("visitor"))
    assert encoded == [12]
    assert not coarse.complete
    assert studio.first(spec, studio.ticket("visitor")) == coarse
    assert encoded == [12]
    answers = list(studio.stream(spec, studio.ticket("visitor")))
    assert [answer.tasks[0].n for answer in answers] == [*range(4, 41, 4), 42]
    assert encoded == [12] * 10 + [6]
    assert studio.first(spec) == answers[-1]


def test_known_answers_come_at_once(studio: Studio, encoded: list[int]) -> None:
    spec = EditSpec.finetuned("digits")
    assert studio.cached(spec) is None
    answer = studio.evaluate(spec)
    passes = len(encoded)
    assert studio.cached(spec) == answer
    assert list(studio.stream(spec)) == [answer]
    same_weights = [
        EditSpec.lines("digits", 1.0),
        EditSpec.wise_ft("digits", 1.0),
        EditSpec(checkpoint="digits", shape="free", alpha=1.0, free_form=(1.0,) * 4),
    ]
    for spec in same_weights:
        assert studio.evaluate(spec) == replace(answer, spec=spec)
    assert len(encoded) == passes


def test_pretrained_is_measured_once_for_all_checkpoints(studio: Studio, encoded: list[int]) -> None:
    first = studio.evaluate(EditSpec.pretrained("digits"))
    passes = len(encoded)
    other = studio.evaluate(EditSpec.wise_ft("faces", 0.0))
    assert len(encoded) == passes
    assert counts(other) == counts(first)
    assert [task.key for task in other.tasks if task.role == "target"] == ["faces"]
    studio.evaluate(EditSpec.pretrained("objects"))  # other tasks, so other images
    assert len(encoded) > passes


def test_weights_are_written_only_if_they_change(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[None] = []
    apply = studio.lab.encoder._editor.apply

    def counted(*args: object) -> None:
        writes.append(None)
        apply(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(studio.lab.encoder._editor, "apply", counted)
    studio.evaluate(EditSpec.finetuned("digits"))
    assert len(writes) == 1
    studio.evaluate(EditSpec.finetuned("digits"), fresh=True)
    assert len(writes) == 1


# Who asks


def test_a_newer_request_of_the_same_visitor_stops_the_older(studio: Studio, encoded: list[int]) -> None:
    older = studio.stream(EditSpec.lines("digits", 0.5), studio.ticket("visitor"))
    next(older)
    newer = studio.stream(EditSpec.lines("digits", 0.6), studio.ticket("visitor"))
    with pytest.raises(Superseded, match="newer request of the same visitor"):
        next(older)
    assert encoded == [12]
    assert [answer.complete for answer in newer][-1]
    again = studio.stream(EditSpec.lines("digits", 0.5), studio.ticket("visitor"))
    assert [next(again).tasks[0].n for _ in range(2)] == [4, 8]  # what the older had counted is not lost


def test_first_supersedes_too_and_others_are_left_alone(studio: Studio) -> None:
    mine = studio.stream(EditSpec.lines("digits", 0.5), studio.ticket("me"))
    yours = studio.stream(EditSpec.lines("digits", 0.5), studio.ticket("you"))
    nobodys = studio.stream(EditSpec.lines("digits", 0.5))
    next(mine), next(yours), next(nobodys)
    studio.first(EditSpec.lines("digits", 0.6), studio.ticket("me"))
    studio.first(EditSpec.lines("digits", 0.6))
    with pytest.raises(Superseded):
        next(mine)
    assert list(yours)[-1].complete
    assert list(nobodys)[-1].complete


def test_superseded_while_counting_shows_nothing_but_keeps_the_count(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slider moved during the last chunk: its number must not appear, but is not thrown away."""
    spec, encode = EditSpec.lines("digits", 0.5, images=4), studio.lab.encoder.encode

    def moved_meanwhile(images: torch.Tensor) -> torch.Tensor:
        monkeypatch.setattr(studio.lab.encoder, "encode", encode)
        studio.stream(EditSpec.lines("digits", 0.6), studio.ticket("visitor"))
        return encode(images)

    monkeypatch.setattr(studio.lab.encoder, "encode", moved_meanwhile)
    with pytest.raises(Superseded):
        studio.evaluate(spec, studio.ticket("visitor"))
    assert studio.cached(spec) is not None


def test_visitors_take_turns(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sweeps of eleven chunks on two threads: neither gets two chunks while the other waits for one."""
    encode, order = studio.lab.encoder.encode, []

    def slow(images: torch.Tensor) -> torch.Tensor:
        assert studio.lab.encoder._carries is not None
        order.append((studio.lab.encoder._carries[0], studio._scheduler.waiting))
        release.wait(0.01)
        return encode(images)

    release = threading.Event()
    monkeypatch.setattr(studio.lab.encoder, "encode", slow)
    studio.lab.encoder.residual("digits"), studio.lab.encoder.residual("faces")
    threads = [
        threading.Thread(target=studio.evaluate, args=(EditSpec.finetuned(key), studio.ticket(key)))
        for key in ("digits", "faces")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(order) == 22
    unfair = [one[0] for one, two in itertools.pairwise(order) if one[0] == two[0] and one[1] > 0 < two[1]]
    assert unfair == []


def test_two_visitors_of_one_spec_share_the_work(studio: Studio, encoded: list[int]) -> None:
    spec = EditSpec.lines("digits", 0.5)
    one, two = studio.stream(spec, studio.ticket("one")), studio.stream(spec, studio.ticket("two"))
    assert [next(stream).tasks[0].n for stream in (one, two, one, two)] == [4, 4, 8, 8]
    assert list(one)[-1] == list(two)[-1]
    assert encoded == [12] * 10 + [6]


def test_whoever_waits_is_told_how_long_the_line_is_and_keeps_the_request(lab: Path) -> None:
    accounts: list[RequestStats] = []
    studio = Studio(lab, None, chunk=CHUNK, observe=accounts.append)
    with studio._scheduler.turn(Ticket()):
        answers = studio.stream(EditSpec.lines("digits", 0.5), patience=0.01)
        told = [next(answers), next(answers)]
        assert [isinstance(line, Queued) for line in told] == [True, True]
    rest = list(answers)
    assert [answer.tasks[0].n for answer in rest if isinstance(answer, Evaluation)][:2] == [4, 8]
    (account,) = accounts  # one request, however often it was told
    assert (account.outcome, account.shared, account.counted) == ("complete", 0, len(rest))
    assert account.queue >= 0.03


def test_visitors_do_not_pile_up(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluators.service.request_runner.PROGRESS_KEPT", 5)
    monkeypatch.setattr("evaluators.service.result_cache.EVALUATIONS_KEPT", 5)
    monkeypatch.setattr("evaluators.service.scheduler.VISITORS_KEPT", 5)
    for number in range(20):
        studio.first(EditSpec.lines("digits", number / 100), studio.ticket(str(number)))
        studio.evaluate(EditSpec.lines("digits", number / 100, images=4), studio.ticket(str(number)))
    assert (len(studio._runner._progress), len(studio._results._memory)) == (5, 5)
    assert len(studio._scheduler._latest) == 5


# What goes wrong


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
    truth: dict[EditSpec, dict[str, tuple[int, int]]],
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


# What is kept


def test_results_survive_a_restart(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [Studio(lab, tmp_path, chunk=CHUNK).evaluate(spec) for spec in SPECS[:2]]
    again = Studio(lab, tmp_path, chunk=CHUNK)
    monkeypatch.setattr(again.lab.encoder, "encode", None)
    assert [again.cached(spec) for spec in SPECS[:2]] == answers
    assert again.cached(SPECS[2]) is None


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00 no more", b"Dear diary" * 1000])
def test_a_damaged_store_never_breaks_evaluation(lab: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "results.sqlite").write_bytes(content)
    answer = Studio(lab, tmp_path, chunk=CHUNK).evaluate(SPECS[0])
    assert answer.complete
    assert Studio(lab, tmp_path, chunk=CHUNK).cached(SPECS[0]) == answer


def test_results_of_another_lab_are_not_shown(own_lab: Path, tmp_path: Path) -> None:
    """Whatever decides a number is in its key: weights, images, prompts; a reworded title is not."""
    finetuned, pretrained = EditSpec.finetuned("digits"), EditSpec.pretrained("digits")
    cache = tmp_path / "cache"

    def known() -> tuple[bool, bool, str]:
        studio = Studio(own_lab, cache, chunk=CHUNK)
        return (
            studio.cached(finetuned) is not None,
            studio.cached(pretrained) is not None,
            studio.lab.fingerprint(),
        )

    def measure() -> str:
        studio = Studio(own_lab, cache, chunk=CHUNK)
        studio.evaluate(finetuned), studio.evaluate(pretrained)
        return studio.lab.fingerprint()

    def rewrite_tasks(field: str, value: object) -> None:
        path = own_lab / "eval" / "tasks.json"
        plain = json.loads(path.read_text())
        plain["tasks"][1][field] = value
        path.write_text(json.dumps(plain))

    seen = {measure()}
    rewrite_tasks("title", "Cloth")
    assert known() == (True, True, *seen)

    rewrite_tasks("prompts", ["a {}."])
    assert known()[:2] == (False, False)
    seen.add(measure())

    checkpoint = own_lab / "tiny_clip" / "finetuned" / "digits.safetensors"
    checkpoint.write_bytes((checkpoint.parent / "faces.safetensors").read_bytes())
    assert known()[:2] == (False, True)
    seen.add(measure())

    images = own_lab / "eval" / "faces-test.parquet"
    images.write_bytes((own_lab / "eval" / "faces-val.parquet").read_bytes())
    assert known()[:2] == (False, False)
    seen.add(measure())
    assert len(seen) == 4


def test_shipped_evaluations_are_shown_as_such(
    own_lab: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    specs = [EditSpec.finetuned("digits"), EditSpec.pretrained("digits")]
    maker = Studio(own_lab, None, chunk=CHUNK)
    save_precomputed(maker, own_lab / "sweeps" / "digits.json", [maker.evaluate(spec) for spec in specs])

    studio = Studio(own_lab, tmp_path / "cache", chunk=CHUNK)
    shipped = studio.cached(specs[0])
    assert shipped is not None
    assert shipped.precomputed
    assert counts(shipped) == counts(maker.evaluate(specs[0]))
    pretrained = studio.cached(EditSpec.pretrained("faces"))
    assert pretrained is not None
    assert pretrained.target_task.key == "faces"

    measured = studio.evaluate(specs[0], fresh=True)
    assert not measured.precomputed
    assert counts(measured) == counts(shipped)
    assert studio.cached(specs[0]) == measured
    assert not caplog.text


def test_shipped_evaluations_of_another_lab_are_not_shown(
    own_lab: Path, caplog: pytest.LogCaptureFixture
) -> None:
    maker = Studio(own_lab, None, chunk=CHUNK)
    save_precomputed(
        maker, own_lab / "sweeps" / "digits.json", [maker.evaluate(EditSpec.finetuned("digits"))]
    )
    checkpoint = own_lab / "tiny_clip" / "finetuned" / "faces.safetensors"
    checkpoint.write_bytes((checkpoint.parent / "digits.safetensors").read_bytes())
    with caplog.at_level(logging.WARNING):
        studio = Studio(own_lab, None, chunk=CHUNK)
    assert "made with another lab" in caplog.text
    assert studio.cached(EditSpec.finetuned("digits")) is None


def test_damaged_shipped_evaluations_are_named(own_lab: Path) -> None:
    maker = Studio(own_lab, None, chunk=CHUNK)
    save_precomputed(maker, own_lab / "sweeps" / "digits.json", [])
    (own_lab / "sweeps" / "more.json").write_text('[{"spec": {}}]')
    with pytest.raises(LabError, match=r"more\.json is not a list of evaluations"):
        Studio(own_lab, None)


def test_known_answers_need_no_model(own_lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page opens on shipped answers while the model and its images are still being read."""
    spec = EditSpec.finetuned("digits")
    maker = Studio(own_lab, None, chunk=CHUNK)
    save_precomputed(maker, own_lab / "sweeps" / "digits.json", [maker.evaluate(spec)])
    for name in ("TinyEncoder", "load_subset"):
        monkeypatch.setattr(f"evaluators.labs.embedded_lab.{name}", None)
    studio = Studio(own_lab, tmp_path / "cache", chunk=CHUNK)
    assert studio.first(spec).complete
    assert studio.models()[0].num_blocks == 4
    with pytest.raises(TypeError):
        studio.warm_up()


def test_known_answers_do_not_wait_for_the_model(own_lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = EditSpec.finetuned("digits")
    maker = Studio(own_lab, None, chunk=CHUNK)
    save_precomputed(maker, own_lab / "sweeps" / "digits.json", [maker.evaluate(spec)])
    studio = Studio(own_lab, None, chunk=CHUNK)
    begun, finish = threading.Event(), threading.Event()

    def slow(*args: object) -> None:
        begun.set()
        finish.wait(30)
        raise LabError("stopped")

    def load() -> None:
        with pytest.raises(LabError, match="stopped"):
            studio.warm_up()

    monkeypatch.setattr("evaluators.labs.embedded_lab.TinyEncoder", slow)
    loading = threading.Thread(target=load)
    loading.start()
    assert begun.wait(30)
    answer: list[Evaluation] = []
    asking = threading.Thread(target=lambda: answer.append(studio.first(spec)))
    asking.start()
    asking.join(5)
    in_time = list(answer)
    finish.set()
    loading.join()
    asking.join()
    assert in_time
    assert in_time[0].complete


def test_after_a_warm_up_nothing_is_read(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.warm_up()
    for name in ("TinyEncoder", "load_subset", "zero_shot_head"):
        monkeypatch.setattr(f"evaluators.labs.embedded_lab.{name}", None)
    assert studio.evaluate(EditSpec.pretrained("digits", images=4)).complete


# What there is


def test_lists_models_checkpoints_and_tasks(studio: Studio) -> None:
    (model,) = studio.models()
    assert (model.key, model.num_blocks, model.image_size) == ("tiny-clip", 4, 24)
    assert [info.key for info in studio.checkpoints("tiny-clip")] == ["digits", "faces", "objects"]
    assert [info.suite for info in studio.checkpoints("tiny-clip")] == ["tasks", "tasks", "objects"]
    assert [task.key for task in studio.tasks()] == ["digits", "textures", "faces"]
    assert [task.key for task in studio.tasks("objects")] == ["objects", "objects_sketch"]


def test_residuals_are_kept_within_their_budget(studio: Studio) -> None:
    studio.lab.encoder.residuals.most = 2 * 4 * studio.models()[0].parameters
    for key in ("digits", "faces", "objects", "faces", "digits"):
        studio.lab.encoder.residual(key)
    assert studio.lab.encoder.residuals.kept == ("faces", "digits")
