"""Every word on the page, in plain language; the prose of the last tab is in about_*.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluators.experiments.robust_fronts import Areas
from evaluators.service.request_stats import ServiceStatus
from evaluators.specs.evaluation import Evaluation
from evaluators.specs.normalise import Normalised

TITLE = "LiNeS Explorer"
INTRO = (
    "Fine-tuning teaches CLIP one task and makes it forget others. **LiNeS** undoes most of the forgetting "
    "afterwards, without training: it keeps the change in the deep layers and shrinks it in the shallow "
    "ones. "
    "Move the slider; every number is counted on test images."
)


def faults(now: ServiceStatus) -> list[str]:
    """What visitors should know of the server's own troubles, a sentence each."""
    said = [f"Results are not kept between starts: {now.problem}."] if now.problem else []
    return [*said, *filter(None, [now.failure])]


def in_line(ahead: int, seconds: float) -> str:
    """What a visitor reads whose turn has not come yet."""
    requests = "1 request comes" if ahead == 1 else f"{ahead} requests come"
    return f"Many are here: {requests} before yours, about {max(1, round(seconds))} s."


def preparing(seconds: float) -> str:
    """What a visitor reads while the weights that were asked for are read or merged."""
    return f"Getting the weights ready: {max(1, round(seconds))} s so far."


UNEXPECTED = "Something went wrong on our side, the log has the details. The next move works as usual."

CONTROLS = {
    "model": ("Model", "The pre-trained CLIP."),
    "checkpoint": ("Fine-tuned on", "The task this copy of the model was trained on afterwards."),
    "shape": ("Scaling function", "How the factor rises from the first block to the last."),
    "gamma": ("γ: first block keeps", "1 = fine-tuned"),
    "alpha": ("α: first block", "1 = fine-tuned"),
    "beta": ("β: rise to the last", "the last block gets α + β"),
    "tie": ("Tie β = 1 − α", "The last block keeps its full change."),
    "mix": ("WiSE-FT mix", "multiplies every factor"),
    "outside": ("Parts outside the blocks", "Patch and position embedding, final norm, projection."),
}
ADVANCED = "More controls"
PRESETS_TITLE = "Go to"
PRESETS = {
    "pretrained": "Pre-trained",
    "finetuned": "Fine-tuned",
    "wise_ft": "WiSE-FT 0.5",
    "lines": "LiNeS tuned",
    "reverse": "Reverse",
}
OUTSIDE = {
    "alpha": "like the first block: α (the authors' code)",
    "depth": "by depth: first and last block's factor",
    "pretrained": "pre-trained (0)",
    "finetuned": "fine-tuned (1)",
}

