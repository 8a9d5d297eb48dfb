"""YAML 1.2 as it is written down, and nothing that a YAML library would do beyond it."""

import pytest

from analysis.errors import BookError
from analysis.yaml12 import parse, parse_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("off", "off"),
        ("yes", "yes"),
        ("true", True),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("2026-06-30", "2026-06-30"),
        ("12:30:45", "12:30:45"),
        ("~", None),
        ("'7'", "7"),
        ("每周", "每周"),
        ("[a, 1, {b: no}]", ["a", 1, {"b": "no"}]),
    ],
)
def test_scalars_follow_the_core_schema(text, value):
    assert parse(f"key: {text}", name="book").value == {"key": value}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3", 3, "stands twice, first in line 1"),
        ("a:\n  - !!python/object/apply:os.system [touch hacked]", 2, "tag"),
        ("a: !custom x", 1, "tag"),
        ("---\na: 1\n---\nb: 2", 4, "one YAML document"),
        ("a: {b", 1, "not readable"),
        ("a: b: c", 1, "not readable"),
        ("a: *unknown", 1, "alias"),
        ("a: &x [*x]", 1, "alias"),
        ("? [a, b]\n: c", 1, "one word"),
        ("a: " + "[" * 30 + "]" * 30, 1, "nested deeper"),
    ],
)
def test_what_a_book_may_not_hold_is_named_with_its_line(text, line, said):
    with pytest.raises(BookError, match=said) as caught:
        parse(text, name="book.yaml")
    assert caught.value.found.startswith(f"book.yaml:{line}:")


def test_aliases_are_written_out_but_no_bomb_is():
    assert parse("a: &x [1, 2]\nb: *x", name="book").value["b"] == [1, 2]
    bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
    bomb += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(BookError, match="more than"):
        parse(bomb, name="book")


def test_a_merge_key_is_a_key_like_any_other():
    assert parse("<<: {a: 1}", name="book").value == {"<<": {"a": 1}}


def test_a_key_is_text_whatever_it_looks_like():
    assert parse("{1: a, no: b, ~: c}", name="book").value == {"1": "a", "no": "b", "~": "c"}


def test_every_key_path_has_its_line():
    source = parse("a: 1\nb:\n  c: 2\n  d:\n    - 3\n    - 4\n", name="book")
    assert source.line(("b", "d", 1)) == 6
    assert source.line(("b", "unknown")) == 2


def test_a_value_of_the_command_line_is_read_like_one_of_a_book():
    values = [parse_value(text, name="--set") for text in ("60", "no", "[1, 2]", "", "#1 shop", "a b")]
    assert values == [60, "no", [1, 2], None, "#1 shop", "a b"]
