"""A real PostgreSQL server: Debian's binaries, a temporary cluster, a unix socket."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from analysis.data.load import load
from analysis.data.mapping import DataSource
from analysis.errors import BookError, DataError

NOW = datetime(2026, 7, 1, tzinfo=UTC)
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))

ROWS = """
CREATE TABLE sales (no bigint, who text, at timestamptz, paid numeric(12, 2), bought_on date);
INSERT INTO sales VALUES (6921168509256000123, '007', '2026-06-01 23:30+08', 1234.50, '2026-06-01'),
                         (6921168509256000124, NULL, '2026-06-02 00:30+08', 0.10, '2026-06-02'),
                         (6921168509256000124, NULL, '2026-06-02 00:30+08', 0.10, '2026-06-02');
CREATE SCHEMA crm;
CREATE TABLE crm.people (customer_id text, points int);
INSERT INTO crm.people VALUES ('007', 3);
CREATE TABLE touches (customer_id text, channel text, campaign_id int);
INSERT INTO touches VALUES ('007', 'sms', 26);
CREATE TABLE plans (campaign_id int, start timestamp);
INSERT INTO plans VALUES (26, '2026-05-01 09:00');
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running server with a few tables."""
    if not BINARIES:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    try:
        owner = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    except KeyError:
        pytest.skip("a server does not run as root, and there is no user postgres")
    # a socket's path may have 107 bytes, a pytest folder is too deep
    home = Path(tmp_path_factory.mktemp("pg", numbered=True))
    cluster = Path("/tmp") / f"siyu-pg-{os.getpid()}"
    cluster.mkdir(mode=0o700)
    os.chown(cluster, owner.pw_uid, owner.pw_gid)

    def run(*command: str) -> None:
        user = {"user": owner.pw_uid, "group": owner.pw_gid} if os.getuid() == 0 else {}
        log = (home / "log").open("a")
        with log:
            subprocess.run(command, check=True, cwd=cluster, stdout=log, stderr=log, timeout=60, **user)  # type: ignore[call-overload]  # optional keywords

    tools = BINARIES[-1]
    data, port = cluster / "data", "54329"
    try:
        run(str(tools / "initdb"), "-D", str(data), "-A", "trust", "-U", "shop", "--no-sync", "-E", "UTF8")
        options = f"-k {cluster} -p {port} -c listen_addresses='' -c fsync=off"
        run(str(tools / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(cluster / "log"), "start")
        try:
            run(str(tools / "psql"), "-h", str(cluster), "-p", port, "-U", "shop", "-d", "postgres", "-c", ROWS)
            yield f"postgresql://shop@/postgres?host={cluster}&port={port}"
        finally:
            run(str(tools / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(cluster, ignore_errors=True)


def load_shop(tmp_path, **data):
    book = DataSource.model_validate({"source": "env:SHOP_DB", **data})
    return load(book, now=NOW, timezone="Asia/Shanghai", cache=tmp_path / "cache", base=tmp_path)


SALES = {"file": "sales", "columns": {"order_id": "no", "customer_id": "who", "ordered_at": "at", "amount": "paid"}}


@pytest.mark.server
def test_tables_of_a_server_load_like_files(server, monkeypatch, tmp_path):
    monkeypatch.setenv("SHOP_DB", server)
    loaded = load_shop(tmp_path, tables={"orders": SALES, "customers": {"file": "crm.people"}, "touches": None})
    orders = pd.read_parquet(loaded.folder / "orders.parquet")
    assert orders["order_id"].tolist() == ["6921168509256000123", "6921168509256000124"]
    assert orders["amount"].tolist() == [1234.5, 0.1]
    assert orders["ordered_on"].astype(str).tolist() == ["2026-06-01", "2026-06-02"]
    account = loaded.tables[0]
    assert (account.used, account.anonymous, account.duplicates) == (1, 1, 1)
    assert loaded.tables[1].file == "crm.people"


@pytest.mark.server
def test_the_same_rows_give_the_same_digest_and_are_loaded_once(server, monkeypatch, tmp_path):
    monkeypatch.setenv("SHOP_DB", server)
    tables = {"orders": SALES, "touches": None}
    assert load_shop(tmp_path, tables=tables) == load_shop(tmp_path, tables=tables)


@pytest.mark.server
def test_a_join_works_between_tables_of_a_server(server, monkeypatch, tmp_path):
    monkeypatch.setenv("SHOP_DB", server)
    join = {"file": "plans", "on": "campaign_id", "columns": {"assigned_at": "start"}}
    loaded = load_shop(tmp_path, tables={"touches": {"join": join}})
    touches = pd.read_parquet(loaded.folder / "touches.parquet")
    assert touches["assigned_at"].tolist() == [pd.Timestamp("2026-05-01 01:00")]


@pytest.mark.server
def test_a_table_that_the_server_lacks_is_an_error_with_those_it_has(server, monkeypatch, tmp_path):
    monkeypatch.setenv("SHOP_DB", server)
    with pytest.raises(DataError, match=r"has no table orders_2026; it has .*sales"):
        load_shop(tmp_path, tables={"orders": {"file": "orders_2026"}})


def test_a_server_that_does_not_answer_is_exit_3_without_its_address(monkeypatch, tmp_path):
    monkeypatch.setenv("SHOP_DB", "postgresql://shop:secret@/db?host=/nowhere/at/all")
    with pytest.raises(DataError, match="env:SHOP_DB: the database cannot be read") as caught:
        load_shop(tmp_path)
    assert "secret" not in str(caught.value)


def test_a_variable_that_is_not_set_or_of_another_kind_is_an_error_of_the_book(monkeypatch, tmp_path):
    monkeypatch.delenv("SHOP_DB", raising=False)
    with pytest.raises(BookError, match="SHOP_DB is not set"):
        load_shop(tmp_path)
    monkeypatch.setenv("SHOP_DB", "mysql://shop:secret@host/db")
    with pytest.raises(BookError, match="scheme 'mysql'") as caught:
        load_shop(tmp_path)
    assert "secret" not in str(caught.value)
