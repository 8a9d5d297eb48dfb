"""Times as people write them: the shape of a text decides its format, a column's range decides what is left open.

Every digit of a text is turned into 0; the few shapes that remain are read in Python, each becomes a
format, and the database parses all rows with those formats. Nothing is guessed: a shape that is not
known stays unreadable, and where the data cannot tell the day from the month, loading asks.
"""

import re
from typing import Any, Final, Literal, NamedTuple

from analysis.data.local_time import to_utc_sql
from analysis.data.parse_text import stripped, without_words
from analysis.data.quoting import literal
from analysis.errors import DataError

__all__ = ["Shape", "classify", "number_time", "text_time"]

DateOrder = Literal["ymd", "dmy", "mdy"]

NO_TIME: Final = ("-", "--", "/", "无", "0", "0000-00-00", "0000-00-00 00:00:00", "0001-01-01 00:00:00", "1900-01-00")
"""Text that means: it did not happen."""

_DIGITS: Final = "123456789０１２３４５６７８９"
_MAX_SHAPES: Final = 500
_DATE: Final = re.compile(
    r"(?P<y>0{4})(?P<s1>[-/.年])(?P<m>0{1,2})(?P<s2>[-/.月])(?P<d>0{1,2})(?P<s3>[日号]?)"
    r"|(?P<f>0{1,2})(?P<t1>[-/. ])(?P<g>0{1,2})(?P<t2>[-/. ])(?P<y2>0{4}|00)"
    r"|(?P<day>0{1,2})(?P<u1>[- ])[A-Za-z]{3}(?P<u2>[- ])(?P<y3>0{4})"
    r"|(?P<compact>0{8})"
)
_CLOCK: Final = re.compile(
    r"(?P<gap>[ T]*)(?P<half1>AM|PM|am|pm)?(?P<gap1> *)"
    r"0{1,2}(?P<c1>[:时点])00?(?:(?P<c2>[:分])(?:00?(?P<fraction>\.0{1,9})?)?(?P<c3>秒?))?"
    r"(?P<gap2> *)(?P<half2>AM|PM|am|pm)?"
)
_ZONE: Final = re.compile(r" ?(?:Z|UTC|GMT|[+-]00(?::?00)?)$")
_ZONE_SQL: Final = r" ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)$"


class Shape(NamedTuple):
    """What a shape of digits means.

    Attributes:
        how: ``format``, ``epoch_s``, ``epoch_ms`` or ``excel``.
        format: For ``format``: of strptime; day and month of ambiguous dates are written ``%1`` and ``%2``.
        zoned: Whether the text ends with its offset from UTC.
    """

    how: str
    format: str = ""
    zoned: bool = False


def classify(shape: str) -> Shape | None:
    """Return what a shape means, or None.

    Examples:
        >>> classify("0000/0/0 0:00")
        Shape(how='format', format='%Y/%m/%d %H:%M', zoned=False)
        >>> classify("0000年0月00日").format
        '%Y年%m月%d日'
        >>> classify("00/00/0000").format
        '%1/%2/%Y'
    """
    if re.fullmatch(r"0{5}(\.0+)?", shape):
        return Shape("excel")
    if re.fullmatch(r"0{10}(\.0+)?", shape):
        return Shape("epoch_s")
    if shape == "0" * 13:
        return Shape("epoch_ms")
    if shape in {"0" * 12, "0" * 14}:
        return Shape("format", "%Y%m%d%H%M%S"[: 10 if len(shape) == 12 else 12])
    zone = _ZONE.search(shape) if ":" in shape else None
    rest = shape[: zone.start()] if zone else shape
    day = _DATE.match(rest)
    if day is None:
        return None
    clock = _clock_format(rest[day.end() :], glued=bool(day["s3"]))
    return None if clock is None else Shape("format", _date_format(day) + clock, zone is not None)


def _date_format(day: re.Match[str]) -> str:
    if day["y"]:
        return f"%Y{day['s1']}%m{day['s2']}%d{day['s3']}"
    if day["y2"]:
        return f"%1{day['t1']}%2{day['t2']}{'%Y' if len(day['y2']) == 4 else '%y'}"
    return f"%d{day['u1']}%b{day['u2']}%Y" if day["y3"] else "%Y%m%d"


def _clock_format(rest: str, *, glued: bool) -> str | None:
    if not rest.strip():
        return rest
    clock = _CLOCK.fullmatch(rest)
    if clock is None or not (clock["gap"] or clock["half1"] or glued):
        return None
    hour = "%I" if clock["half1"] or clock["half2"] else "%H"
    text = f"{clock['gap']}{'%p' if clock['half1'] else ''}{clock['gap1']}{hour}{clock['c1']}%M"
    if clock["c2"]:
        seconds = rest[clock.end("c2") : clock.end("c2") + 1] == "0"
        text += clock["c2"] + ("%S" if seconds else "") + (".%f" if clock["fraction"] else "") + clock["c3"]
    return text + clock["gap2"] + ("%p" if clock["half2"] else "")


def _normal(expression: str) -> str:
    """SQL of the text with ASCII digits and signs, Chinese halves of the day as AM and PM."""
    ascii_text = f"translate({stripped(expression)}, '０１２３４５６７８９：／－．\u3000\u00a0', '0123456789:/-.  ')"
    return f"replace(replace({ascii_text}, '上午', 'AM '), '下午', 'PM ')"


