"""Orders as an export holds them: sales, refunds in two shapes, attempts, twins and a few broken rows."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.data.synthetic.baskets import Baskets, Shelf, draw_baskets
from analysis.data.synthetic.brands import Brand
from analysis.data.synthetic.campaigns import OFFERS, Campaigns
from analysis.data.synthetic.identities import Identities
from analysis.data.synthetic.keys import labels, numbered, taken
from analysis.data.synthetic.people import Codes, Flags, People
from analysis.data.synthetic.purchases import ANY_STAGE, CARE, CONSULTATION, Purchases
from analysis.data.synthetic.season import N_DAYS, Floats, day_intensity, is_sale_day
from analysis.data.synthetic.touches import KEPT, History

__all__ = ["NOBODY", "Orders", "draw_orders", "item_columns", "order_columns"]

NOBODY: Final = -1
"""Position of the person behind an anonymous sale."""

_DEPTHS: Final = np.array([0.08, 0.12, 0.2, 0.3])
_TWINS: Final = 0.0015
_BROKEN: Final = 0.001
_ATTEMPTS: Final = 0.008
_FUTURE: Final = 27_000.25
"""Day of the axis on which the planted orders of the future lie: in 2098."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Every order that happened or would have happened, in order of time.

    Attributes:
        person: Position of the person; ``NOBODY`` for an anonymous sale.
        row: Row of the customer id it was booked on; -1 for an anonymous sale.
        at: Time, days.
        induced_by: Touch that brought it; -1 if it would have come anyway.
        removed_by: Touch that took it away; -1 if it happened.
        fate: ``KEPT``, ``PAUSED`` or ``BORROWED``.
        coupon: Campaign whose offer was redeemed; -1 if none.
        baskets: What was in it.
        number: Number of the order among those that happened; -1 for the others.
        refunded_at: Time of a full refund marked on the order itself; NaN: none.
    """

    person: Codes
    row: Codes
    at: Floats
    induced_by: Codes
    removed_by: Codes
    fate: npt.NDArray[np.int8]
    coupon: Codes
    baskets: Baskets
    number: Codes
    refunded_at: Floats

    @property
    def happened(self) -> Flags:
        """Which of them happened."""
        return self.number >= 0


def draw_orders(
    brand: Brand,
    *,
    people: People,
    own: Purchases,
    history: History,
    identities: Identities,
    shelf: Shelf,
    campaigns: Campaigns,
    first_number: int,
    rng: np.random.Generator,
) -> Orders:
    """Join own, induced and anonymous purchases in order of time and fill their baskets."""
    happens = history.induced["at"] < N_DAYS
    brought = {name: column[happens] for name, column in history.induced.items()}
    n_own, n_brought = len(own.at), len(brought["at"])
    unknown = _anonymous_times(brand, round(n_own * brand.anonymous), rng)
    person = np.concatenate((own.person, brought["person"], np.full(len(unknown), NOBODY)))
    at = np.concatenate((own.at, brought["at"], unknown))
    order = np.argsort(at, kind="stable")
    nothing = np.full(len(unknown), -1)
    stage = np.concatenate((own.stage, _stage_of_brought(brand, people, brought), _any_stage(brand, len(unknown))))[
        order
    ]
    campaign_of = history.touch["campaign"][brought["touch"]]
    redeemed = np.where(brought["redeemed"], campaign_of, -1)
    coupon = np.concatenate((history.coupon, redeemed, nothing))[order]
    person, at = person[order], at[order]
    fate = np.concatenate((history.fate, np.zeros(n_brought + len(unknown), dtype=np.int8)))[order]
    known = person != NOBODY
    cluster = np.where(known, people.cluster[person], rng.integers(0, len(brand.clusters), len(person)))
    depth = _depths(people, person, at, coupon=coupon, campaigns=campaigns, rng=rng)
    spend = np.where(known, people.spend[person], 1.0)
    baskets = draw_baskets(brand, shelf, cluster=cluster, stage=stage, spend=spend, depth=depth, rng=rng)
    refunded = np.where(rng.random(len(at)) < brand.refunds / 2, at + 0.5 + 11 * rng.random(len(at)), np.nan)
    return Orders(
        person=person,
        row=np.where(known, _booked_on(identities, person, at, rng=rng), -1),
        at=at,
        induced_by=np.concatenate((np.full(n_own, -1), brought["touch"], nothing))[order],
        removed_by=np.concatenate((history.fate_touch, np.full(n_brought, -1), nothing))[order],
        fate=fate,
        coupon=coupon,
        baskets=baskets,
        number=np.where(fate == KEPT, first_number + np.cumsum(fate == KEPT) - 1, -1),
        refunded_at=np.where(refunded < N_DAYS, refunded, np.nan),
    )


def _anonymous_times(brand: Brand, n: int, rng: np.random.Generator) -> Floats:
    cumulated = np.cumsum(day_intensity(brand)) / N_DAYS
    day = np.minimum(np.searchsorted(cumulated, rng.random(n)), N_DAYS - 1)
    return day + (9.0 + 12.0 * rng.random(n)) / 24.0


def _any_stage(brand: Brand, n: int) -> npt.NDArray[np.int8]:
    return np.full(n, CARE if brand.staged else ANY_STAGE, dtype=np.int8)


def _stage_of_brought(brand: Brand, people: People, brought: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.int8]:
    """Return what a touch sells: a staged brand's newcomers get a consultation, the others care."""
    stage = _any_stage(brand, len(brought["at"]))
    if brand.staged:
        new = ~(people.first_order[brought["person"]] < brought["at"])
        stage[new] = CONSULTATION
    return stage


