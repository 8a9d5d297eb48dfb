"""The page that lists every column of the feature table, made from the words in ``fields``.

``python -m analysis.features.reference > docs/reference/features.md`` writes it; a test holds it to the code.
"""

import sys
from typing import Final

from analysis.features.table import FEATURES_FOR_MODELS
from analysis.fields import FIELDS

__all__ = ["reference_page"]

_DESCRIBING: Final = ("customer_id", "first_order_on", "last_order_on", "T")
_HEAD: Final = """# The feature table

One row is one customer with at least one purchase, as known at the end of a day. Columns whose source a book does not
have are absent. A column of one channel has two underscores and the channel after its name: `n_read_30d__moments`.
Days are whole days of the book's zone; money is in the book's currency, net of refunds known by the day; unknown is
empty, and counts of what never happened are 0. The last column says what a model may learn from: no id, no date, and
nothing without a date of its own.

| column | meaning | 含义 | unit | for models |
|---|---|---|---|---|
"""


def reference_page() -> str:
    """Return the reference page of the feature table as Markdown."""
    return _HEAD + "".join(_line(name) for name in (*_DESCRIBING, *FEATURES_FOR_MODELS))


def _line(name: str) -> str:
    field = FIELDS[name]
    en, zh = (_joined(*words) for words in ((field.en, field.meaning_en), (field.zh, field.meaning_zh)))
    return f"| `{name}` | {en} | {zh} | {field.unit} | {'yes' if name in FEATURES_FOR_MODELS else ''} |\n"


def _joined(label: str, meaning: str) -> str:
    return f"{label}: {meaning}" if meaning else label


if __name__ == "__main__":
    sys.stdout.write(reference_page())
