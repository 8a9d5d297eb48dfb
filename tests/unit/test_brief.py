"""The brief ranks by evidence first, worth second, and says what moved."""

from analysis import brief
from analysis.evidence import Estimate, Grade
from analysis.page import blocks


def both(text):
    return {"zh": text, "en": text}


def page(notebook, *made):
    return {"notebook": notebook, "results": {}, "blocks": list(made)}


def decision(name, worth, grade):
    return blocks.decision(
        both(name), worth=Estimate(worth, "money", worth - 1, worth + 1, 0.8, grade), worth_label=both("worth")
    )


def names(made):
    return [block["text"]["en"] for block in made]


def test_an_experiment_goes_before_a_dearer_prior():
    pages = [
        page("a", decision("prior", 900.0, Grade.PRIOR), decision("observed", 500.0, Grade.OBSERVATIONAL)),
        page("b", decision("tested", 100.0, Grade.RANDOMISED), decision("quasi", 200.0, Grade.QUASI_EXPERIMENTAL)),
    ]
    assert names(brief.decisions(pages, limit=9)) == ["quasi", "tested", "observed", "prior"]
    assert names(brief.decisions(pages, limit=1)) == ["quasi"]


def test_a_decision_without_worth_comes_last():
    pages = [page("a", blocks.decision(both("no worth")), decision("prior", 1.0, Grade.PRIOR))]
    assert names(brief.decisions(pages, limit=9)) == ["prior", "no worth"]


def test_each_decision_links_to_its_page():
    made = brief.decisions([page("churn", decision("x", 1.0, Grade.PRIOR))], limit=1)
    assert made[0]["links"][0]["notebook"] == "churn"


def tile(name, value, previous):
    return blocks.tile(name, both(name), Estimate(value, "customers"), previous=previous, better="up")


def test_headlines_take_turns_between_pages():
    pages = [page("a", tile("a1", 1, None), tile("a2", 1, None)), page("b", tile("b1", 1, None))]
    assert [block["name"] for block in brief.headlines(pages, limit=2)] == ["a1", "b1"]
    assert [block["name"] for block in brief.headlines(pages)] == ["a1", "b1", "a2"]


def test_a_first_run_has_no_changes():
    assert brief.changes([page("a", tile("a1", 1, None))]) == []


def test_what_moved_is_named_and_judged():
    made = brief.changes([page("a", tile("up", 9, 5), tile("down", 4, 5), tile("same", 5, 5))])
    values = made[0]["values"]
    assert [values["label_0"]["en"], values["label_1"]["en"]] == ["down", "up"]
    assert [values["word_0"]["en"], values["word_1"]["en"]] == ["worse", "better"]
    assert [(values[f"was_{i}"]["value"], values[f"now_{i}"]["value"]) for i in (0, 1)] == [(5, 4), (5, 9)]


def test_another_first_decision_is_told_with_the_one_before():
    def run(name, before=None):
        pages = [page("a", decision(name, 5.0, Grade.RANDOMISED), tile("n", 5, 5))]
        made = brief.changes(pages, before=before)[0]
        return brief.said(pages, currency="CNY", min_cell=10), made

    kept, first = run("send less")
    assert "decision" not in str(first["items"][0]["label"]).lower()
    _, same = run("send less", kept)
    assert same["items"][0]["text"]["en"] == "the same as last time"
    _, other = run("send more", kept)
    assert "another one" in other["items"][0]["text"]["en"]
    assert other["values"]["then"]["en"] == "send less"


def test_noise_is_called_noise():
    within = blocks.tile("x", both("x"), Estimate(5.0, "customers", 3.0, 8.0, 0.8, Grade.OBSERVATIONAL), previous=4.0)
    made = brief.changes([page("a", within)])
    assert "usual range" in made[0]["items"][0]["text"]["en"]


def test_without_a_decision_the_page_says_so():
    made = brief.decisions([page("a", tile("a1", 1, None))], limit=3)
    assert [block["kind"] for block in made] == ["answer"]


def test_the_data_page_gives_no_headline_while_others_do():
    pages = [page("data_health", tile("rows", 1, None)), page("a", tile("a1", 1, None))]
    assert [block["name"] for block in brief.headlines(pages)] == ["a1"]
    assert [block["name"] for block in brief.headlines(pages[:1])] == ["rows"]


def test_tables_that_are_fine_are_counted_those_in_doubt_named():
    state = [
        (both("orders"), "warn", both("look"), both("8 rows")),
        (both("staff"), "ok", both("fine"), both("6 rows")),
    ]
    made = brief.data_quality([page("data_health", blocks.quality(state))])
    labels = [item["label"]["en"] for item in made[0]["items"]]
    assert labels == ["orders", "The other tables"]


def ledger(n_due):
    told = blocks.answer(
        {"zh": "{n_last} 中 {n_inside}", "en": "Of our last {n_last}, {n_inside} fell inside"},
        values={"n_last": Estimate(8, "forecasts"), "n_inside": Estimate(7, "forecasts")},
    )
    return {"notebook": "forecast_ledger", "results": {"n_due": {"value": n_due}}, "blocks": [told]}


def test_the_ledgers_sentence_stands_on_the_brief_once_some_forecasts_are_due():
    made = brief.track_record([page("a", tile("a1", 1, None)), ledger(12)])
    assert [block["kind"] for block in made] == ["note"]
    assert made[0]["values"]["n_inside"]["value"] == 7
    assert brief.track_record([ledger(2)]) == []
    assert brief.track_record([ledger(None)]) == []
    assert brief.track_record([page("a", tile("a1", 1, None))]) == []
