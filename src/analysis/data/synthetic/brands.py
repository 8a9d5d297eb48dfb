"""The three synthetic brands as frozen values: everything that is planted and not drawn.

Each number here is an invention chosen to be plausible, not an estimate of any real brand; what is
drawn around these numbers is written to ``truth/`` beside the data. Money is in yuan, durations in
days, shares and probabilities in 0-1.
"""

from dataclasses import dataclass
from typing import Final

from analysis.checks import one_of

__all__ = [
    "BRANDS",
    "CHANNELS",
    "CONSTRAINTS",
    "FORMATS",
    "SOURCES",
    "Brand",
    "Category",
    "Cluster",
    "brand_named",
]

CHANNELS: Final = ("private_chat", "group", "moments", "official_account", "mini_program", "sms", "call")
"""Touch channels in code order; the names are those of ``params/channels.yaml``."""

FORMATS: Final = ("selfie", "one_line_picture", "story", "video", "how_to", "plain_advert")
"""Content formats in code order, planted from most to least effective."""

CONSTRAINTS: Final = ("motivation", "ability", "trigger")
"""What holds a customer back: no wish, too dear, no occasion."""

SOURCES: Final = ("store", "mini_program", "paid_social", "live_stream", "content", "referral")
"""Sources of acquisition in code order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category of goods.

    Attributes:
        name: Its name in the data.
        n_skus: Number of products.
        price: Median list price.
        cost_share: Cost of the goods as a share of the list price.
    """

    name: str
    n_skus: int
    price: float
    cost_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A planted behavioural group.

    Attributes:
        name: Its name in ``truth/customers``.
        share: Share of the brand's customers.
        buys: Share who ever buy unprompted.
        gap_days: Median of customers' own mean gap between purchases.
        gap_spread: Standard deviation of its logarithm between customers.
        regularity: Shape of the gaps: above 1 regular, below 1 in bursts.
        lifetime_days: Median time from first purchase to leaving for good.
        lifetime_spread: Standard deviation of its logarithm.
        weekend: Weight of a weekend day against a weekday.
        peak_hours: Local hours one of which is each customer's own peak.
        extra_line: Chance that an order has one more line.
        discount: Mean of the chance that an order uses a discount.
        spend: Price level against the brand's list.
        tastes: Weight of each category.
        uplift: Mean chance that one read touch brings one more order.
        dogs: Share of sleeping dogs: touches drive them away.
        contact: Share who become contacts of staff.
        decides: For a staged brand, chance of the procedure after a consultation.
        treats: For a staged brand, chance of care without the procedure.
    """

    name: str
    share: float
    buys: float
    gap_days: float
    gap_spread: float
    regularity: float
    lifetime_days: float
    lifetime_spread: float
    weekend: float
    peak_hours: tuple[int, ...]
    extra_line: float
    discount: float
    spend: float
    tastes: tuple[float, ...]
    uplift: float
    dogs: float
    contact: float
    decides: float = 0.0
    treats: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A synthetic brand.

    Attributes:
        name: Name used in ``demo/<name>``.
        code: Number that keeps the brands' random streams apart.
        zh: Title in Chinese.
        en: Title in English.
        margin: Contribution margin as a share of revenue after goods, for ``brand.json``.
        staged: Whether customers walk a path (consultation, procedure, care) instead of coming back.
        categories: What is sold; a staged brand's are the stages in order.
        clusters: The planted behavioural groups.
        season_swing: Swing of the yearly wave around 1.
        season_peak: Day of the year of its top.
        sale_lift: Purchases on a day of a big sale against a usual day.
        channel_mix: Weight of each channel in the campaign calendar, in the order of ``CHANNELS``.
        audience: Share of the reachable customers whom a broad campaign takes.
        group_share: Share of contacts who join a customer group.
        source_mix: Weight of each source, in the order of ``SOURCES``.
        source_cost: Cost of one customer by source.
        anonymous: Anonymous sales as a share of orders.
        refunds: Share of orders refunded.
        referral_reward: Reward of one referral.
        purchases_on: Shop channels and their weights.
    """

    name: str
    code: int
    zh: str
    en: str
    margin: float
    staged: bool
    categories: tuple[Category, ...]
    clusters: tuple[Cluster, ...]
    season_swing: float
    season_peak: int
    sale_lift: float
    channel_mix: tuple[float, ...]
    audience: float
    group_share: float
    source_mix: tuple[float, ...]
    source_cost: tuple[float, ...]
    anonymous: float
    refunds: float
    referral_reward: float
    purchases_on: tuple[tuple[str, float], ...]


