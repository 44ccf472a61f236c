"""``headwater apply``: what files say is in the catalog, and what fails has a place."""

from __future__ import annotations

import json

import pytest

from headwater import Headwater, MlModel, Table
from tests.cli.conftest import Shell

SHOP = """\
kind: mlmodel
name: churn
algorithm: RandomForest
mlFeatures:
  - name: persona
    featureSources:
      - {name: age, dataSource: shop.main.raw.customers}
---
- kind: tables
  name: customers
  databaseSchema: shop.main.raw
  columns:
    - {name: age, dataType: INT}
- kind: DatabaseSchema
  name: raw
  database: shop.main
---
---
{"kind": "database", "name": "main", "service": "shop"}
---
kind: databaseService
name: shop
"""


A = '{"kind": "mlmodel", "name": "a", "algorithm": "A"}'
B = '{"kind": "mlmodel", "name": "b", "algorithm": "A"}'


def test_parents_go_first_and_a_second_time_changes_nothing(shell: Shell) -> None:
    file = shell.file("shop.yaml", SHOP)
    assert shell.lines("apply", "-f", file) == [
        "created   databaseService shop 0.1",
        "created   database shop.main 0.1",
        "created   databaseSchema shop.main.raw 0.1",
        "created   table shop.main.raw.customers 0.1",
        "created   mlmodel headwater.churn 0.1",
    ]
    again = shell.data("apply", "-f", file)
    assert {each["result"] for each in again} == {"unchanged"}
    assert again[-1]["place"] == f"{file}, document 1, line 1"
    assert again[-2]["place"] == f"{file}, document 2, line 9"


def test_what_get_prints_can_be_edited_and_applied(filled: Shell) -> None:
    for form in ("yaml", "json"):
        for kind, name in (("mlmodel", "headwater.churn"), ("table", "shop.main.raw.customers")):
            text = filled("get", kind, name, "-o", form).stdout
            assert filled.lines("apply", "-f", "-", stdin=text)[0].startswith("unchanged")
    text = filled("list", "mlmodels", "-o", "yaml").stdout
    edited = text.replace("XGBoost", "LightGBM")
    assert filled.lines("apply", "-f", "-", stdin=edited) == [
        "updated   mlmodel headwater.churn 2.0"
    ]


def test_an_edited_name_of_a_reference_counts_before_its_id(filled: Shell) -> None:
    filled("apply", "-f", "-", stdin="{kind: table, name: orders, databaseSchema: shop.main.raw}")
    text = filled("get", "mlmodel", "headwater.churn", "-o", "yaml").stdout
    edited = text.replace(
        "fullyQualifiedName: shop.main.raw.customers\n",
        "fullyQualifiedName: shop.main.raw.orders\n",
    )
    assert edited != text
    filled("apply", "-f", "-", stdin=edited)
    tree = filled.lines("lineage", "headwater.churn")
    assert "│   └── table shop.main.raw.orders" in tree


def test_what_fails_is_named_by_place_and_the_rest_is_written(shell: Shell) -> None:
    good = shell.file("a.yaml", "kind: mlmodel\nname: good\nalgorithm: A\n")
    bad = shell.file(
        "b.yaml",
        "# a comment\nkind: mlmodel\nname: fine\nalgorithm: A\n---\nkind: mlmodel\nname: bad\n"
        "algorithm: A\nmlFeatures:\n  - name: f\n    dataType: wrong\n  - dataType: numerical\n",
    )
    result = shell("apply", "-f", good, "-f", bad, code=1)
    assert sorted(result.stderr.splitlines()) == [
        f"headwater: {bad}, document 2, line 11: mlmodel bad: /mlFeatures/0/dataType:"
        " Input should be 'numerical' or 'categorical'",
        f"headwater: {bad}, document 2, line 12: mlmodel bad: /mlFeatures/1/name: is required",
    ]
    assert result.stdout.splitlines() == [
        "created   mlmodel headwater.good 0.1",
        "created   mlmodel headwater.fine 0.1",
        "failed    mlmodel bad",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x\n", "document 1, line 1: a document has `kind:`"),
        ("kind: mlmodel\n---\njust text\n", "document 2, line 3: a document has `kind:`"),
        ("kind: nope\nname: x\n", "document 1, line 1: there is no kind 'nope'"),
        ("kind: mlmodel\nname: 'x\n", "a quoted scalar that starts in line 2"),
        ("kind: mlmodel\nname: x\nname: y\n", "line 3 is not YAML: the key 'name' stands twice"),
        ("a: &a [*b]\n", "line 1 is not YAML"),
    ],
)
def test_a_document_that_cannot_be_read_is_named(shell: Shell, text: str, told: str) -> None:
    file = shell.file("bad.yaml", text)
    stderr = shell("apply", "-f", file, code=1).stderr
    assert told in stderr
    assert file in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"kind": "mlmodel"', "is not JSON"),
        ('[{"kind": "mlmodel", "name": "x", "name": "y"}]', "the key 'name' stands twice"),
    ],
)
def test_json_that_cannot_be_read_is_named(shell: Shell, text: str, told: str) -> None:
    assert told in shell("apply", "-f", shell.file("bad.json", text), code=1).stderr


