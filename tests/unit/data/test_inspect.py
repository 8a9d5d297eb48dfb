from datetime import UTC, datetime

import pytest

from analysis.data.inspect import inspect_source
from analysis.data.mapping import DataSource
from analysis.errors import DataError

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def look(tmp_path):
    def run(files, **data):
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        source = DataSource.model_validate({"source": str(folder), **data})
        found = inspect_source(source, now=NOW, timezone="Asia/Shanghai", cache=tmp_path / "cache", base=tmp_path)
        return {finding.file: finding for finding in found}

    return run


EXPORT = "订单编号,买家会员名,买家付款时间,买家实付金额,备注\n1,a,2026-06-01,￥5,x\n2,b,昨天,6,x\n"


def test_a_folder_that_no_book_describes_gets_its_mapping_proposed(look):
    finding = look({"订单导出.csv": EXPORT})["订单导出.csv"]
    assert finding.table == "orders"
    assert finding.lines_to_add == (
        "tables: {orders: {file: 订单导出.csv, columns: {order_id: 订单编号, customer_id: 买家会员名, "
        "ordered_at: 买家付款时间, amount: 买家实付金额}}}"
    )


def test_the_proposed_mapping_loads_and_says_what_would_be_rejected(look):
    columns = {
        "order_id": "订单编号",
        "customer_id": "买家会员名",
        "ordered_at": "买家付款时间",
        "amount": "买家实付金额",
    }
    found = look({"订单导出.csv": EXPORT}, tables={"orders": {"file": "订单导出.csv", "columns": columns}})
    account = found["订单导出.csv"].account
    assert account.quarantined == {"ordered_at: unreadable": 1}
    assert found["订单导出.csv"].likely == {}


def test_headers_that_nothing_uses_are_mapped_to_what_they_likely_mean(look):
    orders = "order_id,customer_id,ordered_at,amount,订单状态,优惠金额\n1,a,2026-06-01,5,交易成功,1\n"
    finding = look({"orders.csv": orders})["orders.csv"]
    assert finding.likely == {"订单状态": "status", "优惠金额": "discount"}
    assert finding.lines_to_add == "tables: {orders: {columns: {status: 订单状态, discount: 优惠金额}}}"


def test_one_broken_table_does_not_hide_the_others(look):
    orders = "order_id,customer_id,ordered_at,amount\n1,a,2026-06-01,5\n"
    found = look({"orders.csv": orders, "touches.csv": "foo\n1\n", "notes.txt": ""})
    assert found["orders.csv"].account.used == 1
    assert "column 'customer_id' is missing" in found["touches.csv"].problem
    assert "is empty" in found["notes.txt"].problem


def test_a_file_like_no_table_is_left_alone(look):
    orders = "order_id,customer_id,ordered_at,amount\n1,a,2026-06-01,5\n"
    assert look({"orders.csv": orders, "weather.csv": "temperature,wind\n1,2\n"})["weather.csv"].table is None


def test_a_source_that_is_not_there_is_an_error(tmp_path):
    source = DataSource(source="nowhere")
    with pytest.raises(DataError, match="there is nothing at"):
        inspect_source(source, now=NOW, timezone="UTC", cache=tmp_path, base=tmp_path)
