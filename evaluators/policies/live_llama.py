"""The live language model: one flat vector of weights, set in place to any point of the rewarded soups."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from evaluators.encoder.open_clip_import import import_transformers
from evaluators.errors import LabError, SpecError
from evaluators.policies.scene_words import END, PAD, SUMMARY, TOKENS, WORDS
from evaluators.policies.soup_setting import SoupSetting
from lines_core import coefficients
from lines_core.checkpoints import compare, read_checkpoint
from lines_core.editing import LayerEditor
from lines_core.flat import adopt
from lines_core.packed import read_packed

FOLDER = "tiny_llama"
CONFIG, WEIGHTS_FILE = "config.json", "model.safetensors"
POLICIES = ("faithful", "preferred")
"""tau_1 and tau_2 of Eq. 4, by the reward that each was trained for."""
MOST_WORDS = 20
"""Of a summary, full stops and its end included."""
MOST_SCENE_WORDS = 90


class LiveLlama:
    """The supervised model of a folder, and the updates of its two policies. Not thread-safe.

    Args:
        folder: with ``config.json``, ``model.safetensors`` and a packed update for each of ``POLICIES``.
    Raises: LabError if a file is absent; CheckpointError if one is damaged or does not fit.
    Cost: 5 MB, and importing transformers.
    """

    def __init__(self, folder: Path) -> None:
        transformers = import_transformers()
        absent = [name for name in (CONFIG, WEIGHTS_FILE) if not (folder / name).is_file()]
        if absent:
            raise LabError(f"{folder / absent[0]} is absent: the language model cannot be loaded.")
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if config["vocab_size"] != len(WORDS):
            raise LabError(
                f"The language model in {folder} knows {config['vocab_size']} words, not {len(WORDS)}."
            )
        self.model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config))
        self.model.train(False)
        self.model.requires_grad_(False)
        named = dict(self.model.named_parameters())
        weights = {name: value.float() for name, value in read_checkpoint(folder / WEIGHTS_FILE).items()}
        compare(named, weights)
        self.layout, self._live = adopt(self.model)
        pretrained = self.layout.flatten(weights)
        self._editor = LayerEditor(self.layout, pretrained, self._live)
        shapes = {name: value.shape for name, value in named.items()}
        self._updates = [
            self.layout.flatten(read_packed(folder / f"{policy}.safetensors", shapes)) for policy in POLICIES
        ]
        self._mix = torch.empty_like(pretrained)
        self._editor.restore()

    @property
    def num_blocks(self) -> int:
        """L."""
        return self.layout.num_blocks

    def write(self, setting: SoupSetting) -> None:
        """Set the live weights to a soup."""
        self.write_scaled(setting.w, coefficients("linear", setting.alpha, setting.beta, self.num_blocks))

    @torch.no_grad()
    def write_scaled(self, w: float, scales: Tensor) -> None:
        """Set the live weights to theta_0 + scale of the block times (w tau_1 + (1 - w) tau_2).

        LoRA updates the blocks alone: what is outside stays as it was.

        Args:
            scales: (L,) factors, shallowest block first.
        """
        faithful, preferred = self._updates
        torch.lerp(preferred, faithful, w, out=self._mix)
        self._editor.apply(self._mix, scales, before=0.0, after=0.0)

    @torch.inference_mode()
    def summaries(
        self,
        scenes: Sequence[str],
        draws: torch.Generator | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """A summary of each scene by the live weights.

        Args:
            draws: of the words, at temperature 1; None takes the most probable word each time.
            check: called before each word, may raise to stop.
        Raises: SpecError as ``tokens_of``; what ``check`` raises.
        """
        rows = [torch.tensor(tokens_of(scene)) for scene in scenes]
        width = max(map(len, rows))
        tokens = torch.full((len(rows), width), TOKENS[PAD])
        for row, known in zip(tokens, rows, strict=True):
            row[width - len(known) :] = known
        mask = (tokens != TOKENS[PAD]).long()
        places, cache, ended = (
            (mask.cumsum(1) - 1).clamp(min=0),
            None,
            torch.zeros(len(rows), dtype=torch.bool),
        )
        said: list[Tensor] = []
        while len(said) < MOST_WORDS and not bool(ended.all()):
            check()
            found = self.model(
                input_ids=tokens,
                attention_mask=mask,
                position_ids=places,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache, logits = found.past_key_values, found.logits[:, -1]
            if draws is None:
                chosen = logits.argmax(1)
            else:
                chosen = torch.multinomial(logits.softmax(1), 1, generator=draws)[:, 0]
            chosen = chosen.masked_fill(ended, TOKENS[END])
            said.append(chosen)
            ended |= chosen == TOKENS[END]
            tokens, places = chosen[:, None], places[:, -1:] + 1
            mask = torch.cat([mask, torch.ones_like(tokens)], dim=1)
        return [_text(row) for row in torch.stack(said, dim=1).tolist()]


def tokens_of(scene: str) -> list[int]:
    """The scene, and the words that ask for its summary, as tokens.

    Raises: SpecError if it is empty or too long, or the model does not know a word.
    """
    words = scene.split()
    if not 1 <= len(words) <= MOST_SCENE_WORDS:
        raise SpecError(f"A scene has 1 to {MOST_SCENE_WORDS} words, this one has {len(words)}.")
    strange = sorted(set(words) - (TOKENS.keys() - {PAD, END}))
    if strange:
        shown = ", ".join(word[:30] for word in strange[:6])
        raise SpecError(f"The tiny model knows {len(WORDS) - 2} words, and not these: {shown}.")
    return [TOKENS[word] for word in [*words, *SUMMARY.split()]]


def _text(tokens: list[int]) -> str:
    words = [WORDS[token] for token in tokens]
    return " ".join(words[: words.index(END)] if END in words else words)
