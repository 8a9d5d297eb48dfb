"""What the uplift page shows of ``recipes/uplift.py``: its verdict, numbers, tables and results."""

from typing import Any, Final

import pandas as pd

from analysis.evidence import Estimate, Grade, Prior, Randomised, grade_of
from analysis.experiment.readout import METRIC_UNITS
from analysis.experiment.uplift_verdict import (
    LEARNER_NAMES,
    UpliftVerdict,
    UpliftVerdictKind,
    decide_uplift,
    uplift_says,
)
from analysis.experiment.verdict import chance, metric_name

_RESULTS: Final = ("qini", "auuc", "uplift_at_10", "uplift_at_30", "autoc", "rate_qini", "slope", "effect")
_SCORES: Final = frozenset({"qini", "auuc", "slope"})


def uplift_verdict(
    uplift_ratio: dict[str, Any], uplift_known: dict[str, Any], uplift_findings: dict[str, Any]
) -> dict[str, Any]:
    """What stands: ``kind`` (see ``experiment.uplift_verdict``), ``metric`` and ``arm`` it is about."""
    state = "blind" if uplift_ratio["state"] != "stop" and not uplift_known["covariates"] else uplift_ratio["state"]
    measures, policy = (pd.DataFrame(uplift_findings[name]) for name in ("measures", "policy"))
    found = decide_uplift(measures, policy, state=state)
    return {"kind": found.kind.value, "metric": found.metric, "arm": found.arm}


def uplift_headline(
    uplift_frame: dict[str, Any],
    uplift_customers: pd.DataFrame,
    uplift_ratio: dict[str, Any],
    uplift_known: dict[str, Any],
    uplift_findings: dict[str, Any],
    uplift_verdict: dict[str, Any],
) -> dict[str, Any]:
    """The numbers of the page, and how experiment, arm and metric are called."""
    n = len(uplift_customers)
    found: dict[str, Any] = {
        "experiment": uplift_frame["name"],
        "control": uplift_frame["control"],
        "n_customers": Estimate(n, "customers"),
        "n_learnt": Estimate(max((row["n_learnt"] for row in uplift_findings["measures"]), default=n), "customers"),
        "n_known": Estimate(len(uplift_known["covariates"]), "count"),
        "late": ", ".join(uplift_known["late"]),
        "ratio": chance(uplift_ratio["pvalue"]),
        "cost": Estimate(uplift_frame["cost_per_touch"], "money"),
        "margin": Estimate(uplift_frame["margin_share"], "share"),
        "n_pairs": Estimate(len(uplift_findings["measures"]), "count"),
        "n_proven": Estimate(sum(row["knows"] for row in uplift_findings["measures"]), "count"),
    }
    if uplift_verdict["arm"] is None:
        return found
    row, policy = (_of(uplift_findings[name], uplift_verdict)[0] for name in ("measures", "policy"))
    grade = grade_of(Randomised(split=uplift_ratio["state"]))
    unit = METRIC_UNITS[row["kind"]][1]
    worth = _worth_grade(uplift_frame, row["kind"], grade)
    money = "money" if policy["in_money"] else unit
    groups = {group["group"]: group for group in _of(uplift_findings["groups"], uplift_verdict)}
    return {
        **found,
        "arm": uplift_verdict["arm"],
        "metric": metric_name(uplift_verdict["metric"]),
        "learner": LEARNER_NAMES[row["learner"]],
        "n_judging": Estimate(row["n"], "customers"),
        "n_training": Estimate(row["n_training"], "customers"),
        "n_alike": Estimate(row["n_alike"], "count"),
        "n_others": Estimate(row["n_others"], "count"),
        "qini": _estimate(row, "qini", "score", grade=grade),
        "auuc": _estimate(row, "auuc", "score", grade=grade),
        "at_10": _estimate(row, "uplift_at_10", unit, grade=grade),
        "at_30": _estimate(row, "uplift_at_30", unit, grade=grade),
        "effect": _estimate(row, "effect", unit, grade=grade, n=row["n_all"]),
        "autoc": _estimate(row, "autoc", unit, grade=grade),
        "slope": _estimate(row, "slope", "score", grade=grade),
        "share_touched": Estimate(policy["share_touched"], "share"),
        "affordable": Estimate(policy["affordable"], "share"),
        "profit": _estimate(policy, "profit", money, grade=worth, n=n),
        "profit_all": _estimate(policy, "profit_all", money, grade=worth, n=n),
        "better_than_all": _estimate(policy, "better_than_all", money, grade=worth, n=n),
        "share_lose": Estimate(groups["lose"]["share"], "share"),
        "lose": _estimate(groups["lose"], "observed", unit, grade=grade),
        "share_gain": Estimate(groups["gain"]["share"], "share"),
        "gain": _estimate(groups["gain"], "observed", unit, grade=grade),
    }


