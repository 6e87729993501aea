"""Names of exported files: what the edit is, readable, unique, and of safe characters only."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from evaluators.hub.visitor_checkpoint import OWN
from evaluators.labs.embedded_lab import TINY_CLIP
from evaluators.labs.own_task import OWN_TASK
from evaluators.specs.edit_spec import FREE, EditSpec
from evaluators.specs.merge_spec import MergeSpec, task_of
from lines_core.merging import complete_settings

MOST_NAMED = 4
"""Checkpoints of a merge that are named; of more the number is."""
DIGEST = 6
LONGEST = 120
"""Characters before the digest."""
LONGEST_TASK = 24
"""Characters of an added task's title in a spec."""
NO_TITLES: Mapping[str, str] = MappingProxyType({})


def export_name(spec: EditSpec, layout: str = "open_clip", titles: Mapping[str, str] = NO_TITLES) -> str:
    """Name of a spec's files, without an ending: letters, digits, ".", "-" and "_", at most 127.

    Two specs of different weights have different names; the split and the images do not matter.

    Args:
        titles: of added tasks, by key: a key of theirs holds a secret.

    >>> export_name(EditSpec.lines("satellite", 0.1))
    'satellite-gamma0.1'
    >>> export_name(EditSpec.merged(MergeSpec(("digits", "faces"), "average"), 0.3, 0.5, model="ViT-B-32"))
    'ViT-B-32-merge-average-digits-faces-alpha0.3-beta0.5'
    """
    model = [] if spec.model == TINY_CLIP else [spec.model]
    what = [_checkpoint(spec.checkpoint, titles)] if spec.merge is None else _merge(spec.merge, titles)
    name = "-".join([*model, *what, *_edit(spec), *([] if layout == "open_clip" else [layout])])
    own = any(one.startswith(OWN) for one in spec.sources)
    if own or spec.shape == FREE or len(name) > LONGEST or not (spec.merge is None or _says_all(spec.merge)):
        return f"{name[:LONGEST]}-{_digest(spec)}"
    return name


def model_folders(spec: EditSpec, titles: Mapping[str, str] = NO_TITLES) -> tuple[str, ...]:
    """Folders of the pre-trained model and of each fine-tuned one, beside an export.

    >>> model_folders(EditSpec.lines("satellite", 0.1))
    ('models/pretrained', 'models/1-satellite')
    """
    named = (_checkpoint(key, titles) for key in spec.sources)
    return ("models/pretrained", *(f"models/{number}-{name}" for number, name in enumerate(named, start=1)))


def said_keys(spec: EditSpec, titles: Mapping[str, str] = NO_TITLES) -> dict[str, str]:
    """What a spec's checkpoints are called where others read it: a visitor's own without the secret.

    >>> said_keys(EditSpec.finetuned("own-0123abcd.digits"))
    {'own-0123abcd.digits': 'own-digits.digits'}
    """
    said: dict[str, str] = {}
    for key in spec.sources:
        task = task_of(key)
        name = said_task(task, titles.get(task, ""))
        again = sum(one.endswith(f".{name}") for one in said.values())
        said[key] = f"{OWN}{name}{f'-{again + 1}' if again else ''}.{name}" if key.startswith(OWN) else key
    return said


def said_task(key: str, title: str) -> str:
    """What a task is called where others read it: its key, or of an added one its title in plain letters.

    >>> said_task("task-0123abcd", "My mugs"), said_task("digits", "Handwritten digits")
    ('my-mugs', 'digits')
    """
    return _slug(title)[:LONGEST_TASK] if key.startswith(OWN_TASK) else key


def said_spec(spec: EditSpec, titles: Mapping[str, str] = NO_TITLES) -> dict[str, Any]:
    """The spec as JSON values for others to read, with `said_keys`."""
    plain = json.dumps(spec.as_dict())
    for key, said in said_keys(spec, titles).items():
        plain = plain.replace(json.dumps(key), json.dumps(said))
    return dict(json.loads(plain))


def _merge(merge: MergeSpec, titles: Mapping[str, str]) -> list[str]:
    named = [_checkpoint(one, titles) for one in merge.checkpoints]
    sources = named if len(named) <= MOST_NAMED else [f"{len(named)}-models"]
    return [
        "merge",
        merge.method,
        *sources,
        *(["for", _checkpoint(merge.task, titles)] if merge.task else []),
    ]


def _says_all(merge: MergeSpec) -> bool:
    """Whether method and names say everything: all checkpoints are named, the rest is as usual."""
    usual = dict(merge.settings) == complete_settings(merge.method, {})
    return usual and not merge.weights and len(merge.checkpoints) <= MOST_NAMED


def _edit(spec: EditSpec) -> list[str]:
    """What the edit does to tau, in the words of the page where it has some."""
    parts = [f"mix{_number(spec.mix)}"] if spec.mix != 1.0 else []
    if spec.outside != "alpha":
        parts.append(f"outside-{spec.outside}")
    if spec.shape == FREE:
        return ["free", *parts]
    lines = spec.merge is None and spec.beta == round(1.0 - spec.alpha, 9) + 0.0
    if lines and spec.shape == "linear":
        return [f"gamma{_number(spec.alpha)}", *parts]
    if spec.shape == "flat":
        whole = spec.merge is None and spec.alpha == 1.0
        return ["finetuned" if whole else f"scale{_number(spec.alpha)}", *parts]
    shape = [] if spec.shape == "linear" else [spec.shape]
    return [*shape, f"alpha{_number(spec.alpha)}", f"beta{_number(spec.beta)}", *parts]


def _checkpoint(key: str, titles: Mapping[str, str]) -> str:
    """A checkpoint's key; of a visitor's own, and of one of an added task, without the secret."""
    if not key.startswith(OWN):
        return key
    task = task_of(key)
    return f"{OWN}{_slug(titles.get(task, '')) if task.startswith(OWN_TASK) else task}"


def _slug(title: str) -> str:
    """A title in small letters and digits, accents dropped; "task" if it has none of these."""
    plain = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    return "-".join(re.findall("[a-z0-9]+", plain)) or "task"


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _digest(spec: EditSpec) -> str:
    """A few characters of a hash of what decides the weights."""
    plain = spec.as_dict() | {"split": "", "images": 0}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:DIGEST]
