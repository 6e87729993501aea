"""What a visitor says of a task before it is counted: its name, the names of its classes, its prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.data.own_images.listed_images import MOST_CLASSES, MOST_LETTERS, ListedImage, ListedImages
from evaluators.errors import TaskError
from lines_core.untrusted_text import quoted

LONGEST_TITLE = 40
MOST_PROMPTS = 8
MOST_PROMPT_LETTERS = 160
MOST_TEXTS = 2000
"""Class names times prompts: each is a pass of the text tower."""
DEFAULT_PROMPT = "a photo of a {}."
SEPARATOR = " = "
"""Between the folder of a class and the name that the text tower reads."""


@dataclass(frozen=True)
class TaskNames:
    """A task as its visitor names it.

    Args:
        title: shown on the page.
        classes: (as the source names it, as the text tower reads it) of each class that is used.
        prompts: with one ``{}`` each, where the name of a class goes.
    Raises: TaskError that says what is wrong.
    """

    title: str
    classes: tuple[tuple[str, str], ...]
    prompts: tuple[str, ...] = (DEFAULT_PROMPT,)

    def __post_init__(self) -> None:
        if not _is_line(self.title, LONGEST_TITLE):
            raise TaskError(f"A task has a name of 1 to {LONGEST_TITLE} letters, got {quoted(self.title)}.")
        names = [name for _, name in self.classes]
        if not 2 <= len(names) <= MOST_CLASSES:
            raise TaskError(f"A task has 2 to {MOST_CLASSES} classes, got {len(names)}: one a line.")
        for name in names:
            if not _is_line(name, MOST_LETTERS):
                raise TaskError(f"A class name has 1 to {MOST_LETTERS} letters, got {quoted(name)}.")
            if names.count(name) > 1:
                raise TaskError(
                    f"Two classes are called {quoted(name)}: the model could not tell them apart."
                )
        if not 1 <= len(self.prompts) <= MOST_PROMPTS:
            raise TaskError(f"Give 1 to {MOST_PROMPTS} prompts, one a line, got {len(self.prompts)}.")
        for prompt in self.prompts:
            braces = prompt.count("{"), prompt.count("}"), prompt.count("{}")
            if braces != (1, 1, 1) or not _is_line(prompt, MOST_PROMPT_LETTERS):
                raise TaskError(
                    "A prompt has one {} where the class name goes, and at most "
                    f"{MOST_PROMPT_LETTERS} letters, got {quoted(prompt)}."
                )
        if len(names) * len(self.prompts) > MOST_TEXTS:
            raise TaskError(
                f"{len(names)} classes times {len(self.prompts)} prompts are more than the {MOST_TEXTS:,} "
                "texts that are read: give fewer prompts."
            )

    @classmethod
    def read(cls, title: str, classes: str, prompts: str, found: Sequence[str]) -> "TaskNames":
        """From the text of a form: a class and a prompt a line.

        Args:
            classes: lines as ``proposed`` writes them; a class without a line is left out.
            found: the classes of the source.
        Raises: as the class itself; TaskError for a line of no class of the source.
        """
        named, known = [], set(found)
        for line in filter(None, map(str.strip, classes.splitlines())):
            ends = [at for at in range(len(line)) if line.startswith(SEPARATOR, at)]
            source = next((line[:at].strip() for at in ends if line[:at].strip() in known), line)
            if source not in known:
                raise TaskError(
                    f"{quoted(line)} names no class of these images: write folder{SEPARATOR}name, as it was."
                )
            named.append((source, " ".join(line[len(source) :].removeprefix(SEPARATOR).split()) or source))
        lines = tuple(filter(None, map(str.strip, prompts.splitlines())))
        return cls(" ".join(title.split()), tuple(named), lines or (DEFAULT_PROMPT,))

    def chosen(self, found: ListedImages) -> ListedImages:
        """The images of these classes, in this order.

        Raises: TaskError if the source does not have one of them.
        """
        sources = [source for source, _ in self.classes]
        if len(set(sources)) < len(sources) or not set(sources) <= set(found.classes):
            raise TaskError("These classes are not those of the images: look the images up again.")
        positions = {found.classes.index(source): label for label, source in enumerate(sources)}
        images = tuple(
            ListedImage(one.name, positions[one.label], one.split)
            for one in found.images
            if one.label in positions
        )
        return ListedImages(tuple(name for _, name in self.classes), images, found.skipped)


def proposed(found: Sequence[str]) -> str:
    """The classes of a source as lines for a form, each with a name that reads as words.

    >>> proposed(["golden_retriever", "n02-cat"])
    'golden_retriever = golden retriever\\nn02-cat = n02-cat'
    """
    words = [" ".join(name.replace("_", " ").split()) or name for name in found]
    return "\n".join(
        f"{name}{SEPARATOR}{name if words.count(read) > 1 else read}"
        for name, read in zip(found, words, strict=True)
    )


def _is_line(text: str, most: int) -> bool:
    return 1 <= len(text) <= most and text.isprintable() and bool(text.strip())
