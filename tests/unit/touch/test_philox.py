"""Philox4x32-10 against the known answers published with Random123 (kat_vectors), compiled and plain."""

import numpy as np
import pytest

from analysis.touch.philox import philox4x32, uniform, uniform_inside

PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (PI, (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_random123s_known_answers(counter, key, answer):
    with np.errstate(over="ignore"):
        words = philox4x32(*(np.uint32(word) for word in (*counter, *key)))
    assert tuple(int(word) for word in words) == answer


def test_the_compiled_generator_gives_the_same_words_as_the_plain_one():
    import numba

    from analysis.touch.compiled import part

    words = part(philox4x32)

    @numba.njit
    def compiled(a, b, c, d, e, f):
        return words(a, b, c, d, e, f)

    for counter, key, answer in KNOWN_ANSWERS:
        assert tuple(int(word) for word in compiled(*(np.uint32(w) for w in (*counter, *key)))) == answer


def test_uniform_numbers_fill_their_interval_evenly():
    with np.errstate(over="ignore"):
        words = philox4x32(np.arange(200_000, dtype=np.uint32), *(np.uint32(n) for n in (1, 2, 3, 4, 5)))
    for word in words:
        numbers = uniform(word)
        assert numbers.min() >= 0
        assert numbers.max() < 1
        counts = np.bincount((numbers * 100).astype(int), minlength=100)
        assert ((counts - 2000) ** 2 / 2000).sum() < 160  # chi-square with 99 degrees of freedom: 149 is 1 in 1,000
    assert 0 < uniform_inside(np.uint32(0)) < uniform_inside(np.uint32(0xFFFFFFFF)) < 1
