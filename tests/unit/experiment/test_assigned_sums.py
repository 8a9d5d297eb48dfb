"""Orders around assignments, counted without a join: as many as a join finds, to the minute of the assignment."""

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.experiment.assigned_sums import assigned_of, orders_around, sums_by_segment
from analysis.features.ordered_purchases import Purchases

HISTORY, WINDOW = 30, 14
START = pd.Timestamp("2026-03-01")


def test_orders_of_the_day_of_assignment_count_by_the_minute_and_all_others_by_the_day():
    rng = np.random.default_rng(1)
    ids = np.array([f"c{i:02d}" for i in range(40)], dtype=object)
    orders = pd.DataFrame({"who": np.repeat(np.arange(40), 30), "minute": rng.integers(-60 * 1440, 30 * 1440, 1200)})
    orders["at"] = START + pd.to_timedelta(orders["minute"], unit="min")
    orders["day"] = orders["at"].dt.floor("D").astype("datetime64[s]").astype("int64") // 86_400
    orders = orders.sort_values(["who", "day"], ignore_index=True)
    rows = pd.DataFrame({"customer_id": [*ids, "nobody"] * 2, "experiment_id": ["a"] * 41 + ["b"] * 41})
    rows["assigned_at"] = START + pd.to_timedelta(rng.integers(0, 3 * 1440, 82), unit="min")
    rows["assigned_on"], rows["arm"] = rows["assigned_at"].dt.date, rng.choice(["x", "y"], 82)
    rows["window_days"] = WINDOW
    purchases = Purchases(
        ids, orders["who"].to_numpy(np.int32), orders["day"].to_numpy(np.int32), np.full(1200, 5.0), None, (),
        np.array([3]), orders["day"].to_numpy(np.int32)[[3]], np.array([5.0]),
    )  # fmt: skip
    orders = orders.drop(index=3)  # given back
    same = orders.assign(customer_id=ids[orders["who"]], ordered_at=orders["at"], ordered_on=orders["at"].dt.date)
    same = same[same["ordered_on"].isin(set(rows["assigned_on"]))][["customer_id", "ordered_at", "ordered_on"]]
    assigned = assigned_of(pa.Table.from_pandas(rows))
    found = orders_around(assigned, purchases=purchases, same_day=pa.Table.from_pandas(same), history_days=HISTORY)
    for place, row in enumerate(rows.to_dict("records")):
        mine = orders[ids[orders["who"]] == row["customer_id"]]
        gap = (mine["at"].dt.floor("D") - row["assigned_at"].floor("D")).dt.days
        late = mine["at"] >= row["assigned_at"]
        expected = ((late & (gap < WINDOW)).sum(), (~late & (gap >= -HISTORY)).sum(), (~late).sum())
        assert (found.after[place], found.before[place], found.ever[place]) == expected
    sums = sums_by_segment(assigned, found)
    assert sums["n"].sum() == (found.ever > 0).sum()
    assert sums["xy"].sum() == (found.before * found.after)[found.ever > 0].sum()
    assert sums.drop_duplicates(["experiment_id", "arm"])["n_arm"].sum() == 82
