import pandas as pd
import pytest

from analysis.data.personal import hashed, is_id_card
from analysis.errors import DataError

HEADER = "order_id,customer_id,ordered_at,amount,category,extra\n"
PHONES = [f"1380013{i:04d}" for i in range(30)]
CARDS = ["11010519491231002X", "440524188001010014"]
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴", "伟芳娜敏静丽强磊军洋艳勇杰娟涛明超秀霞平"
NAMES = [s + g for s in SURNAMES for g in GIVEN]


def orders(extra, *, category="护肤"):
    return HEADER + "".join(
        f"o{i},c{i},2026-06-01,{i + 1},{category if isinstance(category, str) else category[i]},{value}\n"
        for i, value in enumerate(extra)
    )


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (PHONES, "phone numbers"),
        (["+86 138-0013-8000", "86-13800138001", "138 0013 8002"], "phone numbers"),
        (CARDS, "id-card numbers"),
        (["a.b@example.com", "c@example.cn"], "e-mail addresses"),
        (NAMES, "what look like people's names"),
    ],
)
def test_personal_data_in_a_column_that_is_no_id_is_refused(load_files, values, what):
    with pytest.raises(DataError, match="column 'extra' holds " + what) as caught:
        load_files({"orders.csv": orders(values)})
    assert "pii: [extra]" in caught.value.hint
    assert caught.value.exit_code == 3


def test_one_phone_number_is_enough_in_a_column_that_would_be_loaded(load_files):
    with pytest.raises(DataError, match="column 'category' holds phone numbers"):
        load_files({"orders.csv": orders(["x"] * 30, category=["护肤"] * 29 + PHONES[:1])})


def test_a_few_names_are_enough_where_the_header_says_so(load_files):
    with pytest.raises(DataError, match="column '收货人姓名' holds people's names"):
        load_files({"orders.csv": orders(["王伟", "李芳", "张敏"]).replace("extra", "收货人姓名")})


@pytest.mark.parametrize(
    "values",
    [
        [f"2026{i:07d}" for i in range(30)],  # order numbers of eleven digits
        [f"51380041{i:03d}" for i in range(30)],  # coupon codes
        [f"69211685092{i:02d}" for i in range(30)],  # bar codes
        [f"44052418800101001{i % 4}" for i in range(30) if i % 4 != 0],  # eighteen digits without the check digit
        ["金牌", "白银", "黄金", "钻石"] * 10,  # levels begin with surnames
        ["138****8000"] * 5,
        [f"{i:032x}" for i in range(30)],
        ["高跟鞋", "马甲", "连衣裙"] * 30,
        ["2026-06-01 10:00:00"] * 5,
        ["Beijing", "Shanghai West"] * 5,
    ],
)
def test_what_only_resembles_personal_data_is_let_through(load_files, values):
    assert load_files({"orders.csv": orders(values)}).tables[0].used == len(values)


def test_an_id_by_contract_may_be_a_phone_number(load_files):
    rows = "".join(f"o{i},{phone},2026-06-01,5\n" for i, phone in enumerate(PHONES))
    loaded = load_files({"orders.csv": "order_id,customer_id,ordered_at,amount\n" + rows})
    assert loaded.tables[0].used == 30


def test_a_named_column_is_hashed_with_the_salt_and_nothing_else_of_it_is_written(load_files, monkeypatch):
    monkeypatch.setenv("SIYU_SALT", "a secret of enough length")
    customers = "customer_id,手机\n" + "".join(f"c{i},{phone}\n" for i, phone in enumerate(PHONES)) + ",13912345678\n"
    loaded = load_files({"customers.csv": customers}, customers={"columns": {"phone_hash": "手机"}}, pii=["手机"])
    frame = pd.read_parquet(loaded.folder / "customers.parquet")
    assert frame["phone_hash"].str.fullmatch("[0-9a-f]{32}").all()
    assert frame["phone_hash"].nunique() == 30
    assert loaded.quarantine is not None
    for path in loaded.folder.rglob("*"):
        if path.is_file():
            assert PHONES[0].encode() not in path.read_bytes()
            assert b"13912345678" not in path.read_bytes()


def test_the_same_value_gives_the_same_hash_and_another_salt_another(load_files, monkeypatch):
    def load(salt):
        monkeypatch.setenv("SIYU_SALT", salt)
        loaded = load_files({"orders.csv": orders(PHONES)}, orders={"columns": {"customer_id": "extra"}}, pii=["extra"])
        return loaded.digest, pd.read_parquet(loaded.folder / "orders.parquet")["customer_id"].tolist()

    first, again, other = load("first secret salt"), load("first secret salt"), load("another secret salt")
    assert first == again
    assert first[0] != other[0]
    assert not set(first[1]) & set(other[1])


@pytest.mark.parametrize(("salt", "said"), [(None, "is not set"), ("short", "has only 5 characters")])
def test_without_a_salt_nothing_is_hashed(load_files, monkeypatch, salt, said):
    monkeypatch.delenv("SIYU_SALT", raising=False)
    if salt:
        monkeypatch.setenv("SIYU_SALT", salt)
    with pytest.raises(DataError, match=f"SIYU_SALT {said}"):
        load_files({"orders.csv": orders(PHONES)}, pii=["extra"])


def test_the_check_digit_decides_what_is_an_id_card():
    assert is_id_card("11010519491231002X")
    assert is_id_card("11010519491231002x")
    assert not any(is_id_card(f"11010519491231002{digit}") for digit in "0123456789")
    assert not is_id_card("1101051949123100")


def test_a_hash_depends_on_its_key():
    assert hashed("13800138000", key=b"a" * 32) != hashed("13800138000", key=b"b" * 32)
