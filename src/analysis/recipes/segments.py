"""Clusters of customers by behaviour: the model, who is in which, what sets them apart, and what to call them.

The chain: ``segment_model`` (traits, scale, centres, names) → ``segment_labels`` (one row per customer) →
``segment_summary``, ``segment_profile`` → ``segments_headline`` (the numbers and words of the page).
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.errors import TooFewError
from analysis.evidence import Estimate, Grade
from analysis.features.places import places_of
from analysis.fields import FIELDS
from analysis.params import SegmentsParams
from analysis.recipes.resolver import Previous, reads
from analysis.segments.clusters import Clustering, assign_clusters
from analysis.segments.groups import FEWEST_CUSTOMERS, find_groups
from analysis.segments.profile import SegmentName, keep_names, name_segments, segment_differences
from analysis.segments.scaling import Scaling, fit_scaling
from analysis.segments.traits import TRAITS, customer_traits

_RULE: Final = frozenset({"names", "scaling", "centres", "head_start"})
"""What a kept model must have to be applied again."""

_FEWEST: Final = 10
"""With fewer customers nothing tells them apart but who they are."""

_LEARNT_FROM: Final = 50_000
"""Customers, at most, whose groups are sought; everybody is then put into one. Of as many again a group's mean trait
differs by less than a hundredth of a spread."""

_TRAITS: Final = ("customer_id", "n_orders", *(trait.name for trait in TRAITS))
_EVERYBODY: Final = ("全体客户", "All customers")


@reads(features=_TRAITS)
def segment_model(
    features: pd.DataFrame, segments_params: SegmentsParams, seed: int, previous: Previous
) -> dict[str, Any]:
    """The rule that puts a customer into a segment, and how it came about.

    Keys: ``scaling``, ``centres`` (one row per segment), ``head_start``, ``names`` (segment, zh, en, jaccard, kept),
    ``trials`` (numbers of groups tried), ``blob`` (test against a single blob) and ``gaps`` (borders with a valley;
    both null for one segment), ``first_run``. Of more than 50,000 customers a random sample is looked at.

    Raises:
        TooFewError: If there are fewer than ten customers.
    """
    if len(features) < _FEWEST:
        raise TooFewError(len(features), needed=_FEWEST, needed_by="segments")
    traits = customer_traits(_sampled(features, seed=seed))
    scaling = fit_scaling(traits.values, weights=traits.weights)
    matrix = scaling.apply(traits.values)
    found, blob, gaps = find_groups(
        matrix,
        seed=seed,
        k_max=segments_params.k_max,
        resamples=segments_params.resamples,
        min_jaccard=segments_params.min_jaccard,
        min_share=segments_params.min_share,
    )
    words = [_EVERYBODY]
    if found.k > 1:
        words = name_segments(segment_differences(matrix, found.labels, names=scaling.names))
    kept = previous.get("segments")
    before = kept if isinstance(kept, dict) else {}
    names = _names(traits.values, found, words, before)
    return {
        "scaling": scaling.as_state(),
        "centres": found.centres.astype(np.float64).tolist(),
        "names": names,
        "trials": [trial._asdict() for trial in found.trials],
        "head_start": found.head_start.tolist(),
        "blob": blob._asdict() if blob else None,
        "gaps": gaps._asdict() if gaps else None,
        "first_run": not before,
    }


def _sampled(features: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    if len(features) <= _LEARNT_FROM:
        return features
    chosen = np.random.default_rng(seed).choice(len(features), _LEARNT_FROM, replace=False, shuffle=False)
    return features.iloc[np.sort(chosen)]


@reads(features=_TRAITS)
def segment_labels(features: pd.DataFrame, segment_model: dict[str, Any]) -> pd.DataFrame:
    """One row per customer: ``customer_id``, ``segment`` with its names."""
    names = segment_model["names"]
    labels = _labels(customer_traits(features).values, segment_model)
    by_label = {key: np.array([name[key] for name in names], dtype=object) for key in ("segment", "zh", "en")}
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"].to_numpy(),
            "segment": by_label["segment"][labels],
            "segment_zh": by_label["zh"][labels],
            "segment_en": by_label["en"][labels],
        }
    )


@reads(features=("customer_id", "n_orders", "revenue", "mean_order_value", "days_since_last_order"))
def segment_summary(
    segment_labels: pd.DataFrame, features: pd.DataFrame, segment_model: dict[str, Any]
) -> pd.DataFrame:
    """One row per segment, largest first: customers, revenue and their shares, typical customer, stability."""
    place = places_of(segment_labels["customer_id"], among=features["customer_id"])
    columns = features.drop(columns="customer_id").take(place)
    groups = columns.groupby(segment_labels["segment"].astype("category"), observed=True)
    summary = pd.DataFrame(
        {
            "n_customers": groups.size(),
            "revenue": groups["revenue"].sum(),
            "median_n_orders": groups["n_orders"].median(),
            "median_order_value": groups["mean_order_value"].median(),
            "median_days_since_last_order": groups["days_since_last_order"].median(),
        }
    ).rename_axis("segment")
    summary = summary.reset_index().astype({"segment": "str"})
    names = {str(name["segment"]): name for name in segment_model["names"]}
    for language in ("zh", "en"):
        summary[f"segment_{language}"] = [names[segment][language] for segment in summary["segment"]]
    total = float(summary["revenue"].sum())
    summary["share_customers"] = summary["n_customers"] / summary["n_customers"].sum()
    summary["share_revenue"] = summary["revenue"] / total if total else 0.0
    summary["jaccard"] = [names[segment]["jaccard"] for segment in summary["segment"]]
    typical = ["median_n_orders", "median_order_value", "median_days_since_last_order", "jaccard"]
    ordered = summary.sort_values(["n_customers", "segment"], ascending=[False, True], ignore_index=True)
    told = ["segment", "segment_zh", "segment_en"]
    return ordered[[*told, "n_customers", "share_customers", "revenue", "share_revenue", *typical]]


@reads(features=_TRAITS)
def segment_profile(
    features: pd.DataFrame, segment_model: dict[str, Any], segment_summary: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """One row per segment and trait: ``difference`` of the segment's mean from that of all customers, in spreads.

    Of more than 50,000 customers a random sample is looked at.
    """
    traits = customer_traits(_sampled(features, seed=seed)).values
    scaling = Scaling.from_state(segment_model["scaling"])
    labels = _labels(traits, segment_model)
    found = segment_differences(scaling.apply(traits), labels, names=scaling.names)
    names = segment_model["names"]
    for key, column in (("segment", "segment"), ("zh", "segment_zh"), ("en", "segment_en")):
        found[column] = [names[label][key] for label in found["label"]]
    found["trait_zh"] = [FIELDS[trait].zh if trait in FIELDS else trait for trait in found["trait"]]
    found["trait_en"] = [FIELDS[trait].en if trait in FIELDS else trait for trait in found["trait"]]
    found["n_customers"] = found["segment"].map(segment_summary.set_index("segment")["n_customers"])
    segment, trait = (["segment", "segment_zh", "segment_en"], ["trait", "trait_zh", "trait_en"])
    # The largest segment first, as in the summary; traits keep their order.
    found = found.sort_values(["n_customers", "segment"], ascending=[False, True], kind="stable", ignore_index=True)
    return found[[*segment, *trait, "difference", "n_customers"]]


def segment_trials(segment_model: dict[str, Any], segments_params: SegmentsParams) -> pd.DataFrame:
    """One row per number of groups tried, fewest first: stability of the worst group, smallest share, accepted or not.

    ``min_jaccard`` is the stability asked for.
    """
    columns = ["k", "worst_jaccard", "mean_jaccard", "smallest_share", "resamples", "accepted"]
    trials = pd.DataFrame(segment_model["trials"], columns=columns).sort_values("k", ignore_index=True)
    return trials.assign(min_jaccard=segments_params.min_jaccard).astype(
        {"worst_jaccard": "float64", "mean_jaccard": "float64", "smallest_share": "float64"}
    )


def segments_headline(
    segment_model: dict[str, Any],
    segment_summary: pd.DataFrame,
    segment_profile: pd.DataFrame,
    segments_params: SegmentsParams,
) -> dict[str, Any]:
    """Numbers and words of the page; each word follows from the numbers, so no sentence is false on other data."""
    k, n = len(segment_summary), int(segment_summary["n_customers"].sum())
    largest = segment_summary.iloc[0]
    richest = segment_summary.iloc[int(segment_summary["share_revenue"].to_numpy().argmax())]
    telling = segment_profile["difference"].abs().groupby(segment_profile["trait"], sort=False).max().nlargest(2)
    carried = sum(bool(name["kept"]) for name in segment_model["names"])
    counted = {
        "n_segments": (k, "groups"),
        "n_customers": (n, "customers"),
        "largest_share": (largest["share_customers"], "share"),
        "richest_share_customers": (richest["share_customers"], "share"),
        "richest_share_revenue": (richest["share_revenue"], "share"),
        "n_carried_over": (carried, "groups"),
        "smallest_share": (segment_summary["share_customers"].min(), "share"),
        "k_max": (segments_params.k_max, "groups"),
    }
    blob = segment_model["blob"]
    worst = Estimate(None if k == 1 else float(segment_summary["jaccard"].min()), "score", grade=Grade.MEASURED, n=n)
    return {
        **{name: Estimate(value, unit, n=n).as_result() for name, (value, unit) in counted.items()},
        "worst_jaccard": worst.as_result(),
        "min_jaccard": f"{segments_params.min_jaccard:g}",
        "min_share": f"{100 * segments_params.min_share:g}%",
        "spread_within": Estimate(blob["spread_within"] if blob else None, "share", n=n).as_result(),
        "spread_expected": Estimate(blob["expected"] if blob else None, "share", n=n).as_result(),
        "largest": {"zh": largest["segment_zh"], "en": largest["segment_en"]},
        "richest": {"zh": richest["segment_zh"], "en": richest["segment_en"]},
        "differ": _differ(telling.index.astype(str).tolist(), k=k),
        **_verdicts(segment_model, k=k, k_max=segments_params.k_max),
        "continuity": _continuity(segment_model, k=k, carried=carried),
    }


def _labels(traits: pd.DataFrame, model: dict[str, Any]) -> Any:
    matrix = Scaling.from_state(model["scaling"]).apply(traits)
    centres = np.array(model["centres"], dtype=np.float32)
    return assign_clusters(matrix, centres, head_start=np.array(model["head_start"], dtype=np.float64))


def _names(
    traits: pd.DataFrame, found: Clustering, words: list[tuple[str, str]], before: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return key and name of each segment, those of the predecessor kept where the segment is still the same."""
    known = before.get("names", [])
    # Traits may have come or gone with the source's columns, or an older version may have kept less: then the earlier
    # rule cannot be applied any more.
    usable = set(before) >= _RULE and {measure["name"] for measure in before["scaling"]} <= set(traits.columns)
    earlier = _labels(traits, before) if usable else None
    made: list[SegmentName] = keep_names(found.labels, words, earlier=earlier, known=known)
    keys = {str(name["segment"]) for name in known}
    return [
        {**name._asdict(), "jaccard": None if np.isnan(score) else float(score), "kept": name.segment in keys}
        for name, score in zip(made, found.jaccard, strict=True)
    ]


