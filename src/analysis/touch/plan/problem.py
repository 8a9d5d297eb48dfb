"""A plan as a problem: customers, the schedules each could get, what each schedule earns and uses of shared limits."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError

__all__ = ["NOTHING", "PlanProblem", "plan_problem", "used", "worth"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

NOTHING = -1
"""The choice of a customer who gets no schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProblem:
    """A multiple-choice knapsack: each customer gets at most one schedule, and no limit is exceeded.

    Attributes:
        first: Customer i's schedules are ``first[i]`` to ``first[i + 1] - 1``; length n + 1.
        value: What each schedule earns, currency (float32); it may be negative.
        use_first: Schedule j's uses are ``use_first[j]`` to ``use_first[j + 1] - 1``.
        use_limit: The limit each use draws on.
        use_amount: How much of it, in its unit, ≥ 0.
        capacity: How much there is of each limit.
    """

    first: Ints
    value: npt.NDArray[np.float32]
    use_first: Ints
    use_limit: Ints
    use_amount: Floats
    capacity: Floats

    @property
    def fields(self) -> "tuple[Ints, npt.NDArray[np.float32], Ints, Ints, Floats]":
        """The arrays in the order the compiled loops take them."""
        return self.first, self.value, self.use_first, self.use_limit, self.use_amount

    @property
    def customers(self) -> int:
        """Number of customers."""
        return len(self.first) - 1

    @property
    def schedules(self) -> int:
        """Number of schedules of all customers."""
        return len(self.value)

    @property
    def limits(self) -> int:
        """Number of limits."""
        return len(self.capacity)


def plan_problem(
    *,
    first: npt.ArrayLike,
    value: npt.ArrayLike,
    use_first: npt.ArrayLike,
    use_limit: npt.ArrayLike,
    use_amount: npt.ArrayLike,
    capacity: npt.ArrayLike,
) -> PlanProblem:
    """Return the problem with its arrays checked.

    Raises:
        AnalysisError: If the arrays do not fit together, an amount is negative or a number is not finite.
    """
    problem = PlanProblem(
        first=np.ascontiguousarray(first, dtype=np.int32),
        value=np.ascontiguousarray(value, dtype=np.float32),
        use_first=np.ascontiguousarray(use_first, dtype=np.int32),
        use_limit=np.ascontiguousarray(use_limit, dtype=np.int32),
        use_amount=np.ascontiguousarray(use_amount, dtype=np.float64),
        capacity=np.ascontiguousarray(capacity, dtype=np.float64),
    )
    _starts("first", problem.first, total=problem.schedules)
    _starts("use_first", problem.use_first, total=len(problem.use_limit))
    if len(problem.use_first) != problem.schedules + 1 or len(problem.use_limit) != len(problem.use_amount):
        raise AnalysisError("Every schedule needs its uses, and every use its limit and amount.")
    if len(problem.use_limit) and not 0 <= problem.use_limit.min() <= problem.use_limit.max() < problem.limits:
        raise AnalysisError(f"A use names a limit outside 0 to {problem.limits - 1}.")
    if not (np.isfinite(problem.value).all() and np.isfinite(problem.use_amount).all()):
        raise AnalysisError("Values and amounts must be finite.")
    if (problem.use_amount < 0).any() or (problem.capacity < 0).any():
        raise AnalysisError("Amounts and capacities must not be negative.")
    return problem


def _starts(name: str, starts: Ints, *, total: int) -> None:
    if not len(starts) or starts[0] != 0 or starts[-1] != total or (np.diff(starts) < 0).any():
        raise AnalysisError(f"'{name}' must rise from 0 to {total}.")


def worth(problem: PlanProblem, choice: Ints) -> float:
    """Return what the chosen schedules earn together; ``choice`` holds a schedule's place or ``NOTHING``."""
    return float(problem.value[choice[choice != NOTHING]].sum(dtype=np.float64))


def used(problem: PlanProblem, choice: Ints) -> Floats:
    """Return how much of each limit the chosen schedules use."""
    chosen = choice[choice != NOTHING]
    begin, end = problem.use_first[chosen].astype(np.int64), problem.use_first[chosen + 1].astype(np.int64)
    lengths = end - begin
    places = np.repeat(begin - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(lengths.sum())
    weights = problem.use_amount[places]
    total: Floats = np.bincount(problem.use_limit[places], weights=weights, minlength=problem.limits).astype(np.float64)
    return total
