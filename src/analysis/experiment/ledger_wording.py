"""The forecast ledger in words, by language."""

from collections.abc import Mapping
from typing import Any, Final

from analysis.numerals import EN_DASH, LANGUAGES, format_value

__all__ = ["KINDS", "VERDICTS", "band_words", "kind_label", "model_name", "of_kind"]

Text = dict[str, str]

KINDS: Final[dict[str, Text]] = {
    "churn.leavers": {"zh": "会流失的活跃客户", "en": "active customers who leave"},
    "churn.deletions": {"zh": "客户删除的好友", "en": "contacts that customers delete"},
    "value.purchase_days": {"zh": "订单（客户价值页）", "en": "orders (value page)"},
    "value.revenue": {"zh": "消费额（客户价值页）", "en": "revenue (value page)"},
    "value.window_hits": {"zh": "下次购买落在窗内", "en": "next purchase within its window"},
    "strategies.purchase_days": {"zh": "照旧时的订单（模拟）", "en": "orders, as before (simulated)"},
    "strategies.revenue": {"zh": "照旧时的消费额（模拟）", "en": "revenue, as before (simulated)"},
    "strategies.buyers": {"zh": "照旧时的回购客户（模拟）", "en": "returning customers, as before (simulated)"},
}
"""What a kind of forecast is of, by ``<notebook>.<quantity>``."""

MODELS: Final[dict[str, Text]] = {
    "p_model": {"zh": "完整模型", "en": "full model"},
    "p_baseline": {"zh": "只看时间长短", "en": "by elapsed time alone"},
    "simulation": {"zh": "策略模拟", "en": "simulation"},
    "nbd": {"zh": "NBD", "en": "NBD"},
    "pareto_nbd": {"zh": "Pareto/NBD", "en": "Pareto/NBD"},
    "bg_nbd": {"zh": "BG/NBD", "en": "BG/NBD"},
    "mbg_nbd": {"zh": "MBG/NBD", "en": "MBG/NBD"},
    "bg_cnbd_k": {"zh": "BG/CNBD-k", "en": "BG/CNBD-k"},
    "mbg_cnbd_k": {"zh": "MBG/CNBD-k", "en": "MBG/CNBD-k"},
}
"""What a forecast was made with; ``p_<slug>`` is that model, put right."""

VERDICTS: Final[dict[str, Text]] = {
    "too_few": {"zh": "太少，还不能判断", "en": "too few to judge"},
    "helps": {"zh": "有用，下次起采用", "en": "helps: used from the next run on"},
    "does_not_help": {"zh": "没有证明有用，不采用", "en": "not proven to help: not used"},
}


def kind_label(notebook: str, quantity: str) -> Text:
    """Return what a kind of forecast is of; one that a home-made notebook froze is called by its names."""
    name = f"{notebook}.{quantity}"
    return KINDS.get(name, {"zh": name, "en": name})


def model_name(model: str) -> Text:
    """Return the name of a model in words.

    Examples:
        >>> model_name("p_bg_nbd")["en"]
        'BG/NBD'
    """
    return MODELS.get(model) or MODELS.get(model.removeprefix("p_")) or {"zh": model, "en": model}


def of_kind(notebook: str, quantity: str, horizon_days: int) -> Text:
    """Return the same with how far ahead.

    Examples:
        >>> of_kind("churn", "leavers", 60)["en"]
        'active customers who leave, 60 days'
    """
    label = kind_label(notebook, quantity)
    return {"zh": f"{label['zh']}，{horizon_days} 天", "en": f"{label['en']}, {horizon_days} days"}


def band_words(row: Mapping[Any, Any], *, currency: str) -> Text:
    r"""Return a forecast as readers write it: the median and its 80 % band; a corrected one says so.

    Args:
        row: ``median``, ``ci_lower``, ``ci_upper``, ``unit``, ``shift``, ``widen``.
        currency: ISO code.

    Examples:
        >>> row = {"median": 120.0, "ci_lower": 100.0, "ci_upper": 140.0, "unit": "customers", "shift": 0, "widen": 1}
        >>> band_words(row, currency="CNY")["en"]
        '120\xa0customers (100–140)'
    """
    corrected = row["widen"] != 1 or row["shift"] != 0
    made = {}
    for key in LANGUAGES:
        middle, low, high = (
            format_value(row[name], str(row["unit"]), language=key, currency=currency, bare=name != "median")
            for name in ("median", "ci_lower", "ci_upper")
        )
        ends = f"{low}{EN_DASH}{high}" + (_CORRECTED[key] if corrected else "")
        made[key] = f"{middle}（{ends}）" if key == "zh" else f"{middle} ({ends})"
    return made


_CORRECTED: Final = {"zh": "，已修正", "en": ", corrected"}
