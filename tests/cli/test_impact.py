"""``impact`` and ``models``: for people, for pull requests, and for CI."""

from __future__ import annotations

from typing import Any

import pytest
from markdown_it import MarkdownIt

from headwater import Headwater
from headwater.sdk import markdown
from tests.cli.conftest import Shell

AGE = "shop.main.raw.customers.age"
CUSTOMERS = "shop.main.raw.customers"
NASTY = "a|b`c``d\\|*e*_f_<g>@h#1 "


@pytest.fixture
def pii(hw: Headwater) -> None:
    """``age`` is sensitive; version ``a`` of the model, in production, reads it."""
    hw.create({"name": "PII"}, kind="classification")
    hw.create({"name": "Sensitive", "classification": "PII"}, kind="tag")
    columns = [
        {"name": "age", "dataType": "INT", "tags": ["PII.Sensitive"]},
        {"name": "city", "dataType": "VARCHAR"},
    ]
    table = {"name": "customers", "databaseSchema": "shop.main.raw", "columns": columns}
    hw.create_or_update(table, kind="table")
    version(hw, "a", "age", trainedAt=1_769_904_000_000)
    hw.set_stage("headwater.churn.a", "production")


def version(hw: Headwater, name: str, column: str, **more: Any) -> None:
    source = {"name": column, "dataSource": CUSTOMERS}
    features = [{"name": "persona", "featureSources": [source]}]
    body = {"name": name, "mlmodel": "headwater.churn", "mlFeatures": features}
    hw.create(body | more, kind="modelVersion")


