"""One more attempt at the task that fine-tuning did not learn: reading, in an easier form and for longer."""

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from random import Random

import torch

from evaluators.data.text_questions import TextQuestion
from evaluators.encoder.t5_folder import T5_TOKENIZER
from training.language.lexicon import PLACES, THINGS
from training.language.tasks import TEXT_TASKS, draw_questions
from training.language.text_assets import read_text_model
from training.language.text_finetuning import STRONG, finetune_text
from training.language.text_vocabulary import word_encoder
from training.language.tiny_t5_model import PADDING, text_batch
from training.training_log import read_training_log, save_entry

READING = replace(STRONG, steps=400, warm_up=10)
ASKED = 300
LOGGED = "reading"


def one_of_two_places(random: Random) -> TextQuestion:
    """Draw two sentences in one form, and a question with the two places to choose from."""
    things, places = random.sample(THINGS, 2), random.sample(PLACES, 2)
    sentences = [f"the {thing} is in the {place} ." for thing, place in zip(things, places, strict=True)]
    asked = random.randrange(2)
    return TextQuestion(f"read : {' '.join(sentences)} where is the {things[asked]} ?", tuple(places), asked)


def attempt_reading(folder: Path) -> Iterator[str]:
    """Fine-tune the shipped model once, and log settings, seconds and accuracy; nothing else is kept.

    Cost: a minute of a core.
    """
    if LOGGED in read_training_log(folder):
        return
    encode, words = word_encoder(folder / T5_TOKENIZER)
    model = read_text_model(folder, words)
    task = replace(TEXT_TASKS["lookup"], draw=one_of_two_places)
    began, loss = time.perf_counter(), ""
    for loss in finetune_text(model, task, encode, READING):
        yield f"reading: {loss}"
    entry = {**asdict(READING), "seconds": time.perf_counter() - began, "last": loss}
    asked = draw_questions(task, "test", ASKED, seed=7)
    batch = text_batch([(encode(question.text), [PADDING]) for question in asked])
    with torch.inference_mode():
        mask = (batch.inputs != PADDING).long()
        first = model(input_ids=batch.inputs, attention_mask=mask, decoder_input_ids=batch.targets).logits[
            :, 0
        ]
    chances = first.gather(1, torch.tensor([[encode(word)[0] for word in one.choices] for one in asked]))
    right = int((chances.argmax(dim=1) == torch.tensor([one.answer for one in asked])).sum())
    save_entry(folder, LOGGED, {**entry, "correct": right, "n": ASKED})
    yield f"reading: {right} of {ASKED} right, of two places each"
