"""Which things known about customers carry the forecast: shuffle one, and see how much worse it gets.

Columns that tell the same story (days since the last order, the age at it) are shuffled together: one alone would look
useless while its twin stands in for it. A driver says what the forecast leans on, not what makes customers leave.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.stats.scoring import Score, log_loss_difference

__all__ = ["importance", "shuffled_forecasts"]


def shuffled_forecasts(
    features: pd.DataFrame,
    *,
    groups: Mapping[str, Sequence[str]],
    predict: Callable[[pd.DataFrame], NDArray[np.float64]],
    seed: int,
) -> pd.DataFrame:
    """Return the forecast with each group of columns taken from another customer, a column per group.

    Args:
        features: One row per customer.
        groups: Columns shuffled together, by name of the group; columns that the table lacks are passed over.
        predict: The forecast, features in, probabilities out.
        seed: Of the shuffles.
    """
    forecasts = {}
    for place, (name, columns) in enumerate(groups.items()):
        held = [column for column in columns if column in features]
        if not held:
            continue
        other = np.random.default_rng([seed, place]).permutation(len(features))
        shuffled = features.assign(**{column: features[column].to_numpy()[other] for column in held})
        forecasts[name] = predict(shuffled)
    return pd.DataFrame(forecasts, index=features.index)


def importance(
    churned: ArrayLike, probability: ArrayLike, *, shuffled: pd.DataFrame, confidence_level: float = 0.95
) -> dict[str, Score]:
    """Return by how much the log loss rises when each group is shuffled, nats; about 0 is no use at all.

    References:
        Breiman 2001, Machine Learning 45 (permutation importance); Fisher, Rudin, Dominici 2019, JMLR 20.
    """
    return {
        str(name): log_loss_difference(
            churned, shuffled[name].to_numpy(), baseline=probability, confidence_level=confidence_level
        )
        for name in shuffled
    }