def _worth_grade(frame: dict[str, Any], kind: str, grade: Grade) -> Grade:
    """Return the grade of money: an assumed margin makes it an assumption."""
    if kind == "money" and frame["margin_by"] == "assumed":
        return grade_of(Randomised(split="ok"), Prior())
    return grade


def uplift_words(
    uplift_headline: dict[str, Any], uplift_findings: dict[str, Any], uplift_verdict: dict[str, Any]
) -> dict[str, Any]:
    """The answer, the decision, and what is said above each picture, as templates."""
    kind = UpliftVerdictKind(uplift_verdict["kind"])
    verdict = UpliftVerdict(kind, uplift_verdict["metric"], uplift_verdict["arm"])
    policy = _of(uplift_findings["policy"], uplift_verdict)
    in_money = bool(policy and policy[0]["in_money"])
    said = dict(uplift_says(verdict, in_money=in_money, within_budget=not policy or policy[0]["affordable"] >= 1))
    if in_money and kind is UpliftVerdictKind.TOP:
        said["decision"] |= {"worth_label": _WORTH["top"]}
    elif in_money:
        said["decision"] |= {"worth_label": _WORTH["all"]}
    if not policy:
        return {**said, "shown": False}
    lose = next(row for row in _of(uplift_findings["groups"], uplift_verdict) if row["group"] == "lose")
    state = "nobody" if lose["n"] == 0 else "proven" if lose["proven"] else "unproven"
    slope = uplift_headline["slope"]
    straight = slope["ci_lower"] is not None and slope["ci_lower"] > 0
    return {
        **said,
        "shown": True,
        "worth": "profit" if kind is UpliftVerdictKind.TOP else "profit_all",
        "calibration": _CALIBRATION["known" if straight else "unknown"],
        "dogs": _DOGS[state],
        "learners": _ALIKE[_alike(uplift_findings, uplift_verdict)],
        "learners_claim": _WHICH[_alike(uplift_findings, uplift_verdict)],
        "money": _MONEY["assumed" if uplift_headline["profit"]["grade"] == Grade.PRIOR.value else "given"],
        "late": bool(uplift_headline["late"]),
    }


def _alike(findings: dict[str, Any], verdict: dict[str, Any]) -> str:
    row = _of(findings["measures"], verdict)[0]
    return "alone" if row["n_others"] == 0 else "all" if row["n_alike"] == row["n_others"] else "some"


_WORTH: Final = {
    "top": {
        "zh": "参加实验的客户都按这个深度发，扣掉触达成本后的毛利",
        "en": "Margin less touches if all customers of the experiment are touched to this depth",
    },
    "all": {
        "zh": "参加实验的客户全都发，扣掉触达成本后的毛利",
        "en": "Margin less touches if every customer of the experiment is touched",
    },
}
_CALIBRATION: Final = {
    "known": {
        "zh": "预测高的人，实际效果也高：预测高 1，实际高 {slope}",
        "en": "Where more is predicted more came: a prediction higher by 1 went with {slope}",
    },
    "unknown": {
        "zh": "预测高的人，实际效果没有证明更高：斜率 {slope}",
        "en": "Where more is predicted, more is not proven to have come: slope {slope}",
    },
}
_DOGS: Final = {
    "nobody": {
        "zh": "模型没有找到会被触达伤到的人。",
        "en": "The model found nobody whom the touch harms.",
    },
    "proven": {
        "zh": "模型认为 {share_lose}的人会被触达伤到，实测也证明了：他们的效果 {lose:full}。不要发给他们。",
        "en": (
            "The model takes {share_lose} to be harmed by the touch, and that is proven: the effect on them "
            "is {lose:full}. Leave them alone."
        ),
    },
    "unproven": {
        "zh": "模型认为 {share_lose}的人会被触达伤到，但实测没有证明：他们的效果 {lose:full}。",
        "en": (
            "The model takes {share_lose} to be harmed by the touch; that is not proven: the effect on them "
            "is {lose:full}."
        ),
    },
}
_WHICH: Final = {
    "alone": {"zh": "只试了一种学习器：{learner}", "en": "One learner was tried: {learner}"},
    "all": {"zh": "哪种学习器更好，这里看不出来", "en": "Which learner is best cannot be told here"},
    "some": {"zh": "学习器之间的高低，多半只是噪声", "en": "The order of the learners is mostly noise"},
}
_ALIKE: Final = {
    "alone": {"zh": "换一种学习器，排名可能不同。", "en": "Another learner may rank differently."},
    "all": {
        "zh": "其余 {n_others}种学习器的 Qini 与选中的相差都不到一个标准误：哪种更好，这里看不出来。",
        "en": (
            "The Qini of all {n_others} other learners lies within one standard error of the chosen one's: "
            "which is best is noise here."
        ),
    },
    "some": {
        "zh": "其余 {n_others}种学习器里，{n_alike}种的 Qini 与选中的相差不到一个标准误：它们之间的高低只是噪声。",
        "en": (
            "Of {n_others} other learners, {n_alike} lie within one standard error of the chosen one's "
            "Qini: their order is noise."
        ),
    },
}
_MONEY: Final = {
    "given": {
        "zh": "毛利按账本的 {margin}，每次触达 {cost}；都当作不变。",
        "en": "Margin is the book's {margin}, a touch costs {cost}; both are taken as fixed.",
    },
    "assumed": {
        "zh": "毛利**假定**为 {margin}（账本没有给出 margin_share），每次触达 {cost}；所以金额是证据 D。",
        "en": (
            "Margin is **assumed** to be {margin} (the book states no margin_share), a touch costs {cost}; "
            "money is therefore evidence D."
        ),
    },
}


