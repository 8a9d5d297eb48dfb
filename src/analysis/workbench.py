"""The one thing a notebook opens: tables by name in, sentences, figures and numbers out.

In a run it works on the run's folder, named by an environment variable. Opened alone, in JupyterLab
or a script, it works on a book of its own (the demo book by default) in a scratch folder, so that the
same cells serve the analyst and the schedule.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from analysis.context import RUN_VARIABLE, RunContext
from analysis.errors import AnalysisError, MissingTableError
from analysis.evidence import Estimate, Grade
from analysis.kept import hide_small, write_list
from analysis.page import blocks
from analysis.page.blocks import Block, Value
from analysis.recipes.resolver import Previous, Resolver, read_kept, write_kept

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.frozen import OpenForecasts

__all__ = ["Workbench", "hide_small", "write_list"]

CHART_WIDTHS: Final = (700, 328)

Chart = Callable[..., "Figure"]


class Workbench:
    """What a notebook works with.

    Args:
        context: The run, or the scratch run of a notebook opened alone.
        notebook: Name of the notebook.
        parameters: Its parameters, over those of the book.

    Attributes:
        context: The run.
        params: The notebook's parameters, validated.
        blocks: What was put on the page so far.
    """

    def __init__(self, context: RunContext, notebook: str, parameters: Mapping[str, Any]) -> None:
        from analysis.params import notebook_models

        self.context = context
        self.notebook = notebook
        self.blocks: list[Block] = []
        self._results: dict[str, Estimate] = {}
        self._named: dict[str, dict[str, Any]] = {}
        self._names: set[str] = set()
        self._roots: dict[str, str] = {}
        models = notebook_models(context.params)
        if notebook in models:
            chosen = {**context.params.get(notebook, {}), **parameters}
            models[notebook] = type(models[notebook]).model_validate(chosen)
        self.params = models.get(notebook)
        self._resolver = Resolver(context, models)
        self.previous_run = Previous(context.previous / "state" if context.previous else None)

    @classmethod
    def open(cls, notebook: str, *, book: str | Path | None = None, **parameters: Any) -> "Workbench":
        """Open the workbench of a notebook.

        Args:
            notebook: Name of the notebook, as its file is called.
            book: A book to work on when opened alone; by default ``$SIYU_BOOK``, else ``params/demo.yaml``.
            parameters: The notebook's parameters, as its parameters cell sets them.

        Raises:
            BookError: If the book or a parameter is wrong.
            DataError: If the book's data cannot be used.
        """
        if named := os.environ.get(RUN_VARIABLE):
            return cls(RunContext.read(Path(named)), notebook, parameters)
        from analysis.books.opening import open_scratch

        bench = cls(open_scratch(notebook, book=book), notebook, parameters)
        bench._show_style()
        return bench

    # what is known -----------------------------------------------------------------------------

    def table(self, name: str) -> Any:
        """Return what a recipe makes: a pandas table or a dict; computed once per run and kept.

        Raises:
            AnalysisError: If there is no such recipe.
            MissingTableError: If the data lack what it needs.
        """
        return self._resolver.get(name)

    def has(self, table: str) -> bool:
        """Return whether the data have a table."""
        return (self.context.data / f"{table}.parquet").is_file()

    def need(self, *tables: str) -> None:
        """Stop here unless the data have these tables.

        Raises:
            MissingTableError: Naming the first that is missing.
        """
        for table in tables:
            if not self.has(table):
                raise MissingTableError(table, needed_by=self.notebook)

    def previous(self, name: str) -> Any:
        """Return a state that the predecessor run kept, or None."""
        self._roots[f"previous_{name}"] = self.previous_run.digest_of(name)
        return self.previous_run.get(name)

    def numbers(self, headline: "pd.DataFrame | Mapping[str, Any]") -> dict[str, Value]:
        """Return the numbers of a headline table, ready for the placeholders of a sentence.

        Args:
            headline: One row per number: name, value, unit and, where it is an estimate, ci_lower,
                ci_upper, confidence_level, grade, n; or a dict of such rows, of {zh, en} labels and of texts.
        """
        if isinstance(headline, Mapping):
            return {name: _as_value(entry) for name, entry in headline.items()}
        return {str(row["name"]): _as_estimate(row) for row in headline.to_dict("records")}

    # what is said --------------------------------------------------------------------------------

    def question(self, *, zh: str, en: str) -> None:
        """Say which question the page answers."""
        self.show(blocks.question(_text(zh, en)))

    def answer(
        self,
        *,
        zh: str,
        en: str,
        values: Mapping[str, Value] | None = None,
        detail_zh: str = "",
        detail_en: str = "",
    ) -> None:
        """Answer it in one sentence, with a line of detail beneath."""
        self.show(blocks.answer(_text(zh, en), values=values, detail=_maybe(detail_zh, detail_en)))

    def decision(self, *, zh: str, en: str, **parts: Any) -> None:
        """Put a decision on the page: what to do, its worth, what would change our mind.

        The parts are those of ``analysis.page.blocks.decision``; the first decision of a page is its card.
        """
        self.show(blocks.decision(_text(zh, en), **parts))

    def tile(
        self,
        name: str,
        *,
        zh: str,
        en: str,
        value: Value,
        better: str | None = None,
        note_zh: str = "",
        note_en: str = "",
    ) -> None:
        """Show a headline number with its change since the predecessor; it goes into the results too.

        Args:
            name: Its name in ``results.json``.
            zh: Label in Chinese.
            en: Label in English.
            value: The number.
            better: "up" or "down" where a direction is good news; None where it is not for us to say.
            note_zh: A few words beneath, in Chinese.
            note_en: The same in English.

        Raises:
            AnalysisError: If the value is not a number.
        """
        if not isinstance(value, Estimate):
            raise AnalysisError(f"Tile '{name}' needs a number, got {type(value).__name__}.")
        self._results[name] = value
        earlier = [point["value"] for point in self._history(name)]
        previous = earlier[-1] if earlier else None
        note = _maybe(note_zh, note_en)
        label = _text(zh, en)
        self.show(blocks.tile(name, label, value, previous=previous, history=earlier, better=better, note=note))

    def finding(
        self,
        *,
        zh: str,
        en: str,
        values: Mapping[str, Value] | None = None,
        sub_zh: str = "",
        sub_en: str = "",
        short_zh: str = "",
        short_en: str = "",
    ) -> None:
        """Claim something; what follows (figure, table, notes) is its section.

        Args:
            zh: The claim in Chinese, a whole sentence.
            en: The claim in English.
            values: What the placeholders stand for.
            sub_zh: Measure, unit, what point and line are, n; in Chinese.
            sub_en: The same in English.
            short_zh: Two to six characters for the contents.
            short_en: A few words for the contents.
        """
        sub, short = _maybe(sub_zh, sub_en), _maybe(short_zh, short_en)
        self.show(blocks.finding(_text(zh, en), values=values, sub=sub, short=short))

    def figure(
        self,
        chart: Chart,
        table: "pd.DataFrame",
        *,
        zh: str,
        en: str,
        values: Mapping[str, Value] | None = None,
        n: str | None = None,
    ) -> None:
        """Draw a chart once per language and width; the table behind it is folded beneath and kept.

        Args:
            chart: ``chart(table, style=Style) -> Figure`` from ``analysis.charts``.
            table: The finished table it draws; no customer-level rows.
            zh: What the picture shows, for those who do not see it, in Chinese.
            en: The same in English.
            values: Placeholders of the two texts.
            n: Column that counts customers, for hiding small groups.
        """
        from analysis.charts.theme import Style, draw
        from analysis.page.cells import table_from_frame

        name = self._name(getattr(chart, "__name__", "figure"))
        # a group too small to print is not drawn either: its numbers are NaN
        shown = hide_small(table, n=n, min_cell=self.context.min_cell)
        drawings: dict[str, dict[str, str]] = {}
        for language in self.context.languages:
            for width, size in zip(CHART_WIDTHS, ("wide", "narrow"), strict=True):
                style = Style(language=language, width=width, currency=self.context.currency)
                drawing = draw(chart, shown, name=f"{self.notebook}-{name}-{language}", style=style)
                drawings.setdefault(language, {})[size] = drawing
        self._keep(name, table, n=n)
        data = table_from_frame(table, _text("图中数据", "The data in the chart"), n=n)
        self.show(blocks.figure(name, drawings, _text(zh, en), values=values, data=data))

    def explorer(
        self,
        chart: Chart,
        table: "pd.DataFrame",
        *,
        zh: str,
        en: str,
        live: Chart,
    ) -> None:
        """Show a picture that an analyst can move: sliders in JupyterLab, a figure in a run.

        Args:
            chart: Draws the figure of a run from the table.
            table: The finished table it draws.
            zh: What the picture shows, in Chinese.
            en: The same in English.
            live: Draws what the sliders set.
        """
        if RUN_VARIABLE in os.environ or not _in_kernel():
            self.figure(chart, table, zh=zh, en=en)
            return
        from IPython.display import display

        from analysis.sliders import strategy_sliders

        box = strategy_sliders(self.table, params=self.params, context=self.context, chart=live)  # type: ignore[arg-type]  # the strategies notebook's parameters
        display(box)  # type: ignore[no-untyped-call]  # IPython has no types

    def choose(self, table: "pd.DataFrame", *, zh: str, en: str, earns: str, uses: Iterable[str]) -> None:
        """Let the reader set limits with sliders and see which choice earns most within them.

        Args:
            table: One row per choice: its name in the columns ``…_zh`` and ``…_en`` that come first, ``earns`` with
                interval, ``confidence_level`` and ``grade``, and the columns of ``uses``.
            zh: What the reader can find out, in Chinese.
            en: The same in English.
            earns: Column of what a choice earns.
            uses: Columns of what it uses; each gets a slider.
        """
        from analysis.page.explorer import explorer_from_frame

        self.show(explorer_from_frame(table, _text(zh, en), earns=earns, uses=list(uses)))

    def keep(self, name: str, table: "pd.DataFrame", *, n: str | None = None) -> None:
        """Keep a shareable table beside those behind the charts, without printing it."""
        self._keep(self._name(name), table, n=n)

    def data_table(
        self,
        table: "pd.DataFrame",
        *,
        zh: str,
        en: str,
        name: str = "table",
        n: str | None = None,
    ) -> None:
        """Print a table with its caption; ``n`` names the column that counts customers."""
        from analysis.page.cells import table_from_frame

        self._keep(self._name(name), table, n=n)
        self.show(table_from_frame(table, _text(zh, en), n=n))

    def note(self, *, zh: str, en: str, values: Mapping[str, Value] | None = None) -> None:
        """Add a remark to the section."""
        self.show(blocks.note(_text(zh, en), values=values))

    def mind(self, points: Iterable[tuple[str, str]], *, values: Mapping[str, Value] | None = None) -> None:
        """Say what would change our mind: one (Chinese, English) pair a point."""
        self.show(blocks.mind([_text(zh, en) for zh, en in points], values=values))

    def method(self, *, zh: str, en: str, values: Mapping[str, Value] | None = None) -> None:
        """Explain the method and its limits; folded on the page."""
        self.show(blocks.method(_text(zh, en), values=values))

    def warning(self, *, zh: str, en: str, values: Mapping[str, Value] | None = None) -> None:
        """Warn of something that weakens the page."""
        self.show(blocks.warning(_text(zh, en), values=values))

    def show(self, *made: Block) -> None:
        """Put blocks on the page that were made elsewhere (``analysis.page.blocks``, ``analysis.brief``)."""
        from analysis.page.cells import hide_small_in_block

        # hidden before it leaves the kernel: the executed notebook and the results are read by others too
        for block in (hide_small_in_block(block, min_cell=self.context.min_cell) for block in made):
            self.blocks.append(block)
            if _in_kernel():
                self._display(block)

    def pages(self) -> list[dict[str, Any]]:
        """Return what the other notebooks of this run said, in the book's order; outside a run, of the last run."""
        folder = self.context.out / "results"
        if not folder.is_dir() and self.context.previous:
            folder = self.context.previous / "results"
        names = [name for name in self.context.params if name != self.notebook]
        self._roots |= {f"of {name}": "" for name in names}
        found = [folder / f"{name}.json" for name in names]
        return [{"notebook": path.stem, **dict(read_kept(path))} for path in found if path.is_file()]

    # what is kept ---------------------------------------------------------------------------------

    def results(self, numbers: Mapping[str, Value], *, named: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Add to ``results.json``.

        Args:
            numbers: Estimates by name; labels and texts among them are passed over.
            named: Results that are a name, not a number (which model was used): ``value`` and, by language, ``reason``.
        """
        self._results.update({name: value for name, value in numbers.items() if isinstance(value, Estimate)})
        for name, choice in (named or {}).items():
            blank = Estimate(None, "name").as_result()
            self._named[name] = {**blank, "value": str(choice["value"]), "reason": choice["reason"]}

    def private(self, name: str, table: "pd.DataFrame") -> None:
        """Keep a customer-level table under ``private/``, as Parquet and as a list for a spreadsheet."""
        folder = self.context.out / "private"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_kept(table, folder / f"{self.notebook}.{name}")
        write_list(table, folder / f"{self.notebook}.{name}.csv")

    def lists(self, name: str, touches: "pd.DataFrame") -> None:
        """Write the lists staff send from under ``private/``: one per member of staff and day, in the book's language.

        Args:
            name: Of the folder.
            touches: One row per touch, as ``analysis.touch.target_list.write_lists`` takes them; a column that
                differs by language ends in ``_zh`` and ``_en``.
        """
        from analysis.fields import label
        from analysis.touch.target_list import write_lists

        language = self.context.languages[0]
        own = touches.rename(columns=lambda column: str(column).removesuffix(f"_{language}"))
        folder = self.context.out / "private"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_lists(
            own,
            folder / f"{self.notebook}.{name}",
            heading=lambda column: label(column, language=language),
            created=self.context.as_of,
        )

    def state(self, name: str, kept: "pd.DataFrame | dict[str, Any]") -> None:
        """Keep something for later runs."""
        write_kept(kept, self.context.out / "state" / name)

    def freeze(self, forecasts: "pd.DataFrame", *, windows: "pd.DataFrame | None" = None) -> None:
        """Freeze forecasts as they are today, beside those of the predecessor: later runs score them.

        Args:
            forecasts: One row each, made by ``analysis.experiment.ledger.amount`` and ``share_row``.
            windows: Of forecasts whose population is ``windows``: name, customer_id, from_on and until_on.
        """
        from analysis.frozen import freeze

        freeze(forecasts, windows, notebook=self.notebook, context=self.context, previous=self.previous_run)

    def open_forecasts(self) -> "OpenForecasts":
        """Return the frozen forecasts that are not due yet, this run's among them: ``table`` and ``numbers``."""
        from analysis.frozen import open_forecasts

        return open_forecasts(context=self.context, previous=self.previous_run)

    def finish(self) -> None:
        """Write the results and say that the notebook came to its end; a page without this has failed."""
        shown = {name: self._without_few(value) for name, value in self._results.items()}
        results = {**{name: value.as_result() for name, value in shown.items()}, **self._named}
        history = {name: [*self._history(name), _point(self.context, value)] for name, value in shown.items()}
        write_kept({"points": history}, self.context.out / "state" / f"history.{self.notebook}")
        said = [
            block for block in self.blocks if block["kind"] in {"question", "answer", "decision", "tile", "quality"}
        ]
        kept = {"results": results, "blocks": said, "rests_on": self._rests_on()}
        write_kept(kept, self.context.out / "results" / self.notebook)
        self.show(blocks.end(self.notebook))

    # private --------------------------------------------------------------------------------------

    def _rests_on(self) -> dict[str, str]:
        """Return what the numbers of this page rest on: tables, parameters, states and other pages, by name."""
        return dict(sorted({f"{self.notebook}_params": "", **self._resolver.rests_on(), **self._roots}.items()))

    def _history(self, name: str) -> list[dict[str, Any]]:
        kept = self.previous_run.get(f"history.{self.notebook}") or {}
        points: list[dict[str, Any]] = kept.get("points", {}).get(name, [])
        return points[-51:]

    def _name(self, wanted: str) -> str:
        """Return the name, numbered if it is taken on this page."""
        name = wanted if wanted not in self._names else f"{wanted}_{len(self._names) + 1}"
        self._names.add(name)
        return name

    def _without_few(self, value: Estimate) -> Estimate:
        """Return a number as the run keeps it: of a group too small to show it keeps no value."""
        from analysis.page.cells import hide_small_value

        few = "below" in hide_small_value(value.as_result(), min_cell=self.context.min_cell)
        return Estimate(None, value.unit) if few else value

    def _keep(self, name: str, table: "pd.DataFrame", *, n: str | None) -> None:
        """Write a shareable table; small groups are hidden in the file as on the page."""
        if "customer_id" in table.columns:
            hint = "keep it with wb.private(name, table)"
            raise AnalysisError(f"'{name}' holds single customers; a page shows groups.", hint=hint)
        shown = hide_small(table, n=n, min_cell=self.context.min_cell)
        write_kept(shown, self.context.out / "tables" / f"{self.notebook}.{name}")

    def _display(self, block: Block) -> None:
        from IPython.display import display

        from analysis.page.render import render_block

        context = self.context
        language = context.languages[0]
        html = render_block(block, language=language, currency=context.currency, min_cell=context.min_cell)
        bundle = {blocks.MIME: block, "text/html": f'<div class="siyu">{html}</div>', "text/plain": block["kind"]}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]  # IPython has no types

    def _show_style(self) -> None:
        if _in_kernel():
            from IPython.display import HTML, display

            from analysis.page.render import scoped_style

            display(HTML(scoped_style()))  # type: ignore[no-untyped-call]  # IPython has no types


def _text(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def _maybe(zh: str, en: str) -> dict[str, str] | None:
    return _text(zh, en) if zh or en else None


def _as_value(entry: Any) -> Value:
    if isinstance(entry, Mapping) and "value" in entry:
        return _as_estimate(entry)
    return entry if isinstance(entry, Estimate | Mapping | str) else str(entry)


def _as_estimate(row: Mapping[Any, Any]) -> Estimate:
    def number(name: str) -> float | None:
        value = row.get(name)
        return None if value is None or value != value else float(value)  # noqa: PLR0124 - NaN is not itself

    grade, n = row.get("grade"), number("n")
    return Estimate(
        value=number("value"),
        unit=str(row["unit"]),
        ci_lower=number("ci_lower"),
        ci_upper=number("ci_upper"),
        confidence_level=number("confidence_level") if number("ci_lower") is not None else None,
        grade=Grade(grade) if isinstance(grade, str) and grade else Grade.MEASURED,
        n=None if n is None else int(n),
    )


def _point(context: RunContext, value: Estimate) -> dict[str, Any]:
    return {"as_of": context.as_of.isoformat(), "run_id": context.run_id, **value.as_result()}


def _in_kernel() -> bool:
    import sys

    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None
