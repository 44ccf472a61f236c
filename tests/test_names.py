"""Names and fully qualified names."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidInputError
from headwater.names import MAX_NAME, check_name, child, join, quote, split

TRICKY = st.text(st.sampled_from('."a/ \u0301é😀'), max_size=8)
NAMES = TRICKY | st.text(st.characters(codec="utf-8"))


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_split_takes_apart_what_join_put_together(parts: list[str]) -> None:
    assert split(join(*parts)) == parts


@given(st.lists(NAMES, min_size=1, max_size=5), st.lists(NAMES, min_size=1, max_size=5))
def test_different_names_have_different_fqns(a: list[str], b: list[str]) -> None:
    assert (join(*a) == join(*b)) is (a == b)


@given(st.lists(NAMES, min_size=1, max_size=4), NAMES)
def test_child_is_below_its_parent(parts: list[str], name: str) -> None:
    assert child(join(*parts), name) == join(*parts, name)


@given(st.text(st.sampled_from('".ab'), max_size=12))
def test_text_that_splits_names_what_it_joins_to(fqn: str) -> None:
    try:
        parts = split(fqn)
    except InvalidInputError:
        return
    assert split(join(*parts)) == parts


@pytest.mark.parametrize(
    ("part", "quoted"),
    [
        ("churn", "churn"),
        ("a.b", '"a.b"'),
        ('say "hi"', '"say ""hi"""'),
        ("a/b", "a/b"),
        ("", '""'),
        ("🦊", "🦊"),
    ],
)
def test_part_is_quoted_only_where_it_must_be(part: str, quoted: str) -> None:
    assert quote(part) == quoted
    assert child(None, part) == quoted


@pytest.mark.parametrize("fqn", ['"open', 'a."open', '"a"b', '"a""', '"a".b."'])
def test_broken_quoting_is_refused(fqn: str) -> None:
    with pytest.raises(InvalidInputError):
        split(fqn)


def test_name_is_kept_in_nfc() -> None:
    assert check_name("Cafe\u0301") == "Café"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=64))
def test_checked_name_is_stable(name: str) -> None:
    checked = check_name(name, of_part=True)

    assert checked == unicodedata.normalize("NFC", name)
    assert check_name(checked, of_part=True) == checked


def test_name_has_up_to_256_characters_astral_ones_too() -> None:
    assert len(check_name("🦊" * MAX_NAME)) == MAX_NAME


@pytest.mark.parametrize(
    "name",
    ["", " ", "\u3000\u00a0", "a" * (MAX_NAME + 1), "a\n", "\x00", "a\x7f", "a\x85", "\ud800"],
)
def test_name_that_cannot_be_kept_is_refused_with_its_pointer(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_name(name, "/mlFeatures/0/name")

    assert caught.value.details["errors"][0]["pointer"] == "/mlFeatures/0/name"