def uplift_rankings(uplift_findings: dict[str, Any]) -> pd.DataFrame:
    """One row per metric and arm: the chosen learner's Qini on the judging half, and whether it is proven."""
    rows = pd.DataFrame(uplift_findings["measures"])
    if rows.empty:
        return rows
    named = _named(rows)
    columns = ["metric_zh", "metric_en", "arm", "qini", "qini_ci_lower", "qini_ci_upper", "knows", "learner_zh",
               "learner_en", "n", "confidence_level"]  # fmt: skip
    return named[columns]


def uplift_learner_table(uplift_findings: dict[str, Any], uplift_verdict: dict[str, Any]) -> pd.DataFrame:
    """One row per learner, of the arm and metric of the answer: Qini on the judging half, which was chosen."""
    rows = pd.DataFrame(_of(uplift_findings["learners"], uplift_verdict))
    if rows.empty:
        return rows
    columns = ["learner_zh", "learner_en", "qini", "qini_ci_lower", "qini_ci_upper", "is_chosen", "confidence_level"]
    return _named(rows)[columns]


def uplift_curve(uplift_findings: dict[str, Any], uplift_verdict: dict[str, Any]) -> pd.DataFrame:
    """One row per depth, of the arm and metric of the answer: gain a head with band, and at random."""
    columns = ["share_touched", "gain", "gain_ci_lower", "gain_ci_upper", "gain_random", "confidence_level"]
    return _table(uplift_findings["curve"], uplift_verdict, columns)


def uplift_parts(uplift_findings: dict[str, Any], uplift_verdict: dict[str, Any]) -> pd.DataFrame:
    """One row per tenth of the customers, best first: predicted and observed uplift."""
    columns = ["part", "n", "predicted", "observed", "observed_ci_lower", "observed_ci_upper", "confidence_level"]
    return _table(uplift_findings["parts"], uplift_verdict, columns)


def uplift_groups(uplift_findings: dict[str, Any], uplift_verdict: dict[str, Any]) -> pd.DataFrame:
    """One row each for those predicted to gain and to lose: how many, and what was observed."""
    rows = pd.DataFrame(_of(uplift_findings["groups"], uplift_verdict))
    if rows.empty:
        return rows
    names = {
        language: rows["group"].map({key: value[language] for key, value in _GROUPS.items()})
        for language in ("zh", "en")
    }
    columns = ["uplift_group_zh", "uplift_group_en", "n", "predicted", "observed", "observed_ci_lower",
               "observed_ci_upper", "proven", "confidence_level"]  # fmt: skip
    made = rows.assign(uplift_group_zh=names["zh"], uplift_group_en=names["en"])
    return _of_kind(made[made["n"] > 0][columns], str(rows["kind"].iloc[0]))


_GROUPS: Final = {
    "gain": {"zh": "预测会被打动", "en": "Predicted to gain"},
    "lose": {"zh": "预测会适得其反", "en": "Predicted to lose"},
}


