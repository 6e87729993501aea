"""A text model's pre-training that was stopped goes on as if it had not been."""

from dataclasses import replace
from pathlib import Path

import torch

from evaluators.encoder.t5_folder import T5_TOKENIZER
from tests.paths import ROOT
from training.language.text_pretraining import TextPretraining, pretrain_text
from training.language.text_vocabulary import word_encoder


def test_a_stopped_training_goes_on_with_the_same_texts_and_momenta(tmp_path: Path) -> None:
    encode, words = word_encoder(ROOT / "assets" / "tiny_t5" / T5_TOKENIZER)
    config = replace(TextPretraining(), steps=3, batch=8, warm_up=1, questions=5)
    whole, parts = tmp_path / "whole.pt", tmp_path / "parts.pt"
    assert list(pretrain_text(config, encode, words, whole)) == []
    for steps in (1, 3):
        list(pretrain_text(replace(config, steps=steps), encode, words, parts))
    at_once, in_parts = (torch.load(path, weights_only=True) for path in (whole, parts))
    assert in_parts["step"] == at_once["step"] == 3
    for name, weight in at_once["model"].items():
        assert torch.equal(weight, in_parts["model"][name]), name
