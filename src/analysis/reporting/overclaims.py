"""Sentences of a page that claim more than their evidence: "caused" beside a number of grade C or D.

Every estimate carries its grade in the markup (``data-grade``). A sentence stands on the weakest of its own estimates;
one without an estimate of its own on the weakest of the nearest part around it (entry of a list, table, section).
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final, NamedTuple

from analysis.evidence import Grade, weakest, words
from analysis.reporting.causal_words import claims

__all__ = ["Overclaim", "overclaims"]

_SILENT: Final = frozenset({"head", "style", "script", "svg", "nav", "footer", "header", "pre", "code"})
_PASSAGES: Final = frozenset(
    {"p", "h1", "h2", "h3", "h4", "li", "div", "dt", "dd", "th", "td", "caption", "summary", "section", "table", "tr"}
    | {"ul", "ol", "dl", "figure", "details", "main", "small", "blockquote"}
)
_SECTIONS: Final = frozenset({"section", "main"})
_PARTS: Final = frozenset({"li", "table", *_SECTIONS})
_VOID: Final = frozenset({"meta", "link", "br", "hr", "img", "input", "wbr"})
_BADGE: Final = "g"
_SENTENCE_ENDS: Final = re.compile(r"[。！？!?；;]|(?<!e\.g)(?<!i\.e)(?<!\bvs)\.(?=\s|$)")


class Overclaim(NamedTuple):
    """A sentence that claims more than its evidence.

    Attributes:
        page: File of the page.
        sentence: As readers see it.
        word: The word that claims a cause.
        grade: What the sentence stands on: C or D.
    """

    page: str
    sentence: str
    word: str
    grade: str


class _Part:
    """A stretch of the page that has grades: an entry, a table, a section; sections tell each other nothing."""

    def __init__(self, around: "_Part | None", *, is_section: bool) -> None:
        self.around = around
        self.wider = None if is_section else around
        self.grades: list[Grade] = []

    def holds(self, grade: Grade) -> None:
        self.grades.append(grade)
        if self.wider is not None:
            self.wider.holds(grade)

    def stands_on(self) -> Grade | None:
        if self.grades:
            return weakest(*self.grades)
        return self.wider.stands_on() if self.wider is not None else None


class _Passage:
    """A run of text without a break, with the estimates in it by their place."""

    def __init__(self, part: _Part) -> None:
        self.part = part
        self.text = ""
        self.estimates: list[tuple[int, Grade]] = []

    def sentences(self) -> Iterator[tuple[str, Grade | None]]:
        start = 0
        for stop in [*(end.end() for end in _SENTENCE_ENDS.finditer(self.text)), len(self.text)]:
            sentence = " ".join(self.text[start:stop].split())
            own = [grade for at, grade in self.estimates if start <= at < stop or at == stop == len(self.text)]
            if sentence:
                yield sentence, weakest(*own) if own else self.part.stands_on()
            start = stop


class _Page(HTMLParser):
    """Reads a page into its passages."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.passages: list[_Passage] = []
        self._open: list[tuple[str, bool]] = []
        self._part = _Part(None, is_section=True)
        self._passage = _Passage(self._part)
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        known = dict(attrs)
        badge = _BADGE in (known.get("class") or "").split()
        silent = tag in _SILENT or badge
        self._silent += silent
        self._open.append((tag, silent))
        if tag in _PARTS:
            self._part = _Part(self._part, is_section=tag in _SECTIONS)
        if tag in _PASSAGES:
            self._begin()
        if letter := known.get("data-grade"):
            grade = Grade(letter)
            self._part.holds(grade)
            self._passage.estimates.append((len(self._passage.text), grade))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            opened, silent = self._open.pop()
            self._silent -= silent
            if opened in _PARTS:
                self._part = self._part.around or self._part
            if opened in _PASSAGES:
                self._begin()
            if opened == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._passage.text += data

    def close(self) -> None:
        super().close()
        self._begin()

    def _begin(self) -> None:
        if self._passage.text.strip():
            self.passages.append(self._passage)
        self._passage = _Passage(self._part)


def overclaims(html: str, *, language: str, page: str = "") -> list[Overclaim]:
    """Return the sentences of a page that claim a cause on evidence that allows none.

    Args:
        html: The whole page.
        language: ``zh`` or ``en``.
        page: Its file, told in the findings.

    Examples:
        >>> said = '<p>The coupon brought <span class="num" data-grade="C">300 orders</span>.</p>'
        >>> [(found.word, found.grade) for found in overclaims(said, language="en")]
        [('brought', 'C')]
        >>> overclaims(said.replace('"C"', '"B"'), language="en")
        []
    """
    reader = _Page()
    reader.feed(html)
    reader.close()
    return [
        Overclaim(page, sentence, word, grade.value)
        for passage in reader.passages
        for sentence, grade in passage.sentences()
        if grade not in (None, Grade.MEASURED) and not words(grade).causal
        for word in claims(sentence, language=language)[:1]
    ]
