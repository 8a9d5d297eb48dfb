"""What pages show of ``recipes/learning.py``: prior, measurement and posterior side by side, and what was left out."""

from datetime import date
from typing import Any, Final

import pandas as pd

from analysis.data.benchmarks import MARKETING_CLAIM
from analysis.data.channels import load_channels
from analysis.evidence import Estimate, Grade
from analysis.numerals import format_date
from analysis.touch.wording import ASSUMPTION

_DRAWN: Final = 2
_Z: Final = 1.96
_LEVEL: Final = 0.95
_NAMED: Final = 6
_MORE_THAN_LUCK: Final = 1.3  # widening of errors that a dozen experiments of one effect hardly show by luck

_KINDS: Final = {
    False: {"zh": "消息", "en": "message"},
    True: {"zh": "带优惠", "en": "with an offer"},
}
_SEGMENTS: Final = {
    "first": {"zh": "只买过一次", "en": "one order so far"},
    "regular": {"zh": "买过多次", "en": "several orders"},
    "quiet": {"zh": "久未下单", "en": "gone quiet"},
}
_RATES: Final = {
    "read": {"zh": "阅读率", "en": "read"},
    "confirm": {"zh": "员工确认率", "en": "confirmed by staff"},
}
_STEPS: Final = {
    "prior": {"zh": "先验", "en": "prior"},
    "measured": {"zh": "实验测得", "en": "measured"},
    "learned": {"zh": "合起来", "en": "together"},
}
_REASONS: Final = {
    "running": {"zh": "还没到期", "en": "still running"},
    "one_arm": {"zh": "没有对照", "en": "no control"},
    "control": {"zh": "看不出哪组是对照", "en": "which arm is the control is not said"},
    "clusters": {"zh": "整群分配", "en": "whole groups were assigned"},
    "split": {"zh": "人数与计划不符", "en": "split is not the planned one"},
    "few": {"zh": "人太少", "en": "too few customers"},
    "no_touches": {"zh": "没有触达记录", "en": "no touches recorded"},
    "channels": {"zh": "同时用了几个渠道", "en": "several channels at once"},
    "often": {"zh": "触达次数不是一次左右", "en": "not about one touch each"},
}


def learning_headline(effect_posterior: dict[str, Any]) -> dict[str, Any]:
    """The numbers of the section on what was learnt, by name."""
    out, cells = effect_posterior["left_out"], effect_posterior["channels"]
    taken = [row for row in effect_posterior["measures"] if row["segment"] == "all"]
    last = date.fromisoformat(effect_posterior["last_on"]) if effect_posterior["last_on"] else None
    found: dict[str, Any] = {
        "n_experiments": Estimate(effect_posterior["n_experiments"], "count"),
        "n_inherited": Estimate(len({r["experiment_id"] for r in taken if r["inherited"]}), "count"),
        "n_left_out": Estimate(len(out), "count"),
        "last_on": {language: format_date(last, language=language) for language in ("zh", "en")},
        "left_out": _listed(out),
    }
    if cells:
        lead = _leading(cells)
        ends = (lead["ci_lower"], lead["ci_upper"], lead["confidence_level"])
        error = _Z * lead["std_error"]
        found |= {
            "channel": _channel_names()[lead["channel"]],
            "kind": _KINDS[lead["offer"]],
            "prior": Estimate(lead["prior_mean"], "days", grade=Grade.PRIOR),
            "measured": Estimate(
                lead["measured"], "days", lead["measured"] - error, lead["measured"] + error, _LEVEL,
                Grade.RANDOMISED, lead["n"],
            ),
            "learned": Estimate(lead["mean"], "days", *ends, Grade(lead["grade"]), lead["n"]),
            "n_lead": Estimate(lead["n_experiments"], "count"),
            "by_own": Estimate(lead["weight_own"] + lead["weight_others"], "share"),
            "widened": Estimate(lead["widened"], "ratio"),
        }  # fmt: skip
    return found


