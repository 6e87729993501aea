"""State of one image: which of the pre-trained, the fine-tuned and the edited model name it correctly."""

from collections.abc import Sequence

RIGHT = "right"
FORGOTTEN = "forgotten"
BACK = "back"
LEARNED = "learned"
UNLEARNED = "unlearned"
NEVER = "never"

_STATES = {  # right before, right after fine-tuning, right with this edit
    (True, True, True): RIGHT,
    (True, False, True): BACK,
    (True, True, False): FORGOTTEN,
    (True, False, False): FORGOTTEN,
    (False, True, True): LEARNED,
    (False, False, True): LEARNED,
    (False, True, False): UNLEARNED,
    (False, False, False): NEVER,
}
STATES = tuple(dict.fromkeys(_STATES.values()))


def state_of(truth: int, pretrained: int, finetuned: int, edit: int) -> str:
    """The state of an image, from its class and the three models' predictions.

    "right": all three; "back": lost by fine-tuning and right again; "forgotten": right before, wrong now;
    "learned": wrong before, right now; "unlearned": only fine-tuning had it right; "never": none.

    >>> state_of(truth=3, pretrained=3, finetuned=5, edit=3)
    'back'
    """
    return _STATES[pretrained == truth, finetuned == truth, edit == truth]


def confusion(
    truth: Sequence[int], edit: Sequence[int], chosen: Sequence[bool]
) -> dict[tuple[int, int], int]:
    """How many of the chosen images of a class are taken for which class, most first.

    >>> confusion([0, 0, 1], [2, 2, 0], [True, True, False])
    {(0, 2): 2}
    """
    counts: dict[tuple[int, int], int] = {}
    for pair, wanted in zip(zip(truth, edit, strict=True), chosen, strict=True):
        if wanted:
            counts[pair] = counts.get(pair, 0) + 1
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
