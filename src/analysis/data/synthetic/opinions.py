"""Tags and surveys: three tags that say something, forty that do not, and answers in customers' words."""

from typing import Any, Final

import numpy as np

from analysis.data.synthetic.identities import Identities
from analysis.data.synthetic.keys import labels, taken
from analysis.data.synthetic.people import Codes, People
from analysis.data.synthetic.season import N_DAYS, Floats

__all__ = ["survey_columns", "tag_columns", "tag_truth"]

_INFORMATIVE: Final = (("爱优惠", "price_sensitivity"), ("勿扰", "is_sleeping_dog"), ("易唤醒", "uplift"))
_NOISE: Final = tuple(f"标签{number:02d}" for number in range(1, 41))
_TAGS: Final = (*(name for name, _ in _INFORMATIVE), *_NOISE)
_ORIGINS: Final = ("staff", "rule", "survey", "model")
_QUESTIONS: Final = ("最近没来的主要原因", "希望多久联系一次", "还想对我们说")
_REASONS: Final = ("暂时没有需要", "价格偏高", "没有想起来")
_RHYTHMS: Final = ("每周一次", "每两周一次", "每月一次", "不要联系")
_REMARKS: Final = ("服务很好", "希望活动少一点", "<script>alert(1)</script>", '物流 & 包装 "不错"', "=1+1")


def tag_columns(people: People, *, identities: Identities, rng: np.random.Generator) -> dict[str, Any]:
    """Return tags: informative ones hit four in five of whom they mean and one in twelve of the rest."""
    meant = np.stack((people.price_sensitivity > 0.6, people.dog, people.uplift > np.quantile(people.uplift, 0.8)))
    given = rng.random(meant.shape) < np.where(meant, 0.8, 0.08) * 0.6
    tag, person = np.nonzero(given)
    n_noise = rng.poisson(0.9, people.n)
    noisy = np.repeat(np.arange(people.n), n_noise)
    nth = np.arange(len(noisy)) - np.repeat(np.cumsum(n_noise) - n_noise, n_noise)
    start = rng.integers(0, len(_NOISE), people.n)
    tag = np.concatenate((tag, len(_INFORMATIVE) + (start[noisy] + 7 * nth) % len(_NOISE)))
    person = np.concatenate((person, noisy))
    at = _some_day_after(people.first_seen[person], rng)
    lasts = np.where(rng.random(len(at)) < 0.5, 90.0 + 180.0 * rng.integers(0, 2, len(at)), np.nan)
    return {
        "customer_id": taken(identities.customer_id, person),
        "tag": labels(_TAGS, tag),
        "tagged_at": at,
        "origin": labels(_ORIGINS, rng.integers(0, len(_ORIGINS), len(at))),
        "expires_at": at + lasts,
    }


def tag_truth() -> dict[str, Any]:
    """Return one row a tag: what it informs about; null for noise."""
    informs: Codes = np.where(np.arange(len(_TAGS)) < len(_INFORMATIVE), np.arange(len(_TAGS)), -1)
    return {
        "tag": labels(_TAGS, np.arange(len(_TAGS))),
        "informs": labels([about for _, about in _INFORMATIVE], informs),
    }


def survey_columns(people: People, *, identities: Identities, rng: np.random.Generator) -> dict[str, Any]:
    """Return answers of one in twenty: the reason mostly tells the planted constraint; remarks hold odd characters."""
    who = np.flatnonzero(rng.random(people.n) < 0.05)
    at = _some_day_after(people.first_seen[who], rng)
    honest = rng.random(len(who)) < 0.8
    reason = np.where(honest, people.constraint[who], rng.integers(0, 3, len(who)))
    calm = np.where(people.dog[who], 3, np.searchsorted([5.0, 7.0], -people.tolerance[who] + 12.0))
    remarks = np.flatnonzero(rng.random(len(who)) < 0.3)
    remark = rng.integers(0, len(_REMARKS), len(remarks))
    answers = labels((*_REASONS, *_RHYTHMS, *_REMARKS), np.concatenate((reason, 3 + calm, 7 + remark)))
    person = np.concatenate((who, who, who[remarks]))
    question = np.repeat(np.arange(3), (len(who), len(who), len(remarks)))
    return {
        "customer_id": taken(identities.customer_id, person),
        "question": labels(_QUESTIONS, question),
        "answer": answers,
        "answered_at": np.concatenate((at, at, at[remarks])),
    }


def _some_day_after(day: Floats, rng: np.random.Generator) -> Floats:
    return day + (N_DAYS - 0.1 - day).clip(0) * rng.random(len(day))
