"""Which buy-till-you-die model is used: each is judged by what its customers did after the days it was fitted on.

The score is the log probability that a model gave to the number of purchases that came. It is the one score that a
model cannot better by saying something else than it believes; mean absolute errors reward forecasts that are too low.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.churn.btyd import uncertainty
from analysis.churn.btyd.catalogue import MODEL_NAMES

__all__ = [
    "HOLDOUT_COLUMNS",
    "PARAMETER_COLUMNS",
    "Choice",
    "Judgement",
    "choose",
    "judge",
    "level_error",
    "parameter_rows",
]

Floats = npt.NDArray[np.float64]

HOLDOUT_COLUMNS: Final = [
    "model",
    "n_customers",
    "predicted",
    "predicted_ci_lower",
    "predicted_ci_upper",
    "confidence_level",
    "actual",
    "mae",
    "rmse",
    "correlation",
    "log_score",
    "log_score_gain",
    "log_score_gain_error",
    "ridge",
    "usable",
]
PARAMETER_COLUMNS: Final = [
    "model",
    "parameter",
    "value",
    "standard_error",
    "ci_lower",
    "ci_upper",
    "confidence_level",
    "n_customers",
    "ridge",
    "usable",
    "advice",
]

_CLEARLY: Final = 1.96
"""Standard errors by which a later model must be ahead of the first: 95 %."""

_SCORED_CUSTOMERS: Final = 20_000
_MOST: Final = 60
_IMPOSSIBLE: Final = 1e-12


class Judgement(NamedTuple):
    """How a model did on what came after its calibration period.

    Attributes:
        log_scores: Log probability of the actual count, of each customer (an even sample of 20,000 at most).
        mae: Mean absolute error of a customer's forecast, purchases.
        rmse: Root mean squared error, purchases.
        correlation: Of forecast and actual over customers; NaN where one of them does not vary.
    """

    log_scores: Floats
    mae: float
    rmse: float
    correlation: float


class Choice(NamedTuple):
    """The model used.

    Attributes:
        model: Its slug.
        name: Its name in the papers.
        judged: Whether models were compared on a holdout period.
        reason: Why, by language: half a sentence.
    """

    model: str
    name: str
    judged: bool
    reason: dict[str, str]


def judge(model: Any, customers: pd.DataFrame, *, horizon: float, counts: Floats) -> Judgement:
    """Return how well a model foretold the number of purchases of each customer.

    Args:
        model: Fitted on the calibration period.
        customers: frequency, recency, T at its end, in the model's time unit.
        horizon: Length of the holdout period, in the model's time unit.
        counts: Purchases of each customer in it.
    """
    forecast = np.asarray(model.conditional_expected_purchases(customers, horizon=horizon))
    step = -(-len(customers) // _SCORED_CUSTOMERS)
    some, seen = customers.iloc[::step], counts[::step]
    most = int(min(max(np.quantile(seen, 0.99) + 2, 8), _MOST))
    chances = np.asarray(model.purchase_distribution(some, horizon=horizon, most=most))
    given = chances[np.arange(len(seen)), np.minimum(seen, most).astype(int)]
    error = forecast - counts
    varies = forecast.std() > 0 and counts.std() > 0
    return Judgement(
        log_scores=np.log(np.maximum(given, _IMPOSSIBLE)),
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        correlation=float(np.corrcoef(forecast, counts)[0, 1]) if varies else math.nan,
    )


def choose(holdout: pd.DataFrame, *, slugs: Sequence[str]) -> Choice:
    """Return the first model, unless another one gave what came a clearly higher probability.

    Args:
        holdout: One row per judged model, in the book's order; columns of ``HOLDOUT_COLUMNS``.
        slugs: The book's models, in its order.
    """
    sound = holdout[holdout["usable"].astype(bool)]
    if sound.empty:
        return Choice(slugs[0], MODEL_NAMES[slugs[0]], judged=False, reason=_NOT_JUDGED)
    first, best = sound.iloc[0], sound.iloc[int(sound["log_score"].to_numpy().argmax())]
    ahead = float(best["log_score_gain"] - first["log_score_gain"])
    error = math.hypot(best["log_score_gain_error"], first["log_score_gain_error"])
    used = best if ahead > _CLEARLY * error else first
    slug = str(used["model"])
    return Choice(
        slug,
        MODEL_NAMES[slug],
        judged=True,
        reason=_reason(slug, first=str(first["model"]), left=len(sound), of=len(slugs)),
    )


def level_error(predicted: float, *, ci_lower: float, ci_upper: float, confidence_level: float, actual: float) -> float:
    """Return by how much a forecast's level was off beyond its own interval, as a standard error of its logarithm.

    A season, a trend or a sale moves all customers together, which no parameter of the models knows. One miss is one
    observation of it: what is left of its square after parameters and luck. 0 for a forecast within its error.

    Examples:
        >>> round(level_error(100.0, ci_lower=90.0, ci_upper=110.0, confidence_level=0.8, actual=70.0), 2)
        0.35
    """
    if min(predicted, actual, ci_lower) <= 0:
        return 0.0
    from scipy.special import ndtri

    expected = math.log(ci_upper / ci_lower) / (2 * float(ndtri(0.5 + confidence_level / 2)))
    return math.sqrt(max(math.log(actual / predicted) ** 2 - expected**2, 0.0))


def parameter_rows(kept: Mapping[str, Any], *, confidence_level: float) -> list[dict[str, Any]]:
    """Return one row per parameter of a frozen model, and one for its log-likelihood.

    Args:
        kept: model, parameters, covariance (of the logarithms), log_likelihood, n_customers, ridge, usable, advice.
        confidence_level: Of the intervals, which are those of the logarithms, carried back.
    """
    shared = {name: kept[name] for name in ("model", "n_customers", "ridge", "usable", "advice")}
    errors = np.sqrt(np.diag(np.asarray(kept["covariance"], dtype=float)))
    rows = []
    estimated = {name: value for name, value in kept["parameters"].items() if name != "k"}
    for (name, value), error in zip(estimated.items(), errors, strict=True):
        found = uncertainty.band(value, standard_error=error, confidence_level=confidence_level)
        rows.append(
            {
                **shared,
                "parameter": name,
                "value": float(value),
                "standard_error": float(value * error),
                "ci_lower": float(found.ci_lower),
                "ci_upper": float(found.ci_upper),
                "confidence_level": confidence_level,
            }
        )
    if "k" in kept["parameters"]:
        rows.append({**shared, "parameter": "k", "value": float(kept["parameters"]["k"])})
    return [*rows, {**shared, "parameter": "log_likelihood", "value": float(kept["log_likelihood"])}]


_NOT_JUDGED: Final = {
    "zh": "历史太短，没法用后来的购买来检验，先用账本里列在第一的模型",
    "en": "history is too short to judge models by later purchases, so the first one of the book is used",
}


def _reason(slug: str, *, first: str, left: int, of: int) -> dict[str, str]:
    if of == 1:
        return {"zh": "账本里只有这一个模型", "en": "it is the only one in the book"}
    if left == 1:
        return {"zh": "只有它的参数能由数据定出来", "en": "the data fix the parameters of no other one"}
    if slug == first:
        return {
            "zh": "列在第一，而且没有别的模型对后来的购买预测得明显更准",
            "en": "it is listed first, and no other one foretold later purchases clearly better",
        }
    name = MODEL_NAMES[first]
    return {
        "zh": f"它对后来购买的预测明显比 {name} 准（对数得分，95%）",
        "en": f"it foretold later purchases clearly better than {name} (log score, 95%)",
    }
