"""What the decision hangs on: shares of variance by assumption, and the value of each that would change the winner.

The chain: ``strategy_leads`` (the leader's lead over its rivals in every possible world) → ``strategy_sensitivity``
(indices and turning points by assumption) → ``strategy_flip_check`` (the first turning point, simulated on both sides).
"""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.params import StrategiesParams
from analysis.touch.labels import assumption_names
from analysis.touch.outcome import Outcome, outcome_from
from analysis.touch.sensitivity import fit_surrogate, flip_point, main_effect, sobol_indices, uniform_ranks
from analysis.touch.strategies import NO_TOUCH
from analysis.touch.summary import CONFIDENCE, increments, luck_variance
from analysis.touch.trial import Trial, effects_of, narrowed, ready, run_trial, trial_of

_RIVALS: Final = 2
_CUSTOMERS: Final = 20_000  # of more, every draw simulates so many of its own
_CHECKED_DRAWS: Final = 80
_ASIDE: Final = 0.2  # how far from a turning point it is checked, in the prior's own shares
_Z: Final = 1.2816


def strategy_leads(
    strategy_population: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategy_season: dict[str, Any],
    strategy_totals: pd.DataFrame,
    strategy_verdict: dict[str, Any],
    strategies_params: StrategiesParams,
    as_of: date,
    seed: int,
) -> pd.DataFrame:
    """The leader's lead over each of its nearest rivals: one row per rival and draw of the effects.

    ``rival``, ``draw``, ``lead`` (currency) and ``luck`` (variance of the lead that luck alone causes). The runner-up
    comes first.
    """
    known = outcome_from(strategy_totals, effects=strategy_effects)
    winner, rivals = strategy_verdict["winner"], _rivals(known, verdict=strategy_verdict)
    trial = _trial(
        strategy_population, strategy_channels, strategy_economics, strategy_season, strategies_params, as_of, seed
    )
    outcome = _simulated(narrowed(trial, to=[winner, *rivals]), strategy_effects, params=strategies_params)
    gain, before = increments(outcome)["incremental_profit"], increments(known)["incremental_profit"]
    parts = []
    for rival in rivals:
        lead = gain[outcome.strategies.index(winner)] - gain[outcome.strategies.index(rival)]
        past = before[known.strategies.index(winner)] - before[known.strategies.index(rival)]
        luck = luck_variance(past, lanes_per_draw=known.lanes_per_draw) * known.n_simulated / outcome.n_simulated
        parts.append(pd.DataFrame({"rival": rival, "draw": np.arange(len(lead)), "lead": lead, "luck": luck}))
    return pd.concat(parts, ignore_index=True)


def strategy_sensitivity(
    strategy_leads: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategies_params: StrategiesParams,
    seed: int,
) -> pd.DataFrame:
    """What the lead over the runner-up hangs on, and what would turn it: one row per assumption, highest total first.

    ``first_order`` and ``total_order`` (Sobol indices, 0-1, with 80 % intervals); ``prior_middle``; ``flip_value``, the
    value nearest to the middle of the prior's 95 % range at which ``flip_rival`` would draw level, all else as drawn,
    ``flip_place`` (0-1, in the prior) and ``flip_below`` (whether the rival leads below it); missing where there is no
    such value. ``explained`` is the share of the lead's variance that the assumptions explain.
    """
    felt = assumption_names(
        effects=strategies_params.effects, strategies=strategies_params.strategies, channels=strategy_channels
    )
    names = [name for name in felt if name in strategy_effects and strategy_effects[name].nunique() > 1]
    values = strategy_effects[names].to_numpy(dtype=float)
    uniform = uniform_ranks(values)
    by_rival = {str(rival): rows for rival, rows in strategy_leads.groupby("rival", sort=False)}
    leads = {rival: rows["lead"].to_numpy(dtype=float) for rival, rows in by_rival.items()}
    first = next(iter(by_rival))
    luck = float(by_rival[first]["luck"].iloc[0])
    fitted = {rival: fit_surrogate(uniform, lead) for rival, lead in leads.items()}
    found = sobol_indices(uniform, leads[first], luck=luck, seed=seed)
    table = pd.DataFrame(
        {
            "effect": names,
            **{f"{order}_order{end}": getattr(found, f"{order}{end}") for order in ("first", "total") for end in _ENDS},
            "prior_middle": np.median(values, axis=0),
        }
    )
    # An assumption whose share of the variance is not told from none turns nothing that could be told either.
    flips = [
        _flip(place, fitted=fitted, leads=leads, values=values) if found.total_ci_lower[place] > 0 else dict(_NO_FLIP)
        for place in range(len(names))
    ]
    table = pd.concat([table, pd.DataFrame(flips, columns=list(_NO_FLIP))], axis=1)
    table = table.assign(explained=fitted[first].explained, confidence_level=CONFIDENCE, draws=len(values))
    return table.sort_values("total_order", ascending=False, kind="stable", ignore_index=True)


