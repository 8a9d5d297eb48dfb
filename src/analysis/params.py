"""Parameters: one frozen, strict model per notebook and one for the book; an unknown key is an error."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from analysis.data.mapping import DataSource
from analysis.errors import BookError
from analysis.periods import zone

__all__ = [
    "NOTEBOOK_PARAMS",
    "Book",
    "BriefParams",
    "ChurnParams",
    "DataHealthParams",
    "ExperimentDesignParams",
    "IncrementalityParams",
    "LedgerParams",
    "NotebookParams",
    "Notify",
    "PolicyValueParams",
    "SegmentsParams",
    "SendPlanParams",
    "StrategiesParams",
    "TiersParams",
    "Title",
    "UpliftParams",
    "ValueParams",
]

Days = Annotated[int, Field(ge=1, le=3650)]
PolicyName = Annotated[str, Field(pattern=r"^[^\s.{}][^.{}]{0,59}$")]
BtydSlug = Literal["nbd", "pareto_nbd", "bg_nbd", "mbg_nbd", "bg_cnbd_k", "mbg_cnbd_k"]


class NotebookParams(BaseModel):
    """Base of the notebooks' parameter models."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DataHealthParams(NotebookParams):
    """How the data page judges the data."""

    weeks: int = Field(default=52, ge=4, le=520, description="weeks of history shown")


class TiersParams(NotebookParams):
    """How customers are put into RFM tiers."""

    cells: Literal[8, 11] = Field(default=8, description="8 or 11 tiers")
    method: Literal["quantile", "natural", "business"] = Field(
        default="quantile", description="thresholds: quantile, natural (breaks) or business (given here)"
    )
    thresholds: dict[Literal["days_since_last_order", "n_orders", "revenue"], list[float]] | None = Field(
        default=None,
        description="for business: 1 (8 tiers) or 4 ascending thresholds (11 tiers) per measure; at most so many days, "
        "at least so many orders, at least so much revenue",
    )
    migration_days: Days = Field(default=90, description="days between the two dates of the migration matrix")
    carried_share: float = Field(
        default=0.8, gt=0.0, lt=1.0, description="share of revenue asked for in the 80/20 claim"
    )
    one_to_one_capacity: int = Field(
        default=200, ge=0, le=1_000_000, description="customers that staff can take into one-to-one service"
    )

    @model_validator(mode="after")
    def _thresholds_fit(self) -> "TiersParams":
        wanted = 1 if self.cells == 8 else 4
        if self.method == "business" and (
            self.thresholds is None
            or len(self.thresholds) != 3
            or any(len(cuts) != wanted or cuts != sorted(cuts) for cuts in self.thresholds.values())
        ):
            raise ValueError(
                f"method business needs thresholds: {wanted} ascending for days_since_last_order, n_orders and revenue"
            )
        return self


class SegmentsParams(NotebookParams):
    """How customers are clustered."""

    k_max: int = Field(default=8, ge=2, le=12, description="largest number of clusters tried")
    resamples: int = Field(default=50, ge=10, le=500, description="bootstrap resamples of the stability check")
    min_share: float = Field(default=0.03, ge=0.0, le=0.5, description="smallest share of customers a cluster may hold")
    min_jaccard: float = Field(default=0.85, ge=0.0, le=1.0, description="stability the worst cluster must keep")


class ChurnParams(NotebookParams):
    """What leaving means, and how far ahead."""

    horizon_days: Days = Field(default=60, description="days ahead in which no purchase means churn")
    active_days: Days | None = Field(
        default=None, description="population: bought within so many days; default the 95th percentile of gaps"
    )
    save_first: int = Field(default=200, ge=1, le=100_000, description="customers on the list of whom to save first")


