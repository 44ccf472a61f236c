"""Names of versions with placeholders."""

from __future__ import annotations

import re

import pytest

from headwater import InvalidInputError
from headwater.tracking.template import render

RUN = {"id": "0199aaaa-bbbb-7ccc-8ddd-0123456789ab", "name": "spring"}


def test_a_run_is_named_by_the_random_part_of_its_id() -> None:
    assert render("run-{run.id[:8]}", RUN) == "run-01234567"
    assert render("{run.name}", RUN) == "spring"
    assert render("{run.name[1:3]}", RUN) == "pr"


def test_date_and_time_need_no_run() -> None:
    assert re.fullmatch(r"v\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d_\d{6}", render("v{date}-{time}"))


def test_braces_are_doubled_to_be_braces() -> None:
    assert render("a{{b}}c") == "a{b}c"


@pytest.mark.parametrize(
    ("template", "name"),
    [("{run.id[:8]}", "v01234567"), ("{run.id[:9]}9", "v0123456789"), ("5", "5"), ("{{5}}", "{5}")],
)
def test_digits_that_placeholders_give_are_a_name_and_no_number(template: str, name: str) -> None:
    assert render(template, RUN) == name


def test_a_template_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"'\{run.name\[50:\]\}' comes out empty"):
        render("{run.name[50:]}", RUN)


@pytest.mark.parametrize(
    "template",
    ["{run.id.__class__}", "{run.id!r}", "{x}", "{}", "{", "}", "{date:%Y}", "{run.id[0]}", "{0}"],
)
def test_what_is_no_placeholder_is_refused_and_not_evaluated(template: str) -> None:
    with pytest.raises(InvalidInputError, match="is no placeholder"):
        render(template, RUN)


def test_a_run_outside_of_one_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="there is no run here"):
        render("run-{run.id[:8]}")
