"""Words explained on tap: the first mention in running text, and nothing else of the page."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from analysis.page.glossary import PLACE, TERMS, explain

ROOT = Path(__file__).parents[3]


def page(body: str) -> str:
    return f"<html><title>流失</title><main>{body}</main>{PLACE}<footer>流失</footer></html>"


def words(body: str, language: str) -> list[str]:
    made = BeautifulSoup(explain(page(body), language=language), "html.parser")
    for button in made.select("button.word"):
        assert made.select(f"#{button['popovertarget']}[popover] dd"), "a word without its box"
    return [button.get_text() for button in made.select("button.word")]


def test_the_first_mention_in_running_text_is_explained_once() -> None:
    body = "<h1>流失</h1><p>预计流失 3 人，流失率…</p><p>流失</p>"
    made = BeautifulSoup(explain(page(body), language="zh"), "html.parser")
    assert [p.get_text() for p in made.select("p:has(> button.word)")] == ["预计流失 3 人，流失率…"]
    assert len(made.select(".words dt")) == 1
    assert made.footer is not None
    assert made.footer.find("button") is None


@pytest.mark.parametrize("tag", ["h2", "a", "summary", "code", "pre", "svg", "table", "script", "button"])
def test_headings_links_charts_tables_and_code_stay_as_they_are(tag: str) -> None:
    assert words(f"<{tag}>流失</{tag}><p>流失</p>", "zh") == ["流失"]
    assert explain(page(f"<{tag}>流失</{tag}>"), language="zh") == page(f"<{tag}>流失</{tag}>").replace(PLACE, "")


def test_the_longest_word_wins_and_english_words_are_whole() -> None:
    assert words("<p>静默流失和流失</p>", "zh") == ["静默流失", "流失"]
    assert words("<p>Contact churners; Touches and churn. P(best), 80%\u00a0intervals</p>", "en") == [
        "Touches",
        "churn",
        "P(best)",
        "80%\u00a0intervals",
    ]


def test_an_attribute_is_never_touched() -> None:
    made = BeautifulSoup(explain(page('<p title="流失" aria-label="流失">好</p>'), language="zh"), "html.parser")
    assert not made.select("button")


def test_every_word_has_a_key_of_its_own_both_languages_and_a_line_in_the_glossary() -> None:
    listed = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").lower()
    assert len({term.key for term in TERMS}) == len(TERMS)
    forms = [form for term in TERMS for language in ("zh", "en") for form in term.forms(language)]
    assert len(forms) == len(set(forms))
    for term in TERMS:
        assert re.fullmatch("[a-z_]+", term.key)
        assert not re.search("[\u4e00-\u9fff]", term.en + term.en_says), term.key
        assert re.search("[\u4e00-\u9fff]", term.zh_says), term.key
        known = [form for form in (*term.forms("zh"), *term.forms("en")) if form.lower() in listed]
        assert known, f"GLOSSARY.md lacks {term.zh}"
