"""What the policy-value page shows of ``recipes/policy_value.py``: its verdict, numbers, tables and results."""

from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.evidence import Estimate, Grade
from analysis.experiment.policies import LEARNED, LOGGED, UNIFORM
from analysis.experiment.policy_log import FEWEST_DECISIONS
from analysis.experiment.policy_value import FEWEST_REWARDED, SMALL_ESS
from analysis.experiment.policy_verdict import (
    LEADING,
    PolicyVerdict,
    PolicyVerdictKind,
    policy_label,
    policy_words,
    refusal_words,
)
from analysis.params import PolicyValueParams

_UNITS: Final = {"rate": ("share", "points"), "money": ("money", "money"), "number": ("number", "number")}
"""Unit of a value and of a difference of values, by kind of reward."""

_RESULTS: Final = ("ips", "snips", "dr", "switch_dr", "ess", "difference", "mean_weight")
_ENDS: Final = ("", "_ci_lower", "_ci_upper")
_STEADY: Final = 0.01
_LISTED: Final = 12

_ESTIMATORS: Final = {
    "ips": {"zh": "按概率加权（IPS）", "en": "Weighted (IPS)"},
    "snips": {"zh": "加权并归一（SNIPS）", "en": "Weights summed to one (SNIPS)"},
    "dr": {"zh": "模型加校正（DR）", "en": "Model, corrected (DR)"},
    "switch_dr": {"zh": "大权重交给模型（switch-DR）", "en": "Large weights to the model (switch-DR)"},
}


def policy_value_headline(
    policy_value_frame: dict[str, Any],
    policy_value_estimates: pd.DataFrame,
    policy_value_calibration: dict[str, Any],
    policy_value_verdict: dict[str, Any],
) -> dict[str, Any]:
    """The numbers of the answer, and what the policy is called."""
    frame, grade = policy_value_frame, Grade(policy_value_calibration["grade"])
    found: dict[str, Any] = {
        "n_decisions": Estimate(frame["n"], "decisions"),
        "n_customers": Estimate(frame["n_customers"], "customers"),
    }
    if frame["refusal"]:
        refusal = frame["refusal"]
        return {**found, "found": _plain(refusal["found"], "count"), "needed": _plain(FEWEST_DECISIONS, "count")}
    value, apart = _UNITS[frame["reward"]]
    rows = policy_value_estimates[policy_value_estimates["estimator"] == LEADING]
    logged = rows[rows["policy"] == LOGGED].iloc[0]
    others = rows[rows["policy"] != LOGGED]
    inverse = policy_value_calibration["mean_inverse"]
    level = float(logged["confidence_level"])
    found |= {
        "logged_value": _estimate(logged, "value", value, grade=Grade.MEASURED, ends=("ci_lower", "ci_upper")),
        "n_compared": Estimate(int((others["refused"] == "").sum()), "count"),
        "n_policies": Estimate(len(others), "count"),
        "n_refused": Estimate(int((others["refused"] != "").sum()), "count"),
        "n_actions": Estimate(policy_value_calibration["n_actions"], "count"),
        "mean_inverse": Estimate(inverse[0], "number", inverse[1], inverse[2], level, Grade.MEASURED, frame["n"]),
    }
    if policy_value_verdict["policy"] is None:
        return found
    chosen = others[others["policy"] == policy_value_verdict["policy"]].iloc[0]
    difference = _estimate(chosen, "difference", apart, grade=grade, ends=_named_ends("difference_all"))
    return {
        **found,
        "policy": policy_label(str(chosen["policy"])),
        "value": _estimate(chosen, "value", value, grade=grade, ends=("ci_lower", "ci_upper")),
        "difference": difference,
        "gain": _size(difference),
        "ess": Estimate(float(chosen["ess"]), "decisions", n=int(chosen["n"])),
        "n_matched": Estimate(int(chosen["n_matched"]), "decisions"),
        "share_matched": Estimate(float(chosen["share_matched"]), "share"),
        "max_weight": Estimate(float(chosen["max_weight"]), "number"),
        "share_heaviest": Estimate(float(chosen["share_heaviest"]), "share"),
        "mean_weight": _estimate(chosen, "mean_weight", "number", grade=Grade.MEASURED),
        "worth": _times(difference, frame["n"], unit="money" if apart == "money" else "count"),
    }


