"""Tables and words of the page that compares touch strategies, made from the simulation's outcome."""

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.data.benchmarks import MARKETING_CLAIM
from analysis.data.connect import Tables
from analysis.evidence import Estimate, Forecast, Grade, Observed, Prior, grade_of
from analysis.params import StrategiesParams
from analysis.recipes.resolver import reads
from analysis.touch import wording
from analysis.touch.labels import strategy_labels
from analysis.touch.money import LEDGER
from analysis.touch.outcome import outcome_from
from analysis.touch.population import HISTORY_PREFIX
from analysis.touch.strategies import AS_HISTORY, NO_TOUCH, load_strategies
from analysis.touch.summary import CONFIDENCE, MEASURES, Spread
from analysis.touch.verdict import Kind, reach_verdict

_GRADE: Final = grade_of(Forecast((Observed(), Prior())))
"""A forecast that rests on priors, whatever experiments have moved."""
_RESULTS: Final = ("incremental_orders", "incremental_repurchase_rate", "incremental_profit", "deletions", "p_best")


def strategy_verdict(strategy_totals: pd.DataFrame, strategy_effects: pd.DataFrame) -> dict[str, Any]:
    """What the simulation allows to say: kind (best, rest, not_sure), winner, runner-up, lead, test.

    ``focus`` is the strategy the page looks into: the winner, or the best one that touches where doing nothing wins.
    """
    outcome = outcome_from(strategy_totals, effects=strategy_effects)
    verdict = reach_verdict(outcome)
    focus = verdict.winner if verdict.winner != NO_TOUCH else verdict.runner_up
    return {
        "kind": verdict.kind.value,
        "winner": verdict.winner,
        "runner_up": verdict.runner_up,
        "focus": focus,
        "p_best": verdict.p_best,
        "lead": verdict.lead._asdict(),
        "over_history": None if verdict.over_history is None else verdict.over_history._asdict(),
        "reached": verdict.reached,
        "per_arm": verdict.per_arm,
        "horizon_days": outcome.checkpoints[-1],
        "n_customers": outcome.n_customers,
        "n_simulated": outcome.n_simulated,
        "replicates": outcome.totals.shape[2],
        "draws": outcome.totals.shape[2] // outcome.lanes_per_draw,
    }


def strategy_headline(
    strategy_verdict: dict[str, Any],
    strategy_outcomes: pd.DataFrame,
    strategy_ledger: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategies_params: StrategiesParams,
) -> dict[str, Any]:
    """Numbers and labels for the page's sentences, by name."""
    v, n = strategy_verdict, strategy_verdict["n_customers"]
    labels = strategy_labels(strategies_params.strategies)
    focus = {measure: _estimate(strategy_outcomes, v["focus"], measure) for measure in (*MEASURES, "p_best")}
    touching = strategy_outcomes[strategy_outcomes["strategy"] != NO_TOUCH]
    lost = touching[touching["measure"] == "incremental_deletions"].set_index("strategy")["value"]
    profit = touching[touching["measure"] == "incremental_profit"]
    account = strategy_ledger[strategy_ledger["strategy"] == v["focus"]].set_index("entry")["value"]
    found: dict[str, Any] = {
        "profit": focus["incremental_profit"],
        "worth": _spread(v["lead"], n=n) if v["winner"] == NO_TOUCH else focus["incremental_profit"],
        "orders": focus["incremental_orders"],
        "repurchase": focus["incremental_repurchase_rate"],
        "deletions": focus["incremental_deletions"],
        "staff_hours": focus["staff_hours"],
        "p_best": _estimate(strategy_outcomes, v["winner"], "p_best"),
        "p_best_error": Estimate(math.sqrt(v["p_best"] * (1 - v["p_best"]) / v["draws"]), "points"),
        "lead": _spread(v["lead"], n=n),
        "over_history": _spread(v["over_history"], n=n),
        "most_deletions": _estimate(strategy_outcomes, str(lost.idxmax()), "incremental_deletions"),
        "n_strategies": Estimate(len(profit), "count"),
        "n_better": Estimate(int((profit["ci_lower"] > 0).sum()), "count"),
        "margin": Estimate(float(account["margin"]), "money", grade=_GRADE),
        "costs": Estimate(-float(account.drop("margin").sum()), "money", grade=_GRADE),
        "horizon": Estimate(v["horizon_days"], "days"),
        "per_arm": Estimate(v["per_arm"], "customers", grade=_GRADE),
        "reached": Estimate(round(v["reached"]), "customers", grade=_GRADE),
        "margin_share": Estimate(strategy_economics["margin_share"], "share"),
        "wage": Estimate(strategy_economics["wage_per_hour"], "money"),
        **{name: Estimate(v[name], unit) for name, unit in _COUNTS.items()},
    }
    found["most_deleting"] = labels[str(lost.idxmax())]
    idle = touching[(touching["measure"] == "touches") & (touching["value"] == 0)]["strategy"]
    nobody = [labels[str(name)] for name in idle if name != AS_HISTORY]
    found["nobody"] = {"zh": "、".join(x["zh"] for x in nobody), "en": ", ".join(x["en"] for x in nobody)}
    names = {name: labels[v[name]] for name in ("winner", "runner_up", "focus")}
    return {name: _plain(value) for name, value in {**found, **names}.items() if value is not None}


