"""The tokenizer of the tiny language model as transformers' trainers want it: one token a word."""

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from evaluators.policies.scene_words import END, PAD, TOKENS


def word_tokenizer() -> PreTrainedTokenizerFast:
    """Words apart at spaces, padded on the left as generation needs it."""
    tokenizer = Tokenizer(models.WordLevel(dict(TOKENS), unk_token=PAD))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
