"""What is in an order: products, quantities, discounts; lines add up to their order to the cent."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.data.synthetic.brands import Brand
from analysis.data.synthetic.people import Codes
from analysis.data.synthetic.purchases import ANY_STAGE
from analysis.data.synthetic.season import Floats

__all__ = ["Baskets", "Shelf", "draw_baskets", "stock_shelf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The brand's products.

    Attributes:
        category: Code of each product's category.
        price_cents: List price of each product.
        cost_cents: Cost of each product.
        first: First product that each row may take: clusters first, then stages.
        size: How many products from there on.
        taste: Cumulated chance of each product per row, shape (rows, products), row r in [r, r + 1).
    """

    category: Codes
    price_cents: Codes
    cost_cents: Codes
    first: Codes
    size: Codes
    taste: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Baskets:
    """Contents of orders; money in cents.

    Attributes:
        amount: Paid per order, net of discount.
        discount: Discount per order.
        cost: Cost of the goods per order.
        quantity: Items per order.
        category: Category of the first line.
        line_order: Position of the order of each line.
        line_sku: Product of each line.
        line_quantity: Items of each line.
        line_amount: Paid for each line.
    """

    amount: Codes
    discount: Codes
    cost: Codes
    quantity: Codes
    category: Codes
    line_order: Codes
    line_sku: Codes
    line_quantity: Codes
    line_amount: Codes


def stock_shelf(brand: Brand, *, rng: np.random.Generator) -> Shelf:
    """Draw prices around each category's median and how popular each product is."""
    category = np.repeat(np.arange(len(brand.categories)), [c.n_skus for c in brand.categories])
    n = len(category)
    median = np.array([c.price for c in brand.categories])[category]
    price = np.maximum(np.rint(median * np.exp(0.18 * rng.standard_normal(n))), 5.0)
    cost_share = np.array([c.cost_share for c in brand.categories])[category]
    popularity = rng.dirichlet(np.full(n, 2.0)) + 0.2 / n
    rows = [np.array(cluster.tastes)[category] * popularity for cluster in brand.clusters]
    rows += [np.where(category == stage, popularity, 0.0) for stage in range(len(brand.categories))]
    firsts = np.concatenate(([0], np.cumsum([c.n_skus for c in brand.categories])[:-1]))
    n_clusters = len(brand.clusters)
    taste = np.array([np.cumsum(row) / row.sum() for row in rows])
    return Shelf(
        category=category,
        price_cents=(price * 100).astype(np.int64),
        cost_cents=np.rint(price * 100 * cost_share).astype(np.int64),
        first=np.concatenate((np.zeros(n_clusters, dtype=np.int64), firsts)),
        size=np.concatenate((np.full(n_clusters, n), [c.n_skus for c in brand.categories])).astype(np.int64),
        taste=taste + np.arange(len(rows))[:, None],
    )


def draw_baskets(
    brand: Brand,
    shelf: Shelf,
    *,
    cluster: Codes,
    stage: npt.NDArray[np.int8],
    spend: Floats,
    depth: Floats,
    rng: np.random.Generator,
) -> Baskets:
    """Fill one basket per order; ``depth`` is the share of the list price given away."""
    n = len(cluster)
    row = np.where(stage == ANY_STAGE, cluster, len(brand.clusters) + stage.astype(np.int64))
    single = (stage != ANY_STAGE) & (stage < 2)
    extra = np.array([c.extra_line for c in brand.clusters])[cluster] * ~single
    luck = rng.random(n)
    lines = 1 + (luck < extra) + (luck < extra**2 * 0.6)
    start = np.searchsorted(shelf.taste.ravel(), row + rng.random(n), side="right") - row * len(shelf.category)
    order = np.repeat(np.arange(n), lines)
    nth = np.arange(len(order)) - np.repeat(np.cumsum(lines) - lines, lines)
    first, size = shelf.first[row], shelf.size[row]
    sku = first[order] + (start[order] - first[order] + nth) % size[order]  # neighbours: no product twice
    quantity = 1 + (rng.random(len(order), dtype=np.float32) < np.where(single[order], 0.0, 0.13))
    listed = np.rint(shelf.price_cents[sku] * quantity * spend[order] / 10.0).astype(np.int64) * 10
    off = np.rint(listed * depth[order]).astype(np.int64)
    return Baskets(
        amount=_per_order(order, listed - off, n),
        discount=_per_order(order, off, n),
        cost=_per_order(order, shelf.cost_cents[sku] * quantity, n),
        quantity=_per_order(order, quantity, n),
        category=shelf.category[start],
        line_order=order,
        line_sku=sku,
        line_quantity=quantity.astype(np.int64),
        line_amount=listed - off,
    )


def _per_order(order: Codes, values: npt.NDArray[np.int64], n: int) -> Codes:
    return np.bincount(order, weights=values, minlength=n).astype(np.int64)