def _differ(traits: list[str], *, k: int) -> dict[str, str]:
    if k == 1:
        return {"zh": "没有分群，也就没有差别可比", "en": "Without groups there is nothing to compare"}
    zh = "和".join(FIELDS[trait].zh for trait in traits if trait in FIELDS)
    en = ", ".join(FIELDS[trait].en.lower() for trait in traits if trait in FIELDS)
    return {"zh": f"各群的差别主要在{zh}", "en": f"What sets the groups apart most: {en}"}


def _verdicts(model: dict[str, Any], *, k: int, k_max: int) -> dict[str, dict[str, str]]:
    """Return the phrases that depend on how the search and the test went."""
    if k == 1:
        return {
            "split": {"zh": "找不到稳定的分法", "en": "fall into no stable groups"},
            "nature": {"zh": "用 RFM 分层更合适", "en": "RFM tiers serve better"},
            "nature_claim": {
                "zh": "没有分群，也就不存在是不是自然分群的问题",
                "en": "Without groups there is nothing to test",
            },
            "stopped": (
                {"zh": "试过的每一种分法都不够稳定", "en": "No number of groups that was tried is stable enough"}
                if model["trials"]
                else {
                    "zh": f"客户不足 {FEWEST_CUSTOMERS} 人，没有试着分群",
                    "en": f"Fewer than {FEWEST_CUSTOMERS} customers: no split tried",
                }
            ),
        }
    return {
        "split": {"zh": f"稳定地分成 {k} 群", "en": f"fall into {k} stable groups"},
        **_nature(rejected=bool(model["blob"]["rejected"]), **model["gaps"]),
        "stopped": (
            {
                "zh": f"分到上限 {k} 群仍然稳定，更多没有试",
                "en": f"{k} groups, the most that was tried, are still stable",
            }
            if k == k_max
            else {"zh": f"最多分 {k} 群，再多就不稳定或太小", "en": f"{k} groups hold; more are unstable or too small"}
        ),
    }


