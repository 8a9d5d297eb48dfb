"""Where ids stand in a list of ids."""

import numpy as np
import pandas as pd
import pytest

from analysis.features.places import places_of


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
