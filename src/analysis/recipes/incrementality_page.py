"""What the incrementality page shows of ``recipes/incrementality.py``: its verdict, numbers, tables and results."""

from typing import Any, Final

import pandas as pd
from scipy.special import ndtri

from analysis.evidence import Estimate, Grade, Instrument, NaturalExperiment, Randomised, grade_of
from analysis.experiment.reach import WEAK_F
from analysis.experiment.readout import METRIC_UNITS
from analysis.experiment.verdict import (
    METHOD_NAMES,
    Verdict,
    VerdictKind,
    chance,
    decide,
    metric_name,
    words,
    worsened,
)
from analysis.stats.sequential import TUNED_FOR

_FOUR_IN_FIVE: Final = 0.8
_ENDS: Final = ("", "_ci_lower", "_ci_upper")
_LISTED: Final = 12
_RESULTS: Final = ("mean", "effect", "rel_effect", "std_error", "pvalue", "effect_adjusted", "pvalue_holm")


def incrementality_verdict(
    experiment_frame: dict[str, Any], incrementality_effects: pd.DataFrame, incrementality_ratio: dict[str, Any]
) -> dict[str, Any]:
    """What stands: ``kind`` (see ``experiment.verdict``), its ``metric`` and ``arm``, metrics ``worsened`` beside."""
    found = decide(
        incrementality_effects,
        metrics=list(experiment_frame["metrics"]),
        state=incrementality_ratio["state"],
        is_over=experiment_frame["is_over"],
        lower_is_better=experiment_frame["lower_is_better"],
    )
    worse = worsened(
        incrementality_effects,
        verdict=found,
        is_over=experiment_frame["is_over"],
        lower_is_better=experiment_frame["lower_is_better"],
    )
    return {"kind": found.kind.value, "metric": found.metric, "arm": found.arm, "worsened": worse}


def incrementality_headline(
    experiment_frame: dict[str, Any],
    trial_customers: pd.DataFrame,
    incrementality_ratio: dict[str, Any],
    incrementality_effects: pd.DataFrame,
    incrementality_verdict: dict[str, Any],
    incrementality_costs: pd.DataFrame,
) -> dict[str, Any]:
    """The numbers of the answer, and how experiment, arm and metric are called."""
    leading = metric_name(next(iter(experiment_frame["metrics"])))
    n = len(trial_customers)
    found: dict[str, Any] = {
        "experiment": experiment_frame["name"],
        "control": experiment_frame["control"],
        "n_customers": Estimate(n, "customers"),
        "n_others": Estimate(experiment_frame["n_others"], "count"),
        "window": Estimate(experiment_frame["window_days"], "days"),
        "ratio": chance(incrementality_ratio["pvalue"]),
        "tuned": Estimate(TUNED_FOR, "count"),
        "leading": leading,
    }
    if incrementality_effects.empty:
        return found
    chosen = incrementality_effects[
        (incrementality_effects["metric"] == incrementality_verdict["metric"])
        & (incrementality_effects["arm"] == incrementality_verdict["arm"])
    ].iloc[0]
    unit = METRIC_UNITS[chosen["kind"]][1]
    grade = _grade(incrementality_ratio)
    effect = _estimate(chosen, "effect", unit, grade=grade)
    reach = float(ndtri(0.5 + chosen["confidence_level"] / 2) + ndtri(_FOUR_IN_FIVE))
    return {
        **found,
        "arm": str(chosen["arm"]),
        "metric": metric_name(str(chosen["metric"])),
        "effect": effect,
        "effect_size": _size(effect),
        "relative": _estimate(chosen, "rel_effect", "share", grade=grade),
        "adjusted": _estimate(chosen, "effect_adjusted", unit, grade=grade),
        "sequential": _estimate(chosen, "effect_sequential", unit, grade=grade),
        "saved": Estimate(float(chosen["variance_saved"]), "share"),
        "mde": Estimate(reach * float(chosen["std_error"]), unit),
        "holm": chance(float(chosen["pvalue_holm"])),
        "n_proven": Estimate(
            int((incrementality_effects["pvalue_holm"] < 1 - chosen["confidence_level"]).sum()), "count"
        ),
        "n_comparisons": Estimate(len(incrementality_effects), "count"),
        **_worth(chosen, n=n, grade=grade, costs=incrementality_costs, control=experiment_frame["control"]),
        **_worsened(incrementality_verdict["worsened"]),
    }


