"""The plan compiler at full size against its aim, and against HiGHS on sizes that HiGHS can do.

Run as a script, it is one of the ways: ``python send_plan.py large <customers>`` compiles one large plan;
``python send_plan.py prices|highs <instances>`` solves the small ones. Each prints what it found as JSON.
"""

import json
import resource
import sys
import time
from typing import Any

import numpy as np

AIM_CPU_SECONDS = 20.0
AIM_PEAK_MB = 1536
AIM_GAP = 0.01
DAYS = 7
CUSTOMERS_OF_SMALL = 500


def shop(seed: int, *, customers: int, staff: int) -> Any:
    """Six schedules a customer: a chat on one of four days, an SMS that costs money, two chats; every limit short."""
    from analysis.touch.plan.problem import plan_problem

    rng = np.random.default_rng(seed)
    who, base = rng.integers(0, staff, customers, dtype=np.int32), rng.gamma(1.2, 3.0, customers).astype(np.float32)
    at = np.argsort(rng.random((customers, DAYS), dtype=np.float32), axis=1).astype(np.int32)
    n_uses = np.array([1, 1, 1, 1, 1, 2])
    limit = np.empty((customers, 7), dtype=np.int32)  # the uses of the six schedules, one after the other
    limit[:, :4], limit[:, 4], limit[:, 5:] = (
        who[:, None] * DAYS + at[:, :4],
        staff * DAYS,
        who[:, None] * DAYS + at[:, 4:6],
    )
    amount = np.empty((customers, 7))
    amount[:, :4], amount[:, 4], amount[:, 5:] = rng.choice([0.3, 0.5, 1.0], (customers, 4)), 0.05, 0.5
    noise = rng.standard_normal((customers, 6), dtype=np.float32)
    value = base[:, None] * np.array([1, 1, 1, 1, 0.45, 1.7], dtype=np.float32) * (1 + 0.15 * noise) - 0.3
    minutes = customers * 0.2 / (staff * DAYS) * rng.uniform(0.5, 1.5, staff * DAYS)
    return plan_problem(
        first=np.arange(customers + 1) * 6,
        value=value.ravel(),
        use_first=np.concatenate([[0], np.cumsum(np.tile(n_uses, customers))]),
        use_limit=limit.ravel(),
        use_amount=amount.ravel(),
        capacity=np.append(minutes, customers * 0.005),
    )


def large(customers: int) -> dict[str, Any]:
    """Compile one plan of 2,800 staff-days (fewer where there are fewer customers)."""
    from analysis.touch.plan.choose import choose, overrun

    problem = shop(1, customers=customers, staff=max(4, customers // 2500))
    choose(shop(2, customers=2000, staff=4), method="prices")  # compiled code is loaded before the clock starts
    started = time.process_time()
    found = choose(problem, method="prices")
    spent = time.process_time() - started
    return {
        "compiler_cpu_seconds": round(spent, 2),
        "gap": round(found.gap, 5),
        "staff_days": problem.limits - 1,
        "feasible": overrun(problem, found.choice) is None,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def small(method: str, instances: int) -> dict[str, Any]:
    """Solve small plans one way; the answer is what each earns."""
    from analysis.touch.plan.choose import choose_by_prices
    from analysis.touch.plan.exact import solve_exactly
    from analysis.touch.plan.problem import worth

    earned = []
    choose_by_prices(shop(99, customers=200, staff=2))
    started = time.process_time()
    for seed in range(instances):
        problem = shop(seed, customers=CUSTOMERS_OF_SMALL, staff=3)
        if method == "prices":
            earned.append(choose_by_prices(problem).worth)
        else:
            found = solve_exactly(problem, gap=1e-4)
            earned.append(float("nan") if found is None else worth(problem, found.choice))
    return {"solver_cpu_seconds": round(time.process_time() - started, 2), "worth": earned}


if __name__ == "__main__":
    way, size = sys.argv[1], int(sys.argv[2])
    print(json.dumps(large(size) if way == "large" else small(way, size)))
