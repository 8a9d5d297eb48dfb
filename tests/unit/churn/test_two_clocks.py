"""Both clocks side by side: everybody in one group by rules a manager can repeat, money and customers conserved."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.churn import two_clocks_wording as wording
from analysis.churn.priorities import BANDS
from analysis.churn.two_clocks import DELETE_BANDS, GROUPS, LEAVE_ALONE, clock_grid, delete_band, group_of, group_sums

NAN = float("nan")
MEAN = 0.02


def customers(rows):
    """Rows of (p_churn, p_delete, money, risk band, value band)."""
    table = pd.DataFrame(rows, columns=["p_churn", "p_delete", "value_at_risk", "risk_band", "value_band"])
    return table.assign(delete_band=pd.array(delete_band(table["p_delete"], mean=MEAN), dtype="string"))


ONE_OF_EACH = customers(
    [
        (0.9, 0.05, 900.0, "top_20", "top_20"),  # most money among those who can be written to: likely to delete, too
        (0.9, NAN, 950.0, "top_20", "top_20"),  # more money, but nobody's contact
        (0.8, 0.03, 90.0, "top_20", "next_30"),  # 1.5 times the mean
        (0.8, 0.02, 80.0, "top_20", "other_50"),
        (0.3, 0.02, 70.0, "other_50", "next_30"),
        (0.6, 0.02, 60.0, "next_30", "next_30"),
        (NAN, 0.02, NAN, None, None),
        (NAN, NAN, NAN, None, None),
    ]
)
GROUPS_OF_EACH = [
    "save_first", "not_a_contact", "may_delete", "low_value", "low_risk", "next_in_line", "sleeping", "sleeping"
]  # fmt: skip


def test_every_rule_finds_its_customer_and_the_list_comes_before_the_chance_of_deletion():
    assert group_of(ONE_OF_EACH, save_first=1, contacts_known=True).tolist() == GROUPS_OF_EACH


def test_where_contacts_are_not_known_nobody_is_out_of_reach_and_nobody_may_delete():
    unknown = ONE_OF_EACH.assign(p_delete=NAN, delete_band=pd.NA)
    found = group_of(unknown, save_first=1, contacts_known=False).tolist()
    assert found[1] == "save_first"  # the most money of all
    assert not set(found) & {"not_a_contact", "may_delete"}


def test_a_list_longer_than_the_shop_holds_all_who_can_be_written_to_and_nobody_else():
    found = group_of(ONE_OF_EACH, save_first=100, contacts_known=True).tolist()
    assert found.count("save_first") == 5
    assert found[1] == "not_a_contact"


def test_bands_of_deletion_are_ratios_to_the_mean():
    assert delete_band([0.029, 0.030, 0.020, 0.0199, NAN], mean=MEAN).tolist() == [
        "raised", "high", "raised", "usual", None
    ]  # fmt: skip


rows = st.tuples(
    st.one_of(st.just(NAN), st.floats(0.01, 0.99)),
    st.one_of(st.just(NAN), st.floats(0.001, 0.4)),
    st.floats(0, 1e6),
    st.sampled_from(BANDS),
    st.sampled_from(BANDS),
)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(rows, min_size=1, max_size=30), st.integers(1, 10), st.booleans())
def test_everybody_is_in_exactly_one_group_and_no_money_is_lost(drawn, save_first, contacts_known):
    table = customers(drawn)
    table["value_at_risk"] = table["value_at_risk"].where(table["p_churn"].notna())
    table["group"] = group_of(table, save_first=save_first, contacts_known=contacts_known)
    assert set(table["group"]) <= set(GROUPS)
    assert (table["group"] == "save_first").sum() <= save_first
    sums = group_sums(table)
    assert sums["n_customers"].sum() == len(table)
    assert sums["value_at_risk"].sum() == pytest.approx(table["value_at_risk"].sum())
    grid = clock_grid(table)
    both = table[["p_churn", "p_delete"]].notna().all(axis=1)
    assert grid["n_customers"].sum() == both.sum()
    assert grid["value_at_risk"].sum() == pytest.approx(table.loc[both, "value_at_risk"].sum())
    assert len(grid) == len(DELETE_BANDS) * len(BANDS)


def test_a_row_order_moves_nobody():
    shuffled = ONE_OF_EACH.sample(frac=1, random_state=3)
    found = pd.Series(group_of(shuffled, save_first=1, contacts_known=True), index=shuffled.index).sort_index()
    assert found.tolist() == GROUPS_OF_EACH


def test_groups_stand_in_the_order_of_acting_and_only_those_that_exist():
    table = ONE_OF_EACH.assign(group=GROUPS_OF_EACH, clv=np.arange(8.0))
    assert group_sums(table)["group"].tolist() == list(GROUPS)
    assert group_sums(table.iloc[:1])["group"].tolist() == ["save_first"]
    assert group_sums(table)["clv_total"].sum() == 28.0


def test_every_group_has_a_name_and_a_reason_in_both_languages():
    for words in (wording.GROUPS, wording.REASONS):
        assert set(words) == set(GROUPS)
        assert all(label["zh"] and label["en"] for label in words.values())
    assert all(wording.GROUPS[group]["zh"].startswith("别打扰") for group in LEAVE_ALONE)
    assert set(wording.DELETE_BANDS) == set(DELETE_BANDS)


@pytest.mark.parametrize("purchase", [True, False])
@pytest.mark.parametrize("relationship", [True, False])
def test_an_answer_names_only_numbers_of_a_clock_that_runs(purchase, relationship):
    said = str(wording.answer(purchase=purchase, relationship=relationship, contacts_known=relationship))
    assert ("n_at_risk" in said) is purchase
    assert ("n_expected_deletions" in said) is relationship
    assert ("contacts；" in said or "contacts）" in said) is not relationship


def test_a_shop_with_contacts_but_no_deletions_is_not_asked_for_the_table():
    said = wording.answer(purchase=True, relationship=False, contacts_known=True)
    assert "table contacts" not in said["detail_en"]
    assert "no deletion by a customer" in said["detail_en"]


def test_nobody_is_said_to_delete_where_contacts_are_not_known():
    known, unknown = (str(wording.decisions(purchase=True, relationship=k, flagged=False)) for k in (True, False))
    assert "delete us" in known
    assert "删好友" in known
    assert "delete us" not in unknown
    assert "删好友" not in unknown


def test_a_note_on_the_list_speaks_of_strangers_and_of_care_only_where_there_are_some():
    full = wording.groups_note(strangers=True, gently=True)["en"]
    plain = wording.groups_note(strangers=False, gently=False)["en"]
    assert "{n_not_a_contact}" in full
    assert "{n_gently}" in full
    assert "{" not in plain
    assert full.endswith(plain)


def test_a_ratio_that_may_be_one_is_not_called_the_strongest():
    assert "cannot be told" in wording.touches_claim(0.97)["en"]
    assert "cannot be told" in wording.touches_claim(None)["en"]
    assert "{touch_ratio}" in wording.touches_claim(1.3)["en"]


def test_observational_pages_never_say_that_something_causes_something():
    texts = [*wording.REASONS.values(), wording.touches_claim(2.0), wording.codes_claim(flagged=True)]
    texts += [decision["words"] for decision in wording.decisions(purchase=True, relationship=True, flagged=True)]
    for text in map(str, texts):
        assert not any(word in text for word in ("导致", "带来", "造成", "cause", "because of", "leads to"))
