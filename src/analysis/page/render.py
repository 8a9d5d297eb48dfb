"""From a block to safe HTML: the same fragment in JupyterLab and on the page.

Every text is escaped by Jinja's autoescape; numbers are written by ``numerals``; what may be emphasised or
replaced in an author's template is decided here, once (``Reader.say``).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from analysis.errors import AnalysisError
from analysis.evidence import GRADE_LABELS, Estimate, Grade, weakest
from analysis.numerals import (
    UNITS,
    UNKNOWN,
    Scale,
    common_scale,
    format_change,
    format_date,
    format_estimate,
    format_interval,
    format_value,
    interval_name,
)
from analysis.page.blocks import PLACEHOLDER, Block, estimate_from_json, validate
from analysis.page.cells import hide_small_cells, hide_small_value
from analysis.page.picture import interval_bar, safe_svg, sparkline
from analysis.page.words import word

if TYPE_CHECKING:
    from jinja2 import Environment, Template

__all__ = ["Reader", "environment", "grade_badge", "render_block", "render_ranked", "scoped_style", "stylesheet"]

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")  # not to be broken at a hyphen
_BOLD: Final = re.compile(r"\*\*")
_TILE: Final = ("number", "unit", "change", "verdict", "interval", "spark", "badge")
_ESTIMATES: Final = ("unit", "value")


def render_block(
    block: Mapping[str, Any],
    *,
    language: str,
    currency: str = "CNY",
    min_cell: int = 10,
) -> Markup:
    """Return a block as HTML; small groups of customers are hidden.

    Args:
        block: Made by ``page.blocks``.
        language: ``zh`` or ``en``.
        currency: ISO code.
        min_cell: Smaller groups of customers are not shown.

    Raises:
        AnalysisError: If the block is not one of ours, or its picture is unsafe.
    """
    return Reader(language=language, currency=currency, min_cell=min_cell).block(block)


def render_ranked(decisions: Sequence[Block], *, reader: "Reader", first: int = 2) -> Markup:
    """Return further decisions as a list, ranked as they come."""
    macro = getattr(_macros().module, "ranked")  # noqa: B009  # a macro, no attribute mypy knows
    return Markup(macro([validate(block) for block in decisions], reader, first))  # noqa: S704  # as above


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom a block is written: what the templates ask when they need words or numbers."""

    language: str
    currency: str = "CNY"
    min_cell: int = 10
    contact: str = ""

    def block(self, block: Mapping[str, Any]) -> Markup:
        """Return a block as HTML.

        Raises:
            AnalysisError: If the block is not one of ours, or its picture is unsafe.
        """
        known = validate(block)
        macro = getattr(_macros().module, known["kind"])
        return Markup(macro(known, self))  # noqa: S704  # a macro of an autoescaping template

    def word(self, key: str, **parts: str | int) -> str:
        """Return one of the page's own words."""
        return word(key, language=self.language, **parts)

    def plain(self, label: Mapping[str, str] | str | None) -> str:
        """Return a label in the reader's language; it is data."""
        return label if isinstance(label, str) else (label or {}).get(self.language, "")

    def say(self, text: Mapping[str, str] | None, values: Mapping[str, Any] | None = None) -> Markup:
        """Return an author's template: bold marked, placeholders replaced, all else escaped."""
        return _say((text or {}).get(self.language, ""), values or {}, self)

    def tell(self, text: Mapping[str, str] | None, values: Mapping[str, Any] | None = None) -> Markup:
        """Return a text without markup, for attributes."""
        return Markup(re.sub(r"<[^>]+>", "", self.say(text, values)))  # noqa: S704  # tags of ours taken out

    def paragraphs(self, text: Mapping[str, str] | None, values: Mapping[str, Any] | None = None) -> list[Markup]:
        """Return a text's paragraphs."""
        parts = re.split(r"\n\s*\n", (text or {}).get(self.language, "").strip())
        return [_say(" ".join(part.split("\n")), values or {}, self) for part in parts if part]

    def value(self, value: Any, form: str = "") -> Markup:
        """Return a value of a placeholder: a number with unit, a label, or a text that is data."""
        shown = hide_small_value(value, min_cell=self.min_cell)
        if isinstance(shown, Mapping) and "below" in shown:
            return escape(self.word("below", n=shown["below"]))
        if not isinstance(shown, Mapping) or "unit" not in shown:
            text = self.plain(shown)
            return Markup('<span class="nw">{}</span>').format(text) if _DAY.fullmatch(text) else escape(text)
        estimate = estimate_from_json(shown)
        if form == "grade":
            return grade_badge(estimate.grade, language=self.language)
        if form == "full" and estimate.has_interval:
            brackets = Markup("{}（{}）") if self.language == "zh" else Markup("{} ({})")
            return brackets.format(self.value(value), self.value(value, "interval"))
        return Markup('<span class="num"{grade}{title}>{text}</span>').format(
            grade=data_grade(estimate.grade), title=self._title(estimate, form), text=self.number(estimate, form)
        )

    def number(self, estimate: Estimate, form: str = "") -> str:
        """Return an estimate in one of the forms of a placeholder."""
        number = format_estimate(estimate, language=self.language, currency=self.currency, bare=form == "bare")
        interval = format_interval(estimate, language=self.language, currency=self.currency)
        if form == "interval":
            return interval or self.word("no_interval")
        return number

    def _title(self, estimate: Estimate, form: str) -> Markup:
        """Return what a pointer shows: interval and grade of a number that stands without them."""
        if form in ("interval", "full") or not estimate.has_interval:
            return Markup("")
        grade = GRADE_LABELS[estimate.grade][self.language]
        return Markup(' title="{}"').format(f"{self.number(estimate, 'interval')} · {grade}")

    def estimate(self, value: Mapping[str, Any]) -> Estimate:
        """Return an estimate that came as JSON."""
        return estimate_from_json(value)

    def page(self, notebook: str) -> str:
        """Return the file of another page of the run.

        Raises:
            AnalysisError: If that is no name of a notebook.
        """
        if not re.fullmatch(r"[A-Za-z0-9_-]+", notebook):
            raise AnalysisError(f"'{notebook[:40]}' is no name of a notebook.")
        return f"{notebook}.{self.language}.html"

    def badge(self, value: Mapping[str, Any], *, short: bool = False) -> Markup:
        """Return the badge of a number's evidence."""
        return grade_badge(estimate_from_json(value).grade, language=self.language, short=short)

    def text_badge(self, block: Block) -> Markup:
        """Return the badge of the weakest estimate that a block's sentence stands on; "" without numbers."""
        used = {name for name, _ in PLACEHOLDER.findall((block.get("text") or {}).get(self.language, ""))}
        numbers = [value for name, value in block["values"].items() if name in used and _is_estimate(value)]
        grades = [estimate_from_json(value).grade for value in numbers]
        return grade_badge(weakest(*grades), language=self.language) if grades else Markup("")

    def tile(self, block: Block) -> dict[str, Any]:
        """Return what a tile shows: number, unit apart, change, verdict, interval, history."""
        value = hide_small_value(block["value"], min_cell=self.min_cell)
        if "below" in value:
            return dict.fromkeys(_TILE, "") | {"number": self.word("below", n=value["below"])}
        estimate = estimate_from_json(value)
        number, unit = self._split(estimate)
        change = block.get("change")
        verdict = change["verdict"] if change else ""
        history = list(block.get("history", []))
        return {
            "number": number,
            "unit": unit,
            "change": self._change(change, estimate.unit) if change else "",
            "verdict": verdict,
            "interval": self.number(estimate, "interval") if estimate.has_interval else self._no_interval(estimate),
            "spark": sparkline([*history, estimate.value], worse=verdict == "worse"),
            "badge": grade_badge(estimate.grade, language=self.language, short=True) if estimate.known else "",
        }

    def _split(self, estimate: Estimate) -> tuple[str, str]:
        """Return number and word of the unit apart, for type in two sizes."""
        bare = self.number(estimate, "bare")
        whole = self.number(estimate)
        return bare, whole.removeprefix(bare).strip("\u00a0 ") if whole.startswith(bare) else ""

    def _no_interval(self, estimate: Estimate) -> str:
        if not estimate.known:
            return ""
        if estimate.grade is not Grade.MEASURED:
            return self.word("no_interval")
        return self.word("counted" if UNITS[estimate.unit].kind == "whole" else "measured_value")

    def _change(self, change: Mapping[str, Any], unit: str) -> str:
        return format_change(change["value"], unit, language=self.language, currency=self.currency)

    def bar(self, value: Mapping[str, Any], *, accent: bool = False, beside: Sequence[Block] = ()) -> Markup:
        """Return the interval of a number as a small drawing, its ends named where it stands alone.

        Args:
            value: The number.
            accent: Whether it is the recommended one.
            beside: Decisions whose worths are drawn on the same axis.
        """
        estimate = estimate_from_json(value)
        if not estimate.has_interval or not estimate.known:
            return Markup("")
        others = [estimate_from_json(block["worth"]) for block in beside if block.get("worth")]
        lone = "" if beside else format_interval(estimate, language=self.language, currency=self.currency, named=False)
        low, _, high = lone.replace(" 至 ", "–").replace(" to ", "–").partition("–")
        return interval_bar(estimate, low_text=low, high_text=high, accent=accent, span_of=others)

    def chart_data(self, block: Block) -> Markup:
        """Return the numbers of a figure, folded."""
        return Markup(_macros().module.chart_data(block, self))  # type: ignore[attr-defined]  # noqa: S704  # our macro

    def explorer(self, block: Block) -> dict[str, Any]:
        """Return what an explorer shows: the script's data, and all choices as a table."""
        from analysis.page.explorer import choices_table, explorer_data

        return {**explorer_data(block, self), "table": choices_table(block)}

    def listed(self, parts: Sequence[str]) -> str:
        """Return parts as a list in a sentence."""
        return ("，" if self.language == "zh" else ", ").join(parts)

    def day(self, day: date) -> str:
        """Return a day as data."""
        return format_date(day, language=self.language)

    def picture(self, block: Block, width: str) -> Markup:
        """Return a figure's drawing of one width."""
        drawings = block["svg"].get(self.language) or next(iter(block["svg"].values()))
        return safe_svg(drawings[width], label=str(self.tell(block["alt"], block["values"]).unescape()), kind=width)

    def table(self, block: Block) -> dict[str, Any]:
        """Return a table ready to print: headers with units, cells as texts, one scale a column."""
        shown = hide_small_cells(block, min_cell=self.min_cell)
        scales = [self._scale(column, [row[i] for row in block["rows"]]) for i, column in enumerate(shown["columns"])]
        columns = list(zip(shown["columns"], scales, strict=True))
        heads = [self._head(column, scale) for column, scale in columns]
        rows = [
            [
                {"text": self.cell(cell, column, scale), "sort": _sort_key(cell, column)}
                for cell, (column, scale) in zip(row, columns, strict=True)
            ]
            for row in shown["rows"]
        ]
        return {
            "heads": heads,
            "rows": rows,
            "highlight": set(shown["highlight"]),
            "totals": len(rows) - shown["totals"],
            "hidden": any(isinstance(cell, Mapping) and "below" in cell for row in shown["rows"] for cell in row),
            "wide": len(heads) > 3,
            "grade": _table_grade(shown),
        }

    def _scale(self, column: Mapping[str, Any], cells: Sequence[Any]) -> Scale | None:
        ends = [end for cell in cells for end in (cell if isinstance(cell, list) else [cell])]
        numbers = [float(end) for end in ends if isinstance(end, int | float) and not isinstance(end, bool)]
        if column["unit"] in ("date", "grade") or not numbers:
            return None
        return common_scale(numbers, column["unit"] or "number", language=self.language, currency=self.currency)

    def _head(self, column: Mapping[str, Any], scale: Scale | None) -> dict[str, str]:
        label = self.plain(column["label"])
        if column.get("level"):
            label = interval_name(column["level"], language=self.language)
        kind = "n" if scale is not None else "g0" if column["unit"] == "grade" else "t"
        unit = scale.label if scale else ""
        return {"label": label, "unit": "" if unit.casefold() in label.casefold() else unit, "kind": kind}

    def cell(self, cell: Any, column: Mapping[str, Any], scale: Scale | None) -> str:
        """Return one cell as text; unknown and hidden ones as a dash."""
        if cell is None:
            return UNKNOWN
        if isinstance(cell, bool):
            return self.word("yes" if cell else "no")
        if isinstance(cell, Mapping):
            return self._mapped(cell)
        if isinstance(cell, list):
            return scale.interval(cell[0], cell[1], language=self.language) if scale else UNKNOWN
        if isinstance(cell, int | float):
            return scale.text(cell) if scale else format_value(cell, "number", language=self.language)
        return _day(cell, language=self.language) if column["unit"] == "date" else str(cell)

    def _mapped(self, cell: Mapping[str, Any]) -> str:
        if "below" in cell:
            return f"<{cell['below']}"
        if "unit" in cell:
            return str(self.value(cell).striptags())
        return self.plain(cell) or UNKNOWN


