"""What every model card begins and ends with: its header, what the model is, how to load it, the licence."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.export.card_tables import markdown_table
from evaluators.export.edit_sources import BaseModel, SourceCheckpoint
from evaluators.export.escaping import code, quoted
from evaluators.export.export_layouts import ExportLayout
from evaluators.export.loading_snippets import WEIGHTS_FILE

LICENCE = "The licences of the base model and of the fine-tuned checkpoints apply."


@dataclass(frozen=True)
class DescribedTower:
    """What a card says of the tower, however it was edited.

    Args:
        base: the pre-trained model.
        sources: the fine-tuned ones.
        layout: names of the file.
        size: parameters of the tower, and tensors of the file.
        activation: in transformers' words.
        whole: the file holds the text tower too.
    """

    base: BaseModel
    sources: Sequence[SourceCheckpoint]
    layout: ExportLayout
    size: tuple[int, int]
    activation: str
    whole: bool


def framed_card(tower: DescribedTower, made: str, how: Sequence[str], sections: Sequence[str]) -> str:
    """Markdown with the header that the Hub reads.

    Args:
        made: what was done to the base model, for the title.
        how: lines of the first paragraph.
        sections: between what the model is and how it is loaded.
    """
    ends = _loading(tower), f"## Licence\n\n{LICENCE}\n"
    return "\n\n".join([_header(tower), _what(tower, made, how), *sections, *ends])


def _header(tower: DescribedTower) -> str:
    base = tower.base
    note = "" if base.on_hub else "  # of the LiNeS Explorer, not on the Hub"
    lines = [f"base_model: {quoted(base.name)}{note}", f"library_name: {tower.layout.key}"]
    return "\n".join(["---", *lines, "tags: [clip, lines, model-editing, task-arithmetic]", "---"])


def _what(tower: DescribedTower, made: str, how: Sequence[str]) -> str:
    base, names = tower.base, tower.layout.title
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (base.mean, base.std))
    rows = [
        ("base model, theta_0", f"{base.title}, {code(base.file)}"),
        *((f"fine-tuned on {code(source.title)}", code(source.origin)) for source in tower.sources),
        ("images", f"{base.image_size} x {base.image_size} pixels in [0, 1], mean {mean}, std {std}"),
        ("activation", tower.activation),
        ("image tower", f"{tower.size[0]:,} float32 numbers in {tower.size[1]} tensors, names of {names}"),
    ]
    lines = [
        f"# {base.title}, {made}",
        "",
        *how,
        "The text tower is the base model's own and is"
        + (" in the file as it was." if tower.whole else " not in the file."),
        "",
        *markdown_table(("what", "which"), rows),
    ]
    return "\n".join(lines)


def _loading(tower: DescribedTower) -> str:
    layout, base = tower.layout, tower.base
    needed = [f"`folder` is where `{WEIGHTS_FILE}` and the files that come with it lie."]
    if not (layout.config or tower.whole or base.on_hub):
        needed.append(
            "The base model is in a checkout of the LiNeS Explorer: `assets` of it has to be there."
        )
    lines = ["## Load it", "", " ".join(needed), "", f"```python\n{layout.snippet(base, tower.whole)}```"]
    return "\n".join(lines)
