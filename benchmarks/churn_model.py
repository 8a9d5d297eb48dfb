"""Fit a churn model and score every customer: ours against what one would call first.

Run as a script, it is one of the ways: ``python churn_model.py <way> <file>`` prints what its answer is worth.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS = 30
WAYS = {"siyu": "ours", "scikit-learn": "ours", "scikit-learn_200k": "ours", "lightgbm": "peers"}
"""The others with their defaults: scikit-learn's HistGradientBoosting on all rows and on 200,000, LightGBM on all."""

CALIBRATED = 0.1
"""Part of the rows on which probabilities are put right, in our way only: the others give raw scores."""


def write_customers(path: Path, *, customers: int, seed: int = 5) -> None:
    """Write two origins of ``customers`` rows each: 30 predictors, the last column whether the customer left."""
    rng = np.random.default_rng(seed)
    x = np.empty((2 * customers, COLUMNS + 1), dtype=np.float32)
    for column in range(COLUMNS):
        kinds = (rng.gamma(1.5, 20, len(x)), rng.poisson(3, len(x)), rng.beta(2, 5, len(x)))
        x[:, column] = kinds[column % len(kinds)]
        if column % 5 == 4:
            x[rng.random(len(x)) < 0.3, column] = np.nan
    odds = 0.8 * np.log1p(x[:, 0]) - 0.5 * np.sqrt(x[:, 1]) - 1.5 * x[:, 2] + 0.02 * np.minimum(x[:, 3], x[:, 0])
    odds += sum(0.2 / (1 + j) * (x[:, j] > np.nanmedian(x[:, j])) for j in range(5, COLUMNS))
    odds -= np.median(odds)
    x[:, COLUMNS] = rng.random(len(x)) < 1 / (1 + np.exp(-odds))
    np.save(path, x)


def siyu(x: Any, y: Any, now: Any) -> Any:
    import pandas as pd

    from analysis.churn.classifier import ChurnClassifier
    from analysis.churn.probability_calibration import BetaCalibration

    names = [f"x{j}" for j in range(x.shape[1])]
    n = int(len(x) * (1 - CALIBRATED))
    model = ChurnClassifier(names, seed=1).fit(pd.DataFrame(x[:n], columns=names), y[:n])
    calibration = BetaCalibration().fit(model.predict(pd.DataFrame(x[n:], columns=names)), y[n:])
    return calibration.predict(model.predict(pd.DataFrame(now, columns=names)))


def scikit_learn(x: Any, y: Any, now: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=1).fit(x, y).predict_proba(now)[:, 1]


def scikit_learn_200k(x: Any, y: Any, now: Any) -> Any:
    rows = np.random.default_rng(1).choice(len(x), min(len(x), 200_000), replace=False)
    return scikit_learn(x[rows], y[rows], now)


def lightgbm(x: Any, y: Any, now: Any) -> Any:
    import lightgbm

    settings = {"objective": "binary", "seed": 1, "verbosity": -1}
    return lightgbm.train(settings, lightgbm.Dataset(x, label=y), num_boost_round=100).predict(now)


def area_under_curve(y: Any, p: Any) -> float:
    order = np.argsort(p, kind="stable")
    rank = np.empty(len(p))
    rank[order] = np.arange(1, len(p) + 1)
    n = y.sum()
    return float((rank[y == 1].sum() - n * (n + 1) / 2) / (n * (len(y) - n)))


if __name__ == "__main__":
    way, where = sys.argv[1:]
    table = np.load(where)
    half = len(table) // 2
    past, today = table[:half], table[half:]
    ways = {"siyu": siyu, "scikit-learn": scikit_learn, "scikit-learn_200k": scikit_learn_200k, "lightgbm": lightgbm}
    started = time.process_time()
    p = ways[way](past[:, :-1], past[:, -1], today[:, :-1])
    spent = time.process_time() - started
    print(json.dumps({"fit_and_score_cpu": round(spent, 2), "auc": round(area_under_curve(today[:, -1], p), 4)}))