class ValueParams(NotebookParams):
    """What customers are worth, over which horizon, by which models."""

    time_unit: Literal["day", "week"] = Field(
        default="week", description="unit of the models' time: a day, or exactly seven of them; a day counts once"
    )
    holdout_periods: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        default=None,
        description="last time units kept back to judge the models; default: the last quarter of history picks one",
    )
    models: list[BtydSlug] = Field(
        default=["bg_nbd", "pareto_nbd"], min_length=1, max_length=6, description="buy-till-you-die models fitted"
    )
    ridge: float = Field(
        default=0.0, ge=0.0, le=1000.0, description="weak prior on the models' parameters, in customers; 0 is none"
    )
    horizon_days: Days = Field(default=365, description="days ahead over which value is counted")
    discount_rate_yearly: float = Field(
        default=0.1, ge=0.0, le=1.0, description="a margin one year ahead is worth 1 / (1 + rate) today"
    )
    margin_share: Annotated[float, Field(gt=0.0, le=1.0)] | None = Field(
        default=None,
        description="margin of an order's amount; default: measured where orders carry a cost, else assumed",
    )
    next_need_days: Days = Field(default=60, description="days ahead of the calendar of next needs")

    @model_validator(mode="after")
    def _models_differ(self) -> "ValueParams":
        if len(set(self.models)) != len(self.models):
            raise ValueError(f"every model once, got {', '.join(self.models)}")
        return self


class StrategiesParams(NotebookParams):
    """Which touch strategies are simulated, and how long."""

    strategies: str = Field(default="params/strategies/beauty.yaml", description="file of strategies")
    horizon_days: int = Field(default=90, ge=7, le=730, description="days simulated")
    replicates: int = Field(default=200, ge=20, le=2000, description="simulated futures per strategy")
    sample_customers: int | None = Field(
        default=None,
        ge=200,
        le=10_000_000,
        description="customers each future simulates, totals scaled up to all; null simulates them all",
    )
    effects: str = Field(default="params/effects/default.yaml", description="file of effect sizes: priors with sources")
    cap_mode: str = Field(
        default="month_days", description="WeCom's cap as the admin set it: month_days, seven_a_week or one_a_day"
    )


class SendPlanParams(NotebookParams):
    """What the week's send plan may use, and what it must keep."""

    messages: str = Field(default="params/messages/default.yaml", description="file of messages that may be sent")
    effects: str = Field(default="params/effects/default.yaml", description="file of effect sizes: priors with sources")
    cap_mode: str = Field(
        default="month_days", description="WeCom's cap as the admin set it: month_days, seven_a_week or one_a_day"
    )
    days: int = Field(default=7, ge=1, le=31, description="days planned, from the day after as_of on")
    staff_minutes_per_day: float = Field(
        default=30.0, ge=0, le=1440, description="minutes each member of staff has for planned touches, every day"
    )
    budget: float | None = Field(
        default=None, ge=0, description="money for channels and coupons of the whole plan; null: no limit"
    )
    touches_each: int = Field(default=2, ge=1, le=2, description="touches a customer gets at most in the plan")
    holdout_share: float = Field(
        default=0.1, ge=0, le=0.5, description="customers drawn once at random and never touched, to measure by"
    )
    exploration_share: float = Field(
        default=0.1, ge=0, le=0.5, description="planned customers whose touch a coin decides, against a near-equal one"
    )
    exploration_tolerance: float = Field(
        default=0.1, ge=0, le=1, description="how much less the other customer of a coin may be worth, as a share"
    )
    at_least: dict[str, int] = Field(default_factory=dict, description="fewest touches by channel, whatever they earn")
    must_send: list[str] = Field(default_factory=list, description="customer ids who must get something")
    draws: int = Field(default=200, ge=20, le=2000, description="draws of the effect sizes behind the interval")


