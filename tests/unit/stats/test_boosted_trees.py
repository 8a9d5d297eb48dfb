import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from analysis.stats.boosted_trees import MOST_LEAVES, probabilities


def rows_with_gaps(n: int, *, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 6)).astype(np.float32)
    rows[:, 2] = np.round(rows[:, 2] * 3)  # many equal values: thresholds lie on them
    rows[rng.random(rows.shape) < 0.15] = np.nan
    return rows


def fitted(rows: np.ndarray, *, classes: int, leaves: int) -> HistGradientBoostingClassifier:
    rng = np.random.default_rng(3)
    score = np.nan_to_num(rows[:, 0]) + np.isnan(rows[:, 1]) + rng.normal(size=len(rows))
    outcome = np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)
    model = HistGradientBoostingClassifier(
        max_iter=12, max_leaf_nodes=leaves, min_samples_leaf=10, early_stopping=False, random_state=0
    )
    return model.fit(rows, outcome)


@pytest.mark.parametrize(("classes", "leaves"), [(2, MOST_LEAVES), (2, 3), (4, 6)])
def test_probabilities_are_those_of_scikit_learn_to_the_last_bit(classes: int, leaves: int) -> None:
    rows = rows_with_gaps(3_000, seed=1)
    model = fitted(rows, classes=classes, leaves=leaves)

    # more rows than are looked at once, among them the thresholds themselves and rows of which nothing is known
    thresholds = np.concatenate([tree.nodes["num_threshold"] for of_round in model._predictors for tree in of_round])
    others = rows_with_gaps(20_000, seed=2)
    others[: len(thresholds)] = thresholds[:, None]
    others[-1] = np.nan
    assert np.array_equal(probabilities(model, others), model.predict_proba(others))


def test_trees_with_more_leaves_than_bits_are_refused() -> None:
    rows = rows_with_gaps(2_000, seed=1)
    with pytest.raises(ValueError, match="at most 8"):
        probabilities(fitted(rows, classes=2, leaves=MOST_LEAVES + 1), rows)
