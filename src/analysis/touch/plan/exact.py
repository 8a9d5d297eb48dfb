"""Small plans decided exactly by HiGHS, the open-source solver of mixed-integer programmes that SciPy carries."""

from dataclasses import dataclass

import numpy as np

from analysis.touch.plan.problem import NOTHING, Ints, PlanProblem, used, worth

__all__ = ["ExactPlan", "solve_exactly"]

_NODES = 2_000  # branch-and-bound nodes: a limit on work, not on time, so that the same input gives the same plan
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class ExactPlan:
    """What the solver found.

    Attributes:
        choice: Each customer's schedule or ``NOTHING``.
        bound: No plan earns more than this.
    """

    choice: Ints
    bound: float


def solve_exactly(problem: PlanProblem, *, gap: float = 1e-4) -> ExactPlan | None:
    """Return the best plan within a relative ``gap``; None if the solver found none, or none that keeps every limit.

    References:
        Huangfu, Q. and Hall, J. A. J. (2018), Parallelizing the dual revised simplex method,
        Mathematical Programming Computation 10.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, vstack

    m = problem.schedules
    if m == 0:
        return ExactPlan(np.full(problem.customers, NOTHING, dtype=np.int32), 0.0)
    owner = np.repeat(np.arange(problem.customers), np.diff(problem.first))
    user = np.repeat(np.arange(m), np.diff(problem.use_first))
    one_each = csr_array((np.ones(m), (owner, np.arange(m))), shape=(problem.customers, m))
    uses = csr_array((problem.use_amount, (problem.use_limit, user)), shape=(problem.limits, m))
    most = np.concatenate([np.ones(problem.customers), problem.capacity])
    found = milp(
        c=-problem.value.astype(np.float64),
        constraints=LinearConstraint(vstack([one_each, uses]), ub=most),
        bounds=Bounds(0, 1),
        integrality=np.ones(m, dtype=np.int64),
        options={"mip_rel_gap": gap, "node_limit": _NODES},
    )
    if found.x is None:
        return None
    chosen = np.flatnonzero(found.x > 0.5)
    choice = np.full(problem.customers, NOTHING, dtype=np.int32)
    choice[owner[chosen]] = chosen.astype(np.int32)
    # The solver keeps limits to a tolerance of its own; a plan must keep them to the last cent.
    if len(chosen) > np.unique(owner[chosen]).size or (used(problem, choice) > problem.capacity + _ROUNDING).any():
        return None
    return ExactPlan(choice, max(-float(found.mip_dual_bound), worth(problem, choice)))
