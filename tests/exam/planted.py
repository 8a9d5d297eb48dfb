"""What the exam's tests read of planted brands: their tables as exported, and what was planted."""

from pathlib import Path

import pandas as pd

from analysis.data.synthetic import generate


def brand_folder(brand: str, *, customers: int, seed: int, under: Path) -> Path:
    """Generate a brand; a folder that is there already is taken as it is."""
    folder = under / f"{brand}-{customers}-{seed}"
    if not (folder / "truth").is_dir():
        generate(brand, customers=customers, seed=seed, out=folder)
    return folder


def targeted_campaigns(folder: Path) -> pd.DataFrame:
    """One row per campaign targeted at good customers: orders of the touched and of the untouched in its window."""
    orders = pd.read_parquet(folder / "orders.parquet").drop_duplicates("order_id")
    orders = orders[(orders["amount"] > 0) & (orders["status"] != "cancelled")].dropna(subset=["customer_id"])
    touches = pd.read_parquet(folder / "touches.parquet")
    calendar = pd.read_parquet(folder / "campaigns.parquet").drop_duplicates("campaign_id").set_index("campaign_id")
    truth = pd.read_parquet(folder / "truth/campaigns.parquet").set_index("campaign_id")
    first = orders.groupby("customer_id")["ordered_at"].min()
    rows = []
    for campaign in truth.index[truth["kind"] == "target_good"]:
        start = calendar.loc[campaign, "starts_at"]
        end = start + pd.Timedelta(days=float(calendar.loc[campaign, "response_window_days"]))
        touched = set(touches.loc[touches["campaign_id"] == campaign, "customer_id"])
        known = first.index[first < start]
        in_window = orders.loc[(orders["ordered_at"] >= start) & (orders["ordered_at"] < end), "customer_id"]
        of_touched = in_window.isin(touched)
        of_known = in_window.isin(known) & ~of_touched
        rows.append(
            {
                "campaign_id": campaign,
                "n_touched": len(touched),
                "n_untouched": int((~known.isin(touched)).sum()),
                "orders_touched": int(of_touched.sum()),
                "orders_untouched": int(of_known.sum()),
                "true_induced": float(truth.loc[campaign, "induced_orders_in_window"]),
                "true_removed": float(truth.loc[campaign, "removed_orders_in_window"]),
            }
        )
    found = pd.DataFrame(rows)
    return found.query("n_touched > 0")
