"""A way of fine-tuning whose checkpoints are compared with those of another."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """Another fine-tuning procedure, compared with the default one.

    Args:
        key: its checkpoints are ``<key>.<task>``.
        kind: ``"rates"`` (learning rates by depth), ``"lora"`` (low-rank updates) or ``"soup"`` (a member).
        title: name on the page.
        help: one sentence.
    """

    key: str
    kind: str
    title: str
    help: str