def _worth(row: Any, *, n: int, grade: Grade, costs: pd.DataFrame, control: str) -> dict[str, Estimate]:
    """Return what the effect comes to over all customers of the experiment, where it is money, net of known costs."""
    each = _cost_each(costs, arm=str(row["arm"]), control=control)
    cost = {} if each is None else {"cost_each": Estimate(each, "money")}
    if row["kind"] != "money":
        return cost
    value, lower, upper = ((float(row[f"effect{end}"]) - (each or 0.0)) * n for end in _ENDS)
    level = float(row["confidence_level"])
    return {**cost, "worth": Estimate(value, "money", lower, upper, level, grade, n)}


def _cost_each(costs: pd.DataFrame, *, arm: str, control: str) -> float | None:
    """Return what touching costs a customer of an arm more than one of the control; None if it is not known."""
    known = {str(row["arm"]): float(row["cost_each"]) for row in costs.to_dict("records")}
    return None if not known else known.get(arm, 0.0) - known.get(control, 0.0)


def _worsened(metrics: list[str]) -> dict[str, dict[str, str]]:
    if not metrics:
        return {}
    names = [metric_name(metric) for metric in metrics]
    return {"worsened": {"zh": "、".join(one["zh"] for one in names), "en": ", ".join(one["en"] for one in names)}}


def incrementality_words(
    experiment_frame: dict[str, Any],
    incrementality_verdict: dict[str, Any],
    incrementality_headline: dict[str, Any],
) -> dict[str, Any]:
    """The answer and the decision as templates."""
    verdict = Verdict(
        VerdictKind(incrementality_verdict["kind"]), incrementality_verdict["metric"], incrementality_verdict["arm"]
    )
    effect, worth = incrementality_headline.get("effect"), incrementality_headline.get("worth")
    rises, has_costs = effect is None or effect["value"] >= 0, "cost_each" in incrementality_headline
    said = dict(
        words(
            verdict,
            rises=rises,
            shares_by=experiment_frame["shares_by"],
            is_better=rises != (verdict.metric in experiment_frame["lower_is_better"]),
            has_costs=has_costs,
            net=(worth["ci_lower"], worth["ci_upper"]) if worth and has_costs else None,
            n_worsened=len(incrementality_verdict["worsened"]),
        )
    )
    if worth and verdict.kind in (VerdictKind.WORKS, VerdictKind.HARMS):
        said["decision"]["worth_label"] = _WORTH_LABELS["net" if has_costs else "gross"]
    return said


_WORTH_LABELS: Final = {
    "gross": {
        "zh": "参加实验的客户全都收到时，观察期内多出的销售额",
        "en": "Extra sales within the window if every customer of the experiment got it",
    },
    "net": {
        "zh": "参加实验的客户全都收到时，观察期内多出的销售额减触达成本",
        "en": "Extra sales less the touches' cost within the window, if every customer of the experiment got it",
    },
}


def incrementality_arms(incrementality_ratio: dict[str, Any]) -> pd.DataFrame:
    """One row per arm: customers, planned and actual share."""
    return pd.DataFrame(incrementality_ratio["table"])


def incrementality_ratio_words(
    experiment_frame: dict[str, Any], incrementality_ratio: dict[str, Any], incrementality_others: dict[str, Any]
) -> dict[str, Any]:
    """What is said of the split, and of what else can be read: ``claim``, ``note`` and its ``values``."""
    others = incrementality_others["text"] if incrementality_others["shown"] else {"zh": "", "en": ""}
    note = {
        language: f"{text}{others[language]}" if language == "zh" else f"{text} {others[language]}".rstrip()
        for language, text in _SHARES_BY[experiment_frame["shares_by"]].items()
    }
    return {"claim": _RATIO[incrementality_ratio["state"]], "note": note, "values": incrementality_others["values"]}