CHARTS = {
    "schedule": ("Layer schedule", "how much of the fine-tuning's change each block keeps"),
    "tradeoff": ("Target against control", "up: better at the new task, right: remembers more"),
    "tasks": ("Accuracy per task", "bars: this edit, upright marks: pre-trained and fine-tuned"),
}
WAITING = "Measuring …"
EQUATION = (
    "**Eq. 1** $\\lambda(l) = \\alpha + \\beta\\,\\frac{l-1}{L-1}$ for block $l = 1 \\dots L$. The edited "
    "weights are "
    "$\\theta_0 + m\\,\\lambda(l)\\,\\tau$ with the task vector $\\tau = \\theta_t - \\theta_0$ "
    "(fine-tuned minus "
    "pre-trained) and the WiSE-FT mix $m$. Tied: $\\alpha = \\gamma$, $\\beta = 1 - \\gamma$."
)
EQUATION_TITLE = "Show the equation"


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction as the page writes it: '97.5 %', a narrow space before the sign.

    >>> percent(0.9751), percent(-0.0301)
    ('97.5\\u202f%', '−3.0\\u202f%')
    """
    said = f"{100 * fraction:.{digits}f}"
    if float(said) == 0:
        said = said.lstrip("-")
    return said.replace("-", "−") + "\u202f%"


def points(difference: float) -> str:
    """A difference of two accuracies in percentage points, always signed: '+5.2 points'."""
    said = f"{100 * difference:+.1f}"
    return ("±0.0" if float(said) == 0 else said.replace("-", "−")) + " points"


def controls_named(evaluation: Evaluation) -> str:
    """What the mean of the control tasks is a mean of: other tasks, or the shifted sets of the same task."""
    controls = evaluation.control_tasks
    shifts = all(task.key.startswith(f"{evaluation.target_task.key}_") for task in controls)
    return f"mean of the {len(controls)} {'shifted sets' if shifts else 'other tasks'}"


def thousands(number: int) -> str:
    """1600 -> '1,600'."""
    return f"{number:,}"


def inside(title: str) -> str:
    """A task's title within a sentence; names such as MNIST, EuroSAT or Food101 stay as they are.

    >>> inside("Handwritten digits"), inside("EuroSAT"), inside("Food101")
    ('handwritten digits', 'EuroSAT', 'Food101')
    """
    first = title.split(" ")[0]
    return title[:1].lower() + title[1:] if first[1:].islower() and first.isalpha() else title


def verdict(title: str, numbers: Normalised | None) -> str:
    """The plain sentence on top: what the edit keeps of the task it learned, and gets back of what it
    forgot."""
    task = inside(title)
    if numbers is None or numbers.kept is None:
        return f"Comparing with the pre-trained and the fine-tuned model on {task} …"
    keeps = f"Keeps {percent(numbers.kept)} of what it learned about {task}"
    if numbers.regained is None:
        return f"{keeps}; fine-tuning made it forget nothing here."
    back = numbers.regained
    if abs(back) < 0.005:
        return f"{keeps} and gets back nothing of what it forgot."
    if back < 0:
        return f"{keeps} but forgets even more than the fine-tuned model."
    if back > 1.005:
        return f"{keeps} and knows more about the other tasks than before fine-tuning."
    return f"{keeps} and gets back {percent(back, 0)} of what it forgot."


def evidence(evaluation: Evaluation, total: int) -> str:
    """What the numbers rest on: how many images, partial or complete, measured here or shipped."""
    seen = sum(task.n for task in evaluation.tasks)
    split = "test" if evaluation.spec.split == "test" else "validation"
    if not evaluation.complete:
        return f"first {thousands(seen)} of {thousands(total)} images, still counting"
    if evaluation.precomputed:
        return f"all {thousands(seen)} {split} images, precomputed"
    return f"all {thousands(seen)} {split} images, measured in {evaluation.seconds:.1f} s"


def listed(names: Sequence[str]) -> str:
    """'a, b and c'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


SWEEP = {
    "run": "Measure it now",
    "again": "Precomputed · reproduce it here",
    "cancel": "Stop",
    "precomputed": "precomputed with the shipped weights; the button measures every point again on this "
    "machine",
    "measured": "measured on this machine",
    "nothing": "not measured yet",
    "stopped": "stopped; the points measured so far are kept",
}
TABS = {
    "forgetting": "Forgetting",
    "robust": "Robust fine-tuning",
    "tune": "Tune",
    "merge": "Merge",
    "soup": "Soup",
    "compared": "Fine-tuning compared",
    "models": "Real CLIP",
    "about": "About the method",
}


