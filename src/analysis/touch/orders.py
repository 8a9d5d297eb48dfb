"""One day's orders of one strategy: candidates that touches turn into orders, and the clock's own ticks."""

import numpy as np
import numpy.typing as npt

from analysis.touch.chunk import Chunk
from analysis.touch.response import saturated_lift
from analysis.touch.state import State, add
from analysis.touch.trust import HIGHEST, recovered

__all__ = ["place_orders"]

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]


def place_orders(state: State, *, day: int, chunk: Chunk) -> None:
    """Turn the day's moments into orders: candidates first, then ticks that no loan or lost contact cancels."""
    first, last = int(chunk.starts[day]), int(chunk.starts[day + 1])
    own_from = last - int(np.count_nonzero(chunk.events.own[first:last]))
    extra = _extra_orders(state, day=day, chunk=chunk, among=np.arange(first, own_from))
    _borrow(state, events=extra, day=day, chunk=chunk)
    own = _own_orders(state, chunk=chunk, among=np.arange(own_from, last))
    add(state, "extra_orders", lane=chunk.lane_of[chunk.events.cell[extra]])
    for events in (extra, own):
        _book(state, events=events, day=day, chunk=chunk)


def _extra_orders(state: State, *, day: int, chunk: Chunk, among: Ints) -> Ints:
    """Return the candidates that today's lift turns into orders."""
    active = [impulse for impulse in state.impulses if day - impulse.day < chunk.weights.shape[1]]
    # No lift can exceed its boost: candidates above the highest boost of anyone need no closer look.
    highest = float((chunk.quo.boost.max(initial=0.0) * chunk.tail[:, day]).max())
    highest += sum(impulse.highest * float(chunk.weights[:, day - impulse.day].max()) for impulse in active)
    cell = chunk.events.cell[among]
    needed = chunk.events.chance[among] * chunk.effects["ceiling"][chunk.lane_of[cell]]
    near = np.flatnonzero(needed < highest * HIGHEST)
    among, cell, needed = among[near], cell[near], needed[near]
    lane = chunk.lane_of[cell]
    boost = chunk.quo.boost[cell] * chunk.tail[lane, day]
    for impulse in active:
        boost = boost + impulse.gain[cell] * chunk.weights[lane, day - impulse.day]
    trust = recovered(state.trust[cell], days=day - state.updated, trust_days=chunk.effects["trust_days"][lane])
    lift = saturated_lift(boost * trust, ceiling=chunk.effects["ceiling"][lane])
    lapsed = np.where(chunk.events.lapsed[among], chunk.effects["lapsed_response"][lane], 1.0)
    return np.asarray(among[needed < lift * lapsed])


def _borrow(state: State, *, events: Ints, day: int, chunk: Chunk) -> None:
    """Let some of the extra orders be purchases that the customer would have made later."""
    cell = chunk.events.cell[events]
    lane = chunk.lane_of[cell]
    share = np.where(
        state.offer_until[cell] >= day, chunk.effects["pull_forward_offer"][lane], chunk.effects["pull_forward"][lane]
    )
    # A customer who has dropped out has no later purchase to borrow from.
    borrowed = cell[(chunk.events.borrow[events] < share) & ~chunk.events.lapsed[events]]
    np.add.at(state.debt, borrowed, 1)
    add(state, "borrowed_orders", lane=chunk.lane_of[borrowed])


def _own_orders(state: State, *, chunk: Chunk, among: Ints) -> Ints:
    """Return the ticks that become orders: not paid back to a loan, not lost with the contact."""
    cell = chunk.events.cell[among]
    repaid = state.debt[cell] > chunk.rank[among]
    np.subtract.at(state.debt, cell[repaid], 1)
    lost_contact = chunk.is_contact[cell] & ~state.contact[cell]
    lost = lost_contact & (chunk.events.chance[among] < chunk.effects["deletion_loss"][chunk.lane_of[cell]])
    return among[~repaid & ~lost]


def _book(state: State, *, events: Ints, day: int, chunk: Chunk) -> None:
    """Book orders: their margin, and the coupon where a valid offer is redeemed."""
    cell = chunk.events.cell[events]
    lane = chunk.lane_of[cell]
    add(state, "orders", lane=lane)
    add(state, "margin", lane=lane, amount=chunk.margin[cell])
    valid = state.offer_until[cell] >= day
    redeemed = valid & (chunk.events.redeem[events] < chunk.effects["redemption_rate"][lane])
    add(state, "redeemed", lane=lane[redeemed])
    coupon = chunk.columns["order_value"][cell] * state.offer_share[cell]
    add(state, "coupons", lane=lane[redeemed], amount=-coupon[redeemed])
    state.last_order[cell] = day
    state.ordered[cell] = True
