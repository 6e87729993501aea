"""Python that loads an exported folder, as the model card prints it.

Every path in it begins with the folder, so that it runs wherever Python was started.
"""

from evaluators.encoder.open_clip_folder import MERGES
from evaluators.export.edit_sources import BaseModel

WEIGHTS_FILE = "model.safetensors"

TORCHVISION = """\
try:
    import torchvision
except (ImportError, RuntimeError):  # of another build than torch: it only lacks these declarations
    operators = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        operators.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
"""open_clip and transformers import torchvision, which fails beside a torch of another build (CPU, CUDA)."""

_FOLDER = 'folder = "."  # where these files lie'


def open_clip_snippet(base: BaseModel, whole: bool) -> str:
    """For the folder with the whole CLIP, or for the image tower, which then replaces the base model's."""
    if not whole:
        return _tower_snippet(base)
    words = "" if base.merges is None else f', bpe_path=f"{{folder}}/{MERGES}"'
    return _WHOLE_CLIP.format(folder=_FOLDER, words=words, image=_image(base))


def transformers_snippet(base: BaseModel, whole: bool) -> str:
    """For the whole CLIP, or for the image tower with its projection."""
    if whole:
        return _CLIP_MODEL.format(folder=_FOLDER, image=_image(base))
    return f"""\
import torch
{TORCHVISION}
from PIL import Image
from transformers import AutoImageProcessor, CLIPVisionModelWithProjection

{_FOLDER}
processor = AutoImageProcessor.from_pretrained(folder)
model = CLIPVisionModelWithProjection.from_pretrained(folder).eval()
{_image(base)}
with torch.no_grad():
    features = model(**processor(image, return_tensors="pt")).image_embeds
features = features / features.norm(dim=-1, keepdim=True)
"""


_CLIP_MODEL = (
    "import torch\n"
    + TORCHVISION
    + """
from PIL import Image
from transformers import CLIPModel, CLIPProcessor

{folder}
processor = CLIPProcessor.from_pretrained(folder)
model = CLIPModel.from_pretrained(folder).eval()
{image}
texts = ["a photo of a cat", "a photo of a dog"]
with torch.no_grad():
    found = model(**processor(text=texts, images=image, padding=True, truncation=True, return_tensors="pt"))
features, shares = found.image_embeds, found.logits_per_image.softmax(dim=-1)
"""
)

_WHOLE_CLIP = (
    "import torch\n"
    + TORCHVISION
    + """
import open_clip
from PIL import Image

{folder}
model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{{folder}}")
tokenizer = open_clip.get_tokenizer(f"local-dir:{{folder}}"{words})
{image}
with torch.no_grad():
    features = model.eval().encode_image(preprocess(image).unsqueeze(0), normalize=True)
    texts = model.encode_text(tokenizer(["a photo of a cat", "a photo of a dog"]), normalize=True)
    shares = (model.logit_scale.exp() * features @ texts.T).softmax(dim=-1)
"""
)


def _tower_snippet(base: BaseModel) -> str:
    return f"""\
import torch
{TORCHVISION}
import open_clip
from PIL import Image
from safetensors.torch import load_file

{_FOLDER}
model, preprocess = open_clip.create_model_from_pretrained("{base.open_clip}")
missing, unexpected = model.load_state_dict(load_file(f"{{folder}}/{WEIGHTS_FILE}"), strict=False)
assert not unexpected and not any(name.startswith("visual.") for name in missing)
{_image(base)}
with torch.no_grad():
    features = model.eval().encode_image(preprocess(image).unsqueeze(0), normalize=True)
"""


def _image(base: BaseModel) -> str:
    return (
        f'image = Image.new("RGB", ({base.image_size}, {base.image_size}))  # in its place, an image of yours'
    )
