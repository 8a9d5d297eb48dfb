"""A bootstrap draw of a ranking: siyu's, all customers sorted once, and scikit-uplift's on a resample.

Customers of a synthetic e-mail test, as many as two arms of the Hillstrom test, a binary outcome, a score without ties.
``siyu`` makes Qini coefficient, AUUC, uplift at 10 % and at 30 % and the curve of every draw; ``scikit-uplift, qini``
only the first of these, ``scikit-uplift, all`` the first four. Run by run.py; alone: ``python qini.py siyu 42694``.
"""

import json
import sys
import time
import warnings

import numpy as np

WAYS = {"siyu": "ours", "scikit-uplift, qini": "peers", "scikit-uplift, all": "peers"}
AIM = 20
CUSTOMERS = {"small": 42_694, "full": 1_000_000}
DRAWS = {"siyu": 1000, "scikit-uplift, qini": 40, "scikit-uplift, all": 20}


def customers(n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    score = rng.random(n)
    treated = rng.integers(0, 2, n)
    outcome = (rng.random(n) < 0.106 + 0.09 * score * treated).astype(int)
    return {"uplift": score, "treated": treated, "outcome": outcome}


def siyu(trial: dict[str, np.ndarray], draws: int) -> tuple[float, np.ndarray]:
    from analysis.stats.ranking import qini_coefficient
    from analysis.stats.ranking_bootstrap import bootstrap_ranking

    started = time.process_time()
    drawn = bootstrap_ranking(**trial, rng=np.random.default_rng(1), draws=draws).qini
    return time.process_time() - started, np.append(drawn, qini_coefficient(**trial))


def scikit_uplift(trial: dict[str, np.ndarray], draws: int, *, everything: bool) -> tuple[float, np.ndarray]:
    from sklift.metrics import qini_auc_score, uplift_at_k, uplift_auc_score

    y, score, arm = trial["outcome"], trial["uplift"], trial["treated"]
    rng, drawn = np.random.default_rng(1), []
    started = time.process_time()
    for _ in range(draws):
        rows = rng.integers(0, len(y), len(y))
        again = (y[rows], score[rows], arm[rows])
        drawn.append(qini_auc_score(*again))
        if everything:
            uplift_auc_score(*again)
            for k in (0.1, 0.3):
                uplift_at_k(*again, strategy="overall", k=k)
    return time.process_time() - started, np.append(drawn, qini_auc_score(y, score, arm))


def main() -> None:
    way, n = sys.argv[1], int(sys.argv[2])
    warnings.simplefilter("ignore")  # the peer calls what its newest scikit-learn warns of: not its cost
    trial, draws = customers(n), DRAWS[way]
    if way == "siyu":
        siyu(trial, 2)
        seconds, drawn = siyu(trial, draws)
    else:
        seconds, drawn = scikit_uplift(trial, draws, everything=way.endswith("all"))
    answer = {
        "draws": draws,
        "ms_per_draw": round(1000 * seconds / draws, 3),
        "qini": round(float(drawn[-1]), 9),
        "spread": round(float(drawn[:-1].std(ddof=1)), 6),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
