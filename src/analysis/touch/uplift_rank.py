"""Whom a touch is expected to move most: the worth of one plain private message to each customer, and its rank."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.touch.option_value import customer_side, fatigue_now, message_side, touch_worth
from analysis.touch.population import HISTORY_PREFIX

__all__ = ["expected_uplift", "uplift_rank"]

Floats = npt.NDArray[np.float64]

_MESSAGE: Final = {"template": "content", "discount_share": 0.0, "valid_days": 0.0}
_CHANNEL: Final = "private_chat"


def expected_uplift(
    customers: pd.DataFrame,
    *,
    channels: pd.DataFrame,
    effects: Mapping[str, float],
    economics: Mapping[str, Any],
) -> Floats:
    """Return the expected incremental profit of one private message without offer, one value per customer (currency).

    By the formula of ``option_value``: extra margin less staff time and the value lost with deleted contacts; a
    customer who is no contact is worth nothing to it.

    Args:
        customers: One row per customer: what ``option_value.CUSTOMER_COLUMNS`` names, ``is_contact`` and, where known,
            ``touches_per_day_<channel>`` of the past.
        channels: One row per channel, as ``strategy_channels`` has them; without private chat the first one is taken.
        effects: Effect sizes by name.
        economics: ``margin_share`` (0-1) and ``wage_per_hour`` (currency).
    """
    names = channels["channel"].astype(str).tolist()
    channel = _CHANNEL if _CHANNEL in names else names[0]
    history = [str(name) for name in customers.columns if str(name).startswith(HISTORY_PREFIX)]
    per_day = {name.removeprefix(HISTORY_PREFIX): customers[name].to_numpy(dtype=float) for name in history}
    annoyance = dict(zip(names, channels["annoyance"].astype(float), strict=True))
    fatigue = fatigue_now(per_day, said_by=[channel], annoyance=annoyance, effects=effects)
    own = customer_side(customers, fatigue=np.broadcast_to(fatigue, (len(customers), 1)))
    said = message_side(pd.DataFrame([{"channel": channel, **_MESSAGE}]), channels=channels, effects=effects)
    worth = touch_worth(own, said, effects=effects, economics=economics).value(near=False)[:, 0]
    return np.where(customers["is_contact"].to_numpy(dtype=bool), worth, 0.0)


def uplift_rank(uplift: Floats) -> Floats:
    """Return each customer's place by expected uplift as a share of all: near 0 is the best, 1 the last.

    Equal ones keep their order, so that a share of the customers is that share exactly.

    Examples:
        >>> uplift_rank(np.array([5.0, 9.0, 5.0, 1.0])).tolist()
        [0.5, 0.25, 0.75, 1.0]
    """
    place = np.empty(len(uplift))
    place[np.argsort(-uplift, kind="stable")] = np.arange(1, len(uplift) + 1)
    return np.asarray(place / max(len(uplift), 1))
