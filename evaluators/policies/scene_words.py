"""The words of the invented scenes: 139 of them, the tiny language model knows no others."""

NAMES = tuple(
    "anna ben clara david emma felix greta hugo ida jonas karla leo mia nils olga paul rosa sven".split()
)
MOODS = tuple("happy tired hungry angry shy proud lonely sleepy curious".split())
VERBS = tuple("found lost painted sold bought hid cleaned carried repaired dropped packed wrapped".split())
COLOURS = tuple("red blue green yellow white black golden purple silver".split())
THINGS = tuple(
    "boats lamps keys drums chairs kites clocks bags bells hats boxes books rings cups coats maps shoes "
    "ropes".split()
)
PLACES = tuple("mill bridge harbour market garden school church river tower bakery".split())
WEATHER = tuple("cold warm windy foggy sunny rainy".split())
TIMES = tuple("first early later soon finally afterwards".split())

FILLERS = tuple(
    """nobody looked up .
    the bells rang and the pigeons flew away .
    somewhere a dog barked at the wind .
    it all took longer than usual .
    people came and went as always .
    a carriage rolled by without a sound .
    then there was silence for a while .""".split("\n")
)
"""Sentences that tell no fact; none holds a word of the five lists of a fact."""
OPENINGS = ("it was a {weather} day in the old {place} .", "at the {place} the morning was {weather} .")
ENDINGS = ("near the {place} .", "and went to the {place} .", "with great care .", ".")
ROLES = 3
"""Persons of a scene. Each has a third of the names, moods, verbs, colours and things to itself: to find out
which words of mixed lists belong together, a small model would need many times the training."""
END = "<end>"
PAD = "<pad>"
SUMMARY = "summary :"


def _all_words() -> tuple[str, ...]:
    lists = (NAMES, MOODS, VERBS, COLOURS, THINGS, PLACES, WEATHER, TIMES)
    texts = (*FILLERS, *OPENINGS, *ENDINGS, SUMMARY)
    loose = [word for text in texts for word in text.split() if not word.startswith("{")]
    return tuple(dict.fromkeys((PAD, END, *(word for words in lists for word in words), "the", *loose)))


WORDS = _all_words()
"""Every word; its position is its token."""
TOKENS = {word: token for token, word in enumerate(WORDS)}
