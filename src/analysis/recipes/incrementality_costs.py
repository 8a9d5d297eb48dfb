"""What an experiment's touches cost, and which other experiments there are to read."""

from typing import Any, Final

import narwhals as nw
import pandas as pd

from analysis.data.connect import Tables
from analysis.errors import AnalysisError
from analysis.params import IncrementalityParams

_NAMED: Final = 5
_SENT: Final = 1


def incrementality_costs(
    tables: Tables,
    experiment_frame: dict[str, Any],
    trial_customers: pd.DataFrame,
    incrementality_params: IncrementalityParams,
) -> pd.DataFrame:
    """One row per arm: ``n_touches`` (sent), ``cost`` (currency) and ``cost_each`` (a customer assigned); none unknown.

    The book's cost of a touch, else what touches carry. Touches are those of the experiment that went out; where the
    data have none, every customer of an arm with a cost is taken to have got one.
    """
    costs = incrementality_params.cost_per_touch
    arms = trial_customers.set_index("customer_id")["arm"]
    there = sorted(map(str, arms.unique()))
    unknown = sorted(set(costs) - set(there))
    if unknown:
        found = f"cost_per_touch names {', '.join(unknown)}; the arms are {', '.join(there)}."
        raise AnalysisError(found, hint="name the arms as the data do")
    sent = _sent(tables, experiment_frame)
    if not costs and (sent is None or "cost" not in sent or sent["cost"].isna().all()):
        return pd.DataFrame(columns=["arm", "n_touches", "cost", "cost_each"])
    counts = arms.value_counts().sort_index()
    table = pd.DataFrame({"arm": counts.index.astype(str)})
    if sent is None:
        table["n_touches"] = [int(counts[arm]) if arm in costs else 0 for arm in table["arm"]]
    else:
        sent = sent.assign(arm=sent["customer_id"].map(arms))
        table["n_touches"] = sent.groupby("arm").size().reindex(table["arm"], fill_value=0).to_numpy()
    if costs or sent is None:
        table["cost"] = [n * costs.get(arm, 0.0) for arm, n in zip(table["arm"], table["n_touches"], strict=True)]
    else:
        table["cost"] = sent.groupby("arm")["cost"].sum().reindex(table["arm"], fill_value=0.0).to_numpy(dtype=float)
    return table.assign(cost_each=table["cost"].to_numpy() / counts.to_numpy())


def _sent(tables: Tables, frame: dict[str, Any]) -> pd.DataFrame | None:
    """Return the touches of the experiment that went out, or None where the data know of none."""
    if frame["source"] == "outcomes" or not tables.has("touches"):
        return None
    wanted = [name for name in ("customer_id", "send_status", "cost") if tables.has_column("touches", name)]
    rows: pd.DataFrame = (
        tables.lazy("touches")
        .filter(nw.col("campaign_id") == frame["experiment_id"])
        .select(*wanted)
        .collect("pandas")
        .to_native()
    )
    if rows.empty:
        return None
    return rows[rows["send_status"].astype("float64") == _SENT] if "send_status" in rows else rows


def incrementality_others(experiment_list: pd.DataFrame, experiment_frame: dict[str, Any]) -> dict[str, Any]:
    """Experiments that are not read here: ``shown``, ``text`` and its ``values``: their names and what to write."""
    others = experiment_list[experiment_list["experiment_id"] != experiment_frame["experiment_id"]]
    ids = [str(name) for name in others["experiment_id"]]
    rest = len(ids) - _NAMED
    text = {"zh": "还有别的实验可读：{names}。要读哪一个，在账本里写 {write}。",
            "en": "Other experiments can be read: {names}. To read one, write {write} into the book."}  # fmt: skip
    if rest > 0:
        text = {"zh": f"还有别的实验可读：{{names}}，另有 {rest} 个。要读哪一个，在账本里写 {{write}}。",
                "en": f"Other experiments can be read: {{names}} and {rest} more. To read one, write {{write}} into "
                      "the book."}  # fmt: skip
    return {
        "shown": bool(ids),
        "text": text,
        "values": {
            "names": {"zh": "、".join(ids[:_NAMED]), "en": ", ".join(ids[:_NAMED])},
            "write": f"incrementality: {{experiment: {ids[0]}}}" if ids else "",
        },
    }
