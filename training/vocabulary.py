"""The tokenizer of Tiny CLIP: the first merges of CLIP's own byte-pair vocabulary.

CLIP orders its 48,894 merges by frequency, so a prefix is a complete, smaller tokenizer: common words
stay whole, rare ones fall into pieces, and any text a visitor types has tokens.
Source: ``bpe_simple_vocab_16e6.txt.gz`` as packaged with open_clip (MIT), from openai/CLIP.
"""

import gzip
from pathlib import Path

from open_clip.tokenizer import SimpleTokenizer, default_bpe

MERGES = 4000
VOCABULARY_SIZE = 256 + 256 + MERGES + 2
CONTEXT_LENGTH = 20
FILE_NAME = "bpe_merges.txt.gz"


def save_merges(folder: Path) -> Path:
    """Write the merges file into ``folder``; the same bytes every time. Returns its path."""
    lines = gzip.decompress(Path(default_bpe()).read_bytes()).decode("utf-8").split("\n")[: MERGES + 1]
    path = folder / FILE_NAME
    path.write_bytes(gzip.compress("\n".join(lines).encode("utf-8"), mtime=0))
    return path


def tokenizer(folder: Path) -> SimpleTokenizer:
    """The tokenizer whose merges file lies in ``folder``."""
    return SimpleTokenizer(bpe_path=str(folder / FILE_NAME), context_length=CONTEXT_LENGTH)
