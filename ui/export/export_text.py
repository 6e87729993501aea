"""Words on the export form."""

from __future__ import annotations

TAKE_HOME = {
    "title": "Take it home",
    "help": (
        "The model as it is set now: weights as safetensors, a model card with the accuracies measured here, "
        "and the recipe as YAML. Loading the file back gives the same weights, bit for bit."
    ),
    "layout": "Names of the weights",
    "go": "Make the files",
    "files": "All in one, and the weights alone",
}
