"""HTML of a scene with its summary, every statement marked, and of the rewards."""

from __future__ import annotations

from html import escape

from evaluators.policies.shipped_fronts import RewardedSoups, RewardPair
from evaluators.policies.soup_setting import WEIGHTS, SoupSetting
from evaluators.policies.summary_rewards import Claim, claims_of, faithful, preference
from ui.rewarded.rewarded_text import MEASURED_ON, NAMED, REWARDS, SUPERVISED, TABLE, ends
from ui.shell import markup
from ui.shell.text import percent


def said_html(scene: str, summary: str | None) -> str:
    """The scene, its summary, and both rewards of it taken apart; without a summary, that one is awaited."""
    shown = f'<h3 class="lx-title">The scene</h3><p class="lx-scene">{escape(scene)}</p>'
    shown += '<h3 class="lx-title">Its summary</h3>'
    if summary is None:
        return f'{shown}<p class="lx-status">The model has not spoken yet.</p>'
    claims, seen = claims_of(scene, summary), preference(scene, summary)
    statements = "".join(map(_statement, claims))
    true = sum(claim.true for claim in claims)
    shown += f'<p class="lx-said">{escape(summary) or "(nothing)"}</p><ul class="lx-claims">{statements}</ul>'
    parts = (
        f"length {percent(seen.length, 0)}, order {percent(seen.order, 0)}, style {percent(seen.style, 0)}"
    )
    return shown + (
        f'<p class="lx-note">{_explained("faithful", faithful(scene, summary))}: {true} of {len(claims)} '
        f"statements are in the scene. {_explained('preferred', seen.score)}: {parts}.</p>"
    )


def _explained(reward: str, value: float) -> str:
    """A reward in bold, with what it is."""
    return f"<b>{markup.explained(reward.capitalize(), REWARDS[reward])} {percent(value, 0)}</b>"


def reward_tiles(here: RewardPair | None, setting: SoupSetting, scenes: int) -> str:
    """Both mean rewards of a setting over a number of test scenes in large figures, and what they are."""
    if here is None:
        return ""
    scale = {"w": setting.w, "alpha": setting.alpha, "beta": setting.beta}
    of, tiles = MEASURED_ON.format(scenes=scenes, **scale), ""
    for name, measured in (("faithful", here.faithful), ("preferred", here.preferred)):
        tile = markup.tile(name.capitalize(), of, measured.value, ends(measured), "reverse")
        title = name.capitalize()
        tiles += tile.replace(title, markup.explained(title, REWARDS[name]), 1)
    return f'<div class="lx-tiles">{tiles}</div>'


def reward_table(shipped: RewardedSoups) -> str:
    """Both fronts as a table for screen readers."""
    rows = [
        [NAMED[name], f"{w:g}", *_both(pair)]
        for name, front in shipped.fronts.items()
        for w, pair in zip(WEIGHTS, front.points, strict=True)
    ]
    rows.append([SUPERVISED, "–", *_both(shipped.supervised)])
    return markup.plain_table(TABLE, ["Front", "w", "Faithful", "Preferred"], rows)


def _both(pair: RewardPair) -> list[str]:
    return [f"{percent(one.value)} ({ends(one)})" for one in (pair.faithful, pair.preferred)]


def _statement(claim: Claim) -> str:
    said, mark = ("the scene says so", "✓") if claim.true else ("not in the scene", "✗")
    kind = "true" if claim.true else "false"
    return (
        f'<li class="lx-claim-{kind}" title="{said}"><span aria-hidden="true">{mark}</span> '
        f'{escape(claim.words)}<span class="lx-hidden">: {said}</span></li>'
    )
