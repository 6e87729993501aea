"""Answers of the page Rewarded soups: what ships at once; else the live model speaks and is measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from evaluators.errors import Preparing, Queued, SpecError
from evaluators.policies.reward_fronts import mean_reward
from evaluators.policies.scene_facts import draw_scene
from evaluators.policies.shared_llama import SharedLlama
from evaluators.policies.shipped_fronts import RewardedSoups, RewardPair
from evaluators.policies.soup_setting import PLAIN, SoupSetting
from evaluators.policies.summary_rewards import faithful, preferred
from evaluators.service.scheduler import Ticket
from evaluators.service.studio import Studio
from lines_core.untrusted_text import quoted
from ui.live.live_answers import SETTLE_PATIENCE, LiveAnswers, waiting
from ui.live.live_panel import Value, answer
from ui.live.subject import line
from ui.rewarded import rewarded_text as words
from ui.rewarded.rewarded_figure import by_w_figure, front_alt, front_figure
from ui.rewarded.said_summary import reward_table, reward_tiles, said_html
from ui.shell import markup

MOST_SCENES = 100_000
MEASURED = 200
"""Test scenes on which settings that did not ship are measured while a visitor waits."""
CHUNK = 25


@dataclass(frozen=True)
class RewardedControls:
    """What the page is set to.

    Args:
        setting: the soup.
        number: of the scene.
        own: a visitor's scene, empty for the drawn one.
    """

    setting: SoupSetting
    number: int = 0
    own: str = ""

    @property
    def scene(self) -> str:
        """The scene to sum up."""
        return self.own or draw_scene("test", self.number)


def read_controls(values: Sequence[Any]) -> RewardedControls:
    """From (w, LiNeS, alpha, beta, scene number, own scene). Raises: SpecError if a value means nothing."""
    w, lines, alpha, beta, number, own = values
    whole = isinstance(number, int | float) and math.isfinite(number) and number == int(number)
    if not whole or not 0 <= number < MOST_SCENES:
        raise SpecError(f"A scene is a whole number from 0 to {MOST_SCENES - 1:,}, got {quoted(number)}.")
    scale = tuple(round(value, 9) if isinstance(value, float) else value for value in (alpha, beta))
    setting = SoupSetting(w, *(scale if lines else PLAIN))
    text = own if isinstance(own, str) else ""
    return RewardedControls(
        setting, int(number), " ".join(text.lower().replace(".", " . ").replace(",", " , ").split())
    )


class RewardedAnswers(LiveAnswers[Sequence[Any]]):
    """Answers for all visitors of one Studio.

    Args:
        shipped: what ships measured.
        llama: speaks.
    """

    panel = "rewarded"

    def __init__(self, studio: Studio, shipped: RewardedSoups, llama: SharedLlama) -> None:
        super().__init__(studio)
        self.shipped = shipped
        self.llama = llama

    def key(self, studio: Studio, controls: Sequence[Any]) -> str:
        """Names the soup and the scene."""
        return repr(read_controls(controls))

    def waits(self, queued: Queued, ticket: Ticket) -> Value:
        """As usual, and in words of this page while the model is read."""
        if isinstance(queued, Preparing):
            return waiting(markup.waiting_line(words.READING.format(seconds=queued.seconds)), ticket)
        return super().waits(queued, ticket)

    def first(self, studio: Studio, controls: Sequence[Any], ticket: Ticket) -> Value:
        """What ships: complete, or the charts without the summary."""
        asked = read_controls(controls)
        return self._shown(asked, ticket, *self._known(asked))

    def all(self, studio: Studio, controls: Sequence[Any], ticket: Ticket) -> Iterator[Value | Queued]:
        """The summary, then rewards over more and more test scenes if none ship for the setting."""
        asked = read_controls(controls)
        summary, here = self._known(asked)
        if summary is None:
            for said in self._speaks(asked.setting, [asked.scene], ticket):
                if isinstance(said, Queued):
                    yield said
                else:
                    [summary] = said
        rewards: list[tuple[float, float]] = []
        while (here is None and len(rewards) < MEASURED) or not rewards:
            yield self._shown(asked, ticket, summary, here or _means(rewards), len(rewards))
            if here is not None:
                return
            scenes = [draw_scene("test", len(rewards) + number) for number in range(CHUNK)]
            for said in self._speaks(asked.setting, scenes, ticket):
                if isinstance(said, Queued):
                    yield said
                else:
                    pairs = zip(scenes, said, strict=True)
                    rewards += [(faithful(*pair), preferred(*pair)) for pair in pairs]
        yield self._shown(asked, ticket, summary, _means(rewards), len(rewards))

    def _known(self, asked: RewardedControls) -> tuple[str | None, RewardPair | None]:
        """The summary and the mean rewards as far as they ship."""
        place = self.shipped.place(asked.setting)
        if place is None:
            return None, None
        name, index = place
        here = self.shipped.fronts[name].points[index]
        if asked.own or asked.number >= len(self.shipped.scenes):
            return None, here
        return self.shipped.scenes[asked.number].summaries[name][index], here

    def _speaks(
        self, setting: SoupSetting, scenes: Sequence[str], ticket: Ticket
    ) -> Iterator[list[str] | Queued]:
        """The summaries at last, before them why they take so long."""
        while True:
            try:
                yield self.llama.summaries(setting, scenes, ticket, SETTLE_PATIENCE)
                return
            except Queued as queued:
                yield queued

    def _shown(
        self,
        asked: RewardedControls,
        ticket: Ticket,
        summary: str | None,
        here: RewardPair | None,
        counted: int = 0,
    ) -> Value:
        complete = summary is not None and here is not None and counted in (0, MEASURED)
        ships = self.shipped.place(asked.setting) is not None
        status = "" if ships else words.MEASURING.format(count=counted, total=MEASURED)
        setting = asked.setting
        charts = {
            "front": (front_figure(self.shipped, here, setting), front_alt(self.shipped)),
            "by_w": (by_w_figure(self.shipped, here, setting), front_alt(self.shipped)),
        }
        slots = {
            "subject": line(
                f"{words.SUBJECT}: w = {setting.w:g}, α = {setting.alpha:g}, β = {setting.beta:g}"
            ),
            "sentence": markup.finding(words.finding(self.shipped, setting)),
            "tiles": reward_tiles(here, setting, self.shipped.prompts if ships else counted),
            "status": f'<p class="lx-status">{status}</p>' if status else "",
            "said": said_html(asked.scene, summary),
            "table": reward_table(self.shipped),
        }
        return answer(
            version=ticket.version,
            state="complete" if complete else "partial",
            key=ticket.key,
            charts=charts,
            slots=slots,
        )


def _means(rewards: Sequence[tuple[float, float]]) -> RewardPair | None:
    if not rewards:
        return None
    return RewardPair(*map(mean_reward, torch.tensor(rewards).T))
