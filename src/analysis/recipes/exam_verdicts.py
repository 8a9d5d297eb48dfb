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
    ``passed`` (None where absent or stale), ``n_rows``, ``n_held`` (findings, of which every judged part holds),
    ``edition``, ``n_customers``, ``n_replicates`` and ``rows``: one per part, as ``touch.exam.verdicts.Verdict``.
    """
    try:
        find_file(_FILE)
    except BookError:
        return {"state": "absent", "passed": None, "n_rows": None, "n_held": None, "rows": []}
    from analysis.touch.effects import load_effects
    from analysis.touch.exam.verdicts import exam_passed, load_exam

    exam = load_exam(_FILE)
    passed = exam_passed(exam, priors=load_effects(strategies_params.effects))
    numbers = sorted({row.number for row in exam.rows})
    held = [n for n in numbers if all(row.passed for row in exam.rows if row.number == n)]
    return {
        "state": "stale" if passed is None else "passed" if passed else "failed",
        "passed": passed,
        "n_rows": len(numbers),
        "n_held": len(held),
        "edition": exam.edition.isoformat(),
        "n_customers": exam.n_customers,
        "n_replicates": exam.n_replicates,
        "rows": [row.model_dump(mode="json") for row in exam.rows],
    }


def exam_table(exam_verdicts: dict[str, Any]) -> pd.DataFrame:
    """One row per part of a finding: claim, what came out with its interval, the band, the verdict, the source."""
    rows = exam_verdicts["rows"]
    told = [_JUDGED[None if row["judged"] == "shown" else row["passed"]] for row in rows]
    return pd.DataFrame(
        {
            "exam_row": [f"{row['number']}{row['part']}" for row in rows],
            "claim_zh": [row["claim"]["zh"] for row in rows],
            "claim_en": [row["claim"]["en"] for row in rows],
            "exam_value_zh": [_with_interval(row) for row in rows],
            "exam_value_en": [_with_interval(row) for row in rows],
            "band": [_band(row) for row in rows],
            "verdict_zh": [words["zh"] for words in told],
            "verdict_en": [words["en"] for words in told],
            "study_zh": [_in_chinese(row["source"]) for row in rows],
            "study_en": [row["source"] for row in rows],
        }
    )


def exam_headline(exam_verdicts: dict[str, Any]) -> dict[str, Any]:
    """Numbers of the exam for the page's sentences: ``exam_rows``, ``exam_held``."""
    from analysis.evidence import Estimate

    counts = {"exam_rows": exam_verdicts["n_rows"], "exam_held": exam_verdicts["n_held"]}
    return {name: Estimate(value, "count").as_result() for name, value in counts.items()}


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
