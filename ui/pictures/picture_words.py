"""Words of the pictures: states of an image with their signs, and the dialog."""

from __future__ import annotations

from typing import Any

from evaluators.specs.picture_states import STATES

STATE_WORDS = {
    "right": ("Still right", "✓", "all three models name it correctly"),
    "forgotten": ("Forgotten", "✗", "right before fine-tuning, wrong with this edit"),
    "back": ("Came back", "↺", "lost by fine-tuning, right again with this edit"),
    "learned": ("Newly learned", "+", "wrong before fine-tuning, right with this edit"),
    "unlearned": ("Not kept", "◆", "fine-tuning had learned it, this edit has lost it again"),
    "never": ("Never right", "–", "no model names it correctly"),
}
"""State: title, sign, and what it means."""

PICTURE_WORDS = {
    "title": "What became of single images",
    "note": "test images, framed by what became of them; choose one to see it large",
    "all": "All",
    "more": "Show all images",
    "fewer": "Show fewer",
    "task": "Show only this task, or all again",
    "waiting": "The images come with the first numbers …",
    "label": "{task}, image {number}: it is {truth}, this edit says {said}. {state}.",
    "close": "Close",
    "is": "It is: {truth}",
    "pretrained": "Pre-trained",
    "finetuned": "Fine-tuned",
    "edit": "This edit",
    "curve": "Probability of the right class by γ, from pre-trained-like shallow layers to fine-tuned",
    "measuring": "Asking the three models …",
    "confusion": "What are forgotten images taken for?",
    "confusion_head": ("It is", "taken for", "images"),
    "none_forgotten": "With this edit no image of this task is forgotten.",
    "before": "Previous image",
    "after": "Next image",
}


OWN_WORDS: dict[str, Any] = {
    "title": "Try your own picture",
    "help": "Draw something, choose a picture, or take an example: the bars say what the three models "
    "make of it, and follow the slider. The picture is not stored.",
    "canvas": "Drawing area",
    "empty": "Draw in the square with finger or mouse, or choose a picture.",
    "inks": [  # ink, paper, name: as in the images of digits; no colours of the theme
        ("rgb(255, 255, 255)", "rgb(16, 16, 20)", "white on black"),
        ("rgb(16, 16, 20)", "rgb(244, 244, 244)", "black on white"),
        ("rgb(255, 154, 60)", "rgb(20, 20, 32)", "orange on black"),
        ("rgb(36, 86, 200)", "rgb(185, 192, 204)", "blue on grey"),
    ],
    "clear": "Clear",
    "upload": "Choose a picture",
    "camera": "Camera",
    "take": "Take the picture",
    "stop": "Stop the camera",
    "example": "An example",
    "classes": "Choose between the classes of",
    "own_task": "The checkpoint's task",
    "typed": "My own words",
    "names": "a cat, a dog, a tram",
    "names_label": "Class names, with commas between them",
    "template_label": "Prompt, with {} where the name goes",
    "unreadable": "This browser cannot read that file: choose a PNG, JPEG or WebP picture.",
    "no_camera": "There is no camera, or the page may not use it.",
    "no_example": "The examples come with the first numbers: move the slider, or wait a moment.",
    "asking": "Asking the three models …",
    "read": "Probability of each class under the three models:",
    "models": [("pretrained", "Pre-trained"), ("finetuned", "Fine-tuned"), ("lines", "This edit")],
}


def strip_settings() -> dict[str, Any]:
    """What the view needs to know besides its answers: the states in the order of their digits, and words."""
    states = [
        dict(zip(("key", "title", "sign", "help"), (key, *STATE_WORDS[key]), strict=True)) for key in STATES
    ]
    return {"states": states, "words": dict(PICTURE_WORDS)}
