"""Why a row was rejected: a column and a code, with words for both languages.

A rejected row is never lost: it is kept as it came, with its number and its reason, and counted.
"""

from typing import Final

from analysis.errors import DataError

__all__ = ["CODES", "check_share", "reason", "reason_label"]

CODES: Final[dict[str, dict[str, str]]] = {
    "empty": {"zh": "为空", "en": "is empty"},
    "unreadable": {"zh": "无法识别", "en": "cannot be read"},
    "not_allowed": {"zh": "不在允许的取值内", "en": "is not one of the allowed values"},
    "out_of_range": {"zh": "超出范围", "en": "is out of range"},
    "in_the_future": {"zh": "晚于当前时间一天以上", "en": "is later than now by more than a day"},
    "two_customers": {"zh": "同一编号属于两位客户", "en": "belongs to two customers"},
    "same_key_differs": {"zh": "同一编号的行内容不同", "en": "is shared by rows that differ"},
    "damaged": {"zh": "被表格软件改成了科学计数，已丢失末尾数字", "en": "lost its last digits in a spreadsheet"},
    "ragged": {"zh": "列数与表头不符", "en": "has another number of fields than the header"},
}
"""Reason code → words that follow the column's name."""


def reason(column: str, code: str) -> str:
    """Return the reason that is kept beside a rejected row.

    Examples:
        >>> reason("amount", "unreadable")
        'amount: unreadable'
    """
    return f"{column}: {code}"


def reason_label(text: str, *, language: str) -> str:
    """Return a reason in words.

    Examples:
        >>> reason_label("amount: unreadable", language="en")
        'amount cannot be read'
    """
    column, _, code = text.partition(": ")
    words = CODES.get(code)
    return f"{column} {words[language]}" if words else text


def check_share(table: str, *, counts: dict[str, int], rows_in: int, allowed: float, kept_in: str) -> None:
    """Stop if too many rows of a table were rejected.

    Args:
        table: Its name.
        counts: Rejected rows by reason.
        rows_in: Rows of the source.
        allowed: Largest share that does not stop the run.
        kept_in: Where the rejected rows can be looked at.

    Raises:
        DataError: If the share is above ``allowed``, with the reasons, most frequent first.
    """
    total = sum(counts.values())
    if not rows_in or total / rows_in <= allowed:
        return
    listed = "; ".join(
        f"{reason_label(text, language='en')}: {n:,}"
        for text, n in sorted(counts.items(), key=lambda item: -item[1])[:6]
    )
    raise DataError(
        f"{table}: {total:,} of {rows_in:,} rows ({total / rows_in:.1%}) break the contract, "
        f"data.max_quarantine_share allows {allowed:.1%}. {listed}.",
        hint=f"look at the rejected rows in {kept_in}, correct the mapping, or raise data.max_quarantine_share",
    )
