"""P(alive) over how often customers came back and how long they have been silent."""

from typing import Final

import numpy as np
import pandas as pd

__all__ = ["alive_grid"]

_FREQUENCY_BANDS: Final = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 9), (10, None))
"""Repeat purchase days, both ends included."""

_NICE_DAYS: Final = (7, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365, 540, 730, 1095)
_SILENCE_BANDS: Final = 5


def alive_grid(customers: pd.DataFrame) -> pd.DataFrame:
    """Return mean P(alive) and customers by repeat purchases (rows) and days since the last purchase (columns).

    Args:
        customers: frequency (repeat purchase days), days_since_last_order (days), p_alive (0-1).

    Returns:
        One row per cell, rows and columns ascending, empty cells too: frequency_from, silent_from (days), their bands
        in words ``frequency_band_zh``, ``silence_band_zh`` …, n_customers, p_alive (unknown where nobody is).
    """
    silent = customers["days_since_last_order"].to_numpy(dtype=float)
    cuts = _cuts(silent)
    often = np.array([low for low, _ in _FREQUENCY_BANDS])
    row = np.searchsorted(often, customers["frequency"].to_numpy(dtype=float), side="right") - 1
    column = np.searchsorted(cuts, silent, side="left")
    n_columns = len(cuts) + 1
    cell = row * n_columns + column
    n = np.bincount(cell, minlength=len(often) * n_columns)
    alive = np.bincount(cell, weights=customers["p_alive"], minlength=len(n))
    with np.errstate(invalid="ignore"):
        p_alive = alive / np.where(n > 0, n, np.nan)
    rows = []
    for i, band in enumerate(_FREQUENCY_BANDS):
        for j in range(n_columns):
            ends = (cuts[j - 1] + 1 if j else 0, cuts[j] if j < len(cuts) else None)
            at = i * n_columns + j
            rows.append((band[0], ends[0], *_frequency_words(*band), *_silence_words(*ends), int(n[at]), p_alive[at]))
    columns = ["frequency_from", "silent_from", "frequency_band_zh", "frequency_band_en"]
    columns += ["silence_band_zh", "silence_band_en", "n_customers", "p_alive"]
    return pd.DataFrame(rows, columns=columns)


def _cuts(silent: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> list[int]:
    """Return last days of all bands but the longest: round numbers that part the customers about evenly."""
    wanted = np.quantile(silent, np.arange(1, _SILENCE_BANDS) / _SILENCE_BANDS)
    nearest = {min(_NICE_DAYS, key=lambda days: abs(np.log((days + 0.5) / (place + 0.5)))) for place in wanted}
    return sorted(nearest)


def _frequency_words(low: int, high: int | None) -> tuple[str, str]:
    if high is None:
        return f"复购 {low} 次以上", f"{low} or more repeats"
    if low == 0:
        return "没有复购", "no repeat"
    if low == high:
        return f"复购 {low} 次", f"{low} repeat{'s' if low > 1 else ''}"
    return f"复购 {low}–{high} 次", f"{low}–{high} repeats"


def _silence_words(low: int, high: int | None) -> tuple[str, str]:
    if high is None:
        return f"{low - 1} 天以上", f"over {low - 1} days"
    if low == 0:
        return f"{high} 天内", f"{high} days or less"
    return f"{low}–{high} 天", f"{low}–{high} days"
