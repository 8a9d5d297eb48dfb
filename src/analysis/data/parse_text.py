"""Text as exports write it: ids, words and numbers, cleaned only where a column needs it."""

from typing import Any, Final

from analysis.data.quoting import literal, literals

__all__ = ["NULL_WORDS", "is_plain", "stripped", "text_id", "text_number", "text_word", "without_words"]

NULL_WORDS: Final = ("", "NULL", "null", "None", "none", "NaN", "nan", "N/A", "#N/A", "<NA>", "NaT", "\\N")
"""Text that means: nothing here."""

NO_NUMBER: Final = ("-", "--", "/", "无")

_SPACES: Final = " \t\r\n\u00a0\u3000\ufeff\u200b"
_WIDE: Final = "０１２３４５６７８９．，－−–＋（）％￥＄　\u00a0"
_NARROW: Final = "0123456789.,---+()%¥$  "
_MONEY_WORDS: Final = r"(?i)(人民币|RMB|CNY|USD|EUR|GBP|HKD|JPY|元|圆|件|个|张|[¥$€£' ])"
_GROUPED: Final = r"[+-]?([0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}|[0-9]*)(\.[0-9]*)?([eE][+-]?[0-9]+)?"
_ODD: Final = r"^[^0-9A-Za-z]|[^!-~]|\.0$|E\+|^(NULL|null|None|none|NaN|nan|N/A|NaT)?$"
"""What may need cleaning in an id: anything but ASCII, a sign in front, a float, or a word for nothing."""
_FIRST_ROWS: Final = 20_000
_REPEATED: Final = 0.1
"""Share of different texts among the first rows below which collecting them costs less than looking at every row."""
_LETTERS_AND_DIGITS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LONGEST_NULL_WORD: Final = 4
"""Bytes of the longest of ``NULL_WORDS`` made of letters; all of them begin with the letter N."""
_BATCH: Final = 122_880
_SCIENTIFIC: Final = r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+"


def stripped(expression: str) -> str:
    """Return SQL of a text without the spaces around it, also wide and invisible ones."""
    return f"trim({expression}, {literal(_SPACES)})"


def without_words(expression: str, *, extra: tuple[str, ...] = ()) -> str:
    """Return SQL of a text that is null where it says that nothing is there."""
    return f"CASE WHEN {expression} NOT IN {literals((*NULL_WORDS, *extra))} THEN {expression} END"


def is_plain(connection: Any, relation: str, expression: str) -> bool:
    """Return whether every text of a column needs no cleaning: one pattern, because a look costs as much as a parse.

    Where the first rows repeat themselves each different text is looked at once.
    """
    first = f"SELECT {expression} AS text FROM ({relation}) LIMIT {_FIRST_ROWS}"
    n, n_different = connection.execute(f"SELECT count(*), count(DISTINCT text) FROM ({first})").fetchall()[0]
    if n_different < _REPEATED * n:
        relation, expression = f"SELECT DISTINCT {expression} AS text FROM ({relation})", "text"
    elif _is_surely_plain(connection, f"SELECT {expression} FROM ({relation})"):
        return True
    odd = f"coalesce(bool_or(regexp_matches({expression}, {literal(_ODD)})), FALSE)"
    return not connection.execute(f"SELECT {odd} FROM ({relation})").fetchall()[0][0]


def _is_surely_plain(connection: Any, texts: str) -> bool:
    """Return whether texts are letters, digits and hyphens, seen by their bytes: half the price of the pattern."""
    import numpy as np

    first, null_word = (np.zeros(256, dtype=np.bool_) for _ in range(2))
    first[np.frombuffer(_LETTERS_AND_DIGITS, dtype=np.uint8)] = True
    null_word[np.frombuffer(b"nN", dtype=np.uint8)] = True
    for batch in connection.sql(texts).to_arrow_reader(_BATCH):
        column = batch.column(0).drop_null()
        _, offsets, data = column.buffers()
        place = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
        if not len(column):
            continue
        start, length = place[:-1], np.diff(place)
        if not length.all():
            return False
        letters = np.frombuffer(data, dtype=np.uint8)
        odd = letters[place[0] : place[-1]].tobytes().translate(None, _LETTERS_AND_DIGITS + b"-_")
        if odd or not first.take(letters.take(start)).all():
            return False
        if null_word[letters[start[length <= _LONGEST_NULL_WORD]]].any():
            return False
    return True


