"""The Complete Journey: lists were picked, not drawn. The naive figure is large; what is left of it is not.

Reference (``facts``, row 11): targeted less untargeted about +252, +264 and +307 dollars a household in campaigns 8, 13
and 18, against about -6, -3 and +20 by a crude difference-in-differences. Windows here: the campaign's days, both ends
included (49, 48 and 56 days from 2017-05-08, 08-08 and 10-30), and as many days right before it (``selection_days: 0``)
for households that had bought before the earliest window used.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from analysis.books.opening import load_data
from analysis.books.read import read_book
from analysis.data.connect import Tables, open_tables
from analysis.params import IncrementalityParams
from analysis.recipes import observational as made
from analysis.recipes.purchases import ordered_purchases
from analysis.reporting.overclaims import overclaims
from analysis.runs.progress import Progress
from analysis.runs.run import Order, run_book

ROOT = Path(__file__).parents[2]
JOURNEY = ROOT.parent / "shared" / "data" / "complete_journey"
AS_OF = date(2017, 12, 31)
NAIVE = {"8": 252, "13": 264, "18": 307}
CRUDE = {"8": -6, "13": -3, "18": 20}
NOW = datetime(2026, 7, 1, 4, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not JOURNEY.is_dir(), reason="../shared/data/complete_journey is not here")


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    """The example's book with this one notebook."""
    text = (ROOT / "params" / "examples" / "complete_journey.yaml").read_text(encoding="utf-8")
    text = text.replace("source: ../shared/data/complete_journey\n", f"source: {JOURNEY}\n")
    own = next(line for line in text.splitlines() if line.strip().startswith("incrementality:"))
    path: Path = tmp_path_factory.mktemp("journey") / "journey.yaml"
    path.write_text(text[: text.index("notebooks:")] + f"notebooks:\n{own}\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tables(book) -> Tables:
    loaded = load_data(read_book(book), now=NOW, cache=book.parent / ".cache", progress=lambda _: None)
    return open_tables(loaded.folder, timezone="America/New_York").as_of(AS_OF)


@pytest.fixture(scope="module")
def effects(tables) -> pd.DataFrame:
    params = IncrementalityParams(selection_days=0)
    ordered = ordered_purchases(tables, AS_OF)
    campaigns = made.observational_campaigns(tables, AS_OF, params)
    return made.observational_effects(tables, campaigns, params, ordered).set_index("campaign_id")


def test_the_naive_figures_are_the_published_ones(effects):
    assert {name: round(effects.loc[name, "naive"]) for name in NAIVE} == NAIVE
    assert effects.loc[list(NAIVE), "n_targeted"].tolist() == [1076, 1077, 1133]
    assert (effects["n_targeted"] + effects["n_untargeted"] == 2469).all()
    assert (effects["naive_grade"] == "C").all()


def test_the_difference_in_differences_is_near_the_crude_one_and_states_its_window(effects):
    for name, crude in CRUDE.items():
        row = effects.loc[name]
        assert abs(row["change"] - crude) < row["change_std_error"]
        assert row["change_ci_lower"] < 0 < row["change_ci_upper"]
        assert row["naive"] > 10 * abs(row["change"])
    starts = {name: str(effects.loc[name, "before_on"])[:10] for name in NAIVE}
    assert starts == {"8": "2017-03-20", "13": "2017-06-21", "18": "2017-09-04"}


def test_households_moved_apart_already_before_two_of_the_three_campaigns(effects):
    assert (effects.loc[["13", "18"], "placebo_ci_upper"] < 0).all()
    assert (effects.loc[["13", "18"], "parallel_pvalue"] < 0.001).all()
    assert effects.loc["8", "placebo_ci_lower"] < 0 < effects.loc["8", "placebo_ci_upper"]
    assert (effects["change_grade"] == "C").all()


def test_the_page_shows_both_figures_and_claims_no_cause(book, tables):
    order = Order(book=book, reports=book.parent / "reports", cache=book.parent / ".cache", root=ROOT)
    outcome = run_book(order, now=NOW, progress=Progress(live=False))
    assert outcome.good
    results = json.loads((outcome.folder / "results.json").read_text(encoding="utf-8"))["incrementality"]
    for name, naive in NAIVE.items():
        assert round(results[f"spend.{name}.naive"]["value"]) == naive
        assert results[f"spend.{name}.naive"]["grade"] == results[f"spend.{name}.diff_in_diff"]["grade"] == "C"
        assert results[f"spend.{name}.placebo"]["ci_lower"] is not None
    for language, window, verb, claim in (
        ("zh", "2017-09-04", "伴随着", "带来"),
        ("en", "4 Sep 2017", "goes with", "caused"),
    ):
        html = (outcome.folder / f"incrementality.{language}.html").read_text(encoding="utf-8")
        assert window in html.replace("\u00a0", " ")
        assert verb in html
        assert "$307" in html
        assert overclaims(html, language=language) == []
        tampered = html.replace(verb, claim)
        assert [found.grade for found in overclaims(tampered, language=language)] == ["C"]