def policy_value_words(
    policy_value_frame: dict[str, Any],
    policy_value_calibration: dict[str, Any],
    policy_value_verdict: dict[str, Any],
    policy_value_params: PolicyValueParams,
) -> dict[str, Any]:
    """The answer and the decision as templates, and the ``worth_label`` where a policy is proven better."""
    verdict = PolicyVerdict(PolicyVerdictKind(policy_value_verdict["kind"]), policy_value_verdict["policy"])
    refusal = policy_value_frame["refusal"]
    said = dict(
        policy_words(
            verdict,
            grade=Grade(policy_value_calibration["grade"]),
            reason=refusal["reason"] if refusal else policy_value_calibration["doubt"],
            lower_is_better=policy_value_params.lower_is_better,
        )
    )
    if verdict.kind is PolicyVerdictKind.BETTER:
        label = _WORTH["money" if policy_value_frame["reward"] == "money" else "count"]
        said["decision"] = {**said["decision"], "worth_label": label}
    return said


_WORTH: Final = {
    "money": {
        "zh": "记录里的全部决策都改用它，一共差多少",
        "en": "Difference over all decisions of the log, had they followed it",
    },
    "count": {
        "zh": "记录里的全部决策都改用它，结果合计差多少",
        "en": "Difference in rewards over all decisions of the log, had they followed it",
    },
}


def policy_value_table(
    policy_value_frame: dict[str, Any],
    policy_value_estimates: pd.DataFrame,
    policy_value_calibration: dict[str, Any],
) -> pd.DataFrame:
    """One row per policy that could be valued, best first by DR, the logged one among them: value and difference."""
    rows = policy_value_estimates
    rows = rows[(rows["estimator"] == LEADING) & (rows["refused"] == "")]
    rows = rows.sort_values(["value", "policy"], ascending=[False, True])
    wanted = ["value", "ci_lower", "ci_upper", *(f"difference{end}" for end in _ENDS)]
    logged = rows["policy"] == LOGGED
    graded = np.where(logged, Grade.MEASURED.value, policy_value_calibration["grade"])
    table = _labelled(rows.assign(grade=graded, logged=float(rows.loc[logged, "value"].max()) if len(rows) else np.nan))
    table.loc[table["policy"] == LOGGED, [f"difference{end}" for end in _ENDS]] = np.nan
    table = table[["policy_zh", "policy_en", *wanted, "logged", "ess", "grade", "confidence_level"]]
    return _of_kind(table, policy_value_frame["reward"])


def policy_value_ways(
    policy_value_frame: dict[str, Any],
    policy_value_estimates: pd.DataFrame,
    policy_value_calibration: dict[str, Any],
    policy_value_verdict: dict[str, Any],
) -> pd.DataFrame:
    """One row per estimator of the policy that the answer is about: value with interval."""
    rows = policy_value_estimates[policy_value_estimates["policy"] == (policy_value_verdict["policy"] or LOGGED)]
    ways = {
        language: rows["estimator"].map({k: v[language] for k, v in _ESTIMATORS.items()}) for language in ("zh", "en")
    }
    table = rows.assign(way_zh=ways["zh"], way_en=ways["en"])
    logged = policy_value_estimates[policy_value_estimates["policy"] == LOGGED]
    table = table.assign(logged=float(logged["value"].iloc[0]) if len(logged) else np.nan)
    table = table.assign(grade=policy_value_calibration["grade"])
    columns = ["way_zh", "way_en", "value", "ci_lower", "ci_upper", "logged", "grade", "confidence_level"]
    return _of_kind(table[columns], policy_value_frame["reward"])


