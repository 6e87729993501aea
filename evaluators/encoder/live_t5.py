"""T5 with editable weights: both towers in one flat vector, and how likely each answer to a question is."""

from abc import abstractmethod

import torch
from torch import Tensor

from evaluators.data.question_batches import LEFT_OUT, QuestionTokens
from evaluators.encoder.cuda_graph import Forward
from evaluators.encoder.live_encoder import LiveEncoder
from evaluators.encoder.open_clip_folder import LoadedModel
from evaluators.encoder.t5_folder import LoadedT5
from evaluators.errors import LabError
from lines_core.serial_layout import SerialLayout


class LiveT5(LiveEncoder):
    """An encoder-decoder model whose weights are views into one flat vector, edited in place.

    Its factors are those of `SerialLayout.factors`. The tied embedding is one parameter.

    Attributes:
        tokens: from a text to the ids of its tokens.
    """

    def __init__(self, loaded: LoadedT5, dtype: torch.dtype) -> None:
        self.serial = SerialLayout.of(dict(loaded.model.named_parameters()))
        self.tokens = loaded.tokens
        super().__init__(LoadedModel(loaded.model, _no_prompts), dtype, self.serial.flat)

    @abstractmethod
    def _read_residual(self, checkpoint: str) -> Tensor:
        """As ``LiveEncoder._read_residual``."""

    @property
    def padding(self) -> int:
        """Id of the token that fills short texts up."""
        return int(self.loaded.clip.config.pad_token_id)

    def rank(self, questions: QuestionTokens) -> Tensor:
        """Scores (n, C) of the choices of n questions, float32: the mean log-likelihood of a choice's tokens.

            s(c | x) = 1/|c| sum_i log p(c_i | c_<i, x)

        The mark that ends a choice is one of its tokens. Where a question has fewer than C choices the score
        is -inf. Raises: as ``encode``.
        """
        with self.invalidated_on_error(), torch.inference_mode():
            model = self.loaded.clip
            hidden = model.encoder(input_ids=questions.inputs, attention_mask=questions.mask)[0]
            logits = model(
                encoder_outputs=(hidden[questions.owner],),
                attention_mask=questions.mask[questions.owner],
                labels=questions.targets,
            ).logits.float()
            there = questions.targets != LEFT_OUT
            chosen = questions.targets.clamp(min=0)[..., None]
            each = logits.log_softmax(dim=-1).gather(2, chosen)[..., 0] * there
            scores = each.sum(dim=1) / there.sum(dim=1)
            table = scores.new_full((len(questions.inputs), int(questions.position.max()) + 1), -torch.inf)
            table[questions.owner, questions.position] = scores
        self.problem = ""
        found: Tensor = table
        return found

    def _fastest_forward(self) -> Forward:
        return self._run  # images are never encoded


def _no_prompts(texts: list[str]) -> Tensor:
    raise LabError("A text model has no classifier heads.")
