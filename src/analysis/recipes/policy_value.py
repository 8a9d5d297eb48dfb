"""From logged decisions to what other policies would have earned.

The chain: ``policy_value_decisions`` (the log, by customer) → ``policy_value_frame`` (what the columns are, or why the
log is refused) → ``policy_value_forecasts`` (cross-fitted reward model) → ``policy_value_estimates`` (every policy by
every estimator), ``policy_value_calibration`` (whether the probabilities can be the designed ones) and
``policy_value_periods`` (whether it held over time).
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.data.connect import Tables
from analysis.evidence import Grade, Observed, Randomised, grade_of
from analysis.experiment.policies import Policy, always, given, learned, uniform
from analysis.experiment.policy_checks import ACTION_COLUMNS, PERIOD_COLUMNS, by_period, calibration, drift_pvalue
from analysis.experiment.policy_log import Log, log_refusal, read_log
from analysis.experiment.policy_value import VALUE_COLUMNS, Setting, value_policies
from analysis.experiment.policy_verdict import choose
from analysis.experiment.reward_model import forecast_rewards, learn_actions
from analysis.params import PolicyValueParams

_TABLE: Final = "decisions"
_OWN: Final = ("decision_id", "customer_id", "action", "propensity", "reward", "decided_at", "decided_on")
_MOST_PERIODS: Final = 8
_FEWEST_A_PERIOD: Final = 200
_SHORTEST_PERIOD: Final = 7  # days


def policy_value_decisions(tables: Tables) -> pd.DataFrame:
    """One row per logged decision, sorted by customer: the columns of ``decisions`` and all that came along."""
    found: pd.DataFrame = tables.lazy(_TABLE, needed_by="policy_value").collect("pandas").to_native()
    return found.sort_values(["customer_id", "decision_id"], ignore_index=True)


def policy_value_frame(policy_value_decisions: pd.DataFrame, policy_value_params: PolicyValueParams) -> dict[str, Any]:
    """What the log is: ``refusal`` (see ``policy_log.log_refusal``) or None, ``reward`` (rate, money, number),
    ``context`` (columns known before), ``n``, ``n_customers``, ``first_on`` and ``last_on``.
    """  # noqa: D205 - one sentence over two lines
    decisions, params = policy_value_decisions, policy_value_params
    rewards = decisions["reward"].astype("float64")
    is_binary = bool(rewards.dropna().isin([0.0, 1.0]).all()) and not params.costs
    kind = params.reward or ("rate" if is_binary else "number")
    refusal = log_refusal(decisions)
    if refusal is None and kind == "rate" and not is_binary:
        refusal = {"reason": "not_a_rate", "found": int((~rewards.isin([0.0, 1.0])).sum()), "needed": 0}
    of_policies = {
        column
        for columns in params.policies.values()
        for column in ([columns] if isinstance(columns, str) else columns.values())
    }
    further = [str(name) for name in decisions.columns if name not in {*_OWN, *of_policies}]
    days = decisions["decided_on"].dropna() if "decided_on" in decisions else pd.Series(dtype="object")
    return {
        "refusal": refusal,
        "reward": kind,
        "context": further if params.context is None else list(params.context),
        "n": len(decisions),
        "n_customers": int(decisions["customer_id"].nunique() + decisions["customer_id"].isna().sum()),
        "first_on": None if days.empty else str(pd.Timestamp(days.min()).date()),
        "last_on": None if days.empty else str(pd.Timestamp(days.max()).date()),
    }


def policy_value_forecasts(
    policy_value_decisions: pd.DataFrame,
    policy_value_frame: dict[str, Any],
    policy_value_params: PolicyValueParams,
    seed: int,
) -> pd.DataFrame:
    """Forecast reward of each action for each decision (columns: actions), cross-fitted; none where refused."""
    if policy_value_frame["refusal"]:
        return pd.DataFrame()
    log = _log(policy_value_decisions, policy_value_frame, policy_value_params)
    return pd.DataFrame(forecast_rewards(log, seed=seed), columns=list(log.actions))


def policy_value_estimates(
    policy_value_decisions: pd.DataFrame,
    policy_value_frame: dict[str, Any],
    policy_value_forecasts: pd.DataFrame,
    policy_value_params: PolicyValueParams,
    seed: int,
) -> pd.DataFrame:
    """One row per policy and estimator, see ``experiment.policy_value.value_policies``; none where refused."""
    if policy_value_frame["refusal"]:
        return pd.DataFrame(columns=list(VALUE_COLUMNS))
    params = policy_value_params
    log = _log(policy_value_decisions, policy_value_frame, params)
    forecast = policy_value_forecasts.to_numpy(dtype=np.float64)
    policies = _policies(log, policy_value_decisions, params=params, seed=seed)
    setting = Setting(
        forecast,
        seed,
        confidence_level=params.confidence_level,
        fewest_effective=params.min_ess,
        is_binary=policy_value_frame["reward"] == "rate",
        switch_threshold=params.switch_threshold,
    )
    return value_policies(log, policies, setting=setting)


def policy_value_actions(
    policy_value_decisions: pd.DataFrame, policy_value_frame: dict[str, Any], policy_value_params: PolicyValueParams
) -> pd.DataFrame:
    """One row per action: how often it was logged, its plain mean reward, what its weights average."""
    if policy_value_frame["refusal"]:
        return pd.DataFrame(columns=list(ACTION_COLUMNS))
    log = _log(policy_value_decisions, policy_value_frame, policy_value_params)
    return calibration(log, confidence_level=policy_value_params.confidence_level).table


def policy_value_calibration(
    policy_value_decisions: pd.DataFrame, policy_value_frame: dict[str, Any], policy_value_params: PolicyValueParams
) -> dict[str, Any]:
    """Whether the probabilities can be the designed ones, and the grade that follows.

    Keys: ``holds``, ``pvalue`` (of the worst check, all counted), ``worst`` (action), ``column`` (of context, or ""),
    ``n_actions``, ``mean_inverse`` (value and ends), ``grade``, ``doubt`` (estimated, weights or "").
    """
    if policy_value_frame["refusal"]:
        return {"holds": False, "grade": Grade.OBSERVATIONAL.value, "doubt": ""}
    log = _log(policy_value_decisions, policy_value_frame, policy_value_params)
    found = calibration(log, confidence_level=policy_value_params.confidence_level)
    doubt = "weights" if not found.holds else ""
    if policy_value_params.propensities == "estimated":
        doubt = "estimated"
    return {
        "holds": found.holds,
        "pvalue": found.pvalue,
        "worst": found.worst,
        "column": found.column,
        "n_actions": found.n_actions,
        "mean_inverse": list(found.mean_inverse),
        "grade": grade_of(Observed() if doubt else Randomised(split="ok")).value,
        "doubt": doubt,
    }


def policy_value_verdict(
    policy_value_estimates: pd.DataFrame, policy_value_params: PolicyValueParams
) -> dict[str, Any]:
    """What stands: ``kind`` (see ``experiment.policy_verdict``) and the ``policy`` it is about."""
    found = choose(policy_value_estimates, lower_is_better=policy_value_params.lower_is_better)
    return {"kind": found.kind.value, "policy": found.policy}


def policy_value_periods(
    policy_value_decisions: pd.DataFrame,
    policy_value_frame: dict[str, Any],
    policy_value_forecasts: pd.DataFrame,
    policy_value_verdict: dict[str, Any],
    policy_value_params: PolicyValueParams,
    seed: int,
) -> pd.DataFrame:
    """One row per period of the log: value as logged and of the verdict's policy; none without dates or too short."""
    blank = pd.DataFrame(columns=list(PERIOD_COLUMNS))
    frame, decisions = policy_value_frame, policy_value_decisions
    if policy_value_verdict["policy"] is None or frame["first_on"] is None:
        return blank
    first, last = pd.Timestamp(frame["first_on"]), pd.Timestamp(frame["last_on"])
    span = (last - first).days + 1
    n_periods = min(_MOST_PERIODS, span // _SHORTEST_PERIOD, frame["n"] // _FEWEST_A_PERIOD)
    if n_periods < 2:
        return blank
    log = _log(decisions, frame, policy_value_params)
    forecast = policy_value_forecasts.to_numpy(dtype=np.float64)
    known = {p.name: p for p in _policies(log, decisions, params=policy_value_params, seed=seed)}
    since = (pd.to_datetime(decisions["decided_on"]) - first).dt.days
    periods = (since * n_periods // span).fillna(-1).to_numpy(dtype=np.int64)
    begins = [first + pd.Timedelta(days=int(np.ceil(place * span / n_periods))) for place in range(n_periods)]
    found = by_period(
        log, known[policy_value_verdict["policy"]], forecast=forecast, periods=periods,
        labels=[day.date() for day in begins], confidence_level=policy_value_params.confidence_level,
    )  # fmt: skip
    return found[found["n"] > 1].reset_index(drop=True)


def policy_value_drift(policy_value_periods: pd.DataFrame) -> dict[str, Any]:
    """Chance that a constant varies as much over the periods: of the ``logged`` reward and of the ``difference``."""
    rows = policy_value_periods
    return {
        name: drift_pvalue(rows[name].tolist(), rows[f"{name}_std_error"].tolist()) for name in ("logged", "difference")
    }


def _log(decisions: pd.DataFrame, frame: dict[str, Any], params: PolicyValueParams) -> Log:
    return read_log(decisions, context=frame["context"], costs=params.costs)


def _policies(log: Log, decisions: pd.DataFrame, *, params: PolicyValueParams, seed: int) -> list[Policy]:
    constant = [always(log, action) for action in range(len(log.actions))] if params.constant else []
    told = [given(log, decisions, name=name, columns=columns) for name, columns in params.policies.items()]
    best = learn_actions(log, seed=seed, lower_is_better=params.lower_is_better)
    return [*told, uniform(log), learned(best), *constant]