def text_time(
    connection: Any,
    relation: str,
    expression: str,
    *,
    what: str,
    timezone: str,
    date_order: DateOrder | None,
) -> tuple[str, str, bool]:
    """Return SQL of the times in a column of text, SQL of where something is given, and whether they are UTC.

    Args:
        connection: Database connection.
        relation: SQL of the rows.
        expression: SQL of the text.
        what: Table and column, for messages.
        timezone: The book's zone, for columns of which only some times carry a zone.
        date_order: The book's word on day and month.

    Raises:
        DataError: If day and month cannot be told apart.
    """
    text = without_words(_normal(expression), extra=NO_TIME)
    shapes = connection.execute(
        f"SELECT translate({text}, {literal(_DIGITS)}, {literal('0' * len(_DIGITS))}) AS shape, count(*) AS n "
        f"FROM ({relation}) GROUP BY 1 HAVING shape IS NOT NULL ORDER BY n DESC, shape LIMIT {_MAX_SHAPES}"
    ).fetchall()
    known = {shape: meaning for shape, _ in shapes if (meaning := classify(shape)) is not None}
    order = _date_order(connection, relation, text, known=known, what=what, told=date_order)
    formats = {meaning: _format(meaning, order) for meaning in known.values() if meaning.how == "format"}
    plain = sorted({form for meaning, form in formats.items() if not meaning.zoned})
    zoned = sorted({form for meaning, form in formats.items() if meaning.zoned})
    hows = {meaning.how for meaning in known.values()}
    given = f"(({text}) IS NOT NULL)"
    local, utc = [], []
    if plain:
        local.append(_strptime(text, plain))
    if "excel" in hows:
        local.append(_excel(f"TRY_CAST({text} AS DOUBLE)"))
    if zoned:
        utc.append(_zoned(text, zoned))
    if "epoch_ms" in hows:
        utc.append(_epoch(f"TRY_CAST({text} AS DOUBLE) / 1000"))
    if "epoch_s" in hows:
        utc.append(_epoch(f"TRY_CAST({text} AS DOUBLE)"))
    if not utc:
        return (f"coalesce({', '.join(local)})" if local else "NULL::TIMESTAMP"), given, False
    everything = [*utc, *(to_utc_sql(one, timezone=timezone) for one in local)]
    return f"coalesce({', '.join(everything)})", given, True


def _format(meaning: Shape, order: DateOrder) -> str:
    first, second = ("%m", "%d") if order == "mdy" else ("%d", "%m")
    return meaning.format.replace("%1", first).replace("%2", second)


def _strptime(text: str, formats: list[str]) -> str:
    iso = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"}
    if set(formats) <= iso:
        return f"TRY_CAST({text} AS TIMESTAMP)"
    return f"try_strptime({text}, [{', '.join(literal(form) for form in formats)}])::TIMESTAMP"


def _zoned(text: str, formats: list[str]) -> str:
    bare = f"regexp_replace({text}, {literal(_ZONE_SQL)}, '')"
    offset = f"regexp_extract({text}, {literal(_ZONE_SQL)}, 1)"
    digits = f"regexp_replace({offset}, '[^0-9]', '', 'g')"
    minutes = (
        f"(TRY_CAST(substr({digits}, 1, 2) AS INTEGER) * 60 + coalesce(TRY_CAST(substr({digits}, 3, 2) AS INTEGER), 0))"
    )
    sign = f"CASE WHEN starts_with({offset}, '-') THEN -1 ELSE 1 END"
    east = f"CASE WHEN {digits} = '' THEN 0 ELSE {minutes} * {sign} END"
    return f"CASE WHEN {offset} <> '' THEN {_strptime(bare, formats)} - to_minutes({east}) END"


def _excel(serial: str) -> str:
    """Days since 1899-12-30, to the millisecond: what a spreadsheet stores for a date."""
    inside = f"{serial} BETWEEN 20000 AND 80000"
    return f"CASE WHEN {inside} THEN TIMESTAMP '1899-12-30' + to_milliseconds(round({serial} * 86400000)::BIGINT) END"


def _epoch(seconds: str) -> str:
    return f"CASE WHEN {seconds} BETWEEN 0 AND 4102444800 THEN make_timestamp(round({seconds} * 1000000)::BIGINT) END"


def _date_order(
    connection: Any,
    relation: str,
    text: str,
    *,
    known: dict[str, Shape],
    what: str,
    told: DateOrder | None,
) -> DateOrder:
    """Return which of the first two numbers is the day: as told, else the one that exceeds 12."""
    if told is not None or not any("%1" in meaning.format for meaning in known.values()):
        return told or "ymd"
    pattern = "^([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]"
    first, second = (f"max(TRY_CAST(regexp_extract({text}, '{pattern}', {n}) AS INTEGER))" for n in (1, 2))
    example = f"min({text}) FILTER (regexp_matches({text}, '{pattern}'))"
    high = connection.execute(f"SELECT {first}, {second}, {example} FROM ({relation})").fetchall()[0]
    if (high[0] > 12) == (high[1] > 12):
        raise DataError(
            f"{what}: dates such as '{high[2]}' do not tell the day from the month.",
            hint="add to the table in the book: date_order: dmy (or mdy)",
        )
    return "dmy" if high[0] > 12 else "mdy"


def number_time(connection: Any, relation: str, expression: str) -> tuple[str, bool]:
    """Return SQL of times stored as numbers, by their size: a spreadsheet's days, 20240105, or Unix time.

    The flag says whether they are UTC (Unix time) or local.
    """
    value = f"({expression})::DOUBLE"
    high = connection.execute(f"SELECT max({value}) FROM ({relation}) WHERE isfinite({value})").fetchall()[0][0]
    if high is None or high < 80_000:
        return _excel(value), False
    if 19_000_000 < high < 100_000_000:
        return f"TRY_CAST(try_strptime(({expression})::BIGINT::VARCHAR, '%Y%m%d') AS TIMESTAMP)", False
    if high < 1e11:
        return _epoch(value), True
    return _epoch(f"{value} / {1000 if high < 1e14 else 1_000_000}"), True
