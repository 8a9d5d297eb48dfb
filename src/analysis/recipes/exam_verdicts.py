"""What the simulator answered when it was examined on the literature's findings, as the last full exam wrote it."""

from typing import Any

import pandas as pd

from analysis.dated_files import find_file
from analysis.errors import BookError
from analysis.params import StrategiesParams

_FILE = "params/exam/verdicts.yaml"
# what we say of a source ourselves; titles of studies stay as they are
_OF_SOURCES = {
    "ours: the product judged in worlds of its own prior": "本项目：在先验自己的世界里判断",
    "ours; planted brands (data/synthetic), whose laws differ from the simulator's": (
        "本项目：合成品牌，规律与模拟器不同"
    ),
    "ours; planted brands with a weekly message": "本项目：每周发一次消息的合成品牌",
    "ours; WeCom developer documentation 92135 (2025-11-17), earlier SDK documentation": (
        "本项目；企业微信开发者文档 92135（2025-11-17）及更早的 SDK 文档"
    ),
    "ours": "本项目",
    "Complete Journey (dunnhumby); contacts were aimed, not randomised": (
        "Complete Journey（dunnhumby）；触达有选择，不是随机"
    ),
    "Meta analytics 2022: fewer notifications": "Meta analytics 2022：少发通知",
}
_JUDGED = {
    True: {"zh": "成立", "en": "holds"},
    False: {"zh": "不成立", "en": "does not hold"},
    None: {"zh": "只供参照", "en": "shown beside"},
}


def exam_verdicts(strategies_params: StrategiesParams) -> dict[str, Any]:
    """The exam's verdicts, for the effect sizes of the book.

    Keys: ``state`` (``absent``, ``stale``: written for other laws or effect sizes, ``passed`` or ``failed``),
    ``passed`` (None where absent or stale), ``n_rows``, ``n_held`` (findings of studies, of which every judged part
    holds), ``edition``, ``n_customers``, ``n_replicates`` and, one per part, as ``touch.exam.verdicts.Verdict``:
    ``rows`` of the findings and ``truth`` of the checks in worlds whose truth is known.
    """
    try:
        find_file(_FILE)
    except BookError:
        return {"state": "absent", "passed": None, "n_rows": None, "n_held": None, "rows": [], "truth": []}
    from analysis.touch.effects import load_effects
    from analysis.touch.exam.verdicts import ROWS, exam_passed, load_exam

    exam = load_exam(_FILE)
    passed = exam_passed(exam, priors=load_effects(strategies_params.effects))
    findings = [row for row in exam.rows if row.number <= ROWS]
    numbers = sorted({row.number for row in findings})
    held = [n for n in numbers if all(row.passed for row in findings if row.number == n)]
    return {
        "state": "stale" if passed is None else "passed" if passed else "failed",
        "passed": passed,
        "n_rows": len(numbers),
        "n_held": len(held),
        "edition": exam.edition.isoformat(),
        "n_customers": exam.n_customers,
        "n_replicates": exam.n_replicates,
        "rows": [row.model_dump(mode="json") for row in findings],
        "truth": [row.model_dump(mode="json") for row in exam.rows if row.number > ROWS],
    }


def exam_table(exam_verdicts: dict[str, Any]) -> pd.DataFrame:
    """One row per part of a finding: claim, verdict, what came out with its interval, the band, the source."""
    return _table(exam_verdicts["rows"])


def exam_truth_table(exam_verdicts: dict[str, Any]) -> pd.DataFrame:
    """One row per check in worlds whose truth is known, as ``exam_table``; none where the verdicts are out of date."""
    told = [] if exam_verdicts["state"] == "stale" else exam_verdicts["truth"]
    return _table(told).rename(columns={"claim_zh": "check_zh", "claim_en": "check_en"})


def exam_truth_words(exam_verdicts: dict[str, Any]) -> dict[str, Any]:
    """What the checks in worlds whose truth is known say: ``finding``, and ``note`` where one of them does not hold."""
    judged = [row for row in exam_verdicts["truth"] if row["judged"] != "shown"]
    missed = [row for row in judged if not row["passed"]]
    found = {"finding": {**_TRUTH[not missed], **_TRUTH_OPENED}}
    narrow = any(row["band"][0] is not None and row["value"] < row["band"][0] for row in missed)
    return {**found, "note": _TRUTH_NARROW} if narrow else found


