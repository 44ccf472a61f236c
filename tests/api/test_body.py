"""Which JSON a request may carry."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.api.body import parse
from headwater.api.errors import RequestError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
)


@settings(deadline=None)  # a loaded machine is no failure
@given(VALUES, st.booleans())
def test_every_json_value_is_read_as_it_is(value: object, ascii_only: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert parse(raw, max_nesting=10_000) == value


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "needed"),
        (b"{", "line 1 column 2"),
        (b'{"a": 1,\n "b" 2}', "line 2 column 6"),
        (b"[1] 2", "column 5"),
        (b'{"a": 1, "a": 1}', "'a' stands twice"),
        (b'[{"a": {"b": 1, "c": 2, "b": 3}}]', "'b' stands twice"),
        (b"[NaN]", "NaN is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b"[1e999]", "1e999 is out of range"),
        (b"1" * 5000, "cannot be read"),
        (rb'"\ud800"', "surrogate"),
        (rb'{"\udc00\ud800": 1}', "surrogate"),
        (b'"\xff"', "byte 1"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'"a\nb"', "not JSON"),
        (b"[" * 65 + b"]" * 65, "more than 64 levels"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "more than 64 levels"),
        (b"[" * 200_000, "more than 64 levels"),
    ],
)
def test_what_has_no_one_meaning_is_refused_and_says_where(raw: bytes, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse(raw, max_nesting=64)
    assert says in caught.value.message
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 64 + b"]" * 64,
        b"[" + b"[]," * 100 + b"[]]",
        b'"' + b"[" * 100 + b'"',
        rb'"\ud83d\ude00"',
        rb'"\\ud800"',
    ],
)
def test_what_only_looks_like_it_is_taken(raw: bytes) -> None:
    assert parse(raw, max_nesting=64) == json.loads(raw)
