"""Outputs and prose of a notebook that are not our blocks: an analyst's own tables, pictures and words.

Nothing here is trusted: text is escaped, HTML and Markdown are cut down to harmless elements, pictures become
``data:`` images (in which no script runs), and every other kind of output is left out.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup

from analysis.page.words import word

__all__ = ["markdown", "output"]

_INLINE: Final = {"b", "br", "code", "em", "i", "strong"}
_LISTS: Final = {"li", "ol", "p", "pre", "ul"}
_GRID: Final = {"caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
_TABLE: Final = _GRID | _LISTS | _INLINE | {"div", "span"}
_PROSE: Final = _GRID | _LISTS | _INLINE | {"a", "blockquote", "h3", "h4", "hr"}
_PICTURES: Final = ("image/png", "image/jpeg", "image/svg+xml")
_MAX_TEXT: Final = 20_000  # characters of plain output shown
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=\s]+")


def markdown(source: str) -> Markup:
    """Return a prose cell as HTML: headings from h3 down, no raw HTML, links within the run only."""
    import mistune
    import nh3

    made = str(mistune.create_markdown(escape=True, plugins=["table"])(source))
    made = re.sub(r"<(/?)h([1-6])\b", lambda m: f"<{m[1]}h{3 if int(m[2]) < 3 else 4}", made)
    allowed = nh3.clean(
        made,
        tags=_PROSE,
        attributes={"a": {"href"}, "th": {"scope"}},
        url_schemes=set(),
        link_rel=None,
        attribute_filter=_local_link,
    )
    return Markup(allowed)  # noqa: S704  # sanitised


def output(data: Mapping[str, Any], *, language: str) -> Markup:
    """Return one output of a cell: picture before table before text; empty for what pages do not show.

    Args:
        data: The output's mime bundle.
        language: ``zh`` or ``en``.
    """
    for mime in _PICTURES:
        if mime in data:
            return _picture(mime, _text(data[mime]), language=language)
    if "text/html" in data:
        return _table(_text(data["text/html"]))
    if "text/markdown" in data:
        return markdown(_text(data["text/markdown"]))
    if "text/plain" in data:
        return plain(_text(data["text/plain"]))
    return Markup("")


def plain(text: str) -> Markup:
    """Return text as it was printed, without terminal colours."""
    bare = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    shown = bare if len(bare) <= _MAX_TEXT else f"{bare[:_MAX_TEXT]} …"
    return Markup("<pre>{}</pre>").format(shown) if shown.strip() else Markup("")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "".join(str(part) for part in value)


def _table(html: str) -> Markup:
    import nh3

    spans = {"th": {"colspan", "rowspan", "scope"}, "td": {"colspan", "rowspan"}}
    made = nh3.clean(
        html,
        tags=_TABLE,
        attributes=spans,
        url_schemes=set(),
        clean_content_tags={"script", "style"},
        attribute_filter=lambda _tag, _name, value: value if re.fullmatch(r"[A-Za-z0-9]{1,12}", value) else None,
    )
    return Markup(made)  # noqa: S704  # sanitised


def _picture(mime: str, content: str, *, language: str) -> Markup:
    if mime == "image/svg+xml":
        content = base64.b64encode(content.encode()).decode()
    content = "".join(content.split())
    try:
        base64.b64decode(content, validate=True)
    except binascii.Error:
        return Markup("")
    return Markup('<img src="data:{};base64,{}" alt="{}">').format(mime, content, word("picture", language=language))


def _local_link(tag: str, attribute: str, value: str) -> str | None:
    """Keep links to other files of the run; addresses would be a request waiting for a click."""
    if (tag, attribute) != ("a", "href"):
        return value
    return value if re.fullmatch(r"#?[A-Za-z0-9_.-]+(?:#[\w-]+)?", value) else None