def policy_value_overlap(policy_value_estimates: pd.DataFrame) -> pd.DataFrame:
    """One row per policy but the logged one: decisions it shares with the log, effective sample, weights."""
    rows = policy_value_estimates
    rows = rows[(rows["estimator"] == LEADING) & (rows["policy"] != LOGGED)]
    rows = rows.sort_values(["ess", "policy"], ascending=[False, True])
    columns = ["n_matched", "ess", "share_matched", "mean_weight", "mean_weight_ci_lower", "mean_weight_ci_upper",
               "max_weight", "share_heaviest", "share_switched", "confidence_level"]  # fmt: skip
    table: pd.DataFrame = _labelled(rows)[["policy_zh", "policy_en", *columns]]
    refused = rows["refused"].to_numpy() != ""
    return table.assign(is_valued_zh=np.where(refused, "否", "是"), is_valued_en=np.where(refused, "no", "yes"))


def policy_value_refused(policy_value_estimates: pd.DataFrame, policy_value_params: PolicyValueParams) -> pd.DataFrame:
    """One row per policy that could not be valued: why, in words; at most 12."""
    rows = policy_value_estimates
    rows = rows[(rows["estimator"] == LEADING) & (rows["refused"] != "")].head(_LISTED)
    reasons = [
        _reason(str(row["refused"]), float(row["found"]), min_ess=policy_value_params.min_ess)
        for row in rows.to_dict("records")
    ]
    table: pd.DataFrame = _labelled(rows).assign(
        reason_zh=[reason["zh"] for reason in reasons], reason_en=[reason["en"] for reason in reasons]
    )[["policy_zh", "policy_en", "reason_zh", "reason_en", "n_matched", "ess"]]
    return table.reset_index(drop=True)


def policy_value_actions_shown(policy_value_frame: dict[str, Any], policy_value_actions: pd.DataFrame) -> pd.DataFrame:
    """One row per action, at most 12, those whose weights are farthest from averaging one first."""
    rows = policy_value_actions
    spread = (rows["mean_weight_ci_upper"] - rows["mean_weight_ci_lower"]).clip(lower=1e-12)
    farthest = rows.assign(far=((rows["mean_weight"] - 1).abs() / spread).round(9))
    farthest = farthest.sort_values(["far", "action"], ascending=[False, True]).head(_LISTED).drop(columns="far")
    kind = policy_value_frame["reward"]
    named: pd.DataFrame = farthest.rename(columns={"n": "n_decisions", "mean_reward": f"mean_reward_{kind}"})
    return named.reset_index(drop=True)


def policy_value_over_time(policy_value_frame: dict[str, Any], policy_value_periods: pd.DataFrame) -> pd.DataFrame:
    """One row per period: value as logged, of the policy, and their difference, in the reward's unit."""
    rows = policy_value_periods
    columns = [f"{name}{end}" for name in ("logged", "value", "difference") for end in _ENDS]
    table = rows.rename(columns={"n": "n_decisions", "period": "period_from"})
    return _of_kind(table[["period_from", "n_decisions", *columns, "confidence_level"]], policy_value_frame["reward"])


