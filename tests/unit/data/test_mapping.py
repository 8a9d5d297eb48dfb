import pytest
from pydantic import ValidationError

from analysis.data.mapping import DataSource, TableMapping
from analysis.data.presets import find_preset, with_preset
from analysis.errors import BookError


def test_the_block_of_the_design_page_is_valid():
    source = DataSource.model_validate(
        {
            "source": "shop",
            "engine": "duckdb",
            "tables": {
                "orders": {
                    "file": "订单导出.csv",
                    "grain": "line",
                    "order_id": "订单号",
                    "columns": {"customer_id": "会员ID", "ordered_at": "付款时间", "amount": "实付金额"},
                },
                "touches": {
                    "file": "campaigns.parquet",
                    "columns": {"customer_id": "household_id", "campaign_id": "campaign_id"},
                    "constants": {"channel": "mail"},
                    "join": {
                        "file": "campaign_descriptions.parquet",
                        "on": "campaign_id",
                        "columns": {"assigned_at": "start_date"},
                    },
                },
            },
            "pii": [],
            "max_quarantine_share": 0.01,
            "stale_after_days": None,
        }
    )
    orders = source.tables["orders"]
    assert orders is not None
    assert orders.grain == "line"


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"sources": "x"}, "sources"),
        ({"source": 5}, "valid string"),
        ({"source": "x", "engine": "pandas"}, "engine"),
        ({"source": "x", "tables": {"order": {}}}, "did you mean 'orders'"),
        ({"source": "x", "tables": {"orders": {"columns": {"ammount": "x"}}}}, "did you mean 'amount'"),
        ({"source": "x", "tables": {"orders": {"constants": {"chanel": "x"}}}}, "unknown column of orders 'chanel'"),
        ({"source": "x", "tables": {"customers": {"grain": "line"}}}, "'grain' belongs to the table orders"),
        ({"source": "x", "max_quarantine_share": 2}, "less than or equal to 1"),
        ({"source": "x", "max_quarantine_share": "1%"}, "valid number"),
        ({"source": "x", "demo": {"customers": 5}}, "greater than or equal"),
    ],
)
def test_a_wrong_block_is_refused_before_anything_is_read(block, said):
    with pytest.raises(ValidationError, match=said):
        DataSource.model_validate(block)


def test_open_tables_take_columns_that_no_contract_knows():
    block = {"source": "x", "tables": {"outcomes": {"columns": {"visit": "visited", "customer_id": "id"}}}}
    assert DataSource.model_validate(block).tables["outcomes"] is not None


def test_a_mapping_cannot_be_changed_after_it_was_checked():
    with pytest.raises(ValidationError, match="frozen"):
        TableMapping().grain = "line"  # the point of the test


PRESET = """
name: till
title: {zh: 收银机, en: till}
tables:
  orders:
    grain: line
    order_id: [小票号, 流水号]
    columns: {customer_id: 会员号, ordered_at: 时间, amount: 金额}
"""


def test_what_the_book_says_wins_over_its_preset(tmp_path):
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "till.yaml").write_text(PRESET, encoding="utf-8")
    block = {"source": "x", "column_preset": "till", "tables": {"orders": {"columns": {"amount": "实收"}}}}
    orders = with_preset(DataSource.model_validate(block), base=tmp_path).tables["orders"]
    assert orders is not None
    assert orders.columns == {"customer_id": "会员号", "ordered_at": "时间", "amount": "实收"}
    assert (orders.grain, orders.order_id) == ("line", ("小票号", "流水号"))


def test_an_unknown_or_wrong_preset_is_an_error_of_the_book(tmp_path):
    with pytest.raises(BookError, match="there is no preset 'youzann'") as caught:
        find_preset("youzann", base=tmp_path)
    assert "did you mean 'youzan'?" in caught.value.hint
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "till.yaml").write_text(PRESET.replace("amount", "ammount") + "more: 1\n")
    with pytest.raises(BookError, match=r"till\.yaml is wrong"):
        find_preset("till", base=tmp_path)
