"""Words on the page Rewarded soups."""

from __future__ import annotations

from evaluators.policies.reward_fronts import Measured
from evaluators.policies.scene_words import COLOURS, MOODS, NAMES, THINGS, VERBS
from evaluators.policies.shipped_fronts import RewardedSoups
from evaluators.policies.summary_rewards import FULL_LENGTH

LEAD = (
    "A tiny language model that sums up invented scenes was trained further by reinforcement learning, "
    "twice: one policy to be **faithful**, the other to be **preferred** by a judge of style. Mixing the two "
    "updates gives any model in between, without training. LiNeS then strengthens the deep layers of the "
    "mix. (Section 5.4 of the paper)"
)
REWARDS = {
    "faithful": "Share of the summary's statements that the scene bears out: who did what with which thing, "
    "each mood and each colour is one statement.",
    "preferred": f"Mean of length (best at {FULL_LENGTH} words), order (how many of the persons are told of, "
    "in the order of the scene) and style (how many persons and things carry an adjective, true or not).",
}
"""What each reward is, one sentence."""
NAMED = {"plain": "Plain soup", "lines": "With LiNeS"}
CHARTS = {
    "front": ("Two rewards", "● with LiNeS, ▲ plain, ■ before any reward; up and right is better"),
    "by_w": ("Each reward along the mix", "a click on a point sets w"),
}
CONTROLS = {
    "w": ("w: weight of the faithful policy", "0 is the preferred policy alone, 1 the faithful one"),
    "lines": ("LiNeS", "scales the mix by depth; off is the plain soup, α = 1 and β = 0"),
    "alpha": ("α: scale of the first block", "1 here, as in our reading of the paper"),
    "beta": ("β: rise to the last block", "1 here too: the last block's update counts twice"),
    "scene": ("Scene number", "each number is a scene that no training has seen"),
    "own": ("Or tell a scene of your own", "in small letters, with spaces around each full stop"),
}
ANOTHER = "Another scene"
OWN_TITLE = "A scene of your own"
EQUATION_TITLE = "Show the equation"
EQUATION = (
    "**Eq. 4** The soup is $\\theta_0 + w\\,\\tau_1 + (1-w)\\,\\tau_2$: $\\theta_0$ is the model that "
    "learned from demonstrations, $\\tau_1$ the update of the faithful policy, $\\tau_2$ of the preferred "
    "one. LiNeS multiplies the mixed update of block $l$ by "
    "$\\lambda(l) = \\alpha + \\beta\\,\\frac{l-1}{L-1}$ (Eq. 1). The paper fixes one $\\alpha$ and $\\beta$ "
    "for the whole front; their value is lost in its text, $\\alpha = \\beta = 1$ is our reading."
)
SUBJECT = "Tiny Llama, which sums up invented scenes"
MEASURING = "These settings did not ship: measured here on {count} of {total} test scenes."
READING = "Reading the language model: {seconds:.0f} s so far."
TABLE = "Both rewards along the mix, means over test scenes in percent"


def own_help() -> str:
    """Which words make facts, for a visitor's own scene."""
    lists = {"names": NAMES, "deeds": VERBS, "things": THINGS, "moods": MOODS, "colours": COLOURS}
    known = "; ".join(f"{title}: {', '.join(words)}" for title, words in lists.items())
    return (
        "The tiny model knows few words. A fact is a sentence with one name, one deed and one thing, such as "
        f"*later shy anna sold the blue hat near the mill .* It knows these {known}."
    )


def ends(measured: Measured) -> str:
    """Its interval in percent: '81.2 to 83.4'."""
    return f"{100 * measured.low:.1f} to {100 * measured.high:.1f}".replace("-", "−")


def finding(shipped: RewardedSoups) -> str:
    """What LiNeS does to the front, in words that follow the interval."""
    gain, area = shipped.fronts["lines"].gain, shipped.fronts["plain"].hypervolume
    measured = (
        f"Hypervolume, the area below the front: {100 * area.value:.1f} % for plain soups ({ends(area)}), "
        f"{100 * gain.value:+.1f} points with LiNeS ({ends(gain)})".replace("-", "−")
    )
    if gain.low > 0:
        verdict = "LiNeS moves the front outwards."
    elif gain.high < 0:
        verdict = "Here LiNeS does not help: its front is behind the plain one."
    else:
        verdict = "No measurable difference between the two fronts."
    return f"{verdict} {measured}, on {shipped.prompts:,} test scenes, words drawn at temperature 1."
