"""A small brand whose customers are people and whose names are hostile: what an export may hold at its worst.

Customer and contact ids are phone numbers, id-card numbers, names, e-mail addresses, WeCom ids, addresses and
hostile texts; campaigns, tags, categories, channels, sources and arms are hostile texts. Every personal value holds one
of ``MARKS``, which nothing else holds, so that a search for a few signs finds all of them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.security.payloads import PAYLOADS

MARKS: Final = (
    "1398877",
    "990077199",
    "㛃",
    "@planted.example",
    "wmPLANTED",
    "planted-contact",
    "SALTY",
    "SECRETADDRESS",
)
_KINDS: Final[tuple[Callable[[int], str], ...]] = (
    lambda n: f"1398877{n:04d}",
    lambda n: f"990077199{n:08d}X",
    lambda n: f"王㛃{n}",
    lambda n: f"li{n}@planted.example",
    lambda n: f"wmPLANTED{n:05d}AAx",
    lambda n: f"上海市徐汇区㛃溪路{n}号",
    lambda n: f"㛃{PAYLOADS[n % len(PAYLOADS)].text[:200].strip() or 'x'}{n}",
)
HOSTILE: Final = [
    payload.text
    for payload in PAYLOADS
    if 3 < len(payload.text.strip()) <= 120
    and payload.kind in {"markup", "event", "template", "tex", "address", "formula"}
]
SECRETS: Final = {
    "SIYU_SALT": "SALTYsalt-of-the-planted-brand-0001",
    "SHOP_DB": "postgresql://reader:SECRETADDRESS@db.example/shop",
    "AUDIENCE_URL": "wecombot://SECRETADDRESS-audience",
    "OPS_URL": "dingtalk://SECRETADDRESS-ops",
}


def person(n: int) -> str:
    """Return the n-th person's id."""
    return _KINDS[n % len(_KINDS)](n)


def write_brand(out: Path, *, customers: int) -> None:
    """Write the brand's tables as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from analysis.data.synthetic import generate

    generate("beauty", customers=customers, seed=7, out=out)
    people: dict[str, int] = {}
    hostile: dict[str, str] = {}
    for path in sorted(out.glob("*.parquet")):
        table = pq.read_table(path)
        for name in table.column_names:
            make = _maker(path.stem, name, people, hostile)
            if make is not None:
                values = [None if value is None else make(str(value)) for value in table[name].to_pylist()]
                table = table.set_column(table.column_names.index(name), name, pa.array(values, pa.string()))
        if path.stem == "customers":
            phones = pa.array([f"1398877{n:04d}" for n in range(table.num_rows)], pa.string())
            table = table.append_column("phone", phones)
        pq.write_table(table, path)


def _maker(table: str, column: str, people: dict[str, int], hostile: dict[str, str]) -> Callable[[str], str] | None:
    if column in {"customer_id", "referrer_id", "referee_id"}:
        return lambda value: person(people.setdefault(value, len(people)))
    if column == "contact_id":
        return lambda value: f"planted-contact-{value}"
    if column in {"staff_id", "owner_staff_id"}:
        # a member of staff stands on the pages that compare their doors: by the key the brand gave, as text
        return lambda value: f"员工{value[-2:]}<b>"
    if (table, column) in _TEXTS:

        def known(value: str) -> str:
            if value in _KEPT:
                return value
            return hostile.setdefault(f"{column}/{value}", HOSTILE[len(hostile) % len(HOSTILE)])

        return known  # fmt: skip
    return None


_KEPT: Final = {"holdout", "treated", "control", "nothing", "none"}
"""What a page looks for by its name."""
_TEXTS: Final[set[tuple[str, str]]] = {
    ("orders", "category"), ("order_items", "category"), ("orders", "shop_channel"), ("orders", "coupon_id"),
    ("order_items", "sku"), ("customers", "source"), ("spend", "source"), ("customers", "member_level"),
    ("campaigns", "name"), ("campaigns", "hypothesis"), ("campaigns", "objective"), ("assignments", "arm"),
    ("assignments", "stratum"), ("touches", "arm"), ("touches", "template_id"), ("touches", "offer_id"),
    ("contacts", "source_state"), ("groups", "theme"), ("tags", "tag"), ("surveys", "question"), ("surveys", "answer"),
    ("referrals", "mechanism"), ("outcomes", "arm"), ("decisions", "action"), ("customers", "gender"),
}  # fmt: skip


def book_text(notebooks: list[str], *, source: Path, min_cell: int) -> str:
    """Return a book on the brand whose own texts are hostile too."""
    import json

    blocks = {
        "segments": {"resamples": 10, "k_max": 4},
        "strategies": {"replicates": 20},
        "churn": {"horizon_days": 60},
    }
    plain: dict[str, Any] = {
        "name": "planted",
        "title": {"zh": "<script>document.title='HIT'</script>{{7*7}}", "en": "</title><script>window.HIT=1</script>"},
        "contact": {"zh": '"><img src=x onerror=window.HIT=1>', "en": "javascript:window.HIT=1"},
        "data": {"source": str(source), "pii": ["phone"], "max_quarantine_share": 1.0},
        "language": "both",
        "min_cell": min_cell,
        "notebooks": {name: blocks.get(name, {}) for name in notebooks},
        "notify": {"audience": ["AUDIENCE_URL"], "maintainer": ["OPS_URL"]},
    }
    return json.dumps(plain, ensure_ascii=False)