def _depths(
    people: People, person: Codes, at: Floats, *, coupon: Codes, campaigns: Campaigns, rng: np.random.Generator
) -> Floats:
    """Return the share of the list price given away: by a redeemed offer, a sale or a usual discount."""
    use = np.where(person == NOBODY, 0.3, people.discount_use[person])
    on_sale = is_sale_day()[at.astype(np.int64)]
    uses = rng.random(len(at)) < np.where(on_sale, np.minimum(1.6 * use, 1.0), use)
    usual = np.where(uses, _DEPTHS[rng.integers(0, 4, len(at))] + 0.05 * on_sale, 0.0)
    by_offer = np.array([depth for _, depth in OFFERS])[campaigns.offer[coupon]]
    return np.where(coupon >= 0, by_offer, usual)


def _booked_on(identities: Identities, person: Codes, at: Floats, *, rng: np.random.Generator) -> Codes:
    """Return the row of the id an order is booked on: three in five go to the second id once there is one."""
    second = (at > identities.second_from[person]) & (rng.random(len(at)) < 0.6) & (person != NOBODY)
    return np.where(second, identities.second_row[person], person)


def order_columns(
    brand: Brand, orders: Orders, identities: Identities, *, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns of ``orders`` and of ``truth/violations``, all kinds of rows together."""
    real = np.flatnonzero(orders.happened)
    sales = _sales(brand, orders, identities, real=real, rng=rng)
    parts = [sales, _refund_rows(brand, orders, sales, real=real, rng=rng), _attempts(sales, rng)]
    broken, violations = _broken(sales, rng)
    parts.append(broken)
    twins = np.flatnonzero(rng.random(len(real)) < _TWINS)
    twins = twins if len(twins) else np.array([0])
    parts.append({name: column.take(pa.array(twins)) for name, column in sales.items()})
    return {name: pa.concat_arrays([part[name] for part in parts]) for name in sales}, violations


def _sales(
    brand: Brand, orders: Orders, identities: Identities, *, real: Codes, rng: np.random.Generator
) -> dict[str, pa.Array]:
    baskets = orders.baskets
    refunded_at = orders.refunded_at[real]
    weights = np.cumsum([weight for _, weight in brand.purchases_on])
    shop = np.searchsorted(weights, rng.random(len(real)) * 0.999_999, side="right")
    return {
        "order_id": numbered("o", orders.number[real]),
        "customer_id": taken(identities.customer_id, orders.row[real]),
        "ordered_at": pa.array(orders.at[real]),
        "amount": pa.array(baskets.amount[real] / 100.0),
        "status": labels(("paid", "refunded"), (~np.isnan(refunded_at)).astype(np.int64)),
        "refunded_at": pa.array(refunded_at),
        "refund_of": pa.nulls(len(real), pa.string()),
        "discount": pa.array(baskets.discount[real] / 100.0),
        "cost": pa.array(baskets.cost[real] / 100.0),
        "quantity": pa.array(baskets.quantity[real].astype(np.float64)),
        "category": labels([category.name for category in brand.categories], baskets.category[real]),
        "shop_channel": labels([name for name, _ in brand.purchases_on], shop),
        "coupon_id": _coupon_ids(orders.coupon[real]),
    }


def _coupon_ids(campaign: Codes) -> pa.Array:
    names = [f"offer-{number:03d}" for number in range(int(campaign.max(initial=0)) + 1)]
    return labels(names, campaign)


def _refund_rows(
    brand: Brand, orders: Orders, sales: dict[str, pa.Array], *, real: Codes, rng: np.random.Generator
) -> dict[str, pa.Array]:
    """Return refunds as rows of their own: a third partial, one in eight without the order it refunds."""
    at = orders.at[real]
    later = at + 0.5 + 11 * rng.random(len(at))
    chosen = (rng.random(len(at)) < brand.refunds / 2) & (later < N_DAYS) & np.isnan(orders.refunded_at[real])
    refunded = np.flatnonzero(chosen & (orders.person[real] != NOBODY))
    partial = rng.random(len(refunded)) < 0.33
    cents = orders.baskets.amount[real][refunded]
    cents = np.where(partial, np.rint(cents * rng.uniform(0.2, 0.8, len(refunded))), cents)
    rows = {name: column.take(pa.array(refunded)) for name, column in sales.items()}
    n = len(refunded)
    silent = rng.random(n) < 0.125
    nothing = pa.nulls(n, pa.float64())
    return rows | {
        "order_id": numbered("r", orders.number[real][refunded]),
        "ordered_at": pa.array(later[refunded]),
        "amount": pa.array(-cents / 100.0),
        "status": pa.nulls(n, pa.string()),
        "refunded_at": pa.array(np.full(n, np.nan)),
        "refund_of": pc.if_else(pa.array(silent), pa.scalar(None, pa.string()), rows["order_id"]),
        "discount": nothing,
        "cost": nothing,
        "quantity": nothing,
        "coupon_id": pa.nulls(n, pa.string()),
    }


def _attempts(sales: dict[str, pa.Array], rng: np.random.Generator) -> dict[str, pa.Array]:
    """Return cancelled attempts minutes before a real order."""
    n_sales = len(sales["order_id"])
    chosen = np.flatnonzero(rng.random(n_sales) < _ATTEMPTS)
    rows = {name: column.take(pa.array(chosen)) for name, column in sales.items()}
    return rows | {
        "order_id": pc.replace_substring(rows["order_id"], "o", "a"),
        "ordered_at": pa.array(np.maximum(np.asarray(rows["ordered_at"]) - 0.01 * rng.random(len(chosen)), 0.0)),
        "status": labels(("cancelled",), np.zeros(len(chosen), dtype=np.int64)),
        "refunded_at": pa.array(np.full(len(chosen), np.nan)),
    }


def _broken(sales: dict[str, pa.Array], rng: np.random.Generator) -> tuple[dict[str, pa.Array], dict[str, Any]]:
    """Return rows that break the contract, and what is wrong with each; no real order is touched by them."""
    n_sales = len(sales["order_id"])
    n = max(1, round(n_sales * _BROKEN / 4))
    source = rng.choice(n_sales, 4 * n, replace=n_sales < 4 * n)
    rows = {name: column.take(pa.array(source)) for name, column in sales.items()}
    pair = rng.permutation(n_sales)[:n]
    ids = pc.replace_substring(sales["order_id"].take(pa.array(np.concatenate((pair, pair)))), "o", "x")
    others = pc.replace_substring(rows["order_id"].slice(3 * n), "o", "y")
    at = np.asarray(rows["ordered_at"]).copy()
    at[3 * n :] = _FUTURE
    customer = pa.concat_arrays(  # the pair of one order id must name two customers
        [
            labels(("nobody-a",), np.zeros(n, dtype=np.int64)),
            labels(("nobody-b",), np.zeros(n, dtype=np.int64)),
            rows["customer_id"].slice(2 * n),
        ]
    )
    order_id = pa.concat_arrays([ids, pa.nulls(n, pa.string()), others])
    reasons = labels(("two_customers", "empty_key", "future"), np.repeat([0, 0, 1, 2], n))
    violations = {"table": labels(("orders",), np.zeros(4 * n, dtype=np.int64)), "key": order_id, "reason": reasons}
    blank = {
        "status": labels(("paid",), np.zeros(4 * n, dtype=np.int64)),
        "refunded_at": pa.array(np.full(4 * n, np.nan)),
    }
    return rows | blank | {"order_id": order_id, "customer_id": customer, "ordered_at": pa.array(at)}, violations


def item_columns(brand: Brand, orders: Orders, shelf: Shelf) -> dict[str, Any]:
    """Return the columns of ``order_items``: the lines of all sales, which add up to their order."""
    baskets = orders.baskets
    number = orders.number[baskets.line_order]
    real = number >= 0
    ids = numbered("o", orders.number[orders.happened])
    sku = baskets.line_sku[real]
    skus = [f"{brand.categories[code].name}-{position:02d}" for position, code in enumerate(shelf.category)]
    return {
        "order_id": taken(ids, number[real] - orders.number[orders.happened][0]),
        "sku": labels(skus, sku),
        "quantity": baskets.line_quantity[real].astype(np.float64),
        "amount": baskets.line_amount[real] / 100.0,
        "category": labels([category.name for category in brand.categories], shelf.category[sku]),
    }
