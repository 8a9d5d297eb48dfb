"""Where each column of a contract comes from in a source: a header, a constant, a product, a sum, a join.

A column that is required, or that the book names, and is not there is an error that says which
headers were found, which is nearest, and which line to add to the book.
"""

from dataclasses import dataclass, replace
from typing import Any

from analysis.checks import nearest
from analysis.data.contracts import Column, Table
from analysis.data.headers import likely_header, likely_product
from analysis.data.mapping import ROW_NUMBER, TableMapping
from analysis.data.quoting import quoted
from analysis.data.read import RawTable
from analysis.errors import DataError

__all__ = ["Origin", "find_header", "find_origins", "with_numbers"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one contract column comes from.

    Attributes:
        column: Column of the contract.
        how: ``column``, ``constant``, ``product``, ``sum``, ``join`` or ``row_number``.
        headers: Headers in the source, or the constant.
    """

    column: Column
    how: str
    headers: tuple[str, ...]

    @property
    def words(self) -> str:
        """What to show a reader: the header, or how the value is made."""
        sign = {"product": " × ", "sum": " + "}.get(self.how, ", ")
        text = sign.join(self.headers)
        return text if self.how in {"column", "product", "sum"} else f"{self.how}: {text}".rstrip(": ")


def find_origins(
    raw: RawTable, *, contract: Table, mapping: TableMapping, joined: RawTable | None
) -> tuple[Origin, ...]:
    """Find where each column of the contract comes from; optional ones that the source lacks are left out.

    Raises:
        DataError: If a required column, or one that the book names, is not there: with the columns
            found, the nearest name and the line to add.
    """
    found: list[Origin] = []
    missing: list[tuple[Column, str]] = []
    for column in (*contract.columns, *_further(raw, contract, mapping)):
        origin, wanted = _origin(column, raw=raw, contract=contract, mapping=mapping, joined=joined)
        if origin is not None:
            found.append(origin)
        elif wanted or column.required:
            missing.append((column, wanted))
    if missing:
        raise _missing_error(missing, raw=raw, contract=contract)
    return tuple(found)


def with_numbers(connection: Any, raw: RawTable, *, contract: Table, origins: tuple[Origin, ...]) -> tuple[Origin, ...]:
    """Return the origins with a text column beyond an open contract as a number, if all its values are numbers."""
    return tuple(
        replace(origin, column=replace(origin.column, kind="number"))
        if origin.column.name not in contract.names and origin.how == "column" and _all_numbers(connection, raw, origin)
        else origin
        for origin in origins
    )


def _all_numbers(connection: Any, raw: RawTable, origin: Origin) -> bool:
    header = origin.headers[0]
    if origin.column.kind != "text" or dict(raw.columns)[header] != "VARCHAR":
        return False
    text = f"trim({quoted(header)})"
    number = f"regexp_full_match({text}, '-?(0|[1-9][0-9]*)(\\.[0-9]+)?')"
    n, n_numbers = connection.execute(
        f"SELECT count(*) FILTER ({text} <> ''), count(*) FILTER ({number}) FROM ({raw.sql})"
    ).fetchall()[0]
    return bool(n and n == n_numbers)


def _further(raw: RawTable, contract: Table, mapping: TableMapping) -> tuple[Column, ...]:
    """Columns beyond an open contract: those the book maps, and the source's own."""
    if not contract.open:
        return ()
    used = {header for value in mapping.columns.values() for header in ([value] if isinstance(value, str) else value)}
    named = [name for name in (*mapping.columns, *mapping.constants) if name not in contract.names]
    types = dict(raw.columns)
    own = [header for header, _ in raw.columns if header not in used and header not in contract.names]
    further = []
    for name in [*named, *(header for header in own if header not in named)]:
        source = mapping.columns.get(name, name)
        kind = types.get(source if isinstance(source, str) else source[0], "VARCHAR")
        further.append(Column(name, "text" if kind == "VARCHAR" else "number", name, name))
    return tuple(further)


def _origin(
    column: Column, *, raw: RawTable, contract: Table, mapping: TableMapping, joined: RawTable | None
) -> tuple[Origin | None, str]:
    """Return the origin of a column, or None and the header that the book wants but the source lacks."""
    name = column.name
    if name in mapping.constants:
        return Origin(column, "constant", (str(mapping.constants[name]),)), ""
    for how, block in (("product", mapping.products), ("sum", mapping.sums)):
        if name in block:
            headers = [(_first_header(term, raw), term) for term in block[name]]
            lacking = [term for header, term in headers if header is None]
            if lacking:
                return None, lacking[0] if isinstance(lacking[0], str) else lacking[0][0]
            return Origin(column, how, tuple(header for header, _ in headers if header)), ""
    if joined is not None and mapping.join is not None and name in mapping.join.columns:
        header = find_header(mapping.join.columns[name], joined)
        return (Origin(column, "join", (header,)), "") if header else (None, mapping.join.columns[name])
    return _plain_origin(column, raw=raw, contract=contract, mapping=mapping)


def _plain_origin(
    column: Column, *, raw: RawTable, contract: Table, mapping: TableMapping
) -> tuple[Origin | None, str]:
    name = column.name
    wanted = mapping.columns.get(name)
    if name == "order_id" and mapping.order_id is not None:
        wanted = mapping.order_id
    if wanted == ROW_NUMBER:
        return Origin(column, "row_number", ()), ""
    header = _first_header(name if wanted is None else wanted, raw)
    if header is not None:
        return Origin(column, "column", (header,)), ""
    if wanted is None and contract.numbered and contract.key == (name,):
        return Origin(column, "row_number", ()), ""
    return None, wanted if isinstance(wanted, str) else ""


def _first_header(wanted: str | tuple[str, ...], raw: RawTable) -> str | None:
    candidates = (wanted,) if isinstance(wanted, str) else wanted
    return next((header for one in candidates if (header := find_header(one, raw)) is not None), None)


def find_header(wanted: str, raw: RawTable) -> str | None:
    """Return the source's header of that name, forgiving case and spaces around it."""
    headers = [header for header, _ in raw.columns]
    if wanted in headers:
        return wanted
    folded = {header.strip().casefold(): header for header in headers}
    return folded.get(wanted.strip().casefold())


def _missing_error(missing: list[tuple[Column, str]], *, raw: RawTable, contract: Table) -> DataError:

    headers = list(raw.headers)
    sentences, lines = [], []
    for column, wanted in missing:
        close = (nearest(wanted, headers) if wanted else None) or likely_header(column.name, headers=headers)
        near = f"; the nearest is '{close}'" if close else ""
        named = f" (the book names '{wanted}')" if wanted and wanted != column.name else ""
        sentences.append(f"column '{column.name}'{named} is missing{near}")
        lines.append(f"{column.name}: {close or '<header>'}")
    product = likely_product(headers) if any(column.name == "amount" for column, _ in missing) else None
    also = f"; an amount that is made of two columns: products: {{amount: [{', '.join(product)}]}}" if product else ""
    return DataError(
        f"{contract.name} ({raw.file}): {'; '.join(sentences)}. Columns found: {', '.join(headers)}.",
        hint=f"add to the book: data: {{tables: {{{contract.name}: {{columns: {{{', '.join(lines)}}}}}}}}}{also}",
    )
