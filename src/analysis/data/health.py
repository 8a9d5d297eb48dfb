"""The state of the data in tables a reader can check: what came in, what was used, what was put aside.

Works on the accounts that loading kept; nothing is counted anew.
"""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from analysis.data.accounting import TableAccount
from analysis.data.contracts import CONTRACTS, TABLE_LABELS
from analysis.data.quarantine import reason_label

__all__ = ["ABSENT", "account_table", "coverage_table", "health_headline", "quality_items", "quarantine_table"]

ABSENT: Final = {"zh": "没有提供", "en": "not provided"}
# Above this share of rows put aside a table is marked, even if the book allows more.
_NOTABLE_SHARE: Final = 0.001


def account_table(accounts: Sequence[TableAccount]) -> pd.DataFrame:
    """Return one row per table of the source: the law of rows, rows in = the five that follow.

    Args:
        accounts: Accounts at the day of the report.
    """
    return pd.DataFrame(
        [
            {
                **_table(account.name),
                "rows_in": account.rows_in,
                "rows_used": account.used,
                "rows_duplicate": account.duplicates,
                "rows_anonymous": account.anonymous,
                "rows_after_as_of": account.after_as_of,
                "rows_quarantined": account.n_quarantined,
                "first_day": _iso(account.first_day),
                "last_day": _iso(account.last_day),
            }
            for account in accounts
        ]
    )


def quarantine_table(accounts: Sequence[TableAccount]) -> pd.DataFrame:
    """Return one row per table and reason for putting rows aside, most rows first."""
    rows = [
        {
            **_table(account.name),
            "reason_zh": reason_label(reason, language="zh"),
            "reason_en": reason_label(reason, language="en"),
            "rows_quarantined": n,
            "share_quarantined": n / account.rows_in,
        }
        for account in accounts
        for reason, n in account.quarantined.items()
        if n
    ]
    names = ["table_zh", "table_en", "reason_zh", "reason_en", "rows_quarantined", "share_quarantined"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.sort_values(
        ["rows_quarantined", "table_en", "reason_en"], ascending=[False, True, True], ignore_index=True
    )


def coverage_table(accounts: Sequence[TableAccount]) -> pd.DataFrame:
    """Return one row per contract table: whether it is there, and which of its columns are not."""
    found = {account.name: account for account in accounts}
    rows = []
    for contract in CONTRACTS.values():
        account = found.get(contract.name)
        missing = [name for name in contract.names if account is not None and name not in account.mapped]
        rows.append(
            {
                **_table(contract.name),
                "grain_zh": contract.grain_zh,
                "grain_en": contract.grain_en,
                "present_zh": "有" if account else "缺",
                "present_en": "yes" if account else "no",
                "columns_present": len(account.mapped) if account else 0,
                "columns_missing": ", ".join(missing),
            }
        )
    return pd.DataFrame(rows)


def quality_items(accounts: Sequence[TableAccount]) -> list[dict[str, Any]]:
    """Return the state of each table of the source: ``ok``, ``warn`` or, for orders that are lacking, ``none``."""
    items = [_quality(account) for account in accounts]
    if "orders" not in {account.name for account in accounts}:
        text = {"zh": "没有订单表，只能读实验结果或决策记录。", "en": "No orders: only outcomes or decisions are read."}
        items.insert(0, {"label": _label("orders"), "state": "none", "words": ABSENT, "text": text})
    return items


def health_headline(accounts: Sequence[TableAccount]) -> dict[str, Any]:
    """Return the numbers of the page, with units."""
    total = sum(account.rows_in for account in accounts)
    used = sum(account.used for account in accounts)
    aside = sum(account.n_quarantined for account in accounts)
    orders = next((account for account in accounts if account.name == "orders"), None)
    refunds = orders.refunds if orders else {}
    return {
        "rows_in": _count(total),
        "rows_used": _count(used),
        "rows_quarantined": _count(aside),
        "rows_duplicate": _count(sum(account.duplicates for account in accounts)),
        "rows_anonymous": _count(sum(account.anonymous for account in accounts)),
        "rows_after_as_of": _count(sum(account.after_as_of for account in accounts)),
        "share_used": _share(used, total),
        "share_quarantined": _share(aside, total),
        "n_tables": {"value": len(accounts), "unit": "count"},
        "n_contracts": {"value": len(CONTRACTS), "unit": "count"},
        "unmatched_refunds": {"value": refunds.get("unmatched", 0), "unit": "refunds"},
        "refunds": {"value": sum(refunds.values()), "unit": "refunds"},
        "first_day": _iso(orders.first_day if orders else None) or "-",
        "last_day": _iso(orders.last_day if orders else None) or "-",
        "verdict": _verdict(aside, total),
    }


def _quality(account: TableAccount) -> dict[str, Any]:
    notices = account.notices
    aside = account.n_quarantined
    text = {
        "zh": f"{account.rows_in:,} 行，用了 {account.used:,}，搁置 {aside:,}"
        + "".join(f"；{n['zh']}" for n in notices),
        "en": f"{account.rows_in:,} rows, {account.used:,} used, {aside:,} put aside"
        + "".join(f"; {n['en']}" for n in notices),
    }
    doubtful = bool(notices) or account.quarantine_share > _NOTABLE_SHARE
    words = {"zh": "需要看一眼", "en": "worth a look"} if doubtful else {"zh": "正常", "en": "fine"}
    return {"label": _label(account.name), "state": "warn" if doubtful else "ok", "words": words, "text": text}


def _label(table: str) -> dict[str, str]:
    zh, en = TABLE_LABELS.get(table, (table, table))
    return {"zh": zh, "en": en}


def _table(table: str) -> dict[str, str]:
    return {f"table_{language}": words for language, words in _label(table).items()}


def _verdict(aside: int, total: int) -> dict[str, str]:
    if total == 0:
        return {"zh": "没有数据", "en": "there are no data"}
    if aside == 0:
        return {"zh": "数据可以放心用", "en": "the data can be relied on"}
    if aside / total <= _NOTABLE_SHARE * 10:
        return {"zh": "数据可以用，少量行被搁置", "en": "the data can be used; a few rows were put aside"}
    return {"zh": "数据要先看一眼再用", "en": "look at the data before relying on them"}


def _count(n: int) -> dict[str, Any]:
    return {"value": n, "unit": "rows"}


def _share(part: int, total: int) -> dict[str, Any]:
    return {"value": part / total if total else None, "unit": "share", "n": total}


def _iso(day: object) -> str | None:
    return None if day is None else str(day)