_RATIO: Final = {
    "ok": {"zh": "人数和计划一致，可以比", "en": "Customers are split as planned: arms may be compared"},
    "warn": {"zh": "人数略偏离计划，读数时留心", "en": "The split is a little off the plan: read with care"},
    "stop": {"zh": "人数和计划对不上，停在这里", "en": "The split is not the planned one: this is where it stops"},
}
_SHARES_BY: Final = {
    "book": {"zh": "计划比例来自账本。", "en": "Planned shares are the book's."},
    "campaign": {"zh": "计划比例来自活动的留出比例。", "en": "Planned shares follow the campaign's holdout share."},
    "assumed": {
        "zh": "账本和活动都没有给出计划比例，按各组相等**假定**。如果计划本来不相等，请在账本里写 planned_shares。",
        "en": (
            "Neither book nor campaign states planned shares; equal ones are **assumed**. If others were "
            "planned, write planned_shares into the book."
        ),
    },
}


def incrementality_forest(incrementality_effects: pd.DataFrame) -> pd.DataFrame:
    """One row per metric and arm, as shares of the control's mean: what the picture of all effects draws."""
    columns = ["metric_zh", "metric_en", "arm", "n", "rel_effect", "rel_effect_ci_lower", "rel_effect_ci_upper"]
    rows = incrementality_effects[incrementality_effects["rel_effect"].notna()]
    table: pd.DataFrame = _named(rows)[[*columns, "pvalue_holm", "confidence_level"]]
    return table.head(_LISTED).reset_index(drop=True)


def incrementality_money(incrementality_effects: pd.DataFrame) -> pd.DataFrame:
    """One row per metric of money and arm: means, effect plain and adjusted with intervals, corrected p-value."""
    return _table(incrementality_effects, kind="money")


def incrementality_rates(incrementality_effects: pd.DataFrame) -> pd.DataFrame:
    """The same of rates."""
    return _table(incrementality_effects, kind="rate")


def incrementality_counts(incrementality_effects: pd.DataFrame) -> pd.DataFrame:
    """The same of counts."""
    return _table(incrementality_effects, kind="count")


def _table(effects: pd.DataFrame, *, kind: str) -> pd.DataFrame:
    rows: pd.DataFrame = _named(effects[effects["kind"] == kind])
    wanted = ["mean", "mean_control", "effect", "effect_ci_lower", "effect_ci_upper", "effect_adjusted",
              "effect_adjusted_ci_lower", "effect_adjusted_ci_upper"]  # fmt: skip
    shown = ["metric_zh", "metric_en", "arm", "n", *wanted, "variance_saved", "pvalue_holm", "confidence_level"]
    return rows[shown].rename(columns=_of_kind(kind, wanted)).reset_index(drop=True)


def incrementality_ways(
    experiment_frame: dict[str, Any], incrementality_checks: pd.DataFrame, incrementality_verdict: dict[str, Any]
) -> pd.DataFrame:
    """One row per way of estimating the effect that the answer is about: the way, effect with interval."""
    rows: pd.DataFrame = incrementality_checks[
        (incrementality_checks["metric"] == incrementality_verdict["metric"])
        & (incrementality_checks["arm"] == incrementality_verdict["arm"])
    ]
    kind = experiment_frame["metrics"].get(incrementality_verdict["metric"], "count")
    names = {
        language: rows["method"].map({k: v[language] for k, v in METHOD_NAMES.items()}) for language in ("zh", "en")
    }
    wanted = ["effect", "effect_ci_lower", "effect_ci_upper"]
    table = rows.assign(way_zh=names["zh"], way_en=names["en"])
    table = table[["way_zh", "way_en", *wanted, "variance_saved", "confidence_level"]]
    return table.rename(columns=_of_kind(kind, wanted)).reset_index(drop=True)