_COUNTS: Final = {"n_customers": "customers", "n_simulated": "customers", "replicates": "times", "draws": "times"}


def strategy_words(
    strategy_verdict: dict[str, Any],
    strategy_outcomes: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategy_season: dict[str, Any],
    strategy_run_words: dict[str, Any],
    strategy_segment_words: dict[str, Any],
    strategy_flip_words: dict[str, Any],
    strategy_explorer_words: dict[str, Any],
    exam_verdicts: dict[str, Any],
    tables: Tables,
    strategy_experience: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The sentences that depend on what came out: the decision and why, openings of sections, what was assumed."""
    v = strategy_verdict
    kind = Kind(v["kind"])
    table = strategy_outcomes.pivot(index="strategy", columns="measure", values=["value", "ci_lower"]).drop(NO_TOUCH)
    lacking = {
        "touches": not tables.has("touches"),
        "contacts": not tables.has("contacts"),
        "margin": not strategy_economics["margin_measured"],
        "wage": not strategy_economics["wage_measured"],
    }
    assumed = [wording.ASSUMED[name] for name, lacks in lacking.items() if lacks] or [wording.ASSUMED["nothing"]]
    assumed.append(wording.season_note(strategy_season["reason"]))
    idle = table.index[table["value", "touches"].eq(0) & (table.index != AS_HISTORY)]
    if len(idle):
        assumed.append(wording.nobody_note())
    past = v["over_history"] is not None and v["runner_up"] != AS_HISTORY and tables.has("touches")
    experience = "none" if strategy_experience is None else str(strategy_experience["state"])
    why, per_arm = wording.reasons(kind, over_history=past, experience=experience), v["per_arm"]
    test = wording.settling_test(affordable=per_arm is not None and 2 * per_arm <= v["reached"])
    return {
        "answer": wording.answer(kind),
        "decision": {
            **wording.decision(kind, about_the_past=v["focus"] == AS_HISTORY),
            "why": why,
            "worth_label": wording.worth_label(of_holding_back=v["winner"] == NO_TOUCH),
            "reasons_to_change": [wording.turning_point(), test],
        },
        **wording.sections(
            any_better=bool((table["ci_lower", "incremental_profit"] > 0).any()),
            focus_hurts_most=table["value", "incremental_deletions"].idxmax() == v["focus"],
            same_early=strategy_run_words["same"],
            same_everywhere=strategy_segment_words["same"],
            rarely=strategy_explorer_words["rarely"],
            checked=strategy_flip_words["checked"],
            exam=exam_verdicts["state"],
        ),
        "exam_caveat": wording.EXAM_CAVEAT,
        "checked": wording.checked_flip(holds=strategy_flip_words["checked"] == "holds"),
        "assumed": {language: "\n\n".join(label[language] for label in assumed) for language in ("zh", "en")},
    }


def strategy_profit(
    strategy_outcomes: pd.DataFrame, strategy_verdict: dict[str, Any], strategies_params: StrategiesParams
) -> pd.DataFrame:
    """One row per strategy, highest incremental profit first: profit and its interval, chance of being best."""
    table = _measured(strategy_outcomes, ["incremental_profit", "p_best"], params=strategies_params)
    table = table.drop(columns=["p_best_ci_lower", "p_best_ci_upper"])
    table = table.assign(grade=_GRADE.value, recommended=table["strategy"] == strategy_verdict["winner"])
    return table.sort_values("incremental_profit", ascending=False, ignore_index=True).drop(columns="strategy")


def strategy_frontier(
    strategy_outcomes: pd.DataFrame, strategy_verdict: dict[str, Any], strategies_params: StrategiesParams
) -> pd.DataFrame:
    """One row per strategy, fewest deletions first: deletions and profit against no touch, and the frontier.

    On the frontier no other strategy earns more with as few deletions.
    """
    measures = ["incremental_deletions", "incremental_profit"]
    table = _measured(strategy_outcomes, measures, params=strategies_params)
    table = table.sort_values(["incremental_deletions", "incremental_profit"], ascending=[True, False])
    best_before = table["incremental_profit"].cummax().shift(fill_value=-np.inf)
    table = table.assign(
        on_frontier=table["incremental_profit"] > best_before,
        recommended=table["strategy"] == strategy_verdict["winner"],
    )
    return table.drop(columns="strategy").reset_index(drop=True)


def strategy_account(strategy_ledger: pd.DataFrame, strategy_verdict: dict[str, Any]) -> pd.DataFrame:
    """The ledger of the strategy looked into, against no touch: one row per entry, its profit last (the sum)."""
    rows = strategy_ledger[strategy_ledger["strategy"] == strategy_verdict["focus"]].set_index("entry")["value"]
    amounts = {**{name: float(rows[name]) for name in LEDGER}, "profit": float(rows.sum())}
    return pd.DataFrame(
        [
            {
                "entry_zh": wording.ENTRY_LABELS[name]["zh"],
                "entry_en": wording.ENTRY_LABELS[name]["en"],
                "amount": amount,
            }
            for name, amount in amounts.items()
            if amount != 0 or name in {"margin", "profit"}
        ]
    )


def strategy_table(strategy_outcomes: pd.DataFrame, strategies_params: StrategiesParams) -> pd.DataFrame:
    """One row per strategy, highest profit first: what it earns and costs."""
    return _full(strategy_outcomes, measures=_OF_MONEY, params=strategies_params)


def strategy_choices(strategy_outcomes: pd.DataFrame, strategies_params: StrategiesParams) -> pd.DataFrame:
    """One row per strategy, highest profit first: what it earns, what it spends, how many contacts it loses."""
    measures = ["incremental_profit", "cost", "incremental_deletions"]
    table = _measured(strategy_outcomes, measures, params=strategies_params).assign(grade=_GRADE.value)
    return table.sort_values("incremental_profit", ascending=False, ignore_index=True).drop(columns="strategy")


def strategy_people(strategy_outcomes: pd.DataFrame, strategies_params: StrategiesParams) -> pd.DataFrame:
    """One row per strategy, highest profit first: what it does to customers, and the hours it takes."""
    table = _full(strategy_outcomes, measures=("incremental_profit", *_OF_PEOPLE), params=strategies_params)
    return table.drop(columns=[name for name in table.columns if str(name).startswith("incremental_profit")])


_OF_MONEY: Final = ("incremental_profit", "p_best", "incremental_revenue", "cost", "roi")
_OF_PEOPLE: Final = (
    "incremental_repurchase_rate",
    "incremental_orders",
    "incremental_deletions",
    "refusals",
    "touches",
    "reach",
    "staff_hours",
)
_NO_INTERVAL: Final = ("incremental_orders", "refusals", "touches", "reach", "staff_hours", "cost", "p_best")


def _full(outcomes: pd.DataFrame, *, measures: tuple[str, ...], params: StrategiesParams) -> pd.DataFrame:
    table = _measured(outcomes, list(measures), params=params)
    narrow = [f"{name}_ci_{end}" for name in _NO_INTERVAL for end in ("lower", "upper")]
    table = table.sort_values("incremental_profit", ascending=False, ignore_index=True)
    return table.drop(columns=["strategy", *narrow], errors="ignore")


@reads(strategy_customers=lambda names: [name for name in names if name.startswith(HISTORY_PREFIX)])
def strategy_channel_rates(
    strategy_channels: pd.DataFrame,
    strategy_customers: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategies_params: StrategiesParams,
) -> pd.DataFrame:
    """The channels that a strategy or the past uses: read and confirmation rate with grade, cost, source.

    ``cost_per_thousand`` (currency) holds the staff time of a thousand touches too.
    """
    wage = float(strategy_economics["wage_per_hour"])
    used = {s.channel for strategy in load_strategies(strategies_params.strategies).strategies for s in strategy.steps}
    columns = [str(name) for name in strategy_customers.columns]
    used |= {name.removeprefix(HISTORY_PREFIX) for name in columns if name.startswith(HISTORY_PREFIX)}
    table = strategy_channels[strategy_channels["channel"].isin(used)]
    claimed = table["read_grade"] == "D"
    source = {
        language: np.where(table["read_benchmark"].notna(), MARKETING_CLAIM[language], wording.ASSUMPTION[language])
        for language in ("zh", "en")
    }
    return pd.DataFrame(
        {
            "channel_zh": table["channel_zh"],
            "channel_en": table["channel_en"],
            "read_rate": table["read_rate"],
            "grade": table["read_grade"],
            "confirm_rate": table["confirm_rate"].where(table["needs_staff"]),
            "cost_per_thousand": 1000 * (table["cost"] + table["staff_minutes"] / 60 * wage),
            "source_zh": np.where(claimed, source["zh"], "本店触达记录"),
            "source_en": np.where(claimed, source["en"], "this shop's touches"),
        }
    ).reset_index(drop=True)


def strategy_results(
    strategy_outcomes: pd.DataFrame,
    exam_verdicts: dict[str, Any],
    strategy_experience: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Entries of ``results.json``: ``by_strategy.<name>.<measure>`` and ``exam_passed`` (1 or 0, null if not known).

    ``n_experiments_learned`` where the predecessor's experiments were looked at.
    """
    passed = exam_verdicts["passed"]
    exam = Estimate(None if passed is None else int(passed), "count", n=exam_verdicts["n_rows"])
    found = {"exam_passed": exam.as_result(), **_by_strategy(strategy_outcomes)}
    if strategy_experience is not None:
        found["n_experiments_learned"] = Estimate(strategy_experience["n_experiments"], "count").as_result()
    return found


def _by_strategy(strategy_outcomes: pd.DataFrame) -> dict[str, Any]:
    return {
        f"by_strategy.{name}.{measure}": _estimate(strategy_outcomes, str(name), measure).as_result()
        for name in dict.fromkeys(strategy_outcomes["strategy"])
        for measure in _RESULTS
    }


def _labelled(table: pd.DataFrame, *, params: StrategiesParams) -> pd.DataFrame:
    """Return the table with the strategy's names as its first columns."""
    labels = strategy_labels(params.strategies)
    named = table.copy()
    named.insert(0, "strategy_zh", [labels[name]["zh"] for name in table["strategy"]])
    named.insert(1, "strategy_en", [labels[name]["en"] for name in table["strategy"]])
    return named


def _measured(outcomes: pd.DataFrame, measures: list[str], *, params: StrategiesParams) -> pd.DataFrame:
    """Return one row per strategy with the measures side by side, each with the ends of its interval."""
    wide = pd.DataFrame({"strategy": list(dict.fromkeys(outcomes["strategy"]))})
    for measure in measures:
        rows = outcomes[outcomes["measure"] == measure].set_index("strategy")
        wide[measure] = rows["value"].reindex(wide["strategy"]).to_numpy()
        # Against itself no_touch is 0 by definition, without an interval.
        defined = wide["strategy"].eq(NO_TOUCH) & measure.startswith("incremental")
        for end in ("ci_lower", "ci_upper"):
            wide[f"{measure}_{end}"] = rows[end].reindex(wide["strategy"]).mask(defined.to_numpy()).to_numpy()
    return _labelled(wide.assign(confidence_level=CONFIDENCE), params=params)


def _estimate(outcomes: pd.DataFrame, strategy: str, measure: str) -> Estimate:
    chosen = outcomes[(outcomes["strategy"] == strategy) & (outcomes["measure"] == measure)]
    row = chosen.to_dict("records")[0]
    unit = "points" if measure == "incremental_repurchase_rate" else str(row["unit"])
    ends = (float(row["ci_lower"]), float(row["ci_upper"]), CONFIDENCE)
    return Estimate(float(row["value"]), unit, *ends, grade=Grade(row["grade"]), n=int(row["n"]))


def _spread(spread: dict[str, float] | None, *, n: int) -> Estimate | None:
    if spread is None:
        return None
    known = Spread(**spread)
    return Estimate(known.value, "money", known.ci_lower, known.ci_upper, CONFIDENCE, grade=_GRADE, n=n)


def _plain(value: Any) -> Any:
    return value.as_result() if isinstance(value, Estimate) else value