_COFFEE: Final = Brand(
    name="coffee",
    code=1,
    zh="咖啡（虚构品牌）",
    en="Coffee (a synthetic brand)",
    margin=0.62,
    staged=False,
    categories=(
        Category(name="espresso", n_skus=8, price=19.0, cost_share=0.28),
        Category(name="latte", n_skus=12, price=23.0, cost_share=0.32),
        Category(name="seasonal", n_skus=8, price=27.0, cost_share=0.36),
        Category(name="bakery", n_skus=10, price=15.0, cost_share=0.45),
        Category(name="beans", n_skus=6, price=78.0, cost_share=0.48),
    ),
    clusters=(
        Cluster(
            name="commuter",
            share=0.24,
            buys=0.93,
            gap_days=9.5,
            gap_spread=0.5,
            regularity=2.4,
            lifetime_days=330,
            lifetime_spread=0.9,
            weekend=0.3,
            peak_hours=(8, 9),
            extra_line=0.12,
            discount=0.12,
            spend=1.0,
            tastes=(0.45, 0.42, 0.05, 0.06, 0.02),
            uplift=0.022,
            dogs=0.16,
            contact=0.55,
        ),
        Cluster(
            name="deal_hunter",
            share=0.26,
            buys=0.86,
            gap_days=24,
            gap_spread=0.5,
            regularity=0.8,
            lifetime_days=240,
            lifetime_spread=0.9,
            weekend=1.0,
            peak_hours=(12, 15),
            extra_line=0.25,
            discount=0.78,
            spend=0.95,
            tastes=(0.15, 0.45, 0.28, 0.10, 0.02),
            uplift=0.135,
            dogs=0.03,
            contact=0.68,
        ),
        Cluster(
            name="weekend_treat",
            share=0.24,
            buys=0.84,
            gap_days=19,
            gap_spread=0.45,
            regularity=1.6,
            lifetime_days=320,
            lifetime_spread=0.8,
            weekend=3.4,
            peak_hours=(15, 16),
            extra_line=0.62,
            discount=0.28,
            spend=1.2,
            tastes=(0.08, 0.25, 0.30, 0.27, 0.10),
            uplift=0.072,
            dogs=0.06,
            contact=0.50,
        ),
        Cluster(
            name="sampler",
            share=0.26,
            buys=0.70,
            gap_days=45,
            gap_spread=0.5,
            regularity=0.9,
            lifetime_days=40,
            lifetime_spread=1.0,
            weekend=1.2,
            peak_hours=(10, 14, 17),
            extra_line=0.2,
            discount=0.45,
            spend=1.0,
            tastes=(0.25, 0.40, 0.25, 0.08, 0.02),
            uplift=0.036,
            dogs=0.10,
            contact=0.42,
        ),
    ),
    season_swing=0.08,
    season_peak=200,
    sale_lift=1.5,
    channel_mix=(0.46, 0.0, 0.16, 0.10, 0.18, 0.10, 0.0),
    audience=0.16,
    group_share=0.08,
    source_mix=(0.36, 0.24, 0.12, 0.06, 0.08, 0.14),
    source_cost=(3.0, 5.0, 22.0, 16.0, 8.0, 6.0),
    anonymous=0.05,
    refunds=0.008,
    referral_reward=10.0,
    purchases_on=(("mini_program", 0.62), ("store", 0.26), ("delivery", 0.12)),
)

_BEAUTY: Final = Brand(
    name="beauty",
    code=2,
    zh="美妆（虚构品牌）",
    en="Beauty (a synthetic brand)",
    margin=0.58,
    staged=False,
    categories=(
        Category(name="cleanser", n_skus=8, price=129.0, cost_share=0.24),
        Category(name="serum", n_skus=10, price=329.0, cost_share=0.22),
        Category(name="cream", n_skus=8, price=269.0, cost_share=0.25),
        Category(name="makeup", n_skus=16, price=159.0, cost_share=0.30),
        Category(name="sunscreen", n_skus=6, price=149.0, cost_share=0.28),
        Category(name="gift_set", n_skus=6, price=489.0, cost_share=0.34),
    ),
    clusters=(
        Cluster(
            name="routine",
            share=0.24,
            buys=0.82,
            gap_days=44,
            gap_spread=0.6,
            regularity=4.0,
            lifetime_days=300,
            lifetime_spread=0.9,
            weekend=0.7,
            peak_hours=(21, 22),
            extra_line=0.35,
            discount=0.22,
            spend=1.15,
            tastes=(0.28, 0.32, 0.28, 0.03, 0.08, 0.01),
            uplift=0.034,
            dogs=0.10,
            contact=0.66,
        ),
        Cluster(
            name="sale_stocker",
            share=0.22,
            buys=0.74,
            gap_days=68,
            gap_spread=0.6,
            regularity=0.8,
            lifetime_days=330,
            lifetime_spread=0.9,
            weekend=1.2,
            peak_hours=(20, 0),
            extra_line=0.85,
            discount=0.90,
            spend=0.85,
            tastes=(0.20, 0.22, 0.18, 0.12, 0.10, 0.18),
            uplift=0.085,
            dogs=0.04,
            contact=0.60,
        ),
        Cluster(
            name="trend_seeker",
            share=0.26,
            buys=0.70,
            gap_days=34,
            gap_spread=0.7,
            regularity=1.4,
            lifetime_days=150,
            lifetime_spread=1.0,
            weekend=2.8,
            peak_hours=(12, 19),
            extra_line=0.35,
            discount=0.42,
            spend=0.6,
            tastes=(0.05, 0.08, 0.05, 0.68, 0.12, 0.02),
            uplift=0.093,
            dogs=0.04,
            contact=0.62,
        ),
        Cluster(
            name="gift_buyer",
            share=0.28,
            buys=0.58,
            gap_days=150,
            gap_spread=0.6,
            regularity=1.3,
            lifetime_days=300,
            lifetime_spread=0.9,
            weekend=1.4,
            peak_hours=(10, 14),
            extra_line=0.10,
            discount=0.30,
            spend=1.5,
            tastes=(0.05, 0.10, 0.10, 0.10, 0.05, 0.60),
            uplift=0.025,
            dogs=0.14,
            contact=0.48,
        ),
    ),
    season_swing=0.12,
    season_peak=330,
    sale_lift=3.6,
    channel_mix=(0.50, 0.0, 0.20, 0.10, 0.12, 0.08, 0.0),
    audience=0.17,
    group_share=0.16,
    source_mix=(0.16, 0.18, 0.24, 0.18, 0.14, 0.10),
    source_cost=(12.0, 18.0, 85.0, 48.0, 24.0, 20.0),
    anonymous=0.03,
    refunds=0.045,
    referral_reward=30.0,
    purchases_on=(("mini_program", 0.46), ("tmall", 0.32), ("store", 0.22)),
)