def incrementality_ways_words(incrementality_ways: pd.DataFrame) -> dict[str, Any]:
    """How many ways of estimating agree: ``n_beyond`` (intervals on one side of 0) of ``n_ways``."""
    columns = [str(name) for name in incrementality_ways.columns]
    lower, upper = (next(c for c in columns if c.endswith(end)) for end in ("_ci_lower", "_ci_upper"))
    ends = incrementality_ways[[lower, upper]]
    beyond = int(((ends[lower] > 0) | (ends[upper] < 0)).sum())
    found = {"n_beyond": Estimate(beyond, "count"), "n_ways": Estimate(len(ends), "count")}
    return {name: value.as_result() for name, value in found.items()}


def incrementality_reached_table(
    experiment_frame: dict[str, Any], incrementality_reached: pd.DataFrame, incrementality_verdict: dict[str, Any]
) -> pd.DataFrame:
    """One row per arm: the effect on those reached by the answer's metric, share reached, first stage."""
    rows = incrementality_reached[incrementality_reached["metric"] == incrementality_verdict["metric"]]
    kind = experiment_frame["metrics"].get(incrementality_verdict["metric"], "count")
    wanted = [f"effect_reached{end}" for end in ("", "_ci_lower", "_ci_upper")]
    table = rows[["arm", "n", "share_reached", *wanted, "first_stage_f", "n_clusters", "confidence_level"]]
    renamed: pd.DataFrame = table.rename(columns=_of_kind(kind, wanted))
    return renamed.reset_index(drop=True)


def incrementality_reach_words(
    incrementality_reached: pd.DataFrame,
    incrementality_collisions: dict[str, Any],
    incrementality_verdict: dict[str, Any],
) -> dict[str, Any]:
    """What is said of touches that did not go out: ``shown``, ``claim`` templates, ``values``, ``collisions``."""
    rows = incrementality_reached[incrementality_reached["metric"] == incrementality_verdict["metric"]]
    alike = grade_of(NaturalExperiment(balanced=bool(incrementality_collisions["usable"])))
    told = {
        language: text.replace("<grade>", alike.value)
        for language, text in _COLLISIONS[incrementality_collisions["reason"]].items()
    }
    counts = {
        name: Estimate(incrementality_collisions.get(name), "customers").as_result()
        for name in ("n_delivered", "n_collided", "needed")
    }
    if rows.empty:
        return {"shown": False}
    own = rows[rows["arm"] == incrementality_verdict["arm"]]
    row = (own if len(own) else rows).iloc[0]
    weak = bool((rows["first_stage_f"] < WEAK_F).any())
    return {
        "shown": True,
        "claim": _REACHED["weak" if weak else "strong"],
        "exclusion": {language: f"{_EXCLUSION[language]}{told[language]}" for language in ("zh", "en")},
        "values": {**counts, "share_reached": Estimate(float(row["share_reached"]), "share").as_result()},
    }


_REACHED: Final = {
    "strong": {
        "zh": "分配让 {share_reached}的客户真正收到，效果都落在他们身上",
        "en": "Assignment reached {share_reached} of the customers; the effect falls on them",
    },
    "weak": {
        "zh": "分配几乎没有变成送达：送达者的效果说不清",
        "en": "Assignment hardly turned into reach: the effect on the reached is unclear",
    },
}
_EXCLUSION: Final = {
    "zh": (
        "这样算要成立，分到实验组却没收到的人不能受影响：消息没发出，客户看不到，员工也没有因为名单另作联系。"
        "后一条数据里查不到，要问员工。"
    ),
    "en": (
        "This holds if customers who were assigned but not reached were not affected: nothing went out that "
        "they could "
        "see, and staff did not contact them in another way because of the list. The data cannot show the "
        "latter; ask staff. "
    ),
}