class IncrementalityParams(NotebookParams):
    """Which experiment is read out, against which arm, by which metrics."""

    table: Literal["outcomes", "assignments"] | None = Field(
        default=None,
        description="outcomes: measured elsewhere, metrics named here; assignments: read from orders in the campaign's "
        "response window; null: outcomes if metrics are named, else assignments",
    )
    experiment: str | None = Field(
        default=None, description="experiment_id; null: the newest whose window is over, of outcomes the largest"
    )
    control: str | None = Field(default=None, description="the arm others are compared with; null: by its usual name")
    metrics: dict[str, Literal["rate", "count", "money"]] = Field(
        default_factory=dict,
        description="columns of outcomes and what they are, the leading one first; of assignments any of bought, "
        "n_orders, spend (default all)",
    )
    covariates: list[str] = Field(
        default_factory=list,
        description="columns known before the experiment, to adjust by; of assignments spend and orders before",
    )
    planned_shares: dict[str, Annotated[float, Field(gt=0)]] | None = Field(
        default=None,
        description="share of every arm as planned; null: the campaign's holdout_share, else equal and said so",
    )
    cluster: str | None = Field(
        default=None, description="column whose values were assigned whole; null: cluster_id where it was"
    )
    lower_is_better: list[str] = Field(
        default_factory=list, description="metrics of which less is good: unsubscribed, refunds, complaints"
    )
    cost_per_touch: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="cost of one touch by arm, money; else what touches carry as cost, if they do"
    )
    window_days: Days | None = Field(
        default=None, description="days after assignment in which orders count; null: the campaign's, else 14"
    )
    history_days: Days = Field(default=180, description="days before assignment that covariates are taken from")
    selection_days: int = Field(
        default=56,
        ge=0,
        le=365,
        description="of campaigns without a random control: days before one by whose purchases its list may have been "
        "picked; left out when customers are compared with their own past",
    )
    confidence_level: float = Field(default=0.95, gt=0.5, lt=1.0, description="of all intervals")

    @model_validator(mode="after")
    def _outcomes_have_metrics(self) -> "IncrementalityParams":
        if self.table == "outcomes" and not self.metrics:
            raise ValueError("table outcomes needs metrics: name its columns and what they are, {visit: rate}")
        known = set(self.metrics) or {"spend", "bought", "n_orders"}
        if odd := sorted(set(self.lower_is_better) - known):
            raise ValueError(f"lower_is_better names {', '.join(odd)}; metrics are {', '.join(sorted(known))}")
        return self


class PolicyValueParams(NotebookParams):
    """Which policies are valued from logged decisions, and what the log's columns are."""

    reward: Literal["rate", "money", "number"] | None = Field(
        default=None, description="what the reward is: rate (0 or 1), money or another number; null: rate if all 0 or 1"
    )
    lower_is_better: bool = Field(default=False, description="whether a small reward is the good one (complaints)")
    costs: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="cost of an action that the reward does not hold yet, by action; money only"
    )
    propensities: Literal["designed", "estimated"] = Field(
        default="designed", description="designed: chances that were drawn from (grade A); estimated: by a model (C)"
    )
    context: list[str] | None = Field(
        default=None, description="columns known before the decision; null: all further columns of the table"
    )
    policies: dict[PolicyName, str | dict[str, str]] = Field(
        default_factory=dict,
        description="policies in the data: name and the column of its action, or {action: column of its chance}",
    )
    constant: bool = Field(default=True, description="whether each action taken for everybody is valued too")
    min_ess: int = Field(
        default=50, ge=10, le=100_000, description="effective decisions below which a value is refused"
    )
    switch_threshold: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="weight above which switch-DR trusts the model alone; null: chosen by a stated rule"
    )
    confidence_level: float = Field(default=0.95, gt=0.5, lt=1.0, description="of all intervals")

    @model_validator(mode="after")
    def _costs_and_names_fit(self) -> "PolicyValueParams":
        if self.costs and self.reward != "money":
            raise ValueError("costs need reward: money, they are taken off it")
        taken = [
            name for name in self.policies if name in {"logged", "uniform", "learned"} or name.startswith("always_")
        ]
        if taken:
            raise ValueError(f"{', '.join(taken)}: names of policies that are valued anyway; choose others")
        return self


