"""Open the loaded tables as lazy frames, cut them at a day, and say what a purchase is.

Every process opens its own in-memory database over the Parquet files that loading wrote: nothing is
locked, and nothing can be written back.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import md5
from pathlib import Path
from typing import Any, Final, NamedTuple

import narwhals as nw

from analysis.data.as_of import cut, cut_by_parent
from analysis.data.contracts import CONTRACTS, Column, Table
from analysis.data.engine import open_engine
from analysis.data.quoting import quoted
from analysis.errors import AnalysisError, MissingTableError

__all__ = ["REFUNDS", "Tables", "open_tables"]

HALF_A_CENT: Final = 0.005
"""Currency: an order of which no more than this is left after refunds is no purchase."""

REFUNDS: Final = Table(
    "refunds",
    "一次退款",
    "a refund, split off from the orders when they are loaded",
    ("refund_id",),
    "refunded_at",
    (
        Column("refund_id", "id", "退款编号", "refund id", "refunded_at", required=True),
        Column("customer_id", "id", "客户编号", "customer id", "refunded_at"),
        Column(
            "order_id", "id", "对应的订单；空为未匹配", "the order it belongs to; empty if unmatched", "refunded_at"
        ),
        Column("refunded_at", "instant", "退款时间", "time of the refund", "refunded_at", required=True),
        Column("amount", "money", "退款金额，正数", "amount given back, positive", "refunded_at", required=True),
        Column(
            "matched_by",
            "category",
            "匹配方式",
            "how it was matched",
            "refunded_at",
            required=True,
            allowed=("order_id", "refund_of", "latest_order", "status", "unmatched"),
        ),
    ),
)


class _Part(NamedTuple):
    """Customers and columns that are read once.

    Attributes:
        customers: Ids.
        columns: Columns by the name of a table.
        key: Tells this part from others, eight hexadecimal digits.
    """

    customers: tuple[str, ...]
    columns: Mapping[str, Collection[str]]
    key: str


@dataclass(frozen=True, slots=True)
class Tables:
    """The loaded tables as lazy frames; ``as_of`` gives the same tables as they were known on a day.

    Attributes:
        names: Tables that this source has, ``refunds`` among them where orders were loaded.
        engine: ``duckdb`` or ``spark``.
        timezone: Zone of the days in columns ending in ``_on``.
        day: The day at which the tables are cut, or None.
    """

    names: tuple[str, ...]
    engine: str
    timezone: str
    day: date | None
    _folder: Path
    _session: Any
    _members: nw.LazyFrame[Any] | None = None
    _part: _Part | None = None

    def has(self, name: str) -> bool:
        """Return whether the source has that table."""
        return name in self.names

    def has_column(self, table: str, column: str) -> bool:
        """Return whether the source has that column of that table."""
        return self.has(table) and column in self._frame(table).collect_schema().names()

    def lazy(self, name: str, *, needed_by: str = "this analysis") -> nw.LazyFrame[Any]:
        """Return a table, cut at the day if one was set.

        Raises:
            MissingTableError: If the source has no such table.
        """
        if name not in self.names:
            raise MissingTableError(name, needed_by=needed_by)
        frame = self._frame(name)
        if self._members is not None and "customer_id" in frame.collect_schema().names():
            frame = frame.join(self._members, on="customer_id", how="semi")
        if self.day is None:
            return frame
        if name == "order_items" and self.has("orders"):
            return cut_by_parent(frame, parent=self.lazy("orders"), key="order_id")
        return cut(frame, contract=REFUNDS if name == "refunds" else CONTRACTS[name], day=self.day)

    def as_of(self, day: date) -> "Tables":
        """Return the tables as they were known at the end of ``day`` (inclusive, a day of the book's zone).

        Raises:
            AnalysisError: If they were cut at an earlier day already: a cut is never taken back.
        """
        if self.day is not None and day > self.day:
            raise AnalysisError(f"These tables end on {self.day}; {day} lies after it.", hint="ask for an earlier day")
        return replace(self, day=day)

    def read_once(self, customers: Collection[str], *, columns: Mapping[str, Collection[str]]) -> "Tables":
        """Return tables with the rows and columns that many questions are about: the files are read once for all.

        Args:
            customers: Ids whose rows are kept; every table asked for must have a column ``customer_id``.
            columns: By the name of a table; columns that it lacks are passed over, tables not named are not there.
        """
        ids = tuple(customers)
        key = md5(repr((ids, sorted(columns.items()))).encode(), usedforsecurity=False).hexdigest()[:8]
        names = tuple(name for name in self.names if name in columns)
        return replace(self, names=names, _part=_Part(ids, columns, key))

    def among(self, customers: nw.LazyFrame[Any] | Collection[str]) -> "Tables":
        """Return the tables with the rows of these customers; those without a customer go.

        Args:
            customers: Ids; or a frame with a column ``customer_id``, of these tables or of a file, on the same engine.
        """
        listed = customers if isinstance(customers, nw.LazyFrame) else nw.from_native(self._listed(customers))
        return replace(self, _members=listed.select("customer_id").unique())

    def let_go(self) -> None:
        """Give back the memory of what ``read_once`` read; asked for again it is read again."""
        if self.engine == "duckdb":
            held = "regexp_full_match(table_name, '[a-z_]+_[0-9a-f]{8}')"
            for (name,) in self._session.sql(f"select table_name from duckdb_tables() where {held}").fetchall():
                self._session.execute(f"DROP TABLE {quoted(name)}")

    def purchases(self) -> nw.LazyFrame[Any]:
        """Return what known customers bought and kept: the rows of ``sales`` that have a customer.

        Raises:
            MissingTableError: If the source has no orders.
        """
        return self.sales().filter(~nw.col("customer_id").is_null())

    def sales(self) -> nw.LazyFrame[Any]:
        """Return what was sold and kept, also to nobody known: one row per order, net of refunds known by the cut.

        An order cancelled or refunded in full is no purchase; an order whose value was 0 from the start is one.
        Columns are those of ``orders`` with ``amount`` net (currency).

        Raises:
            MissingTableError: If the source has no orders.
        """
        orders = self.lazy("orders", needed_by="purchases")
        if not self.has("refunds"):
            return orders
        back = (
            self.lazy("refunds")
            .filter(~nw.col("order_id").is_null())
            .group_by("order_id")
            .agg(nw.col("amount").sum().alias("_back"))
        )
        left = nw.col("amount") - nw.col("_back")
        return (
            orders.join(back, on="order_id", how="left")
            .filter(nw.col("_back").is_null() | (left > HALF_A_CENT))
            .with_columns(nw.when(nw.col("_back").is_null()).then(nw.col("amount")).otherwise(left).alias("amount"))
            .drop("_back")
        )

    def _frame(self, name: str) -> nw.LazyFrame[Any]:
        path = str(self._folder / f"{name}.parquet")
        native = self._session.read.parquet(path) if self.engine == "spark" else self._session.read_parquet(path)
        frame: nw.LazyFrame[Any] = nw.from_native(
            native if self._part is None else self._held(native, name, self._part)
        )
        return frame

    def _held(self, native: Any, name: str, part: _Part) -> Any:
        """Return the rows and columns of a part, which the engine keeps once it has read them."""
        picked = [column for column in native.columns if column in part.columns[name]]
        if self.engine == "spark":
            return native.select(*picked).join(self._listed(part.customers), "customer_id", "left_semi").cache()
        kept = f"{name}_{part.key}"
        if not self._session.sql(f"select 1 from duckdb_tables() where table_name = '{kept}'").fetchall():
            members = self._listed(part.customers)
            native.select(*map(quoted, picked)).join(members, "customer_id", how="semi").create(kept)
        return self._session.table(kept)

    def _listed(self, customers: Collection[str]) -> Any:
        """Return an engine's own frame of ids, ``customer_id``."""
        if self.engine == "spark":
            return self._session.createDataFrame([(name,) for name in customers], "customer_id string")
        import pyarrow as pa

        return self._session.from_arrow(pa.table({"customer_id": pa.array(list(customers), pa.string())}))


def open_tables(folder: Path, *, engine: str = "duckdb", timezone: str = "Asia/Shanghai") -> Tables:
    """Open a folder that ``load`` wrote.

    Args:
        folder: Folder with one Parquet file per table.
        engine: ``duckdb``, or ``spark`` where pyspark is installed.
        timezone: Zone the days were cut in when loading.

    Raises:
        AnalysisError: If the folder holds no tables, or the engine is not there.
    """
    names = tuple(
        sorted(path.stem for path in folder.glob("*.parquet") if path.stem in CONTRACTS or path.stem == "refunds")
    )
    if not names:
        raise AnalysisError(f"No tables in {folder}.", hint="load the book's data first (siyu run, siyu check)")
    session = _spark_session() if engine == "spark" else open_engine()
    return Tables(names, engine, timezone, None, folder, session)


def _spark_session() -> Any:
    try:
        from pyspark.sql import SparkSession  # type: ignore[import-not-found]  # optional extra
    except ImportError:
        raise AnalysisError(
            "engine: spark needs pyspark, which is not installed.",
            hint="pip install 'siyu[spark]' and have Java, or use engine: duckdb",
        ) from None
    return (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )
