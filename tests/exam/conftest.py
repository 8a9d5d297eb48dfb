"""How large the exam is here, and where its verdicts go."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from analysis.touch.effects import EffectPriors, load_effects
from analysis.touch.exam.setting import Setting
from analysis.touch.exam.verdicts import Verdict, digest_of, rows_folder

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def priors() -> EffectPriors:
    return load_effects("params/effects/default.yaml")


@pytest.fixture(scope="session")
def setting(priors: EffectPriors, exam_in_full: bool) -> Setting:
    return Setting(priors) if exam_in_full else Setting(priors, n_customers=2_000, n_replicates=40)


@pytest.fixture
def hold(request: pytest.FixtureRequest, priors: EffectPriors, exam_in_full: bool) -> Callable[..., None]:
    """Assert that all verdicts hold; the full exam keeps them first, whatever they say."""

    def judge(verdicts: Sequence[Verdict]) -> None:
        if exam_in_full:
            folder = rows_folder(PROJECT, digest=digest_of(priors))
            folder.mkdir(parents=True, exist_ok=True)
            rows = [verdict.model_dump(mode="json") for verdict in verdicts]
            (folder / f"{request.node.name}.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        failed = [f"{v.number}{v.part} {v.claim.en}: {v.value:.4g}, band {v.band}" for v in verdicts if not v.passed]
        assert not failed

    return judge
