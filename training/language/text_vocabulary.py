"""Vocabulary of the text world: one token a word, as a ``tokenizers`` file that transformers reads."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from training.language import lexicon
from training.language.corruption import SENTINELS
from training.language.documents import KINDS_OF_TEXT
from training.language.tasks import PRACTICE, TEXT_TASKS

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
MARKS = (PAD, END, UNKNOWN, *SENTINELS)
DRAWN = 20_000
"""Texts of each kind that are looked through for words."""


def all_words() -> list[str]:
    """Every word of the world, from the lexicon and from a long draw of all texts, in alphabetical order."""
    random = Random(0)
    found: set[str] = {*lexicon.PEOPLE, *lexicon.PLACES, *lexicon.THINGS, *lexicon.COLOURS, *lexicon.AMOUNTS}
    for _ in range(DRAWN):
        for draw in KINDS_OF_TEXT:
            found.update(" ".join(draw(random)).split())
    for task in (*PRACTICE, *TEXT_TASKS.values()):
        for _ in range(DRAWN):
            question = task.draw(random)
            found.update(question.text.split())
            found.update(" ".join(question.choices).split())
    return sorted(found)


def tokenizer_json() -> dict[str, Any]:
    """The tokenizer: words between blanks, each text ended by ``</s>``."""
    vocabulary = {word: index for index, word in enumerate((*MARKS, *all_words()))}
    marks = [
        {
            "id": vocabulary[mark],
            "content": mark,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for mark in MARKS
    ]
    text, end = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": END, "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": marks,
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [text, end],
            "pair": [text, end],
            "special_tokens": {END: {"id": END, "ids": [vocabulary[END]], "tokens": [END]}},
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": UNKNOWN},
    }


def save_tokenizer(path: Path) -> None:
    """Write ``tokenizer.json``."""
    path.write_text(json.dumps(tokenizer_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def word_encoder(path: Path) -> tuple[Callable[[str], Sequence[int]], int]:
    """What a text's token ids are, and how many tokens there are. Without transformers, which is slower."""
    vocabulary: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    end = vocabulary[END]
    return lambda text: [*(vocabulary[word] for word in text.split()), end], len(vocabulary)
