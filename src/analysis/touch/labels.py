"""Names that readers see: of strategies, of effects and rates, of their units."""

from typing import Final

import pandas as pd

from analysis.touch.effects import load_effects
from analysis.touch.strategies import load_strategies

__all__ = ["UNITS_ZH", "assumption_names", "assumption_units", "strategy_labels"]

Label = dict[str, str]

UNITS_ZH: Final = {
    "share": "占比",
    "days": "天",
    "shape": "形状",
    "per touch of fatigue": "每次疲劳",
    "days of own purchases": "天的自有购买",
    "times the own rate": "倍自有频率",
    "times plain content": "倍普通内容",
    "per ten points of discount": "每 10 个点折扣",
    "extra share near the need": "临近需求时多出的比例",
    "share of an active customer's": "占活跃客户反应的比例",
    "share of extra orders": "占增量订单",
    "share of extra orders under an offer": "占优惠增量订单",
    "share of orders while an offer is valid": "占有效期内订单",
    "share of other channels' fatigue": "占其他渠道疲劳",
    "per read touch": "每次阅读",
    "per day": "每天",
    "per delivered touch": "每次送达",
    "share of own purchases": "占自有购买",
    "per recent touch of the same template": "每次同话术触达",
    "share of cross-channel fatigue": "占跨渠道疲劳",
    "relative rise of reading": "阅读的相对提高",
    "per ten points of a redeemed offer": "每核销 10 个点优惠",
    "per read touch of a sleeping dog": "每次惊醒",
    "share of lapsed who order": "占挽回下单者",
    "per purchase": "每次购买",
    "per ten points of the win-back offer": "每 10 个点挽回优惠",
    "share of the dropout chance": "占流失机会",
}
"""Units of the effect files in Chinese; one that is not here is shown as the file has it."""


def strategy_labels(strategies: str) -> dict[str, Label]:
    """Return the names of a file's strategies."""
    return {s.name: {"zh": s.label.zh, "en": s.label.en} for s in load_strategies(strategies).strategies}


def assumption_names(*, effects: str, strategies: str, channels: pd.DataFrame) -> dict[str, Label]:
    """Return the names of effects, and of read and confirmation rates of the channels that strategies use.

    Args:
        effects: The file of effect sizes.
        strategies: The file of strategies.
        channels: One row per channel: ``channel``, ``channel_zh``, ``channel_en``, ``needs_staff``.
    """
    names = {e.name: {"zh": e.label.zh, "en": e.label.en} for e in load_effects(effects).effects}
    names.pop("confirm_rate")  # drawn by channel instead
    used = {step.channel for strategy in load_strategies(strategies).strategies for step in strategy.steps}
    for row in channels[channels["channel"].isin(used)].to_dict("records"):
        zh, en = str(row["channel_zh"]), str(row["channel_en"])
        names[f"read_rate_{row['channel']}"] = {"zh": f"{zh}阅读率", "en": f"read rate, {en}"}
        if row["needs_staff"]:
            names[f"confirm_rate_{row['channel']}"] = {"zh": f"{zh}确认率", "en": f"confirmation, {en}"}
    return names


def assumption_units(effects: str) -> dict[str, Label]:
    """Return the units of effects; rates are shares."""
    return {e.name: {"zh": UNITS_ZH.get(e.unit, e.unit), "en": e.unit} for e in load_effects(effects).effects}
