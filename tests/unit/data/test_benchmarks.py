"""The trade's numbers stand in one place, each with its source, its weight and the words that go with it."""

import ast
from pathlib import Path

import pytest

from analysis.data.benchmarks import MARKETING_CLAIM, load_benchmarks
from analysis.data.channels import channel_table, load_channels
from analysis.errors import BookError

PROJECT = Path(__file__).parents[3]
REGISTRY = PROJECT / "params" / "benchmarks.yaml"

# product.md, row 3, and facts.md, section 2: the trade's numbers as they are quoted there.
QUOTED = {
    "group_read_rate": 0.40,
    "private_chat_read_rate": 0.80,
    "moments_read_rate": 0.31,
    "moments_conversion": 0.10,
    "moments_big_sale_factor": (4, 5),
    "acquisition_cost_2013": 30,
    "acquisition_cost_2017": 250,
    "aged_account_price": 250,
    "camp_conversion": (0.30, 0.50),
    "private_gmv_share_high": 0.49,
    "private_gmv_share_low": 0.17,
    "private_habit": 0.42,
    "private_bought": 0.79,
    "private_will_buy_more": 0.45,
    "private_will_share": 0.80,
    "market_cost_saved": 0.90,
}


def test_every_number_the_trade_is_quoted_with_is_there_and_no_other():
    said = {b.name: (b.low, b.high) if b.low is not None else b.value for b in load_benchmarks().benchmarks}
    assert said == QUOTED


def test_each_is_of_grade_d_with_a_source_a_weight_and_a_name_in_both_languages():
    for claim in load_benchmarks().benchmarks:
        assert claim.grade == "D"
        assert claim.strength > 0
        assert "trade press" in claim.source or "vendor" in claim.source
        assert any("一" <= letter <= "鿿" for letter in claim.label.zh)
        assert claim.label.en.isascii()


def test_read_rates_of_channels_are_those_of_the_registry_and_say_which():
    claims = load_benchmarks()
    table = channel_table(load_channels()).set_index("channel")
    for channel in ("private_chat", "group", "moments"):
        row, claim = table.loc[channel], claims.named(f"{channel}_read_rate")
        assert row["read_benchmark"] == claim.name
        here = (row["read_rate"], row["read_strength"], row["read_source"])
        assert here == (claim.value, claim.strength, claim.source)
    assert table["read_benchmark"].notna().sum() == 3


def test_the_words_that_go_with_a_claim_stand_in_one_place_only():
    rooms = (PROJECT / "src").rglob("*.py")
    constants = [
        (path.name, node.value)
        for path in rooms
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for words in MARKETING_CLAIM.values():
        assert [name for name, text in constants if text == words] == ["benchmarks.py"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("unit: share, value: 1.4, strength: 1", "0-1"),
        ("unit: share, value: 0.4, strength: 0", "strength"),
        ("unit: money, value: 4, strength: 1, low: 5, high: 6", "outside"),
        ("unit: money, value: 4, strength: 1, low: 3", "low and high"),
        ("unit: share, value: 0.4, strength: 1, grade: A", "grade"),
        ("unit: share, value: 0.4, strength: 1, proven: true", "proven"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_line(tmp_path, wrong, said):
    path = tmp_path / "benchmarks.yaml"
    entry = f"  - {{name: new_claim, {wrong}, label: {{zh: 新, en: new}}, source: somebody}}"
    path.write_text(f"edition: 2026-01-01\nbenchmarks:\n{entry}\n", encoding="utf-8")
    with pytest.raises(BookError, match=said) as refused:
        load_benchmarks(path)
    assert "benchmarks.yaml:3" in str(refused.value)


def test_a_claim_named_twice_or_not_there_is_told(tmp_path):
    path = tmp_path / "benchmarks.yaml"
    entry = "  - {name: one_claim, unit: share, value: 0.4, strength: 1, label: {zh: 新, en: new}, source: somebody}\n"
    path.write_text(f"edition: 2026-01-01\nbenchmarks:\n{entry}{entry}", encoding="utf-8")
    with pytest.raises(BookError, match="named twice: one_claim"):
        load_benchmarks(path)
    with pytest.raises(BookError, match="did you mean 'moments_read_rate'"):
        load_benchmarks().named("moment_read_rate")


@pytest.mark.parametrize("read_rate", ["{benchmark: no_such_claim}", "{benchmark: group_read_rate, mean: 0.5}"])
def test_a_channel_that_names_no_benchmark_or_contradicts_it_is_refused(tmp_path, read_rate):
    path = tmp_path / "channels.yaml"
    text = (PROJECT / "params" / "channels.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("{benchmark: group_read_rate}", read_rate), encoding="utf-8")
    with pytest.raises(BookError, match="benchmark"):
        load_channels(path)
