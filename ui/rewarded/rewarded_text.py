"""Words on the page Rewarded soups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.policies.policy_runs import PolicyRun, ScaledFront
from evaluators.policies.reward_fronts import Measured
from evaluators.policies.scene_words import COLOURS, MOODS, NAMES, THINGS, VERBS
from evaluators.policies.shipped_fronts import RewardedSoups, RewardFront
from evaluators.policies.soup_setting import LINES, PLAIN, SoupSetting
from evaluators.policies.summary_rewards import FULL_LENGTH
from ui.shell.text import percent, percent_range, points

LEAD = (
    "A tiny language model that sums up invented scenes was trained further by reinforcement learning, "
    "twice: one policy to be **faithful**, the other to be **preferred** by a judge of style. A rewarded "
    "soup mixes their two updates, so that anyone can choose between both aims without training. LiNeS then "
    "takes less of the mix in shallow layers and more in deep ones. (Section 5.4 and Fig. 4 of the paper)"
)
REWARDS = {
    "faithful": "Share of the summary's statements that the scene bears out: who did what with which thing, "
    "each mood and each colour is one statement.",
    "preferred": f"Mean of length (best at {FULL_LENGTH} words), order (how many of the persons are told of, "
    "in the order of the scene) and style (how many persons and things carry an adjective, true or not).",
}
"""What each reward is, one sentence."""
NAMED = {"plain": "Plain soup", "lines": f"LiNeS, α = {LINES[0]:g}, β = {LINES[1]:g}"}
SUPERVISED = "Before any reward"
CHARTS = {
    "front": ("Two rewards", "each line is a front, each point a w; up and right is better"),
    "by_w": ("Each reward along the mix", "vertical line: w as it is set; a click on a point sets it"),
}
CONTROLS = {
    "w": ("w: weight of the faithful policy", "0 is the preferred policy alone, 1 the faithful one"),
    "lines": ("LiNeS", "scales the mix by depth; off is the plain soup, for which α and β do not count"),
    "alpha": ("α: scale of the first block", "1 takes its update as mixed"),
    "beta": ("β: rise to the last block", "the last block takes α + β times its update"),
    "scene": ("Scene number", "each number is a scene that no training has seen"),
    "own": ("Or tell a scene of your own", "at most {most} words and full stops"),
}
ANOTHER = "Another scene"
OWN_TITLE = "A scene of your own"
EQUATION_TITLE = "Show the equation"
EQUATION = (
    "**Eq. 4** The soup is $\\theta_0 + w\\,\\tau_1 + (1-w)\\,\\tau_2$: $\\theta_0$ is the model that "
    "learned from demonstrations, $\\tau_1$ the update of the faithful policy, $\\tau_2$ of the preferred "
    "one. LiNeS multiplies the mixed update of block $l$ by "
    "$\\lambda(l) = \\alpha + \\beta\\,\\frac{l-1}{L-1}$ (Eq. 1). The paper fixes one $\\alpha$ and $\\beta$ "
    "for the whole front; their value is lost in its text. Here $\\alpha = 0.5$ and $\\beta = 1$: on "
    "average as strong as the plain soup, so that the two differ by depth alone."
)
SUBJECT = "Tiny Llama, which sums up invented scenes"
MEASURING = "Not precomputed: measured here on {count} of {total} test scenes."
MEASURED_ON = "w = {w:g}, α = {alpha:g}, β = {beta:g}: mean over {scenes:,} test scenes"
READING = "Reading the language model: {seconds:.0f} s so far."
RUNS_TITLE = "Why does LiNeS do what it does here?"
RUNS_NOTE = (
    "Areas below a front of six mixes on {scenes} validation scenes, in brackets 95 % intervals for other "
    "scenes. Arrows: by what the update is multiplied in the first and in the last block."
)
SCALES_QUESTION = "Is it depth or strength?"
SCALES_TABLE = "Area below the front by what the update is multiplied, and how many points that adds"
SCALES_HEADER = ("First → last block", "Mean", "Area", "Against the plain soup", "Against level, as strong")
RUNS_QUESTION = "Does it depend on how the policies were trained?"
RUNS_TABLE = "Area below the front of each training, and how many points are added to it"
RUNS_HEADER = (
    "Training of the policies",
    "faithful, alone",
    "preferred, alone",
    "plain soup",
    "0.5 → 1.5 adds",
    "1 → 2 adds",
    "1.5 → 1.5 adds",
    "1 → 2 against 1.5 → 1.5",
)
BLOCKS_QUESTION = "Which blocks do the rewards need?"
BLOCKS_TABLE = "The policies that ship, block by block, from the first to the last"
BLOCKS_HOW = (
    "Size: norm of a policy's update of the block, as a share of the norm of the block's weights. Lost: by "
    "how many points the policy's own mean reward falls if this one block stays as it was before the "
    "reinforcement learning."
)
TABLE = "Both rewards along the mix, means over test scenes, in brackets 95 % intervals"


def own_help() -> str:
    """Which words make facts, for a visitor's own scene."""
    lists = {"names": NAMES, "deeds": VERBS, "things": THINGS, "moods": MOODS, "colours": COLOURS}
    known = "; ".join(f"{title}: {', '.join(words)}" for title, words in lists.items())
    return (
        "The tiny model knows few words. A fact is a sentence with one name, one deed and one thing, such as "
        f"*later shy anna sold the blue hat near the mill .* It knows these {known}."
    )


