"""Words of the form for a visitor's own images."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from evaluators.data.own_images.own_subsets import half_width

FORM = {
    "title": "Add your own images",
    "help": (
        "Labelled images become a task beside the others, as a control task or as the target of your own "
        "checkpoint. A zip file with **one folder a class** (also inside `train`, `val`, `test`), or with a "
        "CSV file of the columns `path` and `label`; a few hundred images are enough. Nobody else sees them, "
        "and they are deleted when you close the page."
    ),
    "model": "For the model",
    "file": "Zip file",
    "address": "Or a public data set on the Hub",
    "look_up": "Look up",
    "config": "Configuration",
    "split": "Split",
    "image": "Column of images",
    "label": "Column of labels",
    "name": "Name of the task",
    "name_info": "At most {most} letters.",
    "classes": "Classes: folder = what the model reads",
    "classes_info": "One a line. Take a line out to leave that class out.",
    "prompts": "Sentences with {} for the class",
    "prompts_info": "One a line; the model compares each image with their mean.",
    "add": "Add task",
    "missing": "Choose a zip file, or look a data set up, first.",
    "remove": "Remove",
}
ASKING = '<p class="lx-status" role="status">Asking the Hub…</p>'


def yours(model: str) -> str:
    """Label of the list of what a visitor has added for a model."""
    return f"What you added for {model}"


def found_dataset(repo: str, classes: int) -> str:
    """What was found at an address; HTML."""
    return f'<p class="lx-status" role="status">{escape(repo)} has {classes} classes.</p>'


def added(title: str, notes: Sequence[str]) -> str:
    """That a task was added, and what is to be said of its images; HTML."""
    said = f"{title} is added: it is counted beside the other tasks from now on."
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<p class="lx-status" role="status">{escape(said)}</p><ul class="lx-small">{items}</ul>'


def counted(images: int) -> str:
    """That the page counts fewer test images than there are."""
    return (
        f"This page counts {images:,} test images of each task with this model: there an accuracy near "
        f"50 % is known to ± {half_width(images):.0f} points."
    )


def removed(title: str, checkpoints: int) -> str:
    """That a task or checkpoint was removed, and how many checkpoints with a task; HTML."""
    more = f", and {checkpoints} of your checkpoints of it" if checkpoints else ""
    return f'<p class="lx-status" role="status">{escape(title)} is removed{more}.</p>'


def found(counts: Sequence[tuple[str, int]], skipped: str) -> str:
    """The classes that were found with the number of images of each; HTML."""
    total = sum(count for _, count in counts)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{count:,}</td></tr>' for name, count in counts
    )
    left_out = f" Left out: {escape(skipped)}." if skipped else ""
    return (
        f'<p class="lx-status" role="status">{total:,} images in {len(counts)} classes.{left_out}</p>'
        '<div class="lx-scroll lx-few" tabindex="0"><table class="lx-table"><thead><tr>'
        '<th scope="col">Folder</th><th scope="col">Images</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def reading(done: int, total: int) -> str:
    """Progress of an import; HTML."""
    if not total:
        return '<p class="lx-status" role="status">Reading…</p>'
    bar = f'<progress value="{done}" max="{total}" aria-label="Images read"></progress>'
    return f'<p class="lx-status" role="status">Reading images: {bar} {done:,} of {total:,}</p>'


def refused(message: str) -> str:
    """What was wrong; HTML."""
    return f'<p class="lx-notice" role="alert">{escape(message)}</p>'
