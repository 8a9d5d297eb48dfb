"""Where things lie in the simulation's working memory: rows of ``LANES`` numbers, one per replicate.

One flat array of single-precision numbers holds everything that differs from replicate to replicate, so that the
compiler sees that no two rows overlap and works on a whole row at once. Each name here is the place of its row's first
number. Rows whose number depends on the strategies (a stock per channel, a count per limit) lie in a table of their
own, at the places that ``Rows`` gives.
"""

from typing import Final, NamedTuple

from analysis.touch.effects import EFFECTS
from analysis.touch.money import ENTRIES

LANES: Final = 40  # replicates side by side: a multiple of 8, so that whole vectors are filled; 200 are five groups
BLOCK: Final = 8  # replicates of one vector: where none of them is touched, nothing is worked out

PULSES: Final = 32  # days whose touches may still work at once: a power of two above their memory

_NAMES: Final = (
    # the customer, as each replicate drew them
    "MEAN_GAP", "FIRST_LAST_ORDER", "IS_CONTACT", "READ_HABIT", "IS_SLEEPING_DOG", "ESTABLISHED", "PREFERRED",
    "ORDER_VALUE", "MARGIN", "CONTACT_VALUE", "SEGMENT", "HOLDOUT_DRAW", "LEAVES_ON", "LEFT_AT", "FIRST_DEBT",
    "QUO_BOOST", "QUO_FATIGUE", "LIFT", "BORROWED",
    "KEY_0", "KEY_1", "P_ALIVE", "SHAPE", "DAYS", "DROPOUT_A", "DROPOUT_B", "REFERRER",
    # its clock while it is run
    "ELAPSED", "SURVIVED", "RETURNS", "REFERRER_LEFT", "KIND", "REDEEM", "OTHER",
    # what changes under a strategy
    "CONTACT", "FATIGUE", "TRUST", "DEBT", "LAST_ORDER", "ORDERED", "OFFER_UNTIL", "OFFER_SHARE", "REACHED",
    "HABIT", "HABIT_DAY", "QUIT_ON", "SECOND_LIFE", "SECOND_LIFE_DROPOUT",
    "LAST_GAIN",
    # what is counted, from the first day on
    "N_ORDERS", "N_EXTRA", "N_BORROWED", "N_REDEEMED", "N_REDEEMED_EXTRA", "COUPON_SHARES", "N_ASSIGNED",
    "N_CONFIRMED", "N_DELIVERED", "N_READ", "TOUCH_COSTS", "MINUTES", "WEAR", "N_LOST", "N_REFUSED", "N_WON_BACK",
    # one touch being worked on: rows copied from and to the rows of its channel, template and step
    "OWN_FATIGUE", "REFUSED", "TEMPLATE_WEAR", "LAST_TOUCH", "DUE", "OPEN", "GAIN", "STEP_DAY",
    "LAST_BEFORE", "RATE", "SAID",
    "COUNTED", "REST_OWN", "REST_ALL", "REST_TRUST", "REST_TEMPLATE",
    "CONFIRM", "CHANCE_0", "CHANCE_1", "CHANCE_2", "CHANCE_3",
)  # fmt: skip

PLACE: Final = {name: LANES * i for i, name in enumerate(_NAMES)}
EFFECT: Final = {name: LANES * (len(_NAMES) + i) for i, name in enumerate(EFFECTS)}
ENTRY: Final = {name: LANES * i for i, name in enumerate(ENTRIES)}
FIRST_EFFECT: Final = LANES * len(_NAMES)
SIZE: Final = LANES * (len(_NAMES) + len(EFFECTS))

# Columns of the customers' array, one row per customer.
CUSTOMER_COLUMNS: Final = (
    "p_alive", "rate_shape", "rate_days", "dropout_a", "dropout_b", "order_value", "margin", "next_year_margin",
    "last_order", "mean_gap", "is_contact", "read_propensity", "sleeping_dog", "established", "preferred_channel",
    "segment", "referrer",
)  # fmt: skip
COLUMN: Final = {name: i for i, name in enumerate(CUSTOMER_COLUMNS)}

# A step's whole numbers and real numbers.
STEP_INTS: Final = (
    "channel", "template", "has_day_column", "usual", "after_step",
)  # fmt: skip
STEP_REALS: Final = (
    "cooldown_days", "lowest_gaps", "highest_gaps", "lowest_days", "highest_days", "discount_share", "valid_days",
    "at_key_hour", "service", "push", "every", "is_past",
)  # fmt: skip
CHANNEL_REALS: Final = ("gain", "annoyance", "cost", "staff_minutes", "needs_contact", "wear", "each")
TEMPLATES: Final = ("usual", "content", "service", "reminder", "promotion")


class Rows(NamedTuple):
    """First rows, in the table of rows whose number depends on the book, of one per channel, template, step or limit.

    Attributes:
        stocks: Fatigue per channel.
        quo_stocks: The same on the first morning.
        refused: Whether the channel is refused.
        first_refused: The same on the first morning.
        history: Assigned touches a day of the past, per channel.
        wear: Recent touches per template.
        last_touch: Day of the last touch, per step of the strategy.
        eligible: Whether the audience holds the customer, per step of the strategy.
        counts: Touches in the current window, per limit of the strategy.
        total: How many rows there are.
    """

    stocks: int
    quo_stocks: int
    refused: int
    first_refused: int
    history: int
    wear: int
    last_touch: int
    eligible: int
    counts: int
    total: int


def rows_for(*, channels: int, steps: int, limits: int) -> Rows:
    """Return the first rows for so many channels, and the most steps and limits that any strategy has."""
    sizes = (channels, channels, channels, channels, channels, len(TEMPLATES), steps, steps, limits)
    places = [0]
    for size in sizes:
        places.append(places[-1] + size)
    return Rows(*places)
