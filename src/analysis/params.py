"""Parameters: one frozen, strict model per notebook and one for the book; an unknown key is an error."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "BriefParams",
    "ChurnParams",
    "DataHealthParams",
    "NotebookParams",
    "SegmentsParams",
    "StrategiesParams",
    "TiersParams",
]

Days = Annotated[int, Field(ge=1, le=3650)]


class NotebookParams(BaseModel):
    """Base of the notebooks' parameter models."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DataHealthParams(NotebookParams):
    """How the data page judges the data."""

    weeks: int = Field(default=52, ge=4, le=520, description="weeks of history shown")


class TiersParams(NotebookParams):
    """How customers are put into RFM tiers."""

    cells: int = Field(default=8, description="8 or 11 tiers")
    method: str = Field(default="quantile", description="thresholds: quantile, natural or business")
    migration_days: Days = Field(default=90, description="days between the two dates of the migration matrix")


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


class StrategiesParams(NotebookParams):
    """Which touch strategies are simulated, and how long."""

    strategies: str = Field(default="params/strategies/beauty.yaml", description="file of strategies")
    horizon_days: int = Field(default=90, ge=7, le=730, description="days simulated")
    replicates: int = Field(default=200, ge=20, le=2000, description="simulated futures per strategy")


class BriefParams(NotebookParams):
    """The weekly page."""

    decisions: int = Field(default=3, ge=1, le=10, description="decisions shown at most")
