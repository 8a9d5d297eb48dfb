"""Each customer's own purchase clock in days, as the simulation of strategies starts from it."""

from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.errors import TooFewError
from analysis.recipes.resolver import reads

_FIT_CUSTOMERS: Final = 100_000  # customers the clock is fitted on; parameters of more would not differ visibly
_FEWEST_REPEATS: Final = 10  # customers who bought on a second day
_YEAR: Final = 365
_WEAK_PRIOR: Final = 1.0  # customers


@reads(features=("customer_id", "frequency", "recency", "T"))
def purchase_clock(features: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Each customer's own purchase clock, one row per customer, in days (BG/NBD).

    ``p_alive``; posterior of the purchase rate while alive, Gamma(``rate_shape``, ``rate_days``), and of the dropout
    chance after a purchase, Beta(``dropout_a``, ``dropout_b``); their means ``rate`` (orders a day) and ``p_dropout``;
    ``orders_next_year`` (expected in 365 days). It forecasts the status quo: touches of the past are in it. Where the
    data do not fix the four parameters, a weak prior worth one customer does.

    Raises:
        TooFewError: If fewer than ten customers came back: the rate of a clock that never ticked twice has no bound.
    """
    history = {name: features[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")}
    came_back = int((history["frequency"] > 0).sum())
    if came_back < _FEWEST_REPEATS:
        raise TooFewError(came_back, needed=_FEWEST_REPEATS, needed_by="strategies", came_back=True)
    sampled = np.arange(len(features))
    if len(sampled) > _FIT_CUSTOMERS:
        sampled = np.sort(np.random.default_rng(seed).choice(sampled, _FIT_CUSTOMERS, replace=False))
    known = {name: column[sampled] for name, column in history.items()}
    model = BGNBD().fit(known)
    if not model.converged_:
        model = BGNBD(ridge=_WEAK_PRIOR).fit(known)
    return _clock_of(features["customer_id"], model=model, history=history)


def _clock_of(customer_id: "pd.Series[str]", *, model: BGNBD, history: dict[str, Any]) -> pd.DataFrame:
    x, age = history["frequency"], history["T"]
    fitted = model.parameters_
    year = np.nan_to_num(model.conditional_expected_purchases(history, horizon=_YEAR), nan=0.0, posinf=0.0)
    clock = pd.DataFrame(
        {
            "customer_id": customer_id.to_numpy(),
            "p_alive": model.p_alive(history),
            "rate_shape": fitted["r"] + x,
            "rate_days": fitted["alpha"] + age,
            "dropout_a": np.full(len(x), fitted["a"]),
            "dropout_b": fitted["b"] + x,
            "orders_next_year": np.maximum(year, 0.0),
        }
    )
    clock["rate"] = clock["rate_shape"] / clock["rate_days"]
    clock["p_dropout"] = clock["dropout_a"] / (clock["dropout_a"] + clock["dropout_b"])
    return clock
