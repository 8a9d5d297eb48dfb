"""What headers usually mean: Chinese and English names of the contracts' columns."""

from typing import Final

__all__ = ["SYNONYMS", "likely_header"]

SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "order_id": ("订单号", "订单编号", "invoice", "invoiceno", "basket_id"),
}


def likely_header(column: str, *, headers: list[str], table: str) -> str | None:  # noqa: ARG001 - used soon
    """Return the header that most likely means a column, or None."""
    known = SYNONYMS.get(column, ())
    folded = {header.strip().casefold(): header for header in headers}
    return next((folded[word] for word in known if word in folded), None)