_COLLISIONS: Final = {
    "no_touches": {"zh": "", "en": ""},
    "too_few": {
        "zh": "撞上其他群发而没收到的客户（状态 3）有 {n_collided}，不足 {needed}：不拿来做自然实验。",
        "en": (
            "{n_collided} missed the message because another one came first (status 3), fewer than {needed}: "
            "no natural experiment is made of them."
        ),
    },
    "unlike": {
        "zh": "撞上其他群发的 {n_collided}与收到的 {n_delivered}事前就不一样：不拿来做自然实验。",
        "en": (
            "The {n_collided} whom another message reached first differed from the {n_delivered} beforehand: "
            "no natural experiment is made of them."
        ),
    },
    "alike": {
        "zh": "撞上其他群发的 {n_collided}与收到的 {n_delivered}事前看不出差别，可作旁证（证据 <grade>）。",
        "en": (
            "The {n_collided} whom another message reached first were like the {n_delivered} beforehand: a "
            "side witness (evidence <grade>)."
        ),
    },
}


def incrementality_results(
    experiment_frame: dict[str, Any],
    trial_customers: pd.DataFrame,
    incrementality_ratio: dict[str, Any],
    incrementality_effects: pd.DataFrame,
    incrementality_checks: pd.DataFrame,
    incrementality_reached: pd.DataFrame,
    incrementality_costs: pd.DataFrame,
) -> dict[str, Any]:
    """Every number by ``<metric>.<arm>.<name>``; what a stopped readout does not say is null."""
    counts, n = trial_customers["arm"].value_counts(), len(trial_customers)
    found: dict[str, Estimate] = {"sample_ratio_pvalue": Estimate(incrementality_ratio["pvalue"], "score", n=n)}
    rows = incrementality_effects.set_index(["metric", "arm"]) if len(incrementality_effects) else None
    for metric, kind in experiment_frame["metrics"].items():
        unit_of_mean = METRIC_UNITS[kind][0]
        for arm in (experiment_frame["control"], *experiment_frame["arms"]):
            name = f"{metric}.{arm}"
            known = trial_customers.loc[trial_customers["arm"] == arm, metric].dropna()
            found[f"{name}.n"] = Estimate(int(counts.get(arm, 0)), "customers")
            if arm == experiment_frame["control"]:
                mean = float(known.mean()) if rows is not None else None
                found[f"{name}.mean"] = Estimate(mean, unit_of_mean, n=len(known))
            elif rows is None:
                found |= {f"{name}.{what}": Estimate(None, _unit(what, kind)) for what in _RESULTS}
            else:
                found |= _results(name, rows.loc[(metric, arm)], kind=kind, grade=_grade(incrementality_ratio))
    found |= _net(rows, costs=incrementality_costs, frame=experiment_frame, ratio=incrementality_ratio)
    if len(incrementality_checks):
        found |= _ways(incrementality_checks, grade=_grade(incrementality_ratio))
    for row in incrementality_reached.to_dict("records"):
        unit = METRIC_UNITS[row["kind"]][1]
        name = f"{row['metric']}.{row['arm']}"
        found[f"{name}.effect_reached"] = _estimate(
            row, "effect_reached", unit, grade=_reached_grade(row, incrementality_ratio)
        )
        found[f"{name}.first_stage_f"] = Estimate(float(row["first_stage_f"]), "score", n=int(row["n"]))
    return dict(found)


def _net(rows: Any, *, costs: pd.DataFrame, frame: dict[str, Any], ratio: dict[str, Any]) -> dict[str, Estimate]:
    """Return what touching costs a customer of each arm, and effects in money less that."""
    found: dict[str, Estimate] = {}
    for arm in frame["arms"]:
        each = _cost_each(costs, arm=arm, control=frame["control"])
        if each is None:
            continue
        found[f"{arm}.cost_each"] = Estimate(each, "money")
        for metric, kind in frame["metrics"].items():
            if kind == "money" and rows is not None:
                row = rows.loc[(metric, arm)]
                value, lower, upper = (float(row[f"effect{end}"]) - each for end in _ENDS)
                n, level = int(row["n"] + row["n_control"]), float(row["confidence_level"])
                found[f"{metric}.{arm}.effect_net"] = Estimate(value, "money", lower, upper, level, _grade(ratio), n)
    return found


