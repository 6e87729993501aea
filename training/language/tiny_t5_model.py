"""The text lab's model: a T5 of six encoder and six decoder blocks."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import T5Config, T5ForConditionalGeneration

from evaluators.data.question_batches import LEFT_OUT, padded_rows

PADDING = 0


def tiny_t5_config(words: int) -> T5Config:
    """Configuration for a vocabulary of ``words`` tokens: the first is padding, the second the end."""
    return T5Config(  # type: ignore[call-arg]
        vocab_size=words,
        d_model=64,
        d_kv=16,
        num_heads=4,
        d_ff=192,
        num_layers=6,
        num_decoder_layers=6,
        relative_attention_num_buckets=16,
        relative_attention_max_distance=32,
        feed_forward_proj="relu",
        dropout_rate=0.0,
        decoder_start_token_id=PADDING,
        pad_token_id=PADDING,
        eos_token_id=1,
    )


def fresh_t5(words: int, seed: int) -> T5ForConditionalGeneration:
    """The untrained model."""
    torch.manual_seed(seed)
    return T5ForConditionalGeneration(tiny_t5_config(words))


class TextBatch(NamedTuple):
    """Inputs (n, length) and targets (n, length), both int64; padding is PADDING and LEFT_OUT."""

    inputs: Tensor
    targets: Tensor


def text_batch(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> TextBatch:
    """Token ids of inputs and targets as matrices."""
    return TextBatch(
        padded_rows([text for text, _ in pairs], PADDING),
        padded_rows([target for _, target in pairs], LEFT_OUT),
    )


def loss_of(model: T5ForConditionalGeneration, batch: TextBatch) -> Tensor:
    """Mean cross entropy of the target tokens."""
    mask = (batch.inputs != PADDING).long()
    loss: Tensor = model(input_ids=batch.inputs, attention_mask=mask, labels=batch.targets).loss
    return loss