_ENDS: Final = ("", "_ci_lower", "_ci_upper")
_NO_FLIP: Final = {"flip_value": np.nan, "flip_place": np.nan, "flip_below": None, "flip_rival": None}


def strategy_flip_check(
    strategy_population: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategy_effects: pd.DataFrame,
    strategy_economics: dict[str, Any],
    strategy_season: dict[str, Any],
    strategy_verdict: dict[str, Any],
    strategy_sensitivity: pd.DataFrame,
    strategies_params: StrategiesParams,
    as_of: date,
    seed: int,
) -> dict[str, Any]:
    """The first turning point, simulated: the lead with that assumption held below and above it, all others as drawn.

    Keys: ``effect``, ``rival``, ``low_value``, ``high_value`` (the assumption), ``lead_low``, ``lead_high`` (currency),
    ``lead_low_error``, ``lead_high_error`` (standard errors) and ``holds`` (whether the lead changes sign, beyond its
    error at 80 %); empty where no assumption turns the decision.
    """
    turning = strategy_sensitivity[strategy_sensitivity["flip_value"].notna()]
    if turning.empty:
        return {}
    row = turning.iloc[0]
    winner, rival, effect = strategy_verdict["winner"], str(row["flip_rival"]), str(row["effect"])
    trial = _trial(
        strategy_population, strategy_channels, strategy_economics, strategy_season, strategies_params, as_of, seed
    )
    trial = ready(narrowed(trial, to=[winner, rival]))
    found: dict[str, Any] = {"effect": effect, "rival": rival}
    for end, place in (("low", row["flip_place"] - _ASIDE), ("high", row["flip_place"] + _ASIDE)):
        value = float(np.quantile(strategy_effects[effect], np.clip(place, 0.005, 0.995)))
        held = strategy_effects.head(_CHECKED_DRAWS).assign(**{effect: value})
        outcome = _simulated(trial, held, params=strategies_params)
        gain = increments(outcome)["incremental_profit"]
        lead = gain[outcome.strategies.index(winner)] - gain[outcome.strategies.index(rival)]
        error = float(lead.std(ddof=1) / np.sqrt(len(lead)))
        found |= {f"{end}_value": value, f"lead_{end}": float(lead.mean()), f"lead_{end}_error": error}
    below, above = (found[f"lead_{end}"] for end in ("low", "high"))
    sure = all(abs(found[f"lead_{end}"]) > _Z * found[f"lead_{end}_error"] for end in ("low", "high"))
    return {**found, "holds": bool(sure and below * above < 0)}


def _trial(
    customers: pd.DataFrame,
    channels: pd.DataFrame,
    economics: dict[str, Any],
    season: dict[str, Any],
    params: StrategiesParams,
    as_of: date,
    seed: int,
) -> Trial:
    return trial_of(
        customers,
        channels=channels,
        economics=economics,
        season=season["factors"],
        strategies=params.strategies,
        cap_mode=params.cap_mode,
        as_of=as_of,
        seed=seed,
    )


def _simulated(trial: Trial, effects: pd.DataFrame, *, params: StrategiesParams) -> Outcome:
    return run_trial(
        trial,
        effects=effects_of(effects),
        horizon_days=params.horizon_days,
        lanes_per_draw=1,
        sample_customers=min(params.sample_customers or _CUSTOMERS, _CUSTOMERS),
    )


def _rivals(outcome: Outcome, *, verdict: dict[str, Any]) -> list[str]:
    """Return the runner-up and the next ones by mean profit; doing nothing under another name is none."""
    gain = increments(outcome)["incremental_profit"]
    ranked = [outcome.strategies[int(i)] for i in np.argsort(-gain.mean(axis=1), kind="stable")]
    real = [n for n in ranked if n == NO_TOUCH or np.any(gain[outcome.strategies.index(n)] != 0)]
    others = [name for name in real if name not in {verdict["winner"], verdict["runner_up"]}]
    return [verdict["runner_up"], *others[: _RIVALS - 1]]


def _flip(place: int, *, fitted: dict[str, Any], leads: dict[str, Any], values: Any) -> dict[str, Any]:
    """Return the turning point nearest to the middle of the prior over all rivals."""
    uniform = uniform_ranks(values)
    found = {rival: flip_point(fitted[rival], uniform, lead, which=place) for rival, lead in leads.items()}
    known = {rival: at for rival, at in found.items() if at is not None}
    if not known:
        return dict(_NO_FLIP)
    rival = min(known, key=lambda name: abs(known[name] - 0.5))
    at = known[rival]
    aside = np.array([max(at - 0.02, 0.0), min(at + 0.02, 1.0)])
    below, above = main_effect(fitted[rival], uniform, leads[rival], which=place, at=aside)
    return {
        "flip_value": float(np.quantile(values[:, place], at)),
        "flip_place": at,
        "flip_below": bool(below < above),
        "flip_rival": rival,
    }
