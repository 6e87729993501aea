"""Span corruption, T5's pre-training task: spans give way to marks, and the target says what they were."""

from random import Random

from training.language.documents import Document

SENTINELS = tuple(f"<extra_id_{index}>" for index in range(8))
SHARE = 0.4
MEAN_SPAN = 1.5


def corrupt(document: Document, random: Random) -> tuple[str, str]:
    """Input and target. Spans are hidden in the second part alone, whose words can be known from the first.

    About ``SHARE`` of its words are hidden, in spans of one or two words.
    """
    words = document.follows.split()
    spans = max(1, min(len(SENTINELS), round(SHARE * len(words) / MEAN_SPAN)))
    starts = sorted(random.sample(range(len(words)), spans))
    inputs, targets, position = [document.given], [], 0
    for mark, start in zip(SENTINELS, starts, strict=False):
        if start < position:
            continue
        end = min(len(words), start + random.randint(1, 2))
        inputs += [*words[position:start], mark]
        targets += [mark, *words[start:end]]
        position = end
    return " ".join([*inputs, *words[position:]]), " ".join(targets)