def grade_badge(grade: Grade, *, language: str, short: bool = False) -> Markup:
    """Return the badge of an evidence grade: letter, fill and border tell it, never colour alone."""
    label = GRADE_LABELS[grade][language]
    if short and grade is not Grade.MEASURED:
        label = f"{word('grade', language=language)} {grade.value}"
    return Markup('<span class="g g-{letter}"{grade}>{label}</span>').format(
        letter=grade.value.lower(), grade=data_grade(grade), label=label
    )


def data_grade(grade: Grade) -> Markup:
    """Return the attribute that lets a machine read how an estimate came about; what is counted has none."""
    return Markup("") if grade is Grade.MEASURED else Markup(' data-grade="{}"').format(grade.value)


@lru_cache(maxsize=1)
def environment() -> "Environment":
    """Return the Jinja environment of the page's fragments; everything is escaped, nothing undefined passes."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("analysis.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """Return tokens and styles, without comments and indentation."""
    folder = resources.files("analysis.page")
    css = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("tokens.css", "style.css"))
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return "\n".join(line.strip() for line in css.splitlines() if line.strip())


def scoped_style() -> str:
    """Return a ``<style>`` for JupyterLab: the page's look, inside ``.siyu`` only."""
    css = stylesheet().replace(":root", "&").replace("body{", "&{")
    return f"<style>.siyu{{{css}}}</style>"