SCALES_HOW = (
    "Compare rows of the same mean: they are equally strong and differ by depth alone. 1 → 1 is the plain "
    "soup."
)
RUNS_HOW = (
    "0.5 → 1.5 (α = 0.5, β = 1) is as strong on average as the plain soup, so its gain comes from depth. "
    "1 → 2 (α = β = 1) is stronger too; 1.5 → 1.5 is as strong as that in every block, and the last column "
    "compares the two."
)


def scales_finding(fronts: Sequence[ScaledFront]) -> str:
    """What rising with depth adds at each strength, what the best strength alone does, and which is more."""
    rising = [(front.strength, front.over_level) for front in fronts if front.beta > 0 and front.over_level]
    added = ", ".join(f"{points(over.value)} ({ends(over)}) at {strength:g}" for strength, over in rising)
    best = max((front for front in fronts if front.beta == 0), key=lambda front: front.hypervolume.value)
    here = next(front for front in fronts if (front.alpha, front.beta) == LINES)
    more = f", more than LiNeS at mean strength {here.strength:g}" if best.gain.low > here.gain.high else ""
    return (
        f"Rising with depth adds to a level update of the same mean strength: {added}. Strength alone: "
        f"{best.alpha:g} times the update in every block adds {points(best.gain.value)} ({ends(best.gain)}) "
        f"to the plain soup{more}."
    )


def runs_finding(runs: Sequence[PolicyRun]) -> str:
    """Of how many trainings LiNeS moves the front out, and how often strength alone goes the same way."""

    def told(gains: Sequence[Measured]) -> str:
        better, worse = sum(gain.low > 0 for gain in gains), sum(gain.high < 0 for gain in gains)
        return f"measurably helps {better} and harms {worse}"

    same = sum((run.doubling.value > 0) == (run.level.value > 0) for run in runs)
    return (
        f"Of {len(runs)} trainings, LiNeS as strong as the plain soup {told([run.lines for run in runs])}. "
        f"Stronger, with α = β = 1, it {told([run.doubling for run in runs])}; that strength in every block, "
        f"without LiNeS, has an effect of the same sign in {same}."
    )


def blocks_finding(run: PolicyRun) -> str:
    """The block whose update each policy misses most."""
    most = {name: max(range(len(lost)), key=lost.__getitem__) for name, lost in run.lost.items()}
    said = " and ".join(
        f"the {name} policy misses block {block + 1} most (by {100 * run.lost[name][block]:.1f} points)"
        for name, block in most.items()
    )
    least = " That is the block of which LiNeS takes least." if set(most.values()) == {0} else ""
    return f"Of {len(run.norms['faithful'])} blocks, {said}.{least}"


def ends(measured: Measured) -> str:
    """Its interval in percent: '81.2 to 83.4'."""
    return percent_range(measured.low, measured.high)


def finding(shipped: RewardedSoups, setting: SoupSetting) -> str:
    """What LiNeS does to the front, by the intervals, and what is known of ``setting`` apart."""
    drawn, likely = shipped.fronts["lines"], shipped.likely["lines"]
    again = "likewise" if _verdict(likely) == _verdict(drawn) else f"it {_verdict(likely)}"
    return (
        f"LiNeS {_verdict(drawn)}: area below it {_areas(shipped.fronts, '95 % interval ')}. That is "
        f"α = {LINES[0]:g} and β = {LINES[1]:g} against the plain soup, {len(drawn.points)} mixes on "
        f"{shipped.prompts:,} test scenes, words drawn at temperature 1; with the most probable words, "
        f"{len(likely.points)} mixes, {again}: {_areas(shipped.likely)}. {_apart(shipped, setting)}"
    ).strip()


def _verdict(lines: RewardFront) -> str:
    """Whether the front of LiNeS is ahead of the plain one."""
    if lines.gain.low > 0:
        return "moves the front outwards"
    if lines.gain.high < 0:
        return "does not help, its front is behind the plain one"
    return "does not move the front measurably"


def _areas(fronts: Mapping[str, RewardFront], interval: str = "") -> str:
    """Both areas and the difference; ``interval`` says what its interval is."""
    gain, plain, lines = fronts["lines"].gain, fronts["plain"].hypervolume, fronts["lines"].hypervolume
    change = f"{points(gain.value)}, {interval}{ends(gain)}"
    return f"{percent(plain.value)} → {percent(lines.value)} ({change})"


def _apart(shipped: RewardedSoups, setting: SoupSetting) -> str:
    """What is known of a setting that is not on the front of LiNeS; empty if it is."""
    scale = (setting.alpha, setting.beta)
    if scale == LINES:
        return ""
    if scale == PLAIN:
        return "LiNeS is off here: the soup shown is a plain one."
    said = f"α = {setting.alpha:g} and β = {setting.beta:g}, as set here, are not part of this comparison"
    known = next((front for front in shipped.scaled if (front.alpha, front.beta) == scale), None)
    if known is None:
        return f"{said}."
    return (
        f"{said}: on {shipped.validated:,} validation scenes their front has {points(known.gain.value)} "
        f"({ends(known.gain)}) against plain soups."
    )
