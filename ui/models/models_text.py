"""Words on the page Models."""

from __future__ import annotations

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """'a, b and c'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


MODELS = (
    "Everything here also works on the **paper's own models**: OpenAI's CLIP with public checkpoints that "
    "were fine-tuned on 8, 14 or 20 tasks. They come from the Hugging Face Hub and stay on the machine this "
    "page runs on."
)
MODEL_CHOICE = {
    "encoder": "Pre-trained model",
    "family": "Fine-tuned checkpoints",
    "tasks": "Tasks (the first eight are the paper's Table 1)",
    "members": "Members of the soup, the best on held-out images first",
    "images": "Test images per task",
    "all": "all",
    "load": "Load",
    "check": "Check against published figures",
}
NOT_LOADED = "Not loaded: see the step marked ✗. Load again to continue from there."


def load_first(model: str) -> str:
    """For a button that needs a model that is not loaded."""
    return f"{model} is not loaded yet: press Load first."


def not_loading(model: str) -> str:
    """For Stop while only other models are being loaded."""
    return f"{model} is not being loaded: choose the model whose load you want to stop."


def opens(model: str) -> str:
    """Label of the button that chooses a loaded model in Explore."""
    return f"Open {model}"


SELF_TEST = "Self-test: measured here (95 % interval, all checks together) against published"
CHECK_COLUMNS = ("Task", "Model", "Measured", "Published", "")
CHECKING = "measuring model"
LOADED_BY_OTHERS = "Other visitors are loading this model too, so the load continues."
OWN = {
    "off": "This server takes no files. Run the app on your own machine to add a checkpoint or images.",
    "title": "Add your own checkpoint",
    "help": (
        "A copy of a loaded model that was fine-tuned elsewhere: a file of safetensors or `torch.save`, also "
        "a training checkpoint with more in it, of which only the weights are read; or several files, chosen "
        "together or as a `.zip`: shards with their index, or a LoRA adapter of PEFT with its "
        "`adapter_config.json`. Names as in open_clip or transformers. "
        "Files of *Download this model* can be added too."
    ),
    "model": "Model it was fine-tuned from",
    "task": "Fine-tuned on",
    "address": "Hub repository",
    "file": "Or a file, or the files of one model",
    "choice": "The file holds several models. Add",
    "top": "the one outside of all parts",
    "add": "Add it",
    "missing": "Choose the task it was fine-tuned on, and a file or an address on the Hub.",
}


def added(title: str) -> str:
    """That a checkpoint was added, and where it is."""
    return (
        f"{title} is added and chosen in Explore. It is offered on the page Merge too. What is known of it "
        "stands below."
    )


REPORT = {
    "heading": "What is known of your checkpoints",
    "total": "changed by {} of the pre-trained weights",
    "warned": "· ⚠ see below",
    "bars": "Change by block, in % of the pre-trained weights (norms)",
    "block": "Block",
    "change": "Change",
    "outside": "rest",
    "all": "all",
}


def share(relative: float, sign: bool = True) -> str:
    """A relative norm in percent with two digits.

    >>> share(0.1234), share(0.00412), share(0.0, sign=False), share(2.5)
    ('12\u202f%', '0.41\u202f%', '0', '250\u202f%')
    """
    percent = 100 * relative
    number = f"{percent:.0f}" if percent >= 10 or percent == 0 else f"{percent:.2g}"
    return f"{number}\u202f%" if sign else number


def stored(layout: str, dtype: str) -> str:
    """How a file stores the weights."""
    return f"Weights in {dtype}, named as in {layout.rstrip('.')}."


def exported(told: str) -> str:
    """What a file of *Download this model* holds, if its change is whole."""
    return f"This file was downloaded from a LiNeS Explorer: a model that was fine-tuned on {told}."


def exported_edited(told: str) -> str:
    """The same, if its change is scaled or merged."""
    return (
        f"{exported(told)} Its change is edited already: “fine-tuned” will mean this edited model, and "
        "another edit scales its change once more."
    )


def contradiction(told: str, named: str) -> str:
    """A warning: the file says another task than the visitor."""
    return (
        f"It does not say {named}: check the task, or its accuracy will be counted as that of a control task."
    )