@lru_cache(maxsize=1)
def _macros() -> "Template":
    return environment().get_template("blocks.html.j2")


def _say(template: str, values: Mapping[str, Any], reader: Reader) -> Markup:
    """Replace placeholders and ``**`` in one pass; what a value holds is never looked at again."""
    made: list[str] = []
    bold = False
    last = 0
    for found in re.finditer(rf"{PLACEHOLDER.pattern}|\*\*", template):
        made.append(escape(template[last : found.start()]))
        last = found.end()
        if found.group() == "**":
            bold = not bold
            made.append("<b>" if bold else "</b>")
            continue
        name, form = found.group(1), found.group(2) or ""
        if name not in values:
            raise AnalysisError(f"Placeholder '{{{name}}}' has no value.")
        made.append(reader.value(values[name], form))
    made.append(escape(template[last:]))
    return Markup("".join(made))  # noqa: S704  # each part is escaped or ours


def _sort_key(cell: Any, column: Mapping[str, Any]) -> str:
    """Return what a cell is sorted by where its text would mislead: a day, or a number in a unit of its own."""
    if column["unit"] == "date" and isinstance(cell, str):
        return cell
    if _is_estimate(cell) and isinstance(cell["value"], int | float):
        return f"{cell['value']:.6g}"
    return ""


def _is_estimate(value: Any) -> bool:
    return isinstance(value, Mapping) and all(key in value for key in _ESTIMATES)


def _table_grade(block: Mapping[str, Any]) -> Markup:
    """Return the attribute of a table whose rows have grades: the weakest of them."""
    at = next((i for i, column in enumerate(block["columns"]) if column["unit"] == "grade"), None)
    letters = [row[at] for row in block["rows"]] if at is not None else []
    grades = [Grade(letter) for letter in letters if isinstance(letter, str) and letter in set(Grade)]
    return data_grade(weakest(*grades)) if grades else Markup("")


def _day(text: str, *, language: str) -> str:
    try:
        return format_date(date.fromisoformat(text), language=language)
    except ValueError:
        return text