class UpliftParams(NotebookParams):
    """Whom a touch moves: the experiment learnt from, and what a touch costs and brings.

    What names the experiment is taken from the incrementality block where it is not given here.
    """

    table: Literal["outcomes", "assignments"] | None = Field(
        default=None, description="outcomes or assignments; null: as incrementality"
    )
    experiment: str | None = Field(default=None, description="experiment_id; null: as incrementality")
    control: str | None = Field(default=None, description="the arm others are compared with; null: as incrementality")
    metrics: dict[str, Literal["rate", "count", "money"]] = Field(
        default_factory=dict, description="columns and what they are, the leading one first; empty: as incrementality"
    )
    covariates: list[str] = Field(
        default_factory=list,
        description="columns known before the assignment, numbers or text; empty: of outcomes as incrementality, of "
        "assignments the feature table as of the day before",
    )
    planned_shares: dict[str, Annotated[float, Field(gt=0)]] | None = Field(
        default=None, description="share of every arm as planned; null: as incrementality"
    )
    cluster: str | None = Field(default=None, description="column assigned whole; null: as incrementality")
    window_days: Days | None = Field(default=None, description="days in which orders count; null: as incrementality")
    history_days: Days | None = Field(default=None, description="days before assignment; null: as incrementality")
    learners: list[Literal["s", "t", "x", "dr"]] = Field(
        default=["s", "t", "x", "dr"], min_length=1, max_length=4, description="learners tried; one is chosen"
    )
    margin_share: Annotated[float, Field(gt=0.0, le=1.0)] | None = Field(
        default=None, description="margin of an order's amount; null: 0.3, assumed"
    )
    unit_value: Annotated[float, Field(gt=0.0)] | None = Field(
        default=None, description="money that one unit of a rate or count is worth; null: it is not turned into money"
    )
    cost_per_touch: float = Field(default=0.0, ge=0.0, description="money that touching one customer costs")
    budget: Annotated[float, Field(gt=0.0)] | None = Field(default=None, description="money for touches at most")
    confidence_level: float = Field(default=0.95, gt=0.5, lt=1.0, description="of all intervals")


class ExperimentDesignParams(NotebookParams):
    """The experiment that is planned."""

    name: str = Field(default="next", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="of the experiment")
    arms: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(
        default=["touch"], min_length=1, max_length=8, description="arms beside the holdout"
    )
    holdout_share: float = Field(default=0.2, gt=0.0, lt=1.0, description="customers who get nothing, to compare with")
    active_days: Days = Field(default=365, description="customers who bought within so many days take part")
    window_days: Days = Field(default=28, description="days after assignment in which orders will count")
    by: Literal["customer", "staff"] = Field(
        default="customer", description="who is drawn: single customers, or whole members of staff with their contacts"
    )
    redraws: int = Field(
        default=100, ge=1, le=10_000, description="draws of which the best balanced is taken; 1: plain randomisation"
    )
    power: float = Field(
        default=0.8, gt=0.0, lt=1.0, description="wanted chance of finding the smallest visible effect"
    )
    expected_rel_effect: float = Field(
        default=0.1, gt=0.0, le=10.0, description="effect hoped for, as a share of what is bought without it"
    )

    @model_validator(mode="after")
    def _arms_differ(self) -> "ExperimentDesignParams":
        if len({*self.arms, "holdout"}) != len(self.arms) + 1:
            raise ValueError(f"every arm once, and none called holdout, got {', '.join(self.arms)}")
        return self


class LedgerParams(NotebookParams):
    """How forecasts that have come due are told."""

    last: int = Field(default=8, ge=1, le=200, description="forecasts that fell due last, told in one sentence")
    settle_days: int = Field(
        default=60, ge=0, le=730, description="days after a forecast fell due in which late data still change its score"
    )


class BriefParams(NotebookParams):
    """The weekly page."""

    decisions: int = Field(default=3, ge=1, le=10, description="decisions shown at most")


# Notebooks of the house. One that somebody adds at work needs no entry: its model is inferred from its parameters cell.
NOTEBOOK_PARAMS: Final[dict[str, type[NotebookParams]]] = {
    "data_health": DataHealthParams,
    "tiers": TiersParams,
    "segments": SegmentsParams,
    "churn": ChurnParams,
    "value": ValueParams,
    "strategies": StrategiesParams,
    "send_plan": SendPlanParams,
    "experiment_design": ExperimentDesignParams,
    "incrementality": IncrementalityParams,
    "uplift": UpliftParams,
    "policy_value": PolicyValueParams,
    "forecast_ledger": LedgerParams,
    "brief": BriefParams,
}


