"""The page of columns says what the code does."""

from pathlib import Path

from analysis.features.reference import reference_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "features.md"


def test_reference_page_is_the_one_made_from_the_code():
    remedy = "run: python -m analysis.features.reference > docs/reference/features.md"
    assert PAGE.read_text(encoding="utf-8") == reference_page(), remedy
