"""Where ids stand in a list of ids."""

import numpy as np
import pandas as pd
import pytest

from analysis.features.places import in_order, places_of, texts_at


@pytest.mark.parametrize("kind", ["str", "object"])
def test_every_id_is_found_where_it_stands_and_others_nowhere(kind):
    rng = np.random.default_rng(0)
    among = pd.Series([f"c{i}" for i in rng.permutation(1000)], dtype=kind)
    ids = pd.Series([f"c{i}" for i in rng.integers(0, 1500, 3000)], dtype=kind)
    places = places_of(ids, among=among)
    known = {name: place for place, name in enumerate(among)}
    assert places.tolist() == [known.get(name, -1) for name in ids]


def test_the_same_list_stands_where_it_is_and_a_turned_one_does_not():
    ids = pd.Series(["a", "b", "c"])
    assert places_of(ids, among=ids.copy()).tolist() == [0, 1, 2]
    assert places_of(ids[::-1], among=ids).tolist() == [2, 1, 0]


def test_a_missing_id_stands_nowhere():
    assert places_of(pd.Series(["a", None], dtype="str"), among=pd.Series(["b", "a"])).tolist() == [1, -1]


def test_texts_at_places_are_missing_where_there_is_no_place():
    found = texts_at(pd.Series(["a", "b"]), places=np.array([1, -1, 0]))
    assert found.dtype == "str"
    assert found.fillna("-").tolist() == ["b", "-", "a"]


def test_texts_are_in_order_where_each_is_larger_than_the_one_before():
    assert in_order(pd.Series(["a", "b", "d"]))
    assert in_order(pd.Series(["a"]))
    assert not in_order(pd.Series(["a", "a"]))
    assert not in_order(pd.Series(["b", "a"]))
