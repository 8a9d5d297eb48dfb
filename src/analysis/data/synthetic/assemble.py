"""One brand, whole: chunk after chunk of persons, each table growing, visible only when complete."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.data.contracts import CONTRACTS
from analysis.data.synthetic import brand_tables, experiments, opinions, person_tables, touch_tables, truth
from analysis.data.synthetic.baskets import Shelf, stock_shelf
from analysis.data.synthetic.brands import SOURCES, Brand, brand_named
from analysis.data.synthetic.campaigns import Campaigns, draw_campaigns
from analysis.data.synthetic.contacts import draw_contacts
from analysis.data.synthetic.groups import Groups, draw_groups, draw_members
from analysis.data.synthetic.identities import Identities, draw_identities, persons_for, twice_known
from analysis.data.synthetic.keys import labels
from analysis.data.synthetic.orders import draw_orders, item_columns, order_columns
from analysis.data.synthetic.people import Codes, People, draw_people
from analysis.data.synthetic.purchases import own_purchases
from analysis.data.synthetic.referrals import link_referrals
from analysis.data.synthetic.season import ENDS_ON, N_DAYS, STARTS_ON, TIMEZONE, Floats
from analysis.data.synthetic.staff import Staff, draw_staff
from analysis.data.synthetic.streams import CHUNK, stream
from analysis.data.synthetic.touches import History, tell_history
from analysis.data.synthetic.write import Sink
from analysis.errors import AnalysisError, PublishError

__all__ = ["SMALLEST", "generate"]

SMALLEST = 200
"""Fewest customers for which every table has rows."""


def generate(
    brand: str, *, customers: int, seed: int, out: Path, progress: Callable[[str], None] | None = None
) -> None:
    """Write a synthetic brand: every contract table, ``brand.json`` and ``truth/``, as Parquet.

    The folder is built beside its place and renamed last. The same brand, number and seed give the
    same bytes on every machine with the same versions of numpy and pyarrow.

    Args:
        brand: ``coffee``, ``beauty`` or ``hair_transplant``.
        customers: Number of customer ids; one in 21 is the second id of a person.
        seed: Any non-negative number.
        out: Folder to make; must not exist, or be empty.
        progress: Told a sentence now and then.

    Raises:
        AnalysisError: If the brand is unknown, or there are fewer than ``SMALLEST`` customers.
        PublishError: If ``out`` holds something already.
    """
    chosen = brand_named(brand)
    if customers < SMALLEST or seed < 0:
        raise AnalysisError(
            f"A synthetic brand needs at least {SMALLEST} customers and a seed of 0 or more, "
            f"got {customers} and {seed}."
        )
    if out.exists() and any(out.iterdir()):
        raise PublishError(f"The folder {out} is not empty.", hint="name another folder, or remove this one")
    building = out.with_name(f".{out.name}.{os.getpid()}.partial")
    shutil.rmtree(building, ignore_errors=True)
    (building / "truth").mkdir(parents=True)
    try:
        with ExitStack() as stack:
            tables = {name: stack.enter_context(Sink(building, name)) for name in CONTRACTS}
            planted = {
                name: stack.enter_context(Sink(building / "truth", name, kinds=kinds))
                for name, kinds in truth.TRUTH.items()
            }
            _write_brand(chosen, tables, planted, customers=customers, seed=seed, progress=progress)
        _describe(chosen, building / "brand.json", customers=customers, seed=seed)
        if out.exists():
            out.rmdir()
        building.rename(out)
    finally:
        shutil.rmtree(building, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """What all chunks share, and the files they write to."""

    brand: Brand
    seed: int
    customers: int
    staff: Staff
    groups: Groups
    campaigns: Campaigns
    campaign_ids: Any
    shelf: Shelf
    tables: dict[str, Sink]
    planted: dict[str, Sink]

    def rng(self, theme: str, chunk: int = 0) -> np.random.Generator:
        """Return the random stream of a theme and chunk."""
        return stream(self.brand, theme, seed=self.seed, chunk=chunk)


@dataclass(slots=True, kw_only=True)
class _Sums:
    """What is added up over the chunks."""

    campaigns: dict[str, Floats]
    gained: Floats
    lost: Floats
    replied: Floats
    acquired: Floats
    n_rows: int = 0
    n_orders: int = 0
    n_touches: int = 0


def _write_brand(
    brand: Brand,
    tables: dict[str, Sink],
    planted: dict[str, Sink],
    *,
    customers: int,
    seed: int,
    progress: Callable[[str], None] | None,
) -> None:
    staff = draw_staff(brand, customers=customers, rng=stream(brand, "staff", seed=seed))
    campaigns = draw_campaigns(brand, rng=stream(brand, "campaigns", seed=seed))
    stage = _Stage(
        brand=brand,
        seed=seed,
        customers=customers,
        staff=staff,
        groups=draw_groups(brand, staff, customers=customers, rng=stream(brand, "groups", seed=seed)),
        campaigns=campaigns,
        campaign_ids=labels([f"camp-{number:03d}" for number in range(campaigns.n)], np.arange(campaigns.n)),
        shelf=stock_shelf(brand, rng=stream(brand, "shelf", seed=seed)),
        tables=tables,
        planted=planted,
    )
    sums = _Sums(
        campaigns={},
        gained=np.zeros(staff.n * N_DAYS),
        lost=np.zeros(staff.n * N_DAYS),
        replied=np.zeros(staff.n * N_DAYS),
        acquired=np.zeros((len(SOURCES), N_DAYS)),
    )
    persons = persons_for(customers)
    for chunk, first in enumerate(range(0, persons, CHUNK)):
        last = min(first + CHUNK, persons)
        _write_chunk(stage, sums, chunk=chunk, first=first, last=last)
        if progress is not None:
            progress(f"{brand.en}: {last:,} of {persons:,} persons, {sums.n_orders:,} orders")
    _write_whole(stage, sums)


def _write_chunk(stage: _Stage, sums: _Sums, *, chunk: int, first: int, last: int) -> None:
    """Draw the persons of one chunk, let them live, and write everything with a person in it."""
    brand, seed = stage.brand, stage.seed
    people = draw_people(brand, first=first, n=last - first, rng=stage.rng("people", chunk))
    people, referrals = link_referrals(brand, people, rng=stage.rng("referrals", chunk))
    n_second = twice_known(last, customers=stage.customers) - twice_known(first, customers=stage.customers)
    identities = draw_identities(
        people, first_row=sums.n_rows, n_second=n_second, salt=seed, rng=stage.rng("identities", chunk)
    )
    contacts = draw_contacts(people, stage.staff, rng=stage.rng("contacts", chunk))
    members = draw_members(brand, people, contacts, groups=stage.groups, rng=stage.rng("members", chunk))
    sms = person_tables.draw_sms_consent(people, rng=stage.rng("sms", chunk))
    own = own_purchases(brand, people, rng=stage.rng("purchases", chunk))
    history = tell_history(
        brand, people=people, contacts=contacts, staff=stage.staff, groups=stage.groups, members=members, sms=sms,
        campaigns=stage.campaigns, own=own, rng=stage.rng("touches", chunk),
    )  # fmt: skip
    orders = draw_orders(
        brand, people=people, own=own, history=history, identities=identities, shelf=stage.shelf,
        campaigns=stage.campaigns, first_number=sums.n_orders, rng=stage.rng("orders", chunk),
    )  # fmt: skip
    rows, violations = order_columns(brand, orders, identities, rng=stage.rng("export", chunk))
    stage.tables["orders"].write(rows)
    stage.planted["violations"].write(violations)
    stage.tables["order_items"].write(item_columns(brand, orders, stage.shelf))
    stage.tables["customers"].write(
        person_tables.customer_columns(
            brand, people, identities=identities, orders=orders, rng=stage.rng("customers", chunk)
        )
    )
    rows, because, moves = person_tables.contact_columns(
        people, contacts, history=history, identities=identities, first_touch=sums.n_touches
    )
    stage.tables["contacts"].write(rows)
    stage.planted["contacts"].write(because)
    stage.tables["consents"].write(
        person_tables.consent_columns(people, contacts, history=history, identities=identities, sms=sms)
    )
    stage.tables["group_members"].write(
        person_tables.member_columns(members, left=history.left_group, identities=identities)
    )
    stage.tables["referrals"].write(person_tables.referral_columns(brand, referrals, identities=identities))
    stage.tables["tags"].write(opinions.tag_columns(people, identities=identities, rng=stage.rng("tags", chunk)))
    stage.tables["surveys"].write(
        opinions.survey_columns(people, identities=identities, rng=stage.rng("surveys", chunk))
    )
    _write_experiments(stage, people=people, identities=identities, orders=orders, chunk=chunk)
    _write_touches(stage, sums, people=people, identities=identities, history=history, orders=orders)
    stage.planted["customers"].write(
        truth.customer_truth(
            brand, people, identities=identities, referrals=referrals, history=history, orders=orders, chunk=chunk
        )
    )
    stage.planted["identities"].write(truth.identity_truth(identities, first_row=sums.n_rows, salt=seed))
    sums.gained += _counts(moves["gained"], len(sums.gained))
    sums.lost += _counts(moves["lost"], len(sums.lost))
    sums.replied += _counts(touch_tables.replies_by_staff(history), len(sums.replied))
    acquired = people.source * N_DAYS + people.first_seen.astype(np.int64).clip(0, N_DAYS - 1)
    sums.acquired += _counts(acquired, sums.acquired.size).reshape(sums.acquired.shape)
    sums.n_rows += len(identities.person)
    sums.n_orders += int(orders.happened.sum())
    sums.n_touches += len(history.touch["person"])


def _write_touches(
    stage: _Stage, sums: _Sums, *,
    people: People, identities: Identities, history: History, orders: Any,
) -> None:  # fmt: skip
    campaigns, ids = stage.campaigns, stage.campaign_ids
    stage.tables["touches"].write(
        touch_tables.touch_columns(
            people,
            history,
            campaigns=campaigns,
            campaign_ids=ids,
            groups=stage.groups,
            staff=stage.staff,
            identities=identities,
            first_touch=sums.n_touches,
        )
    )
    stage.tables["assignments"].write(
        touch_tables.assignment_columns(
            people, history, campaigns=campaigns, campaign_ids=ids, groups=stage.groups, identities=identities
        )
    )
    stage.planted["touch_effects"].write(
        truth.effect_truth(identities.customer_id, orders, history, campaign_ids=ids, first_touch=sums.n_touches)
    )
    for name, added in touch_tables.campaign_sums(history, orders, campaigns=campaigns).items():
        sums.campaigns[name] = sums.campaigns.get(name, 0.0) + added


def _write_experiments(
    stage: _Stage, *,
    people: People, identities: Identities, orders: Any, chunk: int,
) -> None:  # fmt: skip
    for name, columns in (("outcomes", experiments.outcome_columns), ("decisions", experiments.decision_columns)):
        rows, expected = columns(stage.brand, people, identities=identities, orders=orders, rng=stage.rng(name, chunk))
        stage.tables[name].write(rows)
        stage.planted[name].write(expected)


def _write_whole(stage: _Stage, sums: _Sums) -> None:
    """Write what belongs to the brand as a whole."""
    shape = (stage.staff.n, N_DAYS)
    gained, lost, replied = (counts.reshape(shape) for counts in (sums.gained, sums.lost, sums.replied))
    stage.tables["campaigns"].write(brand_tables.campaign_columns(stage.campaigns, campaign_ids=stage.campaign_ids))
    stage.tables["groups"].write(brand_tables.group_columns(stage.groups))
    stage.tables["staff"].write(brand_tables.staff_columns(stage.staff))
    stage.tables["staff_daily"].write(
        brand_tables.staff_daily_columns(
            stage.staff, gained=gained, lost=lost, replied=replied, rng=stage.rng("staff_daily")
        )
    )
    stage.tables["spend"].write(brand_tables.spend_columns(stage.brand, acquired=sums.acquired, rng=stage.rng("spend")))
    stage.planted["campaigns"].write(
        truth.campaign_truth(stage.campaigns, campaign_ids=stage.campaign_ids, sums=sums.campaigns)
    )
    stage.planted["groups"].write(truth.group_truth(stage.groups))
    stage.planted["staff"].write(truth.staff_truth(stage.staff))
    stage.planted["source_states"].write(truth.state_truth())
    stage.planted["levers"].write(truth.lever_truth())
    stage.planted["tags"].write(opinions.tag_truth())


def _counts(positions: Codes, size: int) -> Floats:
    return np.bincount(positions, minlength=size).astype(np.float64)


def _describe(brand: Brand, path: Path, *, customers: int, seed: int) -> None:
    text = {
        "brand": brand.name,
        "title": {"zh": brand.zh, "en": brand.en},
        "currency": "CNY",
        "timezone": TIMEZONE,
        "margin": brand.margin,
        "customers": customers,
        "seed": seed,
        "starts_on": STARTS_ON.isoformat(),
        "ends_on": ENDS_ON.isoformat(),
    }
    path.write_text(json.dumps(text, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
