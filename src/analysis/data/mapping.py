"""The ``data:`` block of a book: where the tables come from and how their columns are called there.

Strict and frozen: an unknown key or a wrong type is an error before anything is read. Only what
differs from the contracts needs to be said; every key is shown with an example in
``docs/how-to/data.md``.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from analysis.checks import nearest
from analysis.data.contracts import CONTRACTS

__all__ = ["ROW_NUMBER", "DataSource", "Demo", "Join", "TableMapping"]

ROW_NUMBER: Final = "row_number"
"""In place of a column: the source has no such id, its rows are numbered (and none counts as a duplicate)."""

Names = Annotated[tuple[str, ...], Field(strict=False)]
"""A list of names; YAML lists become tuples, so that the model stays frozen."""

Columns = dict[str, str | Names]
"""Contract column → header in the source, or several headers of which the first one found is taken."""


Terms = Annotated[tuple[str | Names, ...], Field(strict=False, min_length=1)]
"""Headers that are multiplied or added; a list among them is several headers of which the first one found is taken."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Join(_Strict):
    """A second file whose columns are added to each row, by one shared column."""

    file: str = Field(description="file in the same source (or table, in a database)")
    on: str = Field(description="column that both have; one row of the joined file per value")
    columns: dict[str, str] = Field(description="contract column: column of the joined file")
    sheet: str | None = Field(default=None, description="sheet of an XLSX file")


class TableMapping(_Strict):
    """How one table of the source becomes one table of the contracts."""

    file: str | Names | None = Field(
        default=None, description="file name, or several of them; default <table>.parquet, .csv, .tsv or .xlsx"
    )
    sheet: str | Names | None = Field(default=None, description="sheet or sheets of an XLSX file")
    grain: Literal["order", "line"] = Field(
        default="order", description="what a row of the orders' source is; lines are summed to orders"
    )
    order_id: str | Names | None = Field(default=None, description="column of the order id, or row_number")
    columns: Columns = Field(default={}, description="contract column: header in the source")
    constants: dict[str, str | int | float] = Field(default={}, description="contract column: one value for all rows")
    products: dict[str, Terms] = Field(default={}, description="contract column: headers multiplied with each other")
    sums: dict[str, Terms] = Field(default={}, description="contract column: headers added up")
    values: dict[str, dict[str, str]] = Field(default={}, description="contract column: {value there: value here}")
    join: Join | None = Field(default=None, description="columns from a second file")
    order_totals: Names = Field(
        default=(), description="grain line: columns that repeat the order's total on each of its lines"
    )
    refund_prefixes: Names = Field(default=(), description="order ids that begin so are refunds, e.g. [C]")
    anonymous_ids: Names = Field(default=(), description="customer ids that mean nobody, e.g. [散客, '0']")
    encoding: str | None = Field(default=None, description="encoding of text files; default: found out")
    skip_rows: int = Field(default=0, ge=0, le=1000, description="lines of preamble before the header")
    decimal: Literal[".", ","] | None = Field(default=None, description="decimal mark of numbers; default: found out")
    date_order: Literal["ymd", "dmy", "mdy"] | None = Field(
        default=None, description="order of day and month where the data cannot tell, e.g. 03/04/2024"
    )


class Demo(_Strict):
    """Size of a synthetic brand."""

    customers: int = Field(default=20_000, ge=100, le=2_000_000, description="number of customers")
    seed: int = Field(default=7, ge=0, description="seed; the same seed gives the same bytes")


class DataSource(_Strict):
    """The ``data:`` block of a book."""

    source: str = Field(
        description="demo/<brand>, a folder of CSV/TSV/XLSX/Parquet files, a DuckDB file, or env:NAME of a variable "
        "that holds a database URL"
    )
    engine: Literal["duckdb", "spark"] = Field(default="duckdb", description="duckdb, or spark (an optional extra)")
    column_preset: str | None = Field(default=None, description="a named column map kept under params/presets/")
    tables: dict[str, TableMapping | None] = Field(
        default={}, description="only what differs from the contracts; null leaves a table out"
    )
    demo: Demo = Field(default=Demo(), description="size of a synthetic brand")
    pii: Names = Field(default=(), description="columns with personal data, hashed with the salt in SIYU_SALT")
    max_quarantine_share: float = Field(
        default=0.01, ge=0, le=1, description="share of a table's rows in quarantine above which the run stops"
    )
    stale_after_days: int | None = Field(
        default=None, ge=1, description="days since the last order above which the run stops; null: warn only"
    )

    @model_validator(mode="after")
    def _tables_and_columns_are_known(self) -> Self:
        for name, mapping in self.tables.items():
            _check_known(name, CONTRACTS, what="table")
            if mapping is not None:
                _check_columns(name, mapping)
        return self


def _check_columns(table: str, mapping: TableMapping) -> None:
    contract = CONTRACTS[table]
    if not contract.open:
        joined = mapping.join.columns if mapping.join else {}
        for block in (mapping.columns, mapping.constants, mapping.products, mapping.sums, mapping.values, joined):
            for column in block:
                _check_known(column, contract.names, what=f"column of {table}")
    only_orders = {"grain", "order_totals", *(() if table == "order_items" else ("order_id", "refund_prefixes"))}
    for key in sorted(only_orders & mapping.model_fields_set if table != "orders" else ()):
        msg = f"'{key}' belongs to the table orders, not to {table}"
        raise ValueError(msg)


def _check_known(name: str, known: object, *, what: str) -> None:
    allowed = list(known) if isinstance(known, dict | tuple) else []
    if name in allowed:
        return
    close = nearest(name, allowed)
    hint = f"; did you mean '{close}'?" if close else ""
    msg = f"unknown {what} '{name}', allowed are {', '.join(allowed)}{hint}"
    raise ValueError(msg)
