"""Personal data have no place here: found in a column, they stop the load or are hashed with the book's salt.

Ids by contract are exempt: a customer id may be a phone number that the brand chose as key. Anything
else that holds phone numbers, id-card numbers, e-mail addresses or people's names is refused, unless
the book names the column under ``data.pii``; then only a keyed hash of it is ever written.
"""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from analysis.data.quoting import literal, quoted
from analysis.data.read import RawTable
from analysis.errors import DataError

__all__ = ["SALT_VARIABLE", "hash_columns", "hashed", "is_id_card", "refuse_personal_data", "salt_check"]

SALT_VARIABLE: Final = "SIYU_SALT"
_SHORTEST_SALT: Final = 16
"""Characters; a shorter secret can be guessed."""

_PHONE: Final = r"(\+?86[- ]?)?1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}|0[1-9][0-9]{1,2}-[1-9][0-9]{6,7}"
_CARD: Final = r"[1-8][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
_MAIL: Final = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
_SURNAMES: Final = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石"
    "姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_NAME: Final = f"[{_SURNAMES}]" + r"\p{Han}{1,2}"
_WORDS: Final = r"[A-Z][A-Za-z.'-]+( [A-Z][A-Za-z.'-]*){1,3}"
_NAME_HEADERS: Final = (
    "姓名",
    "收货人",
    "收件人",
    "联系人",
    "真实姓名",
    "customername",
    "fullname",
    "firstname",
    "lastname",
    "surname",
)
_PHONE_HEADERS: Final = ("手机", "电话", "phone", "mobile")
_USUAL_SHARE: Final = 0.5
"""Share of a column's values that must look personal where nothing else says what the column is."""
_NAME_SHARE: Final = 0.8
_NAME_MIN_DISTINCT: Final = 50
"""Fewer different values are the values of a category (金牌, 白银), not people."""
_DISTINCT_SHARE: Final = 0.1
_SAMPLE: Final = 200_000
"""Rows looked at in a column that is not used."""

_CARD_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CARD_CHECK: Final = "10X98765432"


def is_id_card(text: str) -> bool:
    """Return whether a text is a resident identity number with the right check digit (GB 11643-1999).

    Examples:
        >>> is_id_card("11010519491231002X"), is_id_card("110105194912310021")
        (True, False)
    """
    if len(text) != 18 or not text[:17].isdigit():
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _CARD_WEIGHTS, strict=False))
    return _CARD_CHECK[total % 11] == text[17].upper()


def refuse_personal_data(
    connection: Any, raw: RawTable, *, exempt: frozenset[str], words: frozenset[str], allowed: tuple[str, ...]
) -> None:
    """Stop if a column that is no id holds personal data.

    Args:
        connection: Database connection.
        raw: The table as the source has it.
        exempt: Headers that are ids, numbers or times by contract.
        words: Headers that become words or sentences: one such value is enough there.
        allowed: Headers that the book names under ``data.pii``.

    Raises:
        DataError: With table, column, what was found and the line to add.
    """
    for header, kind in raw.columns:
        if header in exempt or header in allowed or kind in {"DOUBLE", "FLOAT", "BOOLEAN", "DATE"} or "TIME" in kind:
            continue
        what = _found(connection, raw, header, is_text=kind == "VARCHAR", one_is_enough=header in words)
        if what is not None:
            raise DataError(
                f"{raw.name} ({raw.file}): column '{header}' holds {what}; "
                "personal data may only stand in a column that is an id by contract.",
                hint=f"leave the column out of the export, or have it hashed: data: {{pii: [{header}]}}",
            )


def _found(connection: Any, raw: RawTable, header: str, *, is_text: bool, one_is_enough: bool) -> str | None:
    rows = f"({raw.sql})" if one_is_enough else f"(FROM ({raw.sql}) LIMIT {_SAMPLE})"
    values = f"(SELECT trim({quoted(header)}::VARCHAR) AS v, count(*) AS n FROM {rows} GROUP BY 1)"
    n_given, n_phone, n_mail, n_card = connection.execute(
        "SELECT coalesce(sum(n) FILTER (v <> ''), 0)::BIGINT, "
        f"sum(n) FILTER (strlen(v) BETWEEN 11 AND 17 AND regexp_full_match(v, {literal(_PHONE)})), "
        f"sum(n) FILTER (contains(v, '@') AND regexp_full_match(v, {literal(_MAIL)})), "
        f"sum(n) FILTER (strlen(v) = 18 AND regexp_full_match(v, {literal(_CARD)})) FROM {values}"
    ).fetchall()[0]
    enough = 1 if one_is_enough and is_text else max(1, round(_USUAL_SHARE * n_given))
    if n_card:
        n_card = _count_cards(connection, values)
    said = any(word in header.casefold() for word in _PHONE_HEADERS)
    for n, what in ((n_card, "id-card numbers"), (n_phone, "phone numbers"), (n_mail, "e-mail addresses")):
        if n and (n >= enough or (said and what == "phone numbers")):
            return f"{what} ({n:,} of {n_given:,} values)"
    return _names(connection, values, header) if is_text and n_given else None


