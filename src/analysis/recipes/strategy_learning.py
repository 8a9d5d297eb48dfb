"""What the strategies page says of experiments it learnt from: the sentence, and which assumptions they moved."""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.evidence import Estimate, Grade
from analysis.experiment.learning import grade_by_weight
from analysis.numerals import format_date
from analysis.params import StrategiesParams
from analysis.touch.effects import draw_worlds, load_effects
from analysis.touch.experience_words import experience_note
from analysis.touch.labels import assumption_names
from analysis.touch.summary import CONFIDENCE

_SHOWN: Final = 6
_LEAST: Final = (
    0.3  # share of an assumption's variance that must be gone before it counts as learnt; less is the luck of draws
)
_PRIOR_DRAWS: Final = 4_000
_CITED: Final = 8
_RARE: Final = 0.01


def strategy_experience_values(strategy_experience: dict[str, Any]) -> dict[str, Any]:
    """The numbers of that sentence: ``n_experiments``, ``learned_until`` (a day) and ``experiments`` (their ids)."""
    ids = strategy_experience["experiments"]
    cited = ids[-_CITED:]
    last = date.fromisoformat(strategy_experience["last_on"]) if strategy_experience["last_on"] else None
    return {
        "n_experiments": Estimate(strategy_experience["n_experiments"], "count").as_result(),
        "learned_until": {language: format_date(last, language=language) for language in ("zh", "en")},
        "experiments": ", ".join([*cited, *(["…"] if len(ids) > len(cited) else [])]),
    }


def strategy_experience_words(
    strategy_experience: dict[str, Any], strategy_learned_table: pd.DataFrame
) -> dict[str, str]:
    """The remark under the assumptions: which experiments were learnt from, and what they could not teach."""
    return experience_note(
        strategy_experience["state"],
        moved=len(strategy_learned_table) > 0,
        depth_assumed=strategy_experience["depth_assumed"],
    )


def strategy_learned_table(
    strategy_learned: pd.DataFrame,
    strategy_channels: pd.DataFrame,
    strategies_params: StrategiesParams,
    seed: int,
) -> pd.DataFrame:
    """The assumptions that experiments narrowed, most first: middle and 80 % interval before and after.

    ``share_learned`` is the share of the prior's variance that is gone (logarithms; logits of shares); the grade is A
    where nine tenths of it are, else D. No rows where nothing was learnt.
    """
    columns = ["assumption_zh", "assumption_en", *_SPREADS, "share_learned", "grade", "confidence_level"]
    if strategy_learned.empty:
        return pd.DataFrame(columns=columns)
    priors = load_effects(strategies_params.effects)
    before = draw_worlds(priors, channels=strategy_channels, draws=_PRIOR_DRAWS, seed=seed)
    names = assumption_names(
        effects=strategies_params.effects, strategies=strategies_params.strategies, channels=strategy_channels
    )
    rows = []
    for name, label in names.items():
        if name not in strategy_learned or name not in before or np.ptp(before[name]) == 0:
            continue
        after = strategy_learned[name].to_numpy(dtype=float)
        gone = 1 - float(_free(after).var(ddof=1) / _free(before[name]).var(ddof=1))
        if gone < _LEAST:
            continue
        grade = grade_by_weight(gone, measured=Grade.RANDOMISED).value
        rows.append((label["zh"], label["en"], *_spread(before[name]), *_spread(after), gone, grade, CONFIDENCE))
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("share_learned", ascending=False, ignore_index=True).head(_SHOWN)


_SPREADS: Final = tuple(f"{name}_value{end}" for name in ("prior", "learned") for end in ("", "_ci_lower", "_ci_upper"))


def _spread(values: Any) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    factor = 1000.0 if 0 < middle < _RARE else 1.0
    return float(middle * factor), float(low * factor), float(high * factor)


def _free(values: Any) -> Any:
    inside = np.clip(np.asarray(values, dtype=float), 1e-9, None)
    return np.log(inside / np.clip(1 - inside, 1e-9, None)) if float(inside.max()) <= 1 else np.log(inside)