def notebook_models(params: Mapping[str, Mapping[str, Any]]) -> dict[str, NotebookParams]:
    """Return the parameters of every notebook of the house: the book's where it has a block, else defaults.

    Args:
        params: Plain parameters by notebook, as a book or a run's context holds them.
    """
    return {name: model.model_validate(dict(params.get(name, {}))) for name, model in NOTEBOOK_PARAMS.items()}


class _BookPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Title(_BookPart):
    """What a reader sees above the pages; a language that is not given takes the other one's words."""

    zh: str | None = Field(default=None, min_length=1, max_length=120)
    en: str | None = Field(default=None, min_length=1, max_length=120)


class Notify(_BookPart):
    """Who hears of a run: *names* of environment variables that hold the addresses, never the addresses."""

    audience: list[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]] = Field(default_factory=list)
    maintainer: list[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]] = Field(default_factory=list)
    link: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s<>\"']+$",
        description="address under which the folder of all runs is served; messages link into it",
    )


class Book(_BookPart):
    """One book: which data, which day, which notebooks with which parameters."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        description="folder under reports/: letters, digits, - and _, at most 64",
    )
    title: Title = Field(default_factory=Title, description="shown above every page")
    contact: Title = Field(default_factory=Title, description="whom to ask, shown beside every decision")
    data: DataSource = Field(description="where the tables come from")
    as_of: Literal["latest"] | date = Field(
        default="latest", description="last day seen, inclusive, in the book's zone; latest: the last day with orders"
    )
    timezone: str = Field(default="Asia/Shanghai", description="IANA name; a day is a day there")
    language: Literal["zh", "en", "both"] = Field(default="zh", description="language of the pages")
    currency: str = Field(default="CNY", pattern=r"^[A-Z]{3}$", description="ISO 4217 code")
    industry: str | None = Field(
        default=None, pattern=r"^[a-z][a-z0-9_]*$", description="which headline numbers lead; computes nothing"
    )
    seed: int = Field(default=20260101, ge=0, le=2**32 - 1, description="seed of every random number")
    min_cell: int = Field(default=10, ge=1, le=10_000, description="customers; smaller cells are hidden on pages")
    deadline_minutes: float = Field(default=60, gt=0, le=7 * 24 * 60, description="the whole run ends within this")
    jobs: Literal["auto"] | Annotated[int, Field(ge=1, le=64)] = Field(
        default="auto", description="notebooks side by side; auto: as many as there are cores"
    )
    kernels: Literal["warm", "plain"] = Field(
        default="warm", description="warm: forked from one process with the libraries loaded; the bytes are the same"
    )
    notebooks: dict[str, dict[str, Any]] = Field(min_length=1, description="in reading order, with their parameters")
    schedule: str | None = Field(default=None, description="cron expression of five fields, in the book's zone")
    notify: Notify = Field(default_factory=Notify, description="names of environment variables")

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            zone(name)
        except BookError as error:
            raise ValueError(error.hint.removeprefix("use ")) from None
        return name

    @field_validator("schedule")
    @classmethod
    def _cron_has_five_fields(cls, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(r"[\w*/,-]+(?: [\w*/,-]+){4}", text, flags=re.ASCII):
            raise ValueError("a cron expression of five fields, such as '0 7 * * 1'")
        return text

    @property
    def titles(self) -> dict[str, str]:
        """The title by language; what is not given takes the other language's words, or the name."""
        zh, en = self.title.zh, self.title.en
        return {"zh": zh or en or self.name, "en": en or zh or self.name}

    @property
    def contacts(self) -> dict[str, str]:
        """Whom to ask, by language; empty where the book does not say."""
        zh, en = self.contact.zh, self.contact.en
        return {"zh": zh or en or "", "en": en or zh or ""}

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the pages, the leading one first."""
        return ("zh", "en") if self.language == "both" else (self.language,)
