"""Story completion: two people, what each of them lacks, and an ending that fits one of them."""

from random import Random

from evaluators.data.text_questions import TextQuestion
from training.language.lexicon import NEEDS, PEOPLE


def story_ending(random: Random) -> TextQuestion:
    """Draw a beginning and four endings; the wrong ones fit the other person, or nobody."""
    people = random.sample(PEOPLE, 2)
    needs = random.sample(sorted(NEEDS), 3)
    hero = random.randrange(2)
    helps = [NEEDS[need][0] for need in needs]
    does = [NEEDS[need][1] for need in needs]
    sentences = [f"{person} was {need} ." for person, need in zip(people, needs, strict=False)]
    turn = f"found the {helps[hero]}" if random.random() < 0.5 else "looked for help"
    endings = [
        f"{people[hero]} {does[hero]}",
        f"{people[hero]} {does[1 - hero]}",
        f"{people[hero]} {does[2]}",
        f"{people[1 - hero]} {does[hero]}",
    ]
    right = endings[0]
    random.shuffle(endings)
    text = f"story : {' '.join(sentences)} {people[hero]} {turn} . the end :"
    return TextQuestion(text, tuple(endings), endings.index(right))
