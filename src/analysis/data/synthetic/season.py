"""The axis of time: days since the first local midnight, the season, and each cluster's clock.

Every time inside the generator is a float of *local days* since 2024-07-01 00:00 in Asia/Shanghai
(a zone without summer time, so local days and UTC differ by a constant); NaN means never.
"""

from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.data.synthetic.brands import Brand

__all__ = [
    "ENDS_ON",
    "N_DAYS",
    "STARTS_ON",
    "TIMEZONE",
    "Floats",
    "day_intensity",
    "day_of",
    "is_sale_day",
    "operational_clocks",
    "utc_microseconds",
]

Floats = npt.NDArray[np.float64]

TIMEZONE: Final = "Asia/Shanghai"
STARTS_ON: Final = date(2024, 7, 1)
ENDS_ON: Final = date(2026, 6, 30)
N_DAYS: Final = (ENDS_ON - STARTS_ON).days + 1

_EPOCH_OF_START_SECONDS: Final = (STARTS_ON - date(1970, 1, 1)).days * 86_400 - 8 * 3_600
_SALES: Final = (((11, 1), (11, 11)), ((6, 1), (6, 18)))
_NEW_YEARS: Final = (date(2025, 1, 29), date(2026, 2, 17))


def day_of(day: date) -> int:
    """Return the number of a local day on the axis.

    Examples:
        >>> day_of(date(2024, 7, 2))
        1
    """
    return (day - STARTS_ON).days


def utc_microseconds(days: Floats) -> npt.NDArray[np.int64]:
    """Return instants as UTC microseconds since 1970, to the second; NaN gives an arbitrary number.

    Examples:
        >>> int(utc_microseconds(np.array([0.0]))[0])  # 2024-06-30T16:00:00Z
        1719763200000000
    """
    seconds = np.nan_to_num(days) * 86_400.0
    return (np.rint(seconds).astype(np.int64) + _EPOCH_OF_START_SECONDS) * 1_000_000


def is_sale_day() -> npt.NDArray[np.bool_]:
    """Return for each day of the history whether it lies in a big sale (1-11 November, 1-18 June)."""
    days = [STARTS_ON + timedelta(days=d) for d in range(N_DAYS)]
    return np.array([any(first <= (d.month, d.day) <= last for first, last in _SALES) for d in days])


def day_intensity(brand: Brand) -> Floats:
    """Return the purchase intensity of each day, mean 1: a yearly wave, two sales, a quiet New Year.

    A sale rises towards its last day and is followed by two slow weeks, as wardrobes are full.
    """
    day_numbers = np.arange(N_DAYS, dtype=np.float64)
    day_of_year = (day_numbers + 182.0) % 365.0
    wave = 1.0 + brand.season_swing * np.cos(2 * np.pi * (day_of_year - brand.season_peak) / 365.0)
    sale = is_sale_day()
    lift = np.ones(N_DAYS)
    slow = 0
    for d in range(N_DAYS):
        if sale[d]:
            last = d + 1 == N_DAYS or not sale[d + 1]
            lift[d] = 1.0 + (brand.sale_lift - 1.0) * (2.5 if last else 0.8)
            slow = 14
        elif slow:
            lift[d] = 1.0 - 0.25 * min(1.0, brand.sale_lift - 1.0) * slow / 14
            slow -= 1
    for new_year in _NEW_YEARS:
        start = day_of(new_year)
        lift[start - 1 : start + 7] *= 0.55
        lift[start - 15 : start - 1] *= 1.15
    intensity = wave * lift
    return np.asarray(intensity / intensity.mean())


def operational_clocks(brand: Brand) -> Floats:
    """Return each cluster's clock: cumulated intensity at each midnight, shape (clusters, N_DAYS + 1).

    Purchases are regular on this clock; read backwards it gives them season, sales and weekends.
    """
    season = day_intensity(brand)
    weekend = np.arange(N_DAYS) % 7 >= 5  # 2024-07-01 was a Monday
    clocks = np.zeros((len(brand.clusters), N_DAYS + 1))
    for row, cluster in zip(clocks, brand.clusters, strict=True):
        daily = season * np.where(weekend, cluster.weekend, 1.0) * 7.0 / (5.0 + 2.0 * cluster.weekend)
        row[1:] = np.cumsum(daily)
    return clocks
