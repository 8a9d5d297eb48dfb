"""Row 3: whom to touch: those at risk or those a message moves; and what touching everybody does to churn."""

from typing import Final

import numpy as np
import pandas as pd

from analysis.touch.exam.judging import paired
from analysis.touch.exam.setting import Setting, days_of, exam_customers, plans, run, told, touches
from analysis.touch.exam.verdicts import Verdict, verdict
from analysis.touch.money import profit
from analysis.touch.uplift_rank import uplift_rank

__all__ = ["targeting_verdicts"]

_DAYS: Final = 90
_PER_MONTH: Final = 4
_TOUCHED: Final = 0.25  # share of the customers that the budget pays for
_DOGS_AT_RISK: Final = 0.35  # of customers sure to leave so many are sleeping dogs; of the others fewer in proportion
_ASCARZA_2018: Final = "Ascarza 2018 JMR"
_ASCARZA_2016: Final = "Ascarza, Iyengar, Schleicher 2016 JMR: 10.0 % churn with contact, 6.4 % without"


def targeting_verdicts(setting: Setting) -> list[Verdict]:
    """Row 3: at equal budget, targeting by risk earns less than by lift; contacting everybody raises churn."""
    customers = _customers(setting)
    days = days_of(_PER_MONTH, days=_DAYS)
    by_risk, by_lift = (
        touches(days, audience=[{"column": column, "op": "<=", "value": _TOUCHED}]) for column in ("by_risk", "by_lift")
    )
    outcome = run(
        setting, customers, plans({"by_risk": by_risk, "by_lift": by_lift, "everybody": touches(days)}), days=_DAYS
    )
    place = {name: outcome.strategies.index(name) for name in outcome.strategies}
    earned = profit(outcome.totals[place["by_risk"], -1]) - profit(outcome.totals[place["by_lift"], -1])
    assigned = [told(outcome, name, "assigned").mean() for name in ("by_risk", "by_lift")]
    with_, without = (told(outcome, name, "lapsed") / len(customers) for name in ("everybody", "no_touch"))
    before = 1 - float(customers["p_alive"].mean())
    left = [(gone.mean() - before) / (1 - before) for gone in (with_, without)]
    return [
        verdict(
            "3a",
            paired(earned / (_TOUCHED * len(customers))),
            zh="同样预算，按流失风险选人比按增量选人少赚（每位被选客户）",
            en="at equal budget, targeting by risk earns less than by lift (per customer chosen)",
            below=0.0,
            unit="money",
            source=_ASCARZA_2018,
            note=f"touches planned: {assigned[0]:.0f} by risk, {assigned[1]:.0f} by lift",
        ),
        verdict(
            "3b",
            paired(with_ - without),
            zh="有“沉睡的狗”时，人人触达使流失上升",
            en="with sleeping dogs present, contacting everybody raises churn",
            above=0.0,
            unit="share",
            source=_ASCARZA_2016,
            note=f"of those there at first {left[0]:.1%} leave in {_DAYS} days with contact, {left[1]:.1%} without",
        ),
    ]


def _customers(setting: Setting) -> pd.DataFrame:
    """Return the shop with a score of risk (by the clock), sleeping dogs among those at risk, and ranks by both."""
    table = exam_customers(setting.n_customers, seed=setting.seed)
    days, shape = table["rate_days"], table["rate_shape"]
    silent = (days / (days + 60.0)) ** shape
    risk = (1 - table["p_alive"] * (1 - silent)).to_numpy(dtype=float)
    dogs = _DOGS_AT_RISK * risk
    # Expected margin that a message adds: pace × chance of being there × chance of not being a sleeping dog.
    lift = (table["p_alive"] * shape / days * table["order_value"]).to_numpy(dtype=float) * (1 - dogs)
    return table.assign(sleeping_dog=dogs, by_risk=uplift_rank(risk), by_lift=uplift_rank(np.asarray(lift)))
