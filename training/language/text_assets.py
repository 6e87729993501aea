"""The text lab's files: tokenizer, configuration, questions, pre-trained weights and packed residuals."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from transformers import T5ForConditionalGeneration

from evaluators.data.task_list import LANGUAGE
from evaluators.data.text_questions import questions_path, save_questions
from evaluators.encoder.t5_folder import T5_TOKENIZER, T5_WEIGHTS
from evaluators.labs.tiny_text_lab import finetuned_path
from lines_core import save_checkpoint
from lines_core.packed import pack, save_packed
from training.language.tasks import TEXT_TASKS, TextTask, draw_questions
from training.language.text_finetuning import GENTLE, TextFinetuning, finetune_text
from training.language.text_pretraining import TextPretraining, pretrain_text
from training.language.text_vocabulary import save_tokenizer, word_encoder
from training.language.tiny_t5_model import fresh_t5, tiny_t5_config
from training.training_log import save_entry

QUESTIONS = {"val": 120, "test": 300}
"""Of each task."""
SEED = 7
UNTRAINED = ("lookup",)
"""Control tasks only; see `reading_attempt`."""
PLACES = ("first", "second", "third", "fourth")


def make_text_lab(folder: Path, work: Path) -> Iterator[str]:
    """Write whatever is missing; deletes nothing. Yields lines of progress."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(folder / T5_TOKENIZER)
    encode, words = word_encoder(folder / T5_TOKENIZER)
    tiny_t5_config(words).save_pretrained(folder)
    yield from _write_questions(folder)
    pretraining = TextPretraining()
    if not (folder / T5_WEIGHTS).exists():
        checkpoint = work / "text_pretraining.pt"
        yield from pretrain_text(pretraining, encode, words, checkpoint)
        state = torch.load(checkpoint, weights_only=True)
        model = fresh_t5(words, pretraining.seed)
        model.load_state_dict(state["model"])
        save_text_weights(model, folder / T5_WEIGHTS)
        save_entry(folder, "pretrained", {**asdict(pretraining), "seconds": state["seconds"]})
    for task in TEXT_TASKS.values():
        if task.key not in UNTRAINED and not finetuned_path(folder, task.key).exists():
            yield from finetune_text_task(folder, task)


def finetune_text_task(folder: Path, task: TextTask, config: TextFinetuning = GENTLE) -> Iterator[str]:
    """Fine-tune the shipped model on a task, and write the residual; yields lines of progress."""
    encode, words = word_encoder(folder / T5_TOKENIZER)
    model = read_text_model(folder, words)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    began = time.perf_counter()
    for line in finetune_text(model, task, encode, config):
        yield f"{task.key}: {line}"
    save_entry(folder, task.key, {**asdict(config), "seconds": time.perf_counter() - began})
    _save_residual(finetuned_path(folder, task.key), before, model)


def save_text_weights(model: T5ForConditionalGeneration, path: Path) -> None:
    """The weights in half precision, the tied embedding once."""
    half = {name: value.detach().half().contiguous() for name, value in model.named_parameters()}
    save_checkpoint(path, half, {"format": "pt"})


def read_text_model(folder: Path, words: int) -> T5ForConditionalGeneration:
    """The model as it ships, rounded to half precision, in float32."""
    from lines_core.checkpoints import read_checkpoint

    model = fresh_t5(words, seed=0)
    saved = read_checkpoint(folder / T5_WEIGHTS)
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(saved[name].float())
    return model


def _save_residual(path: Path, before: dict[str, torch.Tensor], model: T5ForConditionalGeneration) -> None:
    packed: dict[str, torch.Tensor] = {}
    for name, value in model.named_parameters():
        packed |= pack(name, value.detach() - before[name])
    path.parent.mkdir(exist_ok=True)
    save_packed(path, packed, {})


def _write_questions(folder: Path) -> Iterator[str]:
    tasks = []
    for task in TEXT_TASKS.values():
        most = 0
        for split, count in QUESTIONS.items():
            questions = draw_questions(task, split, count, SEED)
            most = max(most, *(len(question.choices) for question in questions))
            path = questions_path(folder / "questions", task.key, split)
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                save_questions(path, questions)
                yield f"{path.name}: {path.stat().st_size} bytes"
        tasks.append(_listed(task, most))
    (folder / "tasks.json").write_text(json.dumps({"tasks": tasks}, indent=1) + "\n", encoding="utf-8")


def _listed(task: TextTask, choices: int) -> dict[str, object]:
    return {
        "key": task.key,
        "title": task.title,
        "suite": LANGUAGE,
        "classes": PLACES[:choices],
        "prompts": ["{} answer"],
        "blurb": task.blurb,
        "mirrors": task.mirrors,
    }