def learning_words(effect_posterior: dict[str, Any]) -> dict[str, Any]:
    """What is said of what was learnt: ``claim``, ``note`` and whether anything was (``shown``)."""
    cells = effect_posterior["channels"]
    if not cells:
        note = {"zh": _PRIORS_ONLY["zh"], "en": _PRIORS_ONLY["en"]}
        return {"shown": False, "claim": _CLAIMS["none"], "sub": {}, "note": _with_left_out(note, effect_posterior)}
    lead = _leading(cells)
    kind = "more" if lead["ci_lower"] > 0 else "less" if lead["ci_upper"] < 0 else "open"
    note = {
        "zh": "先验是 {prior}，{n_lead:bare} 次实验测得 {measured:full}，合起来 {learned:full}；{by_own:bare} 的分量"
        "来自本店实验，其余是先验（证据 D，假设，未经核实）。结果存下来，下一次运行的策略模拟会用到。",
        "en": "The prior is {prior}, {n_lead:bare} experiments measured {measured:full}, together {learned:full}; "
        "{by_own:bare} of the weight is this shop's experiments, the rest is the prior (evidence D, an assumption, not "
        "verified). It is kept: the next run's comparison of strategies uses it.",
    }
    if effect_posterior["n_experiments"] and any(row["inherited"] for row in effect_posterior["measures"]):
        note["zh"] += "其中 {n_inherited:bare} 次的数据已不在，结果沿用上次运行所存。"
        note["en"] += " The data of {n_inherited:bare} of them are gone; what the predecessor kept of them is used."
    if lead["widened"] > _MORE_THAN_LUCK:
        note["zh"] += "各次实验相差超过运气，误差放大到 {widened:bare} 倍。"
        note["en"] += " Experiments differ by more than luck; their errors are widened {widened:bare} times."
    return {"shown": True, "claim": _CLAIMS[kind], "sub": _SUB, "note": _with_left_out(note, effect_posterior)}


_SUB: Final = {
    "sub_zh": "一次触达（按分配）多出的订单，折合客户自己几天的购买；点是估计，线是 95% 区间；"
    "到 {last_on} 为止到期的实验",
    "sub_en": "further orders by a touch, as assigned, in days of the customers' own purchases; point: estimate, line: "
    "95% interval; experiments over by {last_on}",
}


_CLAIMS: Final = {
    "none": {
        "zh": "还没有学到东西：效果大小都是先验",
        "en": "Nothing learnt yet: all effect sizes are priors",
    },
    "more": {
        "zh": "学了 {n_experiments:bare} 次实验：一次{channel}{kind}估计值客户自己 {learned} 的购买",
        "en": "Learnt from {n_experiments:bare} experiments: one touch by {channel} ({kind}) is estimated at {learned} "
        "of a customer's own purchases",
    },
    "less": {
        "zh": "学了 {n_experiments:bare} 次实验：一次{channel}{kind}估计减少购买，相当于 {learned}",
        "en": "Learnt from {n_experiments:bare} experiments: one touch by {channel} ({kind}) is estimated to lower "
        "purchases, by {learned}",
    },
    "open": {
        "zh": "学了 {n_experiments:bare} 次实验：一次{channel}{kind}的效果还分不清有没有",
        "en": "Learnt from {n_experiments:bare} experiments: whether one touch by {channel} ({kind}) moves purchases "
        "cannot be told yet",
    },
}
_PRIORS_ONLY: Final = {
    "zh": "没有能用的随机实验，效果大小全部是先验（证据 D，假设，未经核实）。",
    "en": "There is no randomised experiment to learn from: all effect sizes are priors (evidence D, assumptions, not "
    "verified).",
}


def learning_steps(effect_posterior: dict[str, Any]) -> pd.DataFrame:
    """What the picture draws: prior, measured and together, for the cells with the most experiments."""
    names = _channel_names()
    cells = sorted(effect_posterior["channels"], key=lambda row: (-row["n_experiments"], str(row["channel"])))
    rows = []
    for cell in cells[:_DRAWN]:
        spreads = {
            "prior": (cell["prior_mean"], _Z * cell["prior_sd"]),
            "measured": (cell["measured"], _Z * cell["std_error"]),
        }
        ends = {name: (value, value - reach, value + reach) for name, (value, reach) in spreads.items()}
        ends["learned"] = (cell["mean"], cell["ci_lower"], cell["ci_upper"])
        for step, words in _STEPS.items():
            label = {
                "zh": f"{names[cell['channel']]['zh']}{_KINDS[cell['offer']]['zh']} · {words['zh']}",
                "en": f"{names[cell['channel']]['en']}, {_KINDS[cell['offer']]['en']} · {words['en']}",
            }
            grade = {"prior": "D", "measured": "A", "learned": cell["grade"]}[step]
            drawn = (round(value, 2) for value in ends[step])
            rows.append((label["zh"], label["en"], *drawn, _LEVEL, step == "learned", grade))
    columns = ["way_zh", "way_en", "effect_days", "effect_days_ci_lower", "effect_days_ci_upper"]
    return pd.DataFrame(rows, columns=[*columns, "confidence_level", "is_learned", "grade"])