_HAIR: Final = Brand(
    name="hair_transplant",
    code=3,
    zh="植发（虚构品牌）",
    en="Hair transplant (a synthetic brand)",
    margin=0.45,
    staged=True,
    categories=(
        Category(name="consultation", n_skus=4, price=199.0, cost_share=0.40),
        Category(name="procedure", n_skus=6, price=22800.0, cost_share=0.52),
        Category(name="care", n_skus=14, price=268.0, cost_share=0.38),
    ),
    clusters=(
        Cluster(
            name="early_thinning",
            share=0.30,
            buys=0.4,
            gap_days=55,
            gap_spread=0.4,
            regularity=3.0,
            lifetime_days=165,
            lifetime_spread=0.7,
            weekend=1.0,
            peak_hours=(21, 22),
            extra_line=0.15,
            discount=0.6,
            spend=0.75,
            tastes=(0.1, 0.1, 0.8),
            uplift=0.028,
            dogs=0.10,
            contact=0.72,
            decides=0.08,
            treats=0.8,
        ),
        Cluster(
            name="decided",
            share=0.22,
            buys=0.6,
            gap_days=80,
            gap_spread=0.4,
            regularity=1.6,
            lifetime_days=200,
            lifetime_spread=0.7,
            weekend=1.2,
            peak_hours=(12, 20),
            extra_line=0.15,
            discount=0.15,
            spend=1.3,
            tastes=(0.1, 0.2, 0.7),
            uplift=0.042,
            dogs=0.05,
            contact=0.80,
            decides=0.7,
            treats=0.05,
        ),
        Cluster(
            name="browser",
            share=0.34,
            buys=0.12,
            gap_days=90,
            gap_spread=0.5,
            regularity=0.9,
            lifetime_days=120,
            lifetime_spread=0.9,
            weekend=1.0,
            peak_hours=(14, 23),
            extra_line=0.10,
            discount=0.60,
            spend=0.75,
            tastes=(0.4, 0.05, 0.55),
            uplift=0.008,
            dogs=0.16,
            contact=0.55,
            decides=0.06,
            treats=0.1,
        ),
        Cluster(
            name="family",
            share=0.14,
            buys=0.50,
            gap_days=70,
            gap_spread=0.4,
            regularity=1.6,
            lifetime_days=220,
            lifetime_spread=0.7,
            weekend=6.0,
            peak_hours=(10, 16),
            extra_line=0.75,
            discount=0.3,
            spend=1.0,
            tastes=(0.2, 0.2, 0.6),
            uplift=0.036,
            dogs=0.04,
            contact=0.78,
            decides=0.42,
            treats=0.25,
        ),
    ),
    season_swing=0.18,
    season_peak=200,
    sale_lift=1.4,
    channel_mix=(0.52, 0.0, 0.18, 0.08, 0.04, 0.06, 0.12),
    audience=0.12,
    group_share=0.10,
    source_mix=(0.14, 0.08, 0.36, 0.14, 0.12, 0.16),
    source_cost=(60.0, 90.0, 420.0, 260.0, 120.0, 80.0),
    anonymous=0.01,
    refunds=0.02,
    referral_reward=500.0,
    purchases_on=(("clinic", 0.78), ("mini_program", 0.22)),
)

BRANDS: Final = {brand.name: brand for brand in (_COFFEE, _BEAUTY, _HAIR)}


def brand_named(name: str) -> Brand:
    """Return the brand of that name.

    Raises:
        AnalysisError: If there is none, naming the nearest.
    """
    return BRANDS[one_of(name, allowed=BRANDS, what="brand")]
