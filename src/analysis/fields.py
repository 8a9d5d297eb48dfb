"""Every column once: what it means, its unit, and what a reader sees above it.

Tables on pages and axes of charts take their labels from here, so a column is never called two things.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["FIELDS", "Field", "label"]


@dataclass(frozen=True, slots=True)
class Field:
    """One column that is shown or kept.

    Attributes:
        zh: Label in Chinese.
        en: Label in English.
        unit: A unit of ``analysis.numerals.UNITS``, or "" for text and dates.
        meaning_zh: What it means, in Chinese; empty where the label says it.
        meaning_en: What it means, in English.
    """

    zh: str
    en: str
    unit: str = ""
    meaning_zh: str = ""
    meaning_en: str = ""


def label(name: str, *, language: str) -> str:
    """Return the label of a column, or its name if it has none."""
    field = FIELDS.get(name)
    if field is None:
        return name
    return field.zh if language == "zh" else field.en


FIELDS: Final[dict[str, Field]] = {
    # --- keys
    "customer_id": Field("客户编号", "Customer"),
    # --- features: rfm and purchase history
    "n_orders": Field("订单数", "Orders", "orders"),
    "revenue": Field("消费额", "Revenue", "money", "扣除退款后的实付金额合计", "Amount paid, net of refunds"),
    "mean_order_value": Field("客单价", "Order value", "money"),
    "first_order_on": Field("首单日", "First order"),
    "last_order_on": Field("末单日", "Last order"),
    "days_since_last_order": Field("距上次下单天数", "Days since last order", "days"),
    "tenure_days": Field("首单至今天数", "Days since first order", "days"),
    "frequency": Field(
        "复购期数",
        "Repeat purchase periods",
        "count",
        "首购之后有购买的期数",
        "Periods with a purchase after the first",
    ),
    "recency": Field("末次复购时的龄期", "Age at the last repeat purchase", "days"),
    "T": Field("观察期末的龄期", "Age at the end of the period", "days"),
    "monetary_value": Field("复购均额", "Mean value of repeat purchases", "money"),
    # --- counts on pages
    "n_customers": Field("客户数", "Customers", "customers"),
    "share_customers": Field("客户占比", "Share of customers", "share"),
    "share_revenue": Field("消费额占比", "Share of revenue", "share"),
    # --- data_health
    "table": Field("数据表", "Table"),
    "grain": Field("一行是什么", "One row is"),
    "present": Field("有没有", "There?"),
    "reason": Field("原因", "Reason"),
    "rows_in": Field("来源行数", "Rows in", "rows"),
    "rows_used": Field("使用", "Used", "rows"),
    "rows_duplicate": Field("完全重复", "Duplicates", "rows"),
    "rows_anonymous": Field("匿名销售", "Anonymous", "rows"),
    "rows_after_as_of": Field("报告日之后", "After the day", "rows"),
    "rows_quarantined": Field("搁置", "Put aside", "rows"),
    "share_quarantined": Field("占来源行数", "Share of rows in", "share"),
    "first_day": Field("最早一天", "First day", "date"),
    "last_day": Field("最晚一天", "Last day", "date"),
    "columns_present": Field("已接入的列", "Columns there", "columns"),
    "columns_missing": Field("缺的列", "Columns missing"),
    "week_ends_on": Field("周末日", "Week ending", "date"),
}