def policy_value_claims(
    policy_value_estimates: pd.DataFrame,
    policy_value_calibration: dict[str, Any],
    policy_value_drift: dict[str, Any],
    policy_value_verdict: dict[str, Any],
) -> dict[str, Any]:
    """What each section claims: ``overlap``, ``weights``, ``time``, ``switched`` (templates), ``small``."""
    drifting = min(policy_value_drift.values()) < _STEADY
    held = "difference" if policy_value_drift["difference"] < _STEADY else "logged" if drifting else "steady"
    rows = policy_value_estimates[policy_value_estimates["policy"] == policy_value_verdict["policy"]]
    state = "ok" if policy_value_calibration["holds"] else "column" if policy_value_calibration.get("column") else "off"
    switched = rows["share_switched"].max() > 0 if len(rows) else False
    methods = set(rows["method"].dropna())
    how = "counts" if "counts" in methods else "bootstrap" if "bootstrap" in methods else "normal"
    return {
        "valued": _VALUED["some" if (policy_value_estimates["refused"] != "").any() else "all"],
        "weights": _WEIGHTS[state],
        "worst": str(policy_value_calibration.get("worst", "")),
        "column": str(policy_value_calibration.get("column", "")),
        "time": _TIME[held],
        "switched": _SWITCHED["some" if switched else "none"],
        "how": _HOW[how],
        "share_switched": Estimate(float(rows["share_switched"].max()) if switched else 0.0, "share").as_result(),
        "threshold": Estimate(float(rows["switch_threshold"].iloc[0]) if switched else None, "number").as_result(),
        "small": Estimate(SMALL_ESS, "decisions").as_result(),
    }


_VALUED: Final = {
    "all": {"zh": "{n_compared}种做法都可以估值", "en": "All {n_compared} policies can be valued"},
    "some": {
        "zh": "{n_policies}种做法里，{n_compared}种可以估值",
        "en": "Of {n_policies} policies {n_compared} can be valued",
    },
}
_WEIGHTS: Final = {
    "ok": {
        "zh": "记录的概率对得上：每个动作的权重平均都是 1",
        "en": "The logged probabilities fit: weights of every action average one",
    },
    "off": {
        "zh": "记录的概率对不上：动作「{worst}」的权重平均不是 1",
        "en": "The logged probabilities do not fit: weights of {worst} do not average one",
    },
    "column": {
        "zh": "记录的概率对不上：按「{column}」看，动作「{worst}」的权重平均不是 1",
        "en": "The logged probabilities do not fit: by {column}, weights of {worst} do not average one",
    },
}
_TIME: Final = {
    "steady": {
        "zh": "各段时间的结果看不出变化",
        "en": "No change over time shows",
    },
    "logged": {
        "zh": "结果随时间变了；这种做法与记录的差别看不出变化",
        "en": "Rewards changed over time; how far this policy is from the log did not visibly",
    },
    "difference": {
        "zh": "差别随时间变了：上面的数是整段时间的平均，不是现在的",
        "en": "The difference changed over time: the number above is an average, not today's",
    },
}
_SWITCHED: Final = {
    "none": {
        "zh": "switch-DR 没有哪次决策的权重大到要交给模型。",
        "en": "switch-DR left no decision to the model: no weight was large enough.",
    },
    "some": {
        "zh": "switch-DR 把权重超过 {threshold}的决策交给模型，占这种做法选择的 {share_switched}；这部分没有记录校正。",
        "en": (
            "switch-DR leaves decisions with weights above {threshold} to the model, {share_switched} of what the "
            "policy does; the log does not correct that part."
        ),
    },
}
_HOW: Final = {
    "normal": {"zh": "区间按正态近似。", "en": "Intervals follow the normal law."},
    "bootstrap": {
        "zh": "有效的决策或撑起误差的客户不到 {small}，区间至少取自助法的宽度。",
        "en": "Fewer than {small} effective decisions or customers make the error: intervals at least the bootstrap's.",
    },
    "counts": {
        "zh": "成功次数很少，区间按加权计数算，偏宽不偏窄。",
        "en": "Successes are few: intervals are those of a weighted count, rather too wide than too narrow.",
    },
}


