"""Class names that a visitor typed, with the template of their prompts."""

from dataclasses import dataclass

from evaluators.errors import SpecError
from lines_core.untrusted_text import quoted

TEMPLATE = "a photo of a {}."
MOST_CLASSES = 50
MOST_LETTERS = 80
MOST_TEMPLATE = 160


@dataclass(frozen=True)
class ClassNames:
    """Classes to choose between, each described to the text tower by the template with its name.

    Args:
        names: 2 to ``MOST_CLASSES`` different names of at most ``MOST_LETTERS`` letters.
        template: at most ``MOST_TEMPLATE`` letters with one ``{}`` for the name, and no other brace.
    Raises: SpecError that says what is wrong.
    """

    names: tuple[str, ...]
    template: str = TEMPLATE

    def __post_init__(self) -> None:
        if not 2 <= len(self.names) <= MOST_CLASSES or len(set(self.names)) != len(self.names):
            raise SpecError(
                f"Name 2 to {MOST_CLASSES} different classes with commas between them, got "
                f"{quoted(self.names)}."
            )
        for name in self.names:
            if not 1 <= len(name) <= MOST_LETTERS or not name.isprintable():
                raise SpecError(f"A class name has 1 to {MOST_LETTERS} letters, got {quoted(name)}.")
        template = self.template
        braces = template.count("{"), template.count("}"), template.count("{}")
        if braces != (1, 1, 1) or len(template) > MOST_TEMPLATE or not template.isprintable():
            raise SpecError(
                f"A prompt has one {{}} where the class name goes, and {MOST_TEMPLATE} letters at most, got "
                f"{quoted(template)}."
            )

    @classmethod
    def read(cls, text: object, template: object = "") -> "ClassNames":
        """Names with commas or line breaks between them; an empty template is ``TEMPLATE``.

        Raises: as the class itself.

        >>> ClassNames.read("a cat, a dog,, a tram").names
        ('a cat', 'a dog', 'a tram')
        """
        if not isinstance(text, str) or len(text) > 2 * MOST_CLASSES * MOST_LETTERS:
            raise SpecError(f"Class names are a short text with commas between them, got {quoted(text)}.")
        if not isinstance(template, str):
            raise SpecError(f"A prompt is a text, got {quoted(template)}.")
        parts = (" ".join(part.split()) for part in text.replace("\n", ",").split(","))
        return cls(tuple(dict.fromkeys(part for part in parts if part)), template.strip() or TEMPLATE)