def text_id(connection: Any, relation: str, expression: str, *, nobody: tuple[str, ...] = ()) -> tuple[str, str]:
    """Return SQL of an id, and SQL that is true where the source has one (a damaged id is given but null).

    ``="007"``, ``'007`` and a backtick before it are a spreadsheet's ways of keeping an id; a column
    of nothing but ``17850.0`` was numbers with gaps. ``6.92E+18`` has lost its last digits for good.
    """
    if is_plain(connection, relation, expression):
        return (without_words(expression, extra=nobody) if nobody else expression), "FALSE"
    bare = f"translate({stripped(expression)}, '０１２３４５６７８９', '0123456789')"
    bare = f"""ltrim(regexp_replace({bare}, '^="(.*)"$', '\\1'), '''`')"""
    text = without_words(bare, extra=nobody)
    counts = connection.execute(
        f"SELECT count({text}), count(*) FILTER (regexp_full_match({text}, '[0-9]+\\.0+')), "
        f"count(*) FILTER (regexp_full_match({text}, {literal(_SCIENTIFIC)})) FROM ({relation})"
    ).fetchall()[0]
    given = f"(({text}) IS NOT NULL)"
    if counts[0] and counts[1] == counts[0]:
        return f"regexp_replace({text}, '\\.0+$', '')", "FALSE"
    if counts[2]:
        return f"CASE WHEN NOT regexp_full_match({text}, {literal(_SCIENTIFIC)}) THEN {text} END", given
    return text, "FALSE"


def text_word(connection: Any, relation: str, expression: str) -> str:
    """Return SQL of a word or a sentence: stripped, null where nothing is there."""
    return expression if is_plain(connection, relation, expression) else without_words(stripped(expression))


def text_number(connection: Any, relation: str, expression: str, *, decimal: str | None) -> tuple[str, str]:
    """Return SQL of a number written as text, and SQL that is true where the source has something.

    ``￥1,234.50``, ``（12.00）``, ``12.00-``, ``－３``, ``1 234,5`` and ``12.5%`` are numbers; ``1,23,4`` is not.
    A percentage becomes a share.
    """
    text = without_words(stripped(expression), extra=NO_NUMBER)
    given = f"(({text}) IS NOT NULL)"
    plain = f"TRY_CAST({text} AS DOUBLE)"
    odd = f"{given} AND ({plain} IS NULL OR NOT isfinite({plain}) OR contains({text}, '_'))"
    rest = connection.execute(f"SELECT coalesce(bool_or({odd}), FALSE) FROM ({relation})").fetchall()[0][0]
    if not rest and decimal != ",":
        return plain, given
    wide = f"translate({text}, {literal(_WIDE)}, {literal(_NARROW)})"
    bare = f"regexp_replace({wide}, {literal(_MONEY_WORDS)}, '', 'g')"
    unsigned = f"regexp_replace({bare}, '[()%]|-$', '', 'g')"
    if (decimal or _decimal(connection, relation, unsigned)) == ",":
        unsigned = f"translate({unsigned}, '.,', ',.')"
    cast = f"TRY_CAST(replace({unsigned}, ',', '') AS DOUBLE)"
    number = f"CASE WHEN regexp_full_match({unsigned}, {literal(_GROUPED)}) THEN {cast} END"
    sign = f"CASE WHEN regexp_full_match({bare}, '\\(.*\\)|.*[0-9]-') THEN -1 ELSE 1 END"
    scale = f"CASE WHEN ends_with({bare}, '%') THEN 0.01 ELSE 1 END"
    return f"({number}) * ({sign}) * ({scale})", given


def _decimal(connection: Any, relation: str, unsigned: str) -> str:
    """Return the decimal mark: a comma if some number can only be read so, and none only with a point."""
    comma = r"[+-]?[0-9]{1,3}(\.[0-9]{3})*,([0-9]{1,2}|[0-9]{4,})|[+-]?[0-9]+,([0-9]{1,2}|[0-9]{4,})"
    point = r"[+-]?[0-9]{1,3}(,[0-9]{3})*\.([0-9]{1,2}|[0-9]{4,})|[+-]?[0-9]+\.([0-9]{1,2}|[0-9]{4,})"
    found = connection.execute(
        f"SELECT coalesce(bool_or(regexp_full_match({unsigned}, {literal(comma)})), FALSE), "
        f"coalesce(bool_or(regexp_full_match({unsigned}, {literal(point)})), FALSE) FROM ({relation})"
    ).fetchall()[0]
    return "," if found[0] and not found[1] else "."