def _results(name: str, row: Any, *, kind: str, grade: Grade) -> dict[str, Estimate]:
    n = int(row["n"] + row["n_control"])
    found = {
        f"{name}.{what}": _estimate(row, what, _unit(what, kind), grade=grade, n=n)
        for what in ("effect", "rel_effect", "effect_adjusted", "effect_sequential")
    }
    found[f"{name}.mean"] = Estimate(float(row["mean"]), METRIC_UNITS[kind][0], n=int(row["n"]))
    for what in ("std_error", "pvalue", "pvalue_holm"):
        found[f"{name}.{what}"] = Estimate(float(row[what]), _unit(what, kind), grade=grade, n=n)
    found[f"{name}.variance_saved"] = Estimate(float(row["variance_saved"]), "share", n=n)
    return found


def _ways(checks: pd.DataFrame, *, grade: Grade) -> dict[str, Estimate]:
    """Return the checks that the effects do not hold already: ``<metric>.<arm>.effect_<method>``."""
    rows = checks[~checks["method"].isin(["plain", "adjusted", "sequential"])].to_dict("records")
    return {
        f"{row['metric']}.{row['arm']}.effect_{row['method']}": _estimate(
            row, "effect", METRIC_UNITS[row["kind"]][1], grade=grade
        )
        for row in rows
    }


def _unit(what: str, kind: str) -> str:
    if what in {"pvalue", "pvalue_holm"}:
        return "score"
    if what == "rel_effect":
        return "share"
    return METRIC_UNITS[kind][0 if what == "mean" else 1]


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    zh, en = ([metric_name(str(metric))[language] for metric in rows["metric"]] for language in ("zh", "en"))
    return rows.assign(metric_zh=zh, metric_en=en)


def _of_kind(kind: str, columns: list[str]) -> dict[str, str]:
    """Return columns' names with their kind in them: a column has one unit, whatever the metric."""
    stems = ("effect_adjusted", "effect_reached", "effect", "mean_control", "mean")
    found = {}
    for column in columns:
        stem = next(stem for stem in stems if column.startswith(stem))
        found[column] = f"{stem}_{kind}{column.removeprefix(stem)}"
    return found


def _grade(ratio: dict[str, Any]) -> Grade:
    """Return the evidence of a comparison as assigned: A where the split is the planned one; it raises where not."""
    return grade_of(Randomised(split=ratio["state"]))


def _reached_grade(row: Any, ratio: dict[str, Any]) -> Grade:
    """Return the evidence of an effect on those reached; why assignment acts through reach alone is told beside it."""
    strong = bool(row["first_stage_f"] >= WEAK_F)
    return grade_of(Instrument(split=ratio["state"], strong=strong, exclusion_argued=bool(_EXCLUSION)))


def _estimate(row: Any, name: str, unit: str, *, grade: Grade, n: int | None = None) -> Estimate:
    value, lower, upper = (float(row[f"{name}{end}"]) for end in ("", "_ci_lower", "_ci_upper"))
    if lower != lower or upper != upper:  # noqa: PLR0124 - NaN is not itself
        return Estimate(value, unit, grade=grade, n=n)
    return Estimate(value, unit, lower, upper, float(row["confidence_level"]), grade, n)


def _size(effect: Estimate) -> Estimate:
    """Return the effect without its sign, for sentences that say which way it goes."""
    if effect.value is None or effect.value >= 0 or effect.ci_lower is None or effect.ci_upper is None:
        return effect
    return Estimate(
        -effect.value, effect.unit, -effect.ci_upper, -effect.ci_lower, effect.confidence_level, effect.grade, effect.n
    )