def test_an_unreadable_file_holds_up_no_other(shell: Shell) -> None:
    good = shell.file("good.json", json.dumps({"kind": "mlmodel", "name": "a", "algorithm": "A"}))
    bad = shell.file("bad.yaml", "{")
    result = shell("apply", "-f", bad, "-f", "no-such-file", "-f", good, code=1)
    assert result.stdout.splitlines() == ["created   mlmodel headwater.a 0.1"]
    assert "cannot read no-such-file" in result.stderr


def test_a_folder_is_read_with_all_below_it(shell: Shell) -> None:
    parts = SHOP.split("---\n")
    for number, text in enumerate(parts):
        shell.file(f"shop/deep/{number}.yml", text)
    shell.file("shop/notes.txt", "not: [for us")
    shell.file("shop/.hidden/x.yaml", "not: [for us")
    assert len(shell.lines("apply", "-f", str(shell.folder / "shop"))) == 5


@pytest.mark.parametrize(
    "text",
    [f"[{A},\n\t{B}]", f"{A}\n{B}\n", f"\ufeff- {A}\n- {B}\n"],
    ids=["a list with tabs", "lines", "with a mark"],
)
def test_json_and_yaml_of_every_make_are_read(shell: Shell, text: str) -> None:
    lines = shell.lines("apply", "-f", shell.file("models", text))
    assert lines == ["created   mlmodel headwater.a 0.1", "created   mlmodel headwater.b 0.1"]


def test_scalars_are_what_json_would_have_them(shell: Shell, store: str) -> None:
    plain = ["no", "12:30", "2024-01-01", "0x1F", "1_000", "010", "1e3", "~", "true", "-.5", "'1'"]
    meant = ["no", "12:30", "2024-01-01", "0x1F", "1_000", 10, 1000.0, None, True, -0.5, "1"]
    values = "".join(f"  - {{name: p{n:02}, value: {v}}}\n" for n, v in enumerate(plain))
    file = shell.file(
        "m.yaml", f"kind: mlmodel\nname: churn\nalgorithm: A\nmlHyperParameters:\n{values}"
    )
    shell("apply", "-f", file)
    with Headwater.open(store) as hw:
        parameters = hw.get(MlModel, "headwater.churn").ml_hyper_parameters
        assert parameters
        assert [each.value for each in parameters] == meant
    printed = shell("get", "mlmodel", "headwater.churn", "-o", "yaml").stdout
    assert shell.lines("apply", "-f", "-", stdin=printed)[0].startswith("unchanged")


def test_anchors_and_merges_are_followed(shell: Shell, store: str) -> None:
    text = """\
- &base {kind: mlmodel, name: a, algorithm: A, license: MIT}
- {<<: *base, name: b}
"""
    shell("apply", "-f", "-", stdin=text)
    with Headwater.open(store) as hw:
        assert hw.get(MlModel, "headwater.b").license == "MIT"


def test_an_applied_file_says_what_a_list_removed(filled: Shell, hw: Headwater) -> None:
    text = (
        "{kind: table, name: customers, databaseSchema: shop.main.raw,"
        " columns: [{name: age, dataType: INT}]}"
    )
    assert filled.lines("apply", "-f", "-", stdin=text) == [
        "updated   table shop.main.raw.customers 1.0"
    ]
    columns = hw.get(Table, "shop.main.raw.customers").columns
    assert columns
    assert [column.name for column in columns] == ["age"]


def test_a_server_that_is_not_there_ends_the_run(shell: Shell) -> None:
    shell.where = ["--url", "http://127.0.0.1:9"]
    file = shell.file("shop.yaml", SHOP)
    result = shell("apply", "-f", file, code=5)
    assert result.stderr.count("cannot reach") == 1
    assert result.stdout == ""