def policy_value_results(
    policy_value_frame: dict[str, Any],
    policy_value_estimates: pd.DataFrame,
    policy_value_calibration: dict[str, Any],
) -> dict[str, Any]:
    """Every number by ``<policy>.<name>``; what is refused is null."""
    if policy_value_frame["refusal"]:
        return {
            f"{policy}.{name}": Estimate(None, "number") for policy in (LOGGED, UNIFORM, LEARNED) for name in _RESULTS
        }
    grade = Grade(policy_value_calibration["grade"])
    value, apart = _UNITS[policy_value_frame["reward"]]
    inverse, level = policy_value_calibration["mean_inverse"], float(policy_value_estimates["confidence_level"].iloc[0])
    found: dict[str, Estimate] = {
        "mean_inverse_propensity": Estimate(inverse[0], "number", inverse[1], inverse[2], level),
        "propensity_pvalue": Estimate(policy_value_calibration["pvalue"], "score"),
    }
    for row in policy_value_estimates.to_dict("records"):
        name, own = f"{row['policy']}.{row['estimator']}", Grade.MEASURED if row["policy"] == LOGGED else grade
        found[name] = _estimate(row, "value", value, grade=own, ends=("ci_lower", "ci_upper"))
        if row["estimator"] == LEADING:
            found[f"{row['policy']}.difference"] = _estimate(row, "difference", apart, grade=own)
            found[f"{row['policy']}.ess"] = Estimate(float(row["ess"]), "decisions", n=int(row["n"]))
            found[f"{row['policy']}.mean_weight"] = _estimate(row, "mean_weight", "number", grade=Grade.MEASURED)
    return dict(found)


def _reason(refused: str, found: float, *, min_ess: int) -> dict[str, str]:
    needed = FEWEST_REWARDED if refused == "few_rewards" else min_ess
    share = refused == "unknown_action"
    written = f"{found:.1%}" if share else f"{found:.3g}"
    return {
        language: text.replace("{found}", written).replace("{needed}", str(needed))
        for language, text in refusal_words(refused).items()
    }


def _labelled(rows: pd.DataFrame) -> pd.DataFrame:
    zh, en = ([policy_label(str(policy))[language] for policy in rows["policy"]] for language in ("zh", "en"))
    return rows.assign(policy_zh=zh, policy_en=en).reset_index(drop=True)


def _of_kind(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the table with the reward's kind in its columns' names: a column has one unit."""
    names = {name: f"{name}_{kind}" for name in ("value", "logged", "difference", "std_error")}
    names |= {"ci_lower": f"value_{kind}_ci_lower", "ci_upper": f"value_{kind}_ci_upper"}
    for stem in ("value", "logged", "difference"):
        names |= {f"{stem}{end}": f"{stem}_{kind}{end}" for end in _ENDS[1:]}
    return table.rename(columns=names).reset_index(drop=True)


def _named_ends(name: str) -> tuple[str, str]:
    return f"{name}_ci_lower", f"{name}_ci_upper"


def _estimate(row: Any, name: str, unit: str, *, grade: Grade, ends: tuple[str, str] | None = None) -> Estimate:
    lower, upper = ends or _named_ends(name)
    value, below, above = float(row[name]), float(row[lower]), float(row[upper])
    if not (np.isfinite(value) and np.isfinite(below) and np.isfinite(above)):
        return Estimate(None, unit, grade=grade, n=int(row["n"]))
    return Estimate(value, unit, below, above, float(row["confidence_level"]), grade, int(row["n"]))


def _plain(value: float, unit: str) -> Estimate:
    return Estimate(value, unit)


def _times(difference: Estimate, n: int, *, unit: str) -> Estimate:
    value, lower, upper = (end * n if end is not None else None for end in
                           (difference.value, difference.ci_lower, difference.ci_upper))  # fmt: skip
    return Estimate(value, unit, lower, upper, difference.confidence_level, difference.grade, n)


def _size(effect: Estimate) -> Estimate:
    """Return the difference without its sign, for sentences that say which way it goes."""
    if effect.value is None or effect.value >= 0 or effect.ci_lower is None or effect.ci_upper is None:
        return effect
    ends = (-effect.ci_upper, -effect.ci_lower)
    return Estimate(-effect.value, effect.unit, *ends, effect.confidence_level, effect.grade, effect.n)
