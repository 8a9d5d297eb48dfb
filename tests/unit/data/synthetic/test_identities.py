from collections.abc import Callable

import pandas as pd

Read = Callable[[str], pd.DataFrame]


def test_five_in_a_hundred_persons_are_known_twice(beauty: Read) -> None:
    identities = beauty("truth/identities")
    per_person = identities.person_id.value_counts()
    assert per_person.max() == 2
    assert abs((per_person == 2).mean() - 0.05) < 0.002


def test_shared_keys_find_almost_all_pairs_and_almost_no_strangers(beauty: Read) -> None:
    customers = beauty("customers").merge(beauty("truth/identities"), on="customer_id")
    found: set[tuple[str, str]] = set()
    for key in ("unionid", "phone_hash"):
        known = customers.dropna(subset=key)
        pairs = known.merge(known, on=key, suffixes=("_a", "_b"))
        pairs = pairs[pairs.customer_id_a < pairs.customer_id_b]
        if key == "phone_hash":  # two different unionids are two persons who share a phone
            pairs = pairs[~(pairs.unionid_a != pairs.unionid_b) | pairs.unionid_a.isna() | pairs.unionid_b.isna()]
        found |= set(zip(pairs.customer_id_a, pairs.customer_id_b, strict=True))
    grouped = customers.sort_values("customer_id").groupby("person_id").customer_id.apply(tuple)
    true = {pair for pair in grouped if len(pair) == 2}
    assert len(found & true) / len(found) >= 0.99
    assert len(found & true) / len(true) >= 0.95


def test_a_few_relatives_share_a_phone(beauty: Read) -> None:
    customers = beauty("customers").merge(beauty("truth/identities"), on="customer_id").dropna(subset="phone_hash")
    persons = customers.groupby("phone_hash").person_id.nunique()
    assert 5 <= (persons > 1).sum() <= 120


def test_second_ids_have_orders_of_their_own(beauty: Read, sales: pd.DataFrame) -> None:
    identities = beauty("truth/identities")
    second = set(identities.customer_id) - set(beauty("truth/customers").customer_id)
    assert sales.customer_id.isin(second).sum() > 100
