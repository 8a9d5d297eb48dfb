"""Compiled laws: the same numbers as the plain ones, and no compiled code that outlives its source."""

from pathlib import Path

import numba
import numpy as np
import pytest

from analysis.touch import arithmetic, deletion, exposure, fatigue, need, response
from analysis.touch.compiled import law, sources_of
from analysis.touch.kernel_rows import add_row, any_in_block, any_in_row, copy_row, keep_below
from analysis.touch.layout import BLOCK, LANES

TOUCH = Path(arithmetic.__file__).parent
FILES_WITH_LAWS = (
    "need", "exposure", "response", "trust", "fatigue", "deletion", "history", "reference_price", "second_life",
    "referral", "arithmetic", "philox", "layout", "effects", "money", "compiled", "kernel", "kernel_need",
    "kernel_touch", "kernel_orders", "kernel_rows",
)  # fmt: skip


def test_compiled_code_is_made_anew_when_any_file_with_a_law_changes():
    names = {path.stem for path in sources_of(TOUCH / "kernel.py")}
    assert names >= set(FILES_WITH_LAWS)
    assert names.isdisjoint({"summary", "wording", "verdict", "simulator", "program"})


@pytest.mark.parametrize(
    ("plain", "arguments"),
    [
        (exposure.read_chance, (0.8, 3.0, 0.06)),
        (fatigue.felt_fatigue, (2.0, 3.0, 0.4)),
        (fatigue.response_left, (4.0, 0.15)),
        (deletion.deletion_chance, (0.0015, 0.3, 5.0, 0.9)),
        (deletion.deletion_chance, (1e-7, 0.3, 0.0, 1.0)),
        (response.saturated_lift, (1e-5, 1.2)),
        (response.saturated_lift, (0.7, 1.2)),
        (need.waiting_days, (0.3, 3.6, 150.0, 12.0, 2.0)),
        (need.waiting_days, (0.999999, 3.6, 150.0, 12.0, 2.0)),
    ],
)
def test_a_compiled_law_gives_what_the_plain_one_gives(plain, arguments):
    arguments = tuple(float(np.float32(a)) for a in arguments)
    names = plain.__code__.co_varnames[: len(arguments)]
    positional = arguments[: plain.__code__.co_argcount]
    by_name = dict(zip(names, arguments, strict=True))
    for name in names[: len(positional)]:
        by_name.pop(name)
    compiled = law(plain)(*(np.float32(a) for a in arguments))
    assert compiled == pytest.approx(plain(*positional, **by_name), rel=2e-5)


def test_polynomials_stay_within_two_units_of_the_last_place():
    exp, log = law(arithmetic.exp), law(arithmetic.log)

    @numba.njit
    def of_all(numbers, ours, logs):
        for n in range(len(numbers)):
            ours[n] = exp(numbers[n])
            logs[n] = log(np.float32(np.exp(numbers[n])))

    numbers = np.linspace(-30, 30, 20_001).astype(np.float32)
    ours, logs = np.zeros_like(numbers), np.zeros_like(numbers)
    of_all(numbers, ours, logs)
    assert np.abs(ours / np.exp(numbers.astype(float)) - 1).max() < 4e-7
    exact = np.log(np.exp(numbers.astype(float)).astype(np.float32).astype(float))
    assert np.abs(logs - exact).max() < 4e-6


def test_operations_on_rows_touch_their_row_and_no_other():
    @numba.njit
    def work(one, other, marks):
        copy_row(one, LANES, other, 0)
        add_row(one, 2 * LANES, other, LANES)
        keep_below(one, 3 * LANES, other, 2 * LANES, np.float32(0.5))
        for n in range(2):
            marks[n] = any_in_row(other, (3 + n) * LANES)
        for n in range(LANES // BLOCK):
            marks[2 + n] = any_in_block(other, 4 * LANES + n * BLOCK)

    rng = np.random.default_rng(1)
    one, other = (rng.random((5, LANES), dtype=np.float32) for _ in range(2))
    other[3:] = 0
    other[4, BLOCK + 3] = 1
    marks = np.zeros(2 + LANES // BLOCK, dtype=bool)
    expected = one.copy()
    expected[1] = other[0]
    expected[2] += other[1]
    expected[3, other[2] >= 0.5] = 0
    work(one.reshape(-1), other, marks)
    assert np.array_equal(one, expected)
    assert marks.tolist() == [False, True, False, True, *[False] * (LANES // BLOCK - 2)]