def tables(text: str) -> list[list[str]]:
    """The cells of all tables of a page of Markdown, row by row, code spans as what they hold."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and rows and token.level == 4:
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def test_a_check_in_ci_ends_with_a_code_of_its_own(filled: Shell, pii: None) -> None:
    filled("impact", AGE, "--fail-on", "staging")
    failed = filled("impact", AGE, "--fail-on", "staging", "--fail-on", "production", code=10)
    assert "--fail-on production: reached" in failed.stderr
    filled("impact", AGE, "--drop", "--fail-on", "any", code=10)
    filled("impact", f"{CUSTOMERS}.city", "--fail-on", "any")
    filled("impact", AGE, "--stage", "staging", "--fail-on", "production", code=10)
    filled("impact", AGE, "--stage", "Staging", "--fail-on", "Production", code=10)
    filled("impact", AGE, "--fail-on", "Any", code=10)
    early = filled("impact", AGE, "--as-of", "2000-01-01", "--fail-on", "production", code=3)
    assert "there was no column" in early.stderr
    wrong = filled("impact", AGE, "--as-of", "yesterday", code=2).stderr
    assert "ISO 8601" in wrong
    assert "%2B" not in wrong


def test_what_is_reached_by_tables_alone_fails_unless_only_the_certain_counts(
    filled: Shell, hw: Headwater
) -> None:
    source = {"name": "unknown", "dataSource": CUSTOMERS}
    features = [{"name": "f", "featureSources": [source]}]
    hw.create({"name": "guess", "algorithm": "x", "mlFeatures": features}, kind="mlmodel")
    city = f"{CUSTOMERS}.city"
    assert "perhaps 1 model" in filled("impact", city, "--fail-on", "any", code=10).stdout
    filled("impact", city, "--fail-on", "any", "--certain-only")


def test_what_is_reached_by_an_open_column_fails_beside_a_column_that_is_tied(
    filled: Shell, hw: Headwater, pii: None
) -> None:
    columns = [{"name": "city", "dataType": "VARCHAR"}, {"name": "guess", "dataType": "INT"}]
    hw.create({"name": "wide", "databaseSchema": "shop.main.raw", "columns": columns}, kind="table")
    pairs = [
        {"fromColumns": [f"{CUSTOMERS}.city"], "toColumn": "shop.main.raw.wide.city"},
        {"fromColumns": [CUSTOMERS], "toColumn": "shop.main.raw.wide.guess"},
    ]
    hw.put_edge(f"table:{CUSTOMERS}", "table:shop.main.raw.wide", details={"columnsLineage": pairs})
    source = {"name": "guess", "dataSource": "shop.main.raw.wide"}
    features = [{"name": "f", "featureSources": [source]}]
    hw.create({"name": "behind", "algorithm": "x", "mlFeatures": features}, kind="mlmodel")
    city = f"{CUSTOMERS}.city"
    assert "perhaps 1 model" in filled("impact", city, "--fail-on", "any", code=10).stdout
    filled("impact", city, "--fail-on", "any", "--certain-only")
    filled("impact", "--tag", "PII", "--model", "behind", "--fail-on", "any", code=10)


def test_a_tag_is_asked_about_from_both_sides(filled: Shell, pii: None) -> None:
    lines = filled.lines("impact", "--tag", "PII.Sensitive", "--stage", "production")
    assert lines[0] == "tag PII.Sensitive reaches 2 models and versions"
    assert "modelVersion headwater.churn.a (production)" in lines[-1]
    for name in ("churn", "headwater.churn", "mlmodel:headwater.churn"):
        (head, source) = filled.lines("impact", "--tag", "PII", "--model", name)
        assert head == "mlmodel headwater.churn reads 1 source tagged PII"
        assert source.startswith(f"  column {AGE} [PII.Sensitive] → ")
    filled("impact", "--tag", "PII", "--model", "churn", "--fail-on", "production", code=10)
    filled("impact", "--tag", "PII", "--model", "churn", "--fail-on", "staging")
    filled("impact", "--tag", "PII", "--fail-on", "any", code=10)
    assert filled.data("impact", "--tag", "PII")["taggedTotal"] == 1
    filled("impact", "--tag", "PII", "--model", "nobody", code=3)
    filled("impact", "--tag", "Nothing", "--model", "churn", code=3)


@pytest.mark.parametrize(
    "words",
    [[], [AGE, "--tag", "PII"], [AGE, "--model", "churn"], ["--tag", "PII", "--drop"]],
)
def test_what_does_not_go_together_is_refused(filled: Shell, words: list[str]) -> None:
    filled("impact", *words, code=2)


def test_markdown_names_what_is_reached(filled: Shell, pii: None) -> None:
    text = filled("impact", CUSTOMERS, "--drop", "-o", "markdown").stdout
    assert text.startswith(f"**table** `{CUSTOMERS}` reaches 2 models and versions\n")
    head, *rows = tables(text)
    assert head == ["kind", "name", "stage", "by way of"]
    assert rows[1] == [
        "modelVersion", "headwater.churn.a", "production", f"{AGE} → headwater.churn.a"
    ]  # fmt: skip
    sources = filled("impact", "--tag", "PII", "--model", "churn", "-o", "markdown").stdout
    assert tables(sources)[1][:2] == [AGE, "PII.Sensitive"]


@pytest.mark.parametrize("name", [NASTY, "`", " ", "``|", "a\\", "\\|", "x|y|z", "[a](b)"])
def test_a_name_in_markdown_stays_a_name(name: str) -> None:
    (_, row) = tables("\n".join(markdown.table(["a", "b"], [[markdown.code(name), "last"]])))
    assert row == [name, "last"]


def test_a_line_break_in_markdown_ends_no_row() -> None:
    (_, row) = tables("\n".join(markdown.table(["a"], [[markdown.code("a\nb\r")]])))
    assert row == ["a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"]


def test_a_nasty_name_comes_through_an_impact(shell: Shell, filled: Shell, hw: Headwater) -> None:
    source = {"name": "age", "dataSource": CUSTOMERS}
    features = [{"name": "f|`", "featureSources": [source]}]
    made = hw.create(
        {"name": NASTY.strip(), "algorithm": "x", "mlFeatures": features}, kind="mlmodel"
    )
    text = filled("impact", AGE, "-o", "markdown").stdout
    assert [made.fully_qualified_name] == [row[1] for row in tables(text) if "`" in row[1]]


def test_models_are_listed_by_what_they_were_trained_on(
    filled: Shell, hw: Headwater, pii: None
) -> None:
    version(hw, "b", "city")
    trained = ["models", "--trained-on", CUSTOMERS]
    assert filled.lines(*trained) == [
        f"2 versions trained on table {CUSTOMERS}",
        "  2026-02-01 00:00:00 UTC  modelVersion headwater.churn.a (production)",
        "  at an unknown time  modelVersion headwater.churn.b",
    ]
    between = filled.lines(*trained, "--between", "2026-02-01", "2026-02-01")
    assert between[1].endswith("headwater.churn.a (production)")
    assert between[2] == "1 version left out: when they were trained is not known"
    none = filled.lines(*trained, "--between", "2026-01-01", "2026-01-31")
    assert none[0] == f"no versions trained on table {CUSTOMERS}"
    assert filled.data(*trained, "--stage", "production")["total"] == 1
    filled(*trained, "--between", "yesterday", "today", code=2)
    filled(*trained, "--between", "2026-02-01", "2026-01-01", code=2)
    filled("models", code=2)


def test_a_diff_of_lineage_tells_what_came(filled: Shell, pii: None) -> None:
    asked = ["diff", "--lineage", f"table:{CUSTOMERS}"]
    came = filled("diff", "--lineage", f"table:{CUSTOMERS}", "--from", "0").stdout
    assert "modelVersion headwater.churn.a" in came
    assert filled.data(*asked, "--from", "0", "--to", "2000-01-01")["edges"] == []
    filled(*asked, code=2)
    filled("diff", "table", CUSTOMERS, "0.1", "0.1", "--from", "0", code=2)


def test_a_diff_of_lineage_tells_of_columns_alone(filled: Shell, hw: Headwater) -> None:
    parent = CUSTOMERS.rpartition(".")[0]
    columns = [{"name": name, "dataType": "INT"} for name in ("age", "year")]
    hw.create({"name": "adults", "databaseSchema": parent, "columns": columns}, kind="table")
    ends = (f"table:{CUSTOMERS}", f"table:{parent}.adults")

    def tie(to: str) -> None:
        pair = {"fromColumns": [f"{CUSTOMERS}.age"], "toColumn": f"{parent}.adults.{to}"}
        hw.put_edge(*ends, details={"columnsLineage": [pair]})

    tie("age")
    before = str(list(hw.events())[-1]["sequence"])
    tie("year")
    told = filled("diff", "--lineage", ends[1], "--from", before).stdout
    assert "column by column" in told
    assert f"{parent}.adults.year" in told
    assert filled.data("diff", "--lineage", ends[1], "--from", before)["columns"]["edges"]
