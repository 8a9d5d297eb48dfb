"""The buy-till-you-die models by name: fitted with what is said when the data do not fix them, frozen, and thawed."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

import numpy as np

from analysis.checks import one_of
from analysis.churn.btyd.fitting import NotIdentifiedError

__all__ = ["CLASSES", "MODEL_NAMES", "WEAK_PRIOR", "WITH_GAPS", "FrozenModel", "fit_model", "freeze", "thaw"]

CLASSES: Final = {
    "nbd": ("nbd", "NBD"),
    "pareto_nbd": ("pareto_nbd", "ParetoNBD"),
    "bg_nbd": ("bg_nbd", "BGNBD"),
    "mbg_nbd": ("mbg_nbd", "MBGNBD"),
    "bg_cnbd_k": ("bg_cnbd_k", "BGCNBDk"),
    "mbg_cnbd_k": ("mbg_cnbd_k", "MBGCNBDk"),
}
"""Slug → module of this folder, class."""

MODEL_NAMES: Final = {
    "nbd": "NBD",
    "pareto_nbd": "Pareto/NBD",
    "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD",
    "bg_cnbd_k": "BG/CNBD-k",
    "mbg_cnbd_k": "MBG/CNBD-k",
    "gamma_gamma": "Gamma-Gamma",
}
"""Slug → name in the papers, the same in every language."""

WITH_GAPS: Final = ("bg_cnbd_k", "mbg_cnbd_k")
"""Models that read ``sum_log_gaps``."""

WEAK_PRIOR: Final = 1.0
"""Customers: the ridge of the second attempt, where the data alone do not fix a model's parameters."""


class FrozenModel(NamedTuple):
    """A fitted model as it travels: plain values.

    Attributes:
        model: Slug.
        parameters: Parameters by name; the k of regular models among them.
        covariance: Of their logarithms, nested lists; NaN where unknown.
        log_likelihood: Sum of the papers' individual log-likelihoods, without the ridge.
        n_customers: Customers it was fitted on.
        ridge: Weight of the weak prior, in customers; 0 is none.
        usable: Whether the data, with the ridge if any, fix the parameters.
        advice: What was found and what to do about it; empty if all is well.
    """

    model: str
    parameters: dict[str, float]
    covariance: list[list[float]]
    log_likelihood: float
    n_customers: int
    ridge: float
    usable: bool
    advice: str


def fit_model(slug: str, customers: Any, *, ridge: float = 0.0) -> FrozenModel:
    """Return a fitted model; where the data do not fix its parameters, one fitted with a weak prior that says so.

    Args:
        slug: One of ``CLASSES``.
        customers: frequency, recency, T in one time unit; ``sum_log_gaps`` where there is one.
        ridge: Weight of the weak prior asked for, in customers.
    """
    try:
        fitted = _class(slug)(ridge=ridge).fit(customers)
        if fitted.converged_ or ridge > 0:
            return freeze(fitted)
        found = str(fitted.advice_)
    except NotIdentifiedError as error:
        found = error.found
    helped = freeze(_class(slug)(ridge=WEAK_PRIOR).fit(customers))
    return helped._replace(advice=f"{found} Fitted with a weak prior worth {WEAK_PRIOR:g} customer instead.")


def freeze(model: Any) -> FrozenModel:
    """Return what is needed to have a fitted model again."""
    return FrozenModel(
        model=str(model.slug),
        parameters={name: float(value) for name, value in model.parameters_.items()},
        covariance=np.asarray(model.covariance_, dtype=float).tolist(),
        log_likelihood=float(model.log_likelihood_),
        n_customers=int(model.n_customers_),
        ridge=float(model.ridge),
        usable=bool(model.converged_),
        advice=str(model.advice_),
    )


def thaw(kept: Mapping[str, Any]) -> Any:
    """Return the model of a ``FrozenModel`` that was kept as a dict."""
    return _class(kept["model"]).from_parameters(
        kept["parameters"], covariance=kept["covariance"], n_customers=int(kept["n_customers"])
    )


def _class(slug: str) -> Any:
    module, name = CLASSES[one_of(slug, allowed=CLASSES, what="model")]
    return getattr(import_module(f"analysis.churn.btyd.{module}"), name)
