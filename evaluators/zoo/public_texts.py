"""Public text models and the tasks of GLUE that their checkpoints were fine-tuned on: rows, no code.

Flan-T5-base and FusionBench's checkpoints of it. The eighth task of GLUE there, STS-B, is left out: its
labels are similarities from 1 to 5, a regression, which rank classification has no words for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evaluators.errors import LabError

GLUE = "glue"
"""Key of the family of checkpoints."""
GLUE_REPO = "nyu-mll/glue"
COLUMN = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class TextModel:
    """A pre-trained T5 on the Hugging Face Hub.

    Attributes:
        key: identifier.
        title: name on the page.
        repo, revision: of the pre-trained weights, with configuration and tokenizer.
        checkpoints: repository of a fine-tuned checkpoint, with ``{task}``.
        blocks: L of the encoder and of the decoder.
        parameters: of the whole model.
        megabytes: of the weights' file, in 10**6 bytes.
        most_tokens: to which a text is cut, as in fine-tuning.
    """

    key: str
    title: str
    repo: str
    checkpoints: str
    blocks: int
    parameters: int
    megabytes: int
    revision: str = "main"
    most_tokens: int = 512


@dataclass(frozen=True)
class GlueTask:
    """A classification task of GLUE, asked as FusionBench asks it.

    Attributes:
        key: its configuration in the data set, and its part of a checkpoint's name.
        title: as in GLUE.
        prompt: the question, with the data set's columns in braces. Checkpoints were fine-tuned with exactly
            these words, their misspellings included.
        words: the answers, in label order.
        split: with public labels; those of GLUE's test splits are hidden.
        rows: of that split.
        published: accuracy on it in [0, 1] of the pre-trained model, and of the checkpoint of this task.
    """

    key: str
    title: str
    prompt: str
    words: tuple[str, ...]
    rows: int
    published: tuple[float, float]
    split: str = "validation"

    def __post_init__(self) -> None:
        if len(set(self.words)) != len(self.words) or len(self.words) < 2 or not self.columns:
            raise LabError(f"Task {self.key!r} needs different answers and a column in its prompt.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The data set's columns that the prompt quotes."""
        return tuple(COLUMN.findall(self.prompt))


TEXT_MODELS: Mapping[str, TextModel] = MappingProxyType(
    {
        "flan-t5-base": TextModel(
            key="flan-t5-base",
            title="Flan-T5-base",
            repo="google/flan-t5-base",
            checkpoints="tanganke/flan-t5-base_glue-{task}",
            blocks=12,
            parameters=247_577_856,
            megabytes=990,
        )
    }
)
"""By key. Sources: the Hub's pages; tanganke/fusion_bench 458a71a, docs/modelpool/flan-t5_generation.md."""

_ROWS = (
    GlueTask(
        "cola",
        "CoLA",
        'Indicate if the following sentence is grammatically correct or not: "{sentence}". Answere '
        "'acceptable' or 'unacceptable'.",
        ("unacceptable", "acceptable"),
        1043,
        (0.69127517, 0.74976031),
    ),
    GlueTask(
        "mnli",
        "MNLI",
        "Does the premise: '{premise}' logically imply, contradict, or is neutral to the hypothesis: "
        "'{hypothesis}'? Answere with 'entailment', 'contradiction', or 'neutral'.",
        ("entailment", "neutral", "contradiction"),
        9815,
        (0.56454407, 0.83413143),
        split="validation_matched",
    ),
    GlueTask(
        "mrpc",
        "MRPC",
        "Are the following sentences '{sentence1}' and '{sentence2}' conveying the same meaning? Answere "
        "with 'yes' or 'no'.",
        ("no", "yes"),
        408,
        (0.76225490, 0.875),
    ),
    GlueTask(
        "qnli",
        "QNLI",
        "Given the context: '{sentence}', does the question '{question}' have an answer based on the "
        "information provided? Answer with 'yes' or 'no'.",
        ("yes", "no"),
        5463,
        (0.88449570, 0.91488193),
    ),
    GlueTask(
        "qqp",
        "QQP",
        "Do the questions '{question1}' and '{question2}' have the same intent? Answere with 'yes' or 'no'.",
        ("no", "yes"),
        40430,
        (0.82119713, 0.85369775),
    ),
    GlueTask(
        "rte",
        "RTE",
        "Does the text: '{sentence1}' entail that '{sentence2}' is true? Provide 'yes' or 'no'.",
        ("yes", "no"),
        277,
        (0.80144404, 0.85920578),
    ),
    GlueTask(
        "sst2",
        "SST-2",
        "Given the sentence '{sentence}', determine the sentiment. Is it positive or negative?",
        ("negative", "positive"),
        872,
        (0.91169725, 0.93577982),
    ),
)

GLUE_TASKS: Mapping[str, GlueTask] = MappingProxyType({task.key: task for task in _ROWS})
"""By key. Prompts and answers: tanganke/fusion_bench 93e9162, fusion_bench/tasks/flan_t5_text_generation/
glue_prompt_templates.py. Published accuracies: as `TEXT_MODELS`, of generated answers that had to match."""