def learning_cells_table(effect_posterior: dict[str, Any]) -> pd.DataFrame:
    """One row per channel and kind, then per segment of it: experiments, prior, measured, together, weight, grade."""
    names, rows = _channel_names(), []
    order = ["", *_SEGMENTS]
    cells = [*effect_posterior["channels"], *effect_posterior["cells"]]
    for cell in sorted(cells, key=lambda c: (c["channel"], c["offer"], order.index(c.get("segment", "")))):
        segment = _SEGMENTS.get(cell.get("segment", ""), {"zh": "全部", "en": "all"})
        spread = _Z * cell["std_error"]
        days = {
            "prior_days": cell["prior_mean"],
            "measured_days": cell["measured"],
            "measured_days_ci_lower": cell["measured"] - spread,
            "measured_days_ci_upper": cell["measured"] + spread,
            "learned_days": cell["mean"],
            "learned_days_ci_lower": cell["ci_lower"],
            "learned_days_ci_upper": cell["ci_upper"],
        }
        rows.append(
            {
                **{f"channel_{language}": names[cell["channel"]][language] for language in ("zh", "en")},
                **{f"touch_kind_{language}": _KINDS[cell["offer"]][language] for language in ("zh", "en")},
                **{f"segment_{language}": segment[language] for language in ("zh", "en")},
                "n_experiments": cell["n_experiments"],
                "n_customers": cell["n"],
                **{name: round(value, 2) for name, value in days.items()},
                "weight_prior": cell["weight_prior"],
                "grade": cell["grade"],
                "confidence_level": _LEVEL,
            }
        )
    return pd.DataFrame(rows)


def learning_rates_table(effect_posterior: dict[str, Any]) -> pd.DataFrame:
    """One row per channel and rate: what is claimed, the touches seen, what is known now, and whose claim it is."""
    names, rows = _channel_names(), []
    for row in effect_posterior["rates"]:
        claim = MARKETING_CLAIM if row["claimed"] else ASSUMPTION
        rows.append(
            {
                **{f"channel_{language}": names[row["channel"]][language] for language in ("zh", "en")},
                **{f"rate_kind_{language}": _RATES[row["rate"]][language] for language in ("zh", "en")},
                "prior_rate": row["prior_mean"],
                "n_seen": row["n_seen"],
                "learned_rate": row["mean"],
                "learned_rate_ci_lower": row["ci_lower"],
                "learned_rate_ci_upper": row["ci_upper"],
                "weight_prior": row["weight_prior"],
                "grade": row["grade"],
                "confidence_level": row["confidence_level"],
                "source_zh": f"先验：{claim['zh']}",
                "source_en": f"prior: {claim['en']}",
            }
        )
    return pd.DataFrame(rows)


def learning_results(effect_posterior: dict[str, Any]) -> dict[str, Any]:
    """Entries of ``results.json``: ``learned.n_experiments`` and ``learned.<channel>.<message or offer>_days``."""
    found: dict[str, Any] = {"learned.n_experiments": Estimate(effect_posterior["n_experiments"], "count")}
    for cell in effect_posterior["channels"]:
        name = f"learned.{cell['channel']}.{'offer' if cell['offer'] else 'message'}_days"
        ends = (cell["ci_lower"], cell["ci_upper"], cell["confidence_level"])
        found[name] = Estimate(cell["mean"], "days", *ends, Grade(cell["grade"]), cell["n"])
    return found


def _leading(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the cell with the most experiments, the sharper one of equals."""
    return min(cells, key=lambda row: (-row["n_experiments"], row["std_error"]))


def _channel_names() -> dict[str, dict[str, str]]:
    return {channel.name: channel.label.model_dump() for channel in load_channels().channels}


def _with_left_out(note: dict[str, str], posterior: dict[str, Any]) -> dict[str, str]:
    if not posterior["left_out"]:
        return note
    return {
        "zh": note["zh"] + "没有用上 {n_left_out:bare} 次：{left_out}。",
        "en": note["en"] + " Not used, {n_left_out:bare}: {left_out}.",
    }


def _listed(out: list[dict[str, Any]]) -> dict[str, str]:
    """Return the experiments that were left out with the reason, the first few, as one text in each language."""
    shown = [(str(row["name"]), _REASONS[row["reason"]]) for row in out[:_NAMED]]
    more = {"zh": "等", "en": ", …"} if len(out) > _NAMED else {"zh": "", "en": ""}
    return {
        "zh": "、".join(f"{name}（{reason['zh']}）" for name, reason in shown) + more["zh"],
        "en": ", ".join(f"{name} ({reason['en']})" for name, reason in shown) + more["en"],
    }