FORGETTING = (
    "Which layers forget? Both curves start at the fine-tuned model on the left. Going right, one shrinks "
    "the "
    "change in the **shallow** layers (LiNeS), the other in the **deep** layers. (Fig. 1 of the paper)"
)
FORGETTING_CHARTS = {
    "target": ("New task (target)", "higher is better: what fine-tuning was for"),
    "control": ("Other tasks (control)", "higher is better: what should not be forgotten"),
}
ROBUST = (
    "A model fine-tuned on objects (ID) meets the same objects in other looks (OOD). WiSE-FT mixes "
    "pre-trained and "
    "fine-tuned weights evenly; LiNeS first shrinks the shallow layers (α = β = 0.5), then mixes. "
    "(Section 5.1 and Fig. 3 of the paper)"
)
ROBUST_CHART = ("All shifts together", "mean accuracy on the five shifted sets; up and right is better")
SHIFTS = {
    "objects_sketch": "Sketches",
    "objects_hard": "Hard, cluttered",
    "objects_renditions": "Renditions",
    "objects_views": "Odd views",
    "objects_fresh": "Fresh draw",
}
IMAGENET_SHIFTS = {
    "imagenet_v2": "ImageNet-V2",
    "imagenet_sketch": "ImageNet-Sketch",
    "imagenet_r": "ImageNet-R",
    "imagenet_a": "ImageNet-A",
}
AREAS = "Area under each front (hypervolume), in points × points above the worst ID and OOD accuracy shown"
TUNE = (
    "How strongly should one shrink? The paper picks γ on **validation** images: the best sum of $w$ "
    "times the kept "
    "target accuracy and the kept control accuracy (C.1, $w = 2$). Only then is the choice reported on "
    "**test** images."
)
TUNE_CHARTS = {
    "score": ("Score on validation", "w · target / fine-tuned + mean of control / zero-shot"),
    "parts": ("What is weighed", "accuracy on validation images"),
}
TUNE_WAITING = "The validation sweep of this checkpoint has not been measured yet: start it above."
WEIGHT = (
    "w: weight of the target",
    "2 in the paper; larger: stay closer to fine-tuned, smaller: remember more",
)


def tuned(gamma: float, weight: float) -> str:
    """'With w = 2, validation chooses γ = 0.4'."""
    return f"With w = {weight:g}, validation images choose γ = {gamma:g}"


KEEPING = 0.99
"""Share of the fine-tuned target accuracy that the sentence on Fig. 1 asks both ways of shrinking to keep."""


def forgetting_finding(
    shallow: Sequence[Evaluation], deep: Sequence[Evaluation], finetuned: Evaluation | None
) -> str:
    """One sentence on Fig. 1: the most control accuracy either way brings back for nearly the same target."""
    if finetuned is None or not shallow or not deep:
        return "Not measured yet: start the sweep above."
    enough = KEEPING * finetuned.target
    best = [
        max((point.control for point in curve if point.target >= enough), default=finetuned.control)
        for curve in (shallow, deep)
    ]
    back, other = (points(control - finetuned.control) for control in best)
    return (
        f"With at least {percent(KEEPING, 0)} of the fine-tuned target accuracy kept, shrinking the shallow "
        f"layers changes control accuracy by up to {back}, shrinking the deep layers by up to {other}."
    )


def robust_finding(area: Areas | None) -> str:
    """One sentence on the two fronts, by the area they dominate."""
    if area is None or not area.wise_ft:
        return "Not measured yet: start the sweep above."
    gain = 100 * (area.lines / area.wise_ft - 1)
    if abs(gain) < 0.5:
        return "On average over the shifts the two fronts cover the same area."
    more = "more" if gain > 0 else "less"
    return (
        f"On average over the shifts, LiNeS + WiSE-FT covers {abs(gain):.1f} % {more} area than "
        f"WiSE-FT alone."
    )


