"""A page may say "caused" of grades A and B only: sentences and what they stand on."""

import pytest

from analysis.evidence import Estimate, Grade
from analysis.page import blocks
from analysis.page.render import render_block
from analysis.reporting.overclaims import overclaims


def number(letter: str) -> str:
    grade = f' data-grade="{letter}"' if letter != "M" else ""
    return f'<span class="num"{grade}>300</span>'


def found(html: str, language: str = "en") -> list[tuple[str, str]]:
    return [(one.word, one.grade) for one in overclaims(html, language=language, page="p")]


@pytest.mark.parametrize(("letter", "allowed"), [("A", True), ("B", True), ("C", False), ("D", False), ("M", True)])
def test_only_a_and_b_may_say_caused(letter, allowed):
    assert found(f"<p>The coupon caused {number(letter)} orders.</p>") == ([] if allowed else [("caused", letter)])
    assert found(f"<p>发券带来 {number(letter)} 个订单。</p>", "zh") == ([] if allowed else [("带来", letter)])


def test_a_sentence_stands_on_its_weakest_number_and_tells_its_neighbour_nothing():
    assert found(f"<p>It caused {number('A')}, that is {number('D')}.</p>") == [("caused", "D")]
    assert found(f"<p>It caused {number('A')}. Priors say {number('D')}.</p>") == []
    assert found(f"<p>私聊带来 {number('A')} 单；先验是 {number('D')}。</p>", "zh") == []


def test_without_a_number_of_its_own_a_sentence_stands_on_its_section():
    claim = "<p>The coupon caused it.</p>"
    assert found(f"<section><h2>{number('C')} more</h2>{claim}</section>") == [("caused", "C")]
    assert found(f"<section><h2>{number('A')} more</h2>{claim}</section>") == []
    assert found(f"<section><h2>{number('C')}</h2></section><section>{claim}</section>") == []
    assert found(f"<section><p>{number('C')}</p></section>{claim}") == []
    assert found(f"<section>{claim}<table data-grade='D'><tr><td>1</td></tr></table></section>") == [("caused", "D")]


def test_an_entry_of_a_list_stands_on_its_own_badge():
    entry = '<li><div>Caused by coupons</div><div><b>300</b><span class="g g-{}"{}>Evidence</span></div></li>'
    both = entry.format("a", ' data-grade="A"') + entry.format("c", ' data-grade="C"')
    assert found(f"<section><ol>{both}</ol></section>") == [("Caused", "C")]


def test_pictures_navigation_and_badges_are_not_read():
    assert found(f"<section>{number('C')}<svg><text>caused</text></svg><nav>caused</nav></section>") == []
    assert found('<p>One <span class="g g-c" data-grade="C">caused</span></p>') == []


def test_a_finding_tells_page_sentence_word_and_grade():
    [one] = overclaims(f"<p>Well. The coupon led to {number('C')}!</p>", language="en", page="churn.en.html")
    assert one == ("churn.en.html", "The coupon led to 300!", "led to", "C")


def test_it_reads_what_the_page_really_renders():
    values = {"x": Estimate(300, "orders", 200, 400, 0.95, Grade.OBSERVATIONAL)}
    said = {"zh": "发券带来 {x:full}", "en": "The coupon caused {x}"}
    for block in (
        blocks.answer(said, values=values),
        blocks.finding(said, values=values),
        blocks.note(said, values=values),
        blocks.decision(said, values=values),
        blocks.mind([said], values=values),
    ):
        for language in ("zh", "en"):
            assert len(found(render_block(block, language=language), language)) == 1, block["kind"]
    worth = blocks.decision({"zh": "发券带来订单", "en": "It caused orders"}, worth=values["x"],
                            worth_label={"zh": "多出", "en": "More"})  # fmt: skip
    assert found(render_block(worth, language="en")) == [("caused", "C")]
