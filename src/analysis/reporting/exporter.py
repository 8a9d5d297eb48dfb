"""The nbconvert exporter: ``jupyter nbconvert --to siyu notebook.ipynb`` and every page of a run.

One self-contained file: no code cells, no request; a Content-Security-Policy that allows the page's own style and
its own script by their hashes and nothing else. With scripts off everything can be read.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from markupsafe import Markup
from nbconvert.exporters.templateexporter import TemplateExporter
from traitlets import Unicode, default

from analysis.page.glossary import explain
from analysis.page.render import Reader, environment, render_ranked, stylesheet
from analysis.page.words import LANGUAGE_NAMES, LANGUAGE_TAGS
from analysis.plain_text import visible
from analysis.reporting.failed_words import failed_words
from analysis.reporting.layout import Layout, Section, lay_out
from analysis.reporting.page_info import PageInfo
from analysis.reporting.since_box import data_strip, since_rows

__all__ = ["SiyuExporter", "page_file", "page_script", "shell"]

TEMPLATES: Final = "template"
POLICY: Final = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"


class SiyuExporter(TemplateExporter):
    """Export an executed notebook as a page.

    ``resources["siyu"]`` carries the run's ``PageInfo``; without it the page says only what the notebook knows.
    """

    export_from_notebook = "siyu page"
    output_mimetype = "text/html"
    language = Unicode("zh", help="zh or en").tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    @default("template_name")
    def _template_name_default(self) -> str:
        return "siyu"

    @default("extra_template_basedirs")
    def _extra_template_basedirs_default(self) -> list[str]:
        return [str(resources.files("analysis.reporting") / TEMPLATES)]

    @property
    def default_config(self) -> Any:
        """Return the configuration: no preprocessor, no filter that this page does not use."""
        config = super().default_config
        config.Exporter.default_preprocessors = []
        return config

    def _create_environment(self) -> Any:
        made = super()._create_environment()  # type: ignore[no-untyped-call]  # nbconvert has no types here
        made.autoescape = True
        return made

    def from_notebook_node(  # type: ignore[override]  # a text and not a notebook, as in TemplateExporter itself
        self, nb: Any, resources: dict[str, Any] | None = None, **_: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page and nbconvert's resources."""
        given = dict(resources or {})
        name = str(given.get("metadata", {}).get("name", "notebook"))
        info = given.get("siyu") or PageInfo(notebook=re.sub(r"\W", "_", name), overview="")
        language = given.get("siyu_language", self.language)
        given["siyu_page"] = page_parts(nb, info=info, language=language)
        made, out = super().from_notebook_node(nb, given)
        return explain(visible(str(made)), language=language), dict(out)


def page_file(notebook: str, *, language: str) -> str:
    """Return the file of a page.

    Examples:
        >>> page_file("churn", language="en")
        'churn.en.html'
    """
    return f"{notebook}.{language}.html"


def page_parts(notebook: Mapping[str, Any], *, info: PageInfo, language: str) -> dict[str, Any]:
    """Return everything the template lays out, as safe fragments and plain texts."""
    reader = _reader(info, language)
    layout = lay_out(notebook, reader=reader)
    title = reader.plain(info.title or layout.title) or info.notebook
    return {
        **shell(info, reader=reader, title=title),
        "warnings": [*_notices(info, reader), *(_html(block, reader) for block in layout.warnings)],
        **_opening(layout, reader),
        "tiles": [_html(block, reader) for block in layout.tiles],
        "changes": [_html(block, reader) for block in layout.changes],
        "since": since_rows([] if layout.changes else layout.tiles, info.since, notebook=info.notebook, reader=reader),
        "intro": layout.intro,
        "sections": [_section(section, reader) for section in layout.sections],
        "mind": [_html(block, reader) for block in layout.mind],
        "methods": [_html(block, reader) for block in layout.methods],
        "siblings": info.siblings if not info.overview else (),
        "failed_words": failed_words,
        "empty": layout.empty,
        "reader": reader,
    }


def shell(info: PageInfo, *, reader: Reader, title: str) -> dict[str, Any]:
    """Return what every page has: head, masthead, footer."""
    css, script = stylesheet(), page_script()
    others = [code for code in info.languages if code != reader.language]
    return {
        "info": info,
        "r": reader,
        "title": title,
        "lang": LANGUAGE_TAGS[reader.language],
        "css": Markup(css),  # noqa: S704  # our own file
        "script": Markup(script),  # noqa: S704  # our own file
        "policy": f"{POLICY}; style-src {_source(css)}; script-src {_source(script)}",
        "overview": _overview(info, reader.language),
        "switches": [(page_file(info.notebook, language=o), LANGUAGE_TAGS[o], LANGUAGE_NAMES[o]) for o in others],
        "data": data_strip(info.data, reader=reader),
        "params": [f"{key} = {_written(value)}" for key, value in info.params.items() if value not in (None, {}, [])],
        "versions": [f"{name} {version}" for name, version in info.versions.items()],
    }


@lru_cache(maxsize=1)
def page_script() -> str:
    """Return the page's script, without comments and indentation; it asks nobody for anything."""
    script = (resources.files("analysis.reporting") / TEMPLATES / "siyu" / "page.js").read_text(encoding="utf-8")
    script = re.sub(r"/\*.*?\*/", "", script, flags=re.DOTALL)
    return "\n".join(line.strip() for line in script.splitlines() if line.strip())


def _source(text: str) -> str:
    """Return what a Content-Security-Policy allows a text by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _written(value: Any) -> str:
    """Return a parameter's value as a book has it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _reader(info: PageInfo, language: str) -> Reader:
    contact = info.contact.get(language, "")
    return Reader(language=language, currency=info.currency, min_cell=info.min_cell, contact=contact)


def _overview(info: PageInfo, language: str) -> str:
    """Return the page to go back to, in the reader's language where it exists."""
    if info.overview and language != info.languages[0] and any(other.notebook == "brief" for other in info.siblings):
        return page_file("brief", language=language)
    return info.overview


def _notices(info: PageInfo, reader: Reader) -> list[Markup]:
    said = Markup('<p class="warn"><span class="st st-warn">{}</span> {}</p>')
    return [said.format(reader.word("warning"), reader.plain(notice)) for notice in info.notices]


def _opening(layout: Layout, reader: Reader) -> dict[str, Any]:
    """Return the top of the page; exactly one h1 stands there."""
    macros: Any = environment().get_template("blocks.html.j2").module
    first, rest = layout.decisions[:1], layout.decisions[1:]
    answer = Markup("")
    if layout.answer is not None:
        answer = Markup(macros.answer(layout.answer, reader, "p" if first else "h1"))  # noqa: S704  # autoescaped macro
    return {
        "decision": _html(first[0], reader) if first else "",
        "ranked": render_ranked(rest, reader=reader) if rest else "",
        "question": _html(layout.question, reader) if layout.question else "",
        "answer": answer,
    }


def _section(section: Section, reader: Reader) -> dict[str, Any]:
    finding = section.finding
    short = finding and (finding.get("short") or finding["text"])
    return {
        "head": _html(finding, reader) if finding else "",
        "heading": section.heading,
        "short": reader.tell(short, finding["values"]) if finding else section.heading,
        "rows": section.rows,
        "lists": section.lists,
    }


def _html(block: Mapping[str, Any], reader: Reader) -> Markup:
    return reader.block(block)