SOUP = (
    "One task, fine-tuned many times with different settings. Averaging the weights gives **one** "
    "model, often better than any of them. LiNeS then strengthens the deep layers of the average. "
    "(Section 5.3 of the paper)"
)
SOUP_CHARTS = {
    "soup": ("Members and soups", "◆ a member, filled: in the greedy soup; up and right is better"),
    "greedy": ("The greedy selection", "a member stays (filled) only if the soup gets better on validation"),
}
SOUP_CHOICES = {"greedy": "Greedy soup", "uniform": "Uniform soup"}
SOUP_WHICH = "Soup"
SOUP_BETA = ("β: rise to the last block", "LiNeS with α = 1; 0 is the plain soup")
SOUP_WAITING = "Not measured yet: start the measurement above."
SOUP_TABLE = "Members, soups and their variants on test images; variants are chosen on validation images"
SOUP_COLUMNS = ("Model", "ID: objects", "OOD: mean of the shifts", "chosen on")
COMPARED = (
    "Would it help to fine-tune **more carefully**, with smaller steps in the shallow layers, with some"
    " layers frozen, or with low-rank updates (LoRA)? Arrows lead to what LiNeS makes of each. "
    "(Appendices C.8 and C.9 of the paper)"
)
COMPARED_CHART = (
    "Eight tasks together",
    "◇ a way of fine-tuning (◆ the usual one), ○ the same after LiNeS with γ chosen on validation",
)
COMPARED_WAITING = "Not measured yet: start the measurement above."
COMPARED_TABLE = "Mean accuracy over the eight tasks, on test images"
COMPARED_COLUMNS = ("Way", "Target", "Control", "Target + LiNeS", "Control + LiNeS", "How")


MODELS = (
    "Everything above also works on the **paper's own models**: OpenAI's CLIP with public checkpoints that "
    "were fine-tuned on 8, 14 or 20 tasks. They come from the Hugging Face Hub and stay on the machine this "
    "page runs on."
)
MODEL_CHOICE = {
    "encoder": "Pre-trained model",
    "family": "Fine-tuned checkpoints",
    "tasks": "Tasks (the first eight are the paper's Table 1)",
    "members": "Members of the soup, the best on held-out images first",
    "images": "Test images a task",
    "all": "all",
    "load": "Load",
    "check": "Check against published figures",
}
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
LOADING = "Progress of the load"
NOT_LOADED = "Not loaded: the line marked ✗ says why. Load again to go on from there."


def load_first(model: str) -> str:
    """For a button that needs a model which is not there."""
    return f"{model} is not loaded yet: press Load first."


def not_loaded(model: str) -> str:
    """For a link to a model that may be had but is not there."""
    return (
        f"The link is to {model}, which is not loaded here: load it in the tab {TABS['models']}, then again."
    )


SELF_TEST = "Self-test: measured here (95 % interval, all checks together) against published"
CHECK_COLUMNS = ("Task", "Model", "Measured", "Published", "")
CHECKING = "measuring model"
LOADED_BY_OTHERS = "Others have asked for this model too: it goes on loading for them."
OWN = {
    "off": "This server takes no checkpoints of your own. Start the app on your own machine to add one.",
    "title": "Add a checkpoint of your own",
    "help": (
        "A copy of the chosen model that was fine-tuned elsewhere, as `.safetensors`, or as `.pt` with "
        "tensors alone (`torch.save(model.state_dict(), path)`). Names as in open_clip or transformers. "
        "Load the model and the task first."
    ),
    "task": "Fine-tuned on",
    "address": "On the Hub",
    "file": "Or a file",
    "add": "Add it",
    "missing": "Choose the task it was fine-tuned on, and a file or an address on the Hub.",
    "done": "Added, and chosen at the top of the page.",
}

ABOUT_FOLDER = Path(__file__).parents[1] / "about"
ABOUT = (ABOUT_FOLDER / "about_method.md").read_text(encoding="utf-8")
ABOUT_LAB = (ABOUT_FOLDER / "about_lab.md").read_text(encoding="utf-8")
CODE_TITLE = "The method in ten lines"
CODE = """\
from lines_core import line_scaling

# both: name -> tensor, of the same model before and after fine-tuning
task_vector = {name: finetuned[name] - pretrained[name] for name in pretrained}

gamma = 0.4
scaled = line_scaling(task_vector, alpha=gamma, beta=1 - gamma)   # Eq. 1, block by block

edited = {name: pretrained[name] + scaled[name] for name in pretrained}
model.load_state_dict(edited)
"""
