"""Does it tell the truth when the truth is known? Worlds from its own prior first, planted brands after."""

import pytest

from analysis.touch.exam.truth import Worlds, judged_worlds, truth_verdicts

pytestmark = pytest.mark.exam

REDUCED = Worlds(worlds=16, reference=900, draws=40, arm=40_000, sample=1_000, truth_lanes=40)


def test_in_worlds_from_the_prior_intervals_cover_and_the_recommendation_is_nearly_the_best(
    setting, hold, exam_in_full
):
    judged = judged_worlds(setting.resized(4_000), Worlds() if exam_in_full else REDUCED)
    before, after = judged.unsure()
    assert after < before  # given only priors it says "not sure" more often than given experiments
    if exam_in_full:
        hold(truth_verdicts(judged))
    else:
        assert 0.6 <= judged.covered().mean() <= 0.97
        assert judged.regret() <= 0.2