def exam_headline(exam_verdicts: dict[str, Any]) -> dict[str, Any]:
    """Numbers of the exam for the page's sentences: ``exam_rows``, ``exam_held``, ``truth_rows``, ``truth_held``."""
    from analysis.evidence import Estimate

    judged = [row["passed"] for row in exam_verdicts["truth"] if row["judged"] != "shown"]
    counts = {"exam_rows": exam_verdicts["n_rows"], "exam_held": exam_verdicts["n_held"]}
    counts |= {"truth_rows": len(judged), "truth_held": sum(judged)}
    return {name: Estimate(value, "count").as_result() for name, value in counts.items()}


_TRUTH = {
    True: {
        "zh": "真相已知时它说得准：{truth_rows} 项检验全部成立",
        "en": "Where the truth is known it is told: all {truth_rows} checks hold",
    },
    False: {
        "zh": "真相已知的 {truth_rows} 项检验里，{truth_held} 项成立",
        "en": "Of {truth_rows} checks where the truth is known {truth_held} hold",
    },
}
_TRUTH_OPENED = {
    "short_zh": "说得准吗",
    "short_en": "Does it tell the truth",
    "sub_zh": "每项检验一行：结果和 95% 区间，以及该落在哪里；先在它自己的先验里出题，再用规律与它不同的虚构品牌出题",
    "sub_en": "One row per check: the result with its 95% interval, and where it should lie; asked first in worlds of "
    "its own prior, then on planted brands whose laws differ from its own",
}
_TRUTH_NARROW = {
    "zh": "**不成立说明什么。**在规律与模拟器不同的品牌上，真实值落在区间外的次数比区间所说的多：本页的区间按偏窄来读，"
    "先做小规模随机对照，再照着做。",
    "en": "**What a check that does not hold means.** On brands whose laws differ from the simulator's, the truth lies "
    "outside intervals more often than they say: read those on this page as too narrow, and run a small randomised "
    "test before acting on them.",
}


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    told = [_JUDGED[None if row["judged"] == "shown" else row["passed"]] for row in rows]
    # A number of its own would be a column that a phone has no room for.
    return pd.DataFrame(
        {
            **{
                f"claim_{language}": [f"{row['number']}{row['part']} {row['claim'][language]}" for row in rows]
                for language in ("zh", "en")
            },
            "verdict_zh": [words["zh"] for words in told],
            "verdict_en": [words["en"] for words in told],
            "exam_value_zh": [_with_interval(row) for row in rows],
            "exam_value_en": [_with_interval(row) for row in rows],
            "band": [_band(row) for row in rows],
            "study_zh": [_in_chinese(row["source"]) for row in rows],
            "study_en": [row["source"] for row in rows],
        }
    )


def _with_interval(row: dict[str, Any]) -> str:
    value, low, high = (_number(row[name], row["unit"]) for name in ("value", "ci_lower", "ci_upper"))
    return f"{value} [{low}, {high}]"


def _band(row: dict[str, Any]) -> str:
    low, high = row["band"]
    if low is None and high is None:
        return "—"
    if high is None:
        return f"≥ {_number(low, row['unit'])}" if row["judged"] == "number" else f"> {_number(low, row['unit'])}"
    if low is None:
        return f"≤ {_number(high, row['unit'])}" if row["judged"] == "number" else f"< {_number(high, row['unit'])}"
    return f"{_number(low, row['unit'])} – {_number(high, row['unit'])}"


def _number(value: float, unit: str) -> str:
    if unit == "share":
        return f"{100 * value:,.3g}%".replace("-", "\u2212")
    return f"{value:,.3g}".replace("-", "\u2212")


def _in_chinese(source: str) -> str:
    """Return a source for Chinese readers: our own words translated, titles and numbers as they are."""
    return _OF_SOURCES.get(source, source)