def uplift_profit(uplift_findings: dict[str, Any], uplift_verdict: dict[str, Any]) -> pd.DataFrame:
    """One row per depth that the budget pays for: customers touched, margin less touches; none without a worth."""
    rows = pd.DataFrame(_of(uplift_findings["profit"], uplift_verdict))
    if rows.empty:
        return rows
    rows = rows[rows["is_affordable"].astype(bool)]
    columns = ["share_touched", "n_touched", "profit", "profit_ci_lower", "profit_ci_upper", "confidence_level"]
    return rows[columns].astype("float64").astype({"n_touched": "int64"}).reset_index(drop=True)


def uplift_results(
    uplift_frame: dict[str, Any],
    uplift_customers: pd.DataFrame,
    uplift_ratio: dict[str, Any],
    uplift_findings: dict[str, Any],
) -> dict[str, Any]:
    """Every number by ``<metric>.<arm>.<name>``; what is not said is null."""
    n = len(uplift_customers)
    found: dict[str, Estimate] = {"sample_ratio_pvalue": Estimate(uplift_ratio["pvalue"], "score", n=n)}
    measures = {(row["metric"], row["arm"]): row for row in uplift_findings["measures"]}
    policies = {(row["metric"], row["arm"]): row for row in uplift_findings["policy"]}
    for metric, kind in uplift_frame["metrics"].items():
        for arm in uplift_frame["arms"]:
            row, policy = measures.get((metric, arm)), policies.get((metric, arm))
            name, unit = f"{metric}.{arm}", METRIC_UNITS[kind][1]
            units = {what: "score" if what in _SCORES else unit for what in _RESULTS}
            if row is None or policy is None:
                found |= {f"{name}.{what}": Estimate(None, units[what]) for what in _RESULTS}
                continue
            grade = grade_of(Randomised(split=uplift_ratio["state"]))
            found |= {f"{name}.{what}": _estimate(row, what, units[what], grade=grade) for what in _RESULTS}
            found[f"{name}.effect"] = _estimate(row, "effect", unit, grade=grade, n=row["n_all"])
            for what in ("uplift_at_10_by_group", "uplift_at_30_by_group"):
                found[f"{name}.{what}"] = Estimate(row[what], unit, grade=grade, n=row["n"])
            found[f"{name}.share_touched"] = Estimate(policy["share_touched"], "share", n=n)
            if policy["in_money"]:
                worth = _worth_grade(uplift_frame, kind, grade)
                found |= {
                    f"{name}.{what}": _estimate(policy, what, "money", grade=worth, n=n)
                    for what in ("profit", "profit_all", "better_than_all")
                }
    return dict(found)


def _of(rows: list[dict[str, Any]], verdict: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in rows if row["metric"] == verdict["metric"] and row["arm"] == verdict["arm"]]


def _table(rows: list[dict[str, Any]], verdict: dict[str, Any], columns: list[str]) -> pd.DataFrame:
    mine = pd.DataFrame(_of(rows, verdict))
    if mine.empty:
        return pd.DataFrame(columns=columns)
    whole = {name: "int64" for name in ("n", "part") if name in columns}
    return _of_kind(mine[columns].astype("float64").astype(whole), str(mine["kind"].iloc[0]))


def _of_kind(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the table with the kind in its columns' names: a column has one unit, whatever the metric."""
    stems = ("gain_random", "gain", "predicted", "observed")
    names = {}
    for column in map(str, table.columns):
        stem = next((stem for stem in stems if column.startswith(stem)), None)
        if stem is not None:
            names[column] = f"{stem}_{kind}{column.removeprefix(stem)}"
    return table.rename(columns=names)


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    made = rows.copy()
    for language in ("zh", "en"):
        made[f"metric_{language}"] = [metric_name(str(metric))[language] for metric in rows["metric"]]
        made[f"learner_{language}"] = [LEARNER_NAMES[str(learner)][language] for learner in rows["learner"]]
    return made


def _estimate(row: dict[str, Any], name: str, unit: str, *, grade: Grade, n: int | None = None) -> Estimate:
    value, lower, upper = (row.get(f"{name}{end}") for end in ("", "_ci_lower", "_ci_upper"))
    count = int(row["n"]) if n is None else n
    if value is None or lower is None or upper is None:
        return Estimate(value, unit, grade=grade, n=count)
    return Estimate(value, unit, lower, upper, row["confidence_level"], grade, count)