def _count_cards(connection: Any, values: str) -> int:
    rows = connection.execute(
        f"SELECT v, n FROM {values} WHERE strlen(v) = 18 AND regexp_full_match(v, {literal(_CARD)})"
    ).fetchall()
    return sum(int(n) for text, n in rows if is_id_card(text))


def _names(connection: Any, values: str, header: str) -> str | None:
    n, n_distinct, n_names, n_words = connection.execute(
        f"SELECT sum(n), count(*), coalesce(sum(n) FILTER (regexp_full_match(v, {literal(_NAME)})), 0), "
        f"coalesce(sum(n) FILTER (regexp_full_match(v, {literal(_WORDS)})), 0) FROM {values} WHERE v <> ''"
    ).fetchall()[0]
    said = any(word in header.casefold().replace("_", "").replace(" ", "") for word in _NAME_HEADERS)
    if said and (n_names >= _USUAL_SHARE * n or n_words >= _USUAL_SHARE * n):
        return "people's names"
    several = n_distinct >= max(_NAME_MIN_DISTINCT, _DISTINCT_SHARE * float(n))
    return "what look like people's names" if several and n_names >= _NAME_SHARE * float(n) else None


def _salt() -> bytes:
    salt = os.environ.get(SALT_VARIABLE, "")
    if len(salt) < _SHORTEST_SALT:
        state = "is not set" if not salt else f"has only {len(salt)} characters"
        raise DataError(
            f"data.pii needs the secret salt of the book, but {SALT_VARIABLE} {state}.",
            hint=f"export {SALT_VARIABLE}=… with at least {_SHORTEST_SALT} random characters, and keep it: "
            "another salt gives other hashes",
        )
    return salt.encode()


def salt_check() -> str:
    """Return a short digest that tells one salt from another without telling the salt."""
    return hashlib.blake2b(b"which salt", key=hashlib.sha256(_salt()).digest(), digest_size=8).hexdigest()


def hashed(text: str, *, key: bytes) -> str:
    """Return the keyed BLAKE2 hash of a text, 32 hex digits: the same text and key always give the same.

    Examples:
        >>> hashed("13800138000", key=b"k" * 32) == hashed("13800138000", key=b"k" * 32)
        True
    """
    return hashlib.blake2b(text.strip().encode(), key=key, digest_size=16).hexdigest()


def hash_columns(raw: RawTable, *, columns: tuple[str, ...], work: Path) -> RawTable:
    """Return the table with the named columns replaced by keyed hashes, empty values staying empty.

    Raises:
        DataError: If the salt is not set, or too short.
    """
    named = [header for header in raw.headers if header in columns]
    if not named:
        return raw
    key = hashlib.sha256(_salt()).digest()
    paths = tuple(
        _hash_file(path, columns=named, key=key, target=work / f"{raw.name}.hashed.{number}.parquet")
        for number, path in enumerate(raw.paths)
    )
    kinds = tuple((header, "VARCHAR" if header in named else kind) for header, kind in raw.columns)
    # a row that does not fit the header cannot be hashed by column: its text is not kept
    ragged = tuple((number, "(not kept: the table has personal data)") for number, _ in raw.ragged)
    return replace(raw, paths=paths, columns=kinds, ragged=ragged)


def _hash_file(path: Path, *, columns: list[str], key: bytes, target: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as source:
        schema = source.schema_arrow
        for column in columns:
            schema = schema.set(schema.get_field_index(column), pa.field(column, pa.string()))
        with pq.ParquetWriter(target, schema, compression="lz4") as writer:
            for batch in source.iter_batches():
                arrays = [
                    _hash_array(array, key=key) if name in columns else array
                    for name, array in zip(batch.schema.names, batch.columns, strict=True)
                ]
                writer.write_batch(pa.record_batch(arrays, schema=schema))
    return target


def _hash_array(array: Any, *, key: bytes) -> Any:
    import pyarrow as pa

    values = ((None if value is None else str(value)) for value in array.to_pylist())
    return pa.array([None if not value else hashed(value, key=key) for value in values], pa.string())
