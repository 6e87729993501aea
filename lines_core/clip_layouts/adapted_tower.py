"""Image tower of a CLIP with a low-rank adapter merged into it, whichever library it was trained with."""

from collections.abc import Mapping

from torch import Tensor

from lines_core.checkpoints.adapter import Adapter, merge_adapter
from lines_core.clip_layouts.layouts import TOWER
from lines_core.clip_layouts.name_prefixes import prefixes_around
from lines_core.clip_layouts.transformers_names import PREFIX, transformers_names
from lines_core.errors import CheckpointError
from lines_core.untrusted_text import first_names


def adapted_tower(
    adapter: Adapter, pretrained: Mapping[str, Tensor], model: str
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The pre-trained tower with the adapter's update, and what of the adapter is outside the tower.

    The tower is merged in the names that the adapter was trained on. transformers keeps q, k and v apart, so
    an adapter of one of them is exact although open_clip joins the three.

    Args:
        adapter: from `read_adapter`.
        pretrained: the ``visual.*`` parameters of the chosen model.
        model: what to call the chosen model in messages.
    Returns: a checkpoint for `image_tower`, and what was left out, such as modules of the text tower.
    Raises: CheckpointError if the adapter changes nothing in the tower, or does not fit it.
    """
    names = [*adapter.updates, *adapter.replaced]
    theirs = transformers_names(pretrained)
    # names that say of which tower they are come first: a text tower has blocks of the same names
    for base, before in ((pretrained, ""), (theirs, ""), (pretrained, TOWER), (theirs, PREFIX)):
        modules = {*base, *(name.rpartition(".")[0] for name in base)}
        for prefix in prefixes_around(names):
            inner = {name: before + name.removeprefix(prefix) for name in names if name.startswith(prefix)}
            found = {name: own for name, own in inner.items() if own in modules}
            if found:
                outside = tuple(name for name in names if name not in found)
                return merge_adapter(base, adapter.renamed(found)), outside
    raise CheckpointError(
        f"The adapter changes {first_names(names)}, nothing in the image tower of {model}: pick the model "
        "that it was trained on."
    )
