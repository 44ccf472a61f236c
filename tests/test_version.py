"""Versions of entities, and the package's own."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidInputError
from headwater.version import FIRST, Version, __version__

NUMBERS = st.integers(0, 10**18 - 2)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS)


@given(VERSIONS)
def test_version_is_read_as_it_was_written(v: Version) -> None:
    assert Version.parse(str(v)) == v


@given(VERSIONS, VERSIONS)
def test_versions_compare_by_number(a: Version, b: Version) -> None:
    assert (a < b) is ((a.major, a.minor) < (b.major, b.minor))


@given(VERSIONS, st.booleans())
def test_next_version_is_later(v: Version, major: bool) -> None:
    assert v.next(major=major) > v


@given(VERSIONS)
def test_major_starts_minor_at_zero_and_minor_never_carries(v: Version) -> None:
    assert v.next(major=True) == Version(v.major + 1, 0)
    assert v.next(major=False) == Version(v.major, v.minor + 1)


@pytest.mark.parametrize(
    ("text", "minor", "major"),
    [("0.1", "0.2", "1.0"), ("0.9", "0.10", "1.0"), ("0.3", "0.4", "1.0")],
)
def test_versions_of_the_design(text: str, minor: str, major: str) -> None:
    assert str(Version.parse(text).next(major=False)) == minor
    assert str(Version.parse(text).next(major=True)) == major


def test_first_version_is_0_1() -> None:
    assert str(FIRST) == "0.1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.",
        ".1",
        "1.2.3",
        "01.0",
        "1.00",
        "-1.0",
        "1.0 ",
        "+1.0",
        "a.b",
        "².0",
        "1,0",
        "1.0\n",
        "9" * 5000 + ".0",
    ],
)
def test_text_that_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        Version.parse(text)


def test_installed_package_has_the_version_of_the_code() -> None:
    assert version("headwater") == __version__
