"""Sliders for analysts: budget, frequency and effect sizes move the strategies' frontier in JupyterLab."""

from collections.abc import Callable
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Any

from analysis.charts.theme import Style, draw
from analysis.context import RunContext
from analysis.touch.explorer import frontier_at
from analysis.touch.labels import strategy_labels
from analysis.touch.trial import Trial, effects_of, trial_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.params import StrategiesParams

__all__ = ["strategy_sliders"]

Get = Callable[[str], Any]


def strategy_sliders(get: Get, *, params: "StrategiesParams", context: RunContext, chart: Callable[..., Any]) -> Any:
    """Return sliders above a drawing of the frontier; each move simulates 30 days anew.

    Args:
        get: Gives a recipe's result by name.
        params: The notebook's parameters.
        context: The run: language, currency, day and seed.
        chart: Draws the frontier at one setting.
    """
    import ipywidgets as widgets

    trial, effects = _trial(get, params=params, context=context), effects_of(get("strategy_effects"))
    style = Style(context.languages[0], currency=context.currency)
    labels = strategy_labels(params.strategies)
    wide = {"layout": widgets.Layout(width="460px"), "style": {"description_width": "190px"}}
    wide["continuous_update"] = False
    money, none = context.currency, style.text("不限", "no limit")
    budget = widgets.SelectionSlider(
        options=[(f"{value:,}", value) for value in (200, 500, 1000, 2000, 5000, 10000, 20000, 50000)] + [(none, inf)],
        value=inf, description=style.text(f"每月预算，{money}", f"Budget a month, {money}"), **wide,
    )  # fmt: skip
    often = widgets.SelectionSlider(
        options=[(str(n), n) for n in (1, 2, 3, 4, 6, 8, 12)] + [(none, inf)],
        value=inf, description=style.text("每人每月最多触达", "Touches a month, at most"), **wide,
    )  # fmt: skip
    gain, annoyance = (
        widgets.FloatSlider(value=1.0, min=0.25, max=3.0, step=0.25, description=text, readout_format=".2f", **wide)
        for text in (
            style.text("一次阅读的增量，倍", "Gain of a read touch, ×"),
            style.text("一次触达的删除，倍", "Deletions by a touch, ×"),
        )
    )
    shown, told = widgets.HTML(), widgets.HTML()

    def move(_: Any = None) -> None:
        started = perf_counter()
        table = frontier_at(
            trial,
            effects=effects,
            budget_per_month=None if budget.value == inf else budget.value,
            most_per_month=None if often.value == inf else often.value,
            gain=gain.value,
            annoyance=annoyance.value,
        )
        drawing = draw(chart, _labelled(table, labels), name="strategy-sliders", style=style)
        shown.value = f'<div class="siyu">{drawing}</div>'
        took = perf_counter() - started
        told.value = style.text(f"模拟 30 天，用时 {took:.1f} 秒", f"30 days simulated in {took:.1f} s")

    for slider in (budget, often, gain, annoyance):
        slider.observe(move, names="value")
    move()
    return widgets.VBox([budget, often, gain, annoyance, told, shown])


def _trial(get: Get, *, params: "StrategiesParams", context: RunContext) -> Trial:
    return trial_of(
        get("strategy_customers"),
        channels=get("strategy_channels"),
        economics=get("strategy_economics"),
        season=get("strategy_season")["factors"],
        strategies=params.strategies,
        cap_mode=params.cap_mode,
        as_of=context.as_of,
        seed=context.seed,
    )


def _labelled(table: "pd.DataFrame", labels: dict[str, dict[str, str]]) -> "pd.DataFrame":
    best = table["incremental_profit"].idxmax()
    named = {f"strategy_{language}": [labels[n][language] for n in table["strategy"]] for language in ("zh", "en")}
    return table.assign(**named, confidence_level=0.8, recommended=table.index == best)