def _nature(*, rejected: bool, borders: int, open: int) -> dict[str, dict[str, str]]:  # noqa: A002 - as the test names it
    """Return what may be said of the groups.

    Slices of one oddly shaped blob also beat the test's blobs: groups are natural only where a border is a gap as well.
    """
    if not rejected or open == 0:
        return {
            "nature": {"zh": "是有用的切片，不是自然形成的群", "en": "they are useful slices, not natural groups"},
            "nature_claim": {
                "zh": "看不到群与群之间的空隙：这些群是切片，边界附近的客户很相似",
                "en": "No gaps are seen: these are slices, and customers near a border are much alike",
            },
        }
    claim = {
        "zh": f"群与群之间有空隙：{borders} 条边界中 {open} 条上客户明显稀少",
        "en": f"There are gaps between groups: customers are rare on {open} of {borders} borders",
    }
    if open < borders:
        return {
            "nature": {"zh": "一部分边界是自然的，其余是切片", "en": "some borders are natural, the others are slices"},
            "nature_claim": claim,
        }
    return {"nature": {"zh": "是自然形成的群", "en": "they are natural groups"}, "nature_claim": claim}


def _continuity(model: dict[str, Any], *, k: int, carried: int) -> dict[str, str]:
    if model["first_run"]:
        return {
            "zh": "这是第一期，名称从本期开始沿用。",
            "en": "This is the first run: names are kept from here on.",
        }
    return {
        "zh": f"{k} 群中有 {carried} 群沿用上一期的名称，因为过半客户相同。",
        "en": f"{carried} of {k} groups keep their name from the run before: more than half of their customers agree.",
    }
