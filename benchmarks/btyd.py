"""Buy-till-you-die models: fits and forecasts of a shop's customers, by siyu and by lifetimes.

Run as a script, it is one way of one work: ``python btyd.py <way> <work> <customers.parquet>`` does the work once on a
few customers, so that libraries are loaded, and then measures it on all of them. ``make`` as the way writes the file.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

WORKS = ("bg_nbd_fit", "pareto_nbd_fit", "gamma_gamma_fit", "forecast")
WAYS = {"siyu": "ours", "lifetimes": "peers"}
"""Each way and the environment it runs in."""

AIMS = {"bg_nbd_fit": 10.0, "pareto_nbd_fit": 20.0, "gamma_gamma_fit": 10.0, "forecast": 3.0}
"""How many times the CPU of siyu's way lifetimes should need."""

SAME = 1e-6
"""Relative: log-likelihoods and sums of forecasts must agree this well."""

HORIZON_DAYS = 90
FORECAST_WITH = {"r": 0.6, "alpha": 70.0, "a": 0.8, "b": 2.5}
WARM_UP_ROWS = 2_000


def make(path: Path, customers: int) -> None:
    """Write customers in days: two years, rates and lifetimes Gamma-distributed, values of orders Gamma-Gamma."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(20_260_601)
    age = rng.integers(1, 731, customers).astype(float)
    rate, leaving = rng.gamma(0.6, 1 / 70, customers), rng.gamma(0.7, 1 / 120, customers)
    lived = np.minimum(rng.exponential(1 / np.maximum(leaving, 1e-12)), age)
    n = rng.poisson(rate * lived)
    recency = np.where(n > 0, np.ceil(lived * rng.random(customers) ** (1 / np.maximum(n, 1))), 0.0)
    frequency = np.minimum(n, recency)
    total = rng.gamma(6 * np.maximum(frequency, 1)) / (rng.gamma(4, size=customers) / 180)
    value = np.where(frequency > 0, total / np.maximum(frequency, 1), 0.0)
    table = pd.DataFrame({"frequency": frequency, "recency": recency, "T": age, "monetary_value": value})
    table.to_parquet(path, index=False)


def siyu(work: str, customers: Any) -> dict[str, float]:
    from analysis.churn.btyd.bg_nbd import BGNBD

    if work == "forecast":
        model = BGNBD.from_parameters(FORECAST_WITH)
        alive = model.p_alive(customers)
        later = model.conditional_expected_purchases(customers, horizon=HORIZON_DAYS)
        return {"alive": float(alive.sum()), "later": float(later.sum())}
    return dict(_model(work)().fit(customers).parameters_)


def lifetimes(work: str, customers: Any) -> dict[str, float]:
    from lifetimes import BetaGeoFitter, GammaGammaFitter, ParetoNBDFitter

    columns = [customers[name] for name in ("frequency", "recency", "T")]
    if work == "forecast":
        import pandas as pd

        model = BetaGeoFitter()
        model.params_ = pd.Series(FORECAST_WITH)
        alive = model.conditional_probability_alive(*columns)
        later = model.conditional_expected_number_of_purchases_up_to_time(HORIZON_DAYS, *columns)
        return {"alive": float(alive.sum()), "later": float(later.sum())}
    if work == "gamma_gamma_fit":
        repeated = customers[customers["frequency"] > 0]
        fitted = GammaGammaFitter().fit(repeated["frequency"], repeated["monetary_value"])
    else:
        fitted = {"bg_nbd_fit": BetaGeoFitter, "pareto_nbd_fit": ParetoNBDFitter}[work]().fit(*columns)
    return {name: float(value) for name, value in fitted.params_.items()}


def lifetimes_log_likelihood(work: str, customers: Any, parameters: dict[str, float]) -> float:
    """Return lifetimes' own log-likelihood at given parameters: the measure is theirs too."""
    import numpy as np
    from lifetimes import BetaGeoFitter, GammaGammaFitter, ParetoNBDFitter

    if work == "gamma_gamma_fit":
        customers = customers[customers["frequency"] > 0]
    x, t_x, age, m = (customers[name].to_numpy() for name in ("frequency", "recency", "T", "monetary_value"))
    at, weights = np.array(list(parameters.values())), np.ones(len(x))
    if work == "pareto_nbd_fit":
        return float(ParetoNBDFitter._conditional_log_likelihood(at, x, t_x, age).sum())  # noqa: SLF001 - the only way
    fitter, columns = (BetaGeoFitter, (x, t_x, age)) if work == "bg_nbd_fit" else (GammaGammaFitter, (x, m))
    return -len(x) * float(fitter._negative_log_likelihood(np.log(at), *columns, weights, 0.0))  # noqa: SLF001


def siyu_log_likelihood(work: str, customers: Any, parameters: dict[str, float]) -> float:
    return float(_model(work).from_parameters(parameters).log_likelihood(customers))


def _model(work: str) -> Any:
    from analysis.churn.btyd.bg_nbd import BGNBD
    from analysis.churn.btyd.gamma_gamma import GammaGamma
    from analysis.churn.btyd.pareto_nbd import ParetoNBD

    return {"bg_nbd_fit": BGNBD, "pareto_nbd_fit": ParetoNBD, "gamma_gamma_fit": GammaGamma}[work]


def measured(way: str, work: str, customers: Any) -> dict[str, Any]:
    """Return what a way found, what it cost without loading anything, and its log-likelihood by its own measure."""
    do, judge = {"siyu": (siyu, siyu_log_likelihood), "lifetimes": (lifetimes, lifetimes_log_likelihood)}[way]
    do(work, customers.head(WARM_UP_ROWS))
    started = time.process_time()
    found = do(work, customers)
    answer: dict[str, Any] = {"work_cpu_seconds": round(time.process_time() - started, 4), "found": found}
    if work != "forecast":
        answer["log_likelihood"] = judge(work, customers, found)
    return answer


def disagreement(work: str, ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Return what two answers differ in, or nothing: the log-likelihood reached, or the sums of forecasts."""
    if work != "forecast":
        short = (theirs["log_likelihood"] - ours["log_likelihood"]) / abs(ours["log_likelihood"])
        return f"ours is {short:.2g} below theirs" if short > SAME else ""
    pairs = [(ours["found"][name], theirs["found"][name]) for name in ours["found"]]
    apart = max(abs(a - b) / abs(a) for a, b in pairs)
    return f"sums of forecasts are {apart:.2g} apart" if apart > SAME else ""


if __name__ == "__main__":
    way, work, where = sys.argv[1:]
    if way == "make":
        make(Path(where), int(work))
    else:
        import pandas as pd

        print(json.dumps(measured(way, work, pd.read_parquet(where))))
