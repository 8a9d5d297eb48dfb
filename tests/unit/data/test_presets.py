"""The column maps that are shipped: each loads an export as its system writes it."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.data.connect import open_tables
from analysis.data.presets import find_preset

PRESETS = sorted(path.stem for path in (Path(__file__).parents[3] / "params" / "presets").glob("*.yaml"))

YOUZAN = (
    "订单号,订单状态,买家id,付款时间,商品名称,商品数量,商品实际成交金额,订单来源\n"
    "E20260601000000000000001\t,交易完成,1234567890,2026-06-01 10:00:00,面霜,1,199.00,微信小程序\n"
    "E20260601000000000000001\t,交易完成,1234567890,2026-06-01 10:00:00,面膜,2,98.00,微信小程序\n"
    "E20260602000000000000002\t,交易关闭,0,2026-06-02 11:00:00,面霜,1,199.00,网店\n"
)
TILL = (
    "单号,会员卡号,销售日期,实收金额,门店\n"
    '000123,007,2026/6/1 8:03,"￥1,299.00",一店\n'
    "000124,散客,2026/6/1 8:10,￥9.90,一店\n"
    "000125,007,2026/6/3 9:00,-￥99.00,一店\n"
)


@pytest.mark.parametrize("name", PRESETS)
def test_every_shipped_preset_is_valid_and_called_like_its_file(name):
    preset = find_preset(name, base=Path("/nowhere"))
    assert preset.name == name
    assert set(preset.title) == {"zh", "en"}


def test_a_youzan_like_export_loads_with_its_preset_alone(load_files):
    loaded = load_files({"订单导出.csv": YOUZAN.encode("gb18030")}, column_preset="youzan")
    orders = pd.read_parquet(loaded.folder / "orders.parquet")
    assert orders[["order_id", "amount"]].values.tolist() == [
        ["E20260601000000000000001", 297.0],
        ["E20260602000000000000002", 199.0],
    ]
    assert loaded.tables[0].anonymous == 1
    assert loaded.tables[0].refunds == {"status": 1}


def test_a_till_export_loads_with_the_generic_preset(load_files):
    loaded = load_files({"orders.csv": TILL.encode("gb18030")}, column_preset="cn_shop")
    orders = pd.read_parquet(loaded.folder / "orders.parquet")
    assert orders[["order_id", "customer_id", "amount"]].values.tolist()[0] == ["000123", "007", 1299.0]
    assert loaded.tables[0].anonymous == 1
    assert loaded.tables[0].refunds == {"latest_order": 1}


def test_an_order_closed_before_it_was_paid_is_read_and_is_no_purchase(load_files):
    export = (
        "订单编号,会员ID,下单时间,付款时间,实付金额,订单状态\n"
        "69200000000000000001,M1,2026/6/1 8:03,2026/6/1 8:04,￥10.00,已完成\n"
        "69200000000000000002,M1,2026/6/2 8:03,,￥20.00,已关闭\n"
    )
    loaded = load_files({"orders.csv": export.encode("gb18030")}, column_preset="cn_shop")
    assert loaded.tables[0].used == 2
    assert loaded.tables[0].quarantined == {}
    assert open_tables(loaded.folder).purchases().collect("pandas").to_native()["amount"].tolist() == [10.0]
