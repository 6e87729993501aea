"""Words on the export form."""

from __future__ import annotations

TAKE_HOME = {
    "title": "Download this model",
    "help": (
        "The model with the current settings: weights as safetensors, a model card with the accuracies "
        "measured here, "
        "and the recipe as YAML. Loading the file back gives the same weights, bit for bit."
    ),
    "layout": "Tensor names",
    "extras": "Also in the files",
    "go": "Create the files",
    "files": "Everything as one zip, and the weights alone",
}


def stale(name: str) -> str:
    """That the settings have changed since the files were made."""
    return f"The settings have changed: these files are {name}. Create them again for the new settings."
