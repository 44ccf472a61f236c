"""``headwater apply``: what files say is in the catalog, and what fails has a place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater import ClientError, Headwater, MlModel, Table
from headwater.cli.main import app
from headwater.sdk.wire import Wire
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
        ("kind: mlmodel\nname: x\nname: y\n", "document 1, line 3: the key 'name' stands twice"),
        ("kind: mlmodel\nname: &n [*n]\n", "document 1, line 2: an alias within what it names"),
        ("kind: mlmodel\n? [a]\n: b\n", "document 1, line 2: found unhashable key"),
        (f"kind: mlmodel\nname: {'1' * 5000}\n", "document 1, line 1: Exceeds the limit"),
        ("kind: mlmodel\nname: !ours x\n", "document 1, line 2: could not determine"),
        ("kind: mlmodel\nname: \x01\n", "line 2 is not YAML: control characters"),
        ("[" * 20_000, "nests too deeply"),
        ("- " * 200_000, "line 1 is not YAML: more than 200 levels"),
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
        ("\n[1,\n]", "line 3 is not JSON"),
        ("[" * 200_000, "nests too deeply"),
    ],
)
def test_json_that_cannot_be_read_is_named(shell: Shell, text: str, told: str) -> None:
    assert told in shell("apply", "-f", shell.file("bad.json", text), code=1).stderr


def test_an_unreadable_file_holds_up_no_other(shell: Shell) -> None:
    good = shell.file("good.json", json.dumps({"kind": "mlmodel", "name": "a", "algorithm": "A"}))
    bad = shell.file("bad.yaml", "{")
    result = shell("apply", "-f", bad, "-f", "no-such-file", "-f", good, code=1)
    assert result.stdout.splitlines() == ["created   mlmodel headwater.a 0.1"]
    assert "no-such-file cannot be read" in result.stderr


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
    plain += ["0o17", "0o18", "'.nan'", "-0x1F"]
    meant = ["no", "12:30", "2024-01-01", 31, "1_000", 10, 1000.0, None, True, -0.5, "1"]
    meant += [15, "0o18", ".nan", "-0x1F"]
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


def test_a_server_that_goes_away_leaves_what_was_written_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shell.file("models.json", f"[{A}, {B}]")
    send = Wire.send

    def lost(wire: Wire, method: str, path: str, **options: Any) -> Any:
        if b'"b"' in options["body"]:
            raise ClientError("the connection is lost")
        return send(wire, method, path, **options)

    monkeypatch.setattr(Wire, "send", lost)
    found = shell("apply", "-f", file, "-o", "json", code=5)
    assert [each["fullyQualifiedName"] for each in json.loads(found.stdout)] == ["headwater.a"]


def test_a_broken_file_of_a_folder_holds_up_no_other(shell: Shell) -> None:
    bad = shell.file("shop/a_bad.yaml", "[1")
    binary = shell.folder / "shop" / "b_bad.yaml"
    binary.write_bytes(b"kind: mlmodel\nname: \x80\n")
    shell.file("shop/c_good.json", A)
    result = shell("apply", "-f", str(shell.folder / "shop"), "-o", "json", code=1)
    first, second, good = json.loads(result.stdout)
    assert (first["result"], first["code"]) == ("failed", "invalid-input")
    assert first["place"].startswith(f"{bad}, line ")
    assert second["place"] == f"{binary}, line 2"
    assert (good["result"], good["fullyQualifiedName"]) == ("created", "headwater.a")
    assert len(result.stderr.splitlines()) == 2


def with_value(value: str) -> str:
    return (
        f"kind: mlmodel\nname: bad\nalgorithm: A\nmlHyperParameters:\n- name: p\n  value: {value}\n"
    )


BOMB = "".join(f"\n  - &b{n} [{', '.join([f'*b{n - 1}'] * 10)}]" for n in range(1, 9))


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (with_value("[" * 70 + "]" * 70), "invalid-input", "line 4: mlmodel bad: the body nests"),
        (with_value("1e400"), "invalid-input", "line 9: mlmodel bad: /mlHyperParameters/0/value: "),
        (with_value("-.inf"), "invalid-input", "infinity is not a number of JSON"),
        (with_value(".nan"), "invalid-input", "NaN is not a number of JSON"),
        (with_value("!!binary aGVsbG8="), "invalid-input", "line 9: mlmodel bad: /mlHyperP"),
        (with_value("&a [*a]"), "invalid-input", "line 9: an alias within what it names"),
        (with_value(f"\n  - &b0 [lol, lol]{BOMB}"), "invalid-input", "aliases make it larger than"),
        (with_value(f"[&a {'x' * 99_999}{', *a' * 110}]"), "too-large", "at most 10000000 bytes"),
    ],
    ids=["deep", "range", "infinity", "nan", "binary", "circle", "bomb", "large"],
)
def test_a_document_beyond_a_limit_holds_up_no_other(
    shell: Shell, text: str, code: str, told: str
) -> None:
    file = shell.file("models.yaml", f"---\n{A}\n---\n{text}---\n{B}\n")
    result = shell("apply", "-f", file, "-o", "json", code=1)
    outcomes = {each.get("fullyQualifiedName", "bad"): each for each in json.loads(result.stdout)}
    assert outcomes["headwater.a"]["result"] == outcomes["headwater.b"]["result"] == "created"
    assert (outcomes["bad"]["result"], outcomes["bad"]["code"]) == ("failed", code)
    (message,) = outcomes["bad"]["messages"]
    assert message.startswith(f"{file}, document 2, line ")
    assert told in message
    assert result.stderr == f"headwater: {message}\n"


def test_numbers_that_json_has_not_are_refused_in_json_too(shell: Shell) -> None:
    bad = '{"kind": "mlmodel", "name": "x", "algorithm": "A", "mlHyperParameters": [%s]}'
    file = shell.file("models.json", f"[{bad % 'NaN'},\n{A}]")
    result = shell("apply", "-f", file, code=1)
    assert f"{file}, document 1, line 1: mlmodel x: /mlHyperParameters/0: " in result.stderr
    assert "created   mlmodel headwater.a 0.1" in result.stdout


def test_bytes_on_stdin_that_are_no_text_are_refused(shell: Shell) -> None:
    result = shell.runner.invoke(app, ["apply", "-f", "-", *shell.where], input=b"\n\x80")
    assert result.exit_code == 1
    assert result.stderr == "headwater: stdin, line 2 is not UTF-8 text: invalid start byte\n"


def test_an_anchor_with_a_merge_may_be_used_by_two_documents(shell: Shell) -> None:
    text = """\
- &base {kind: mlmodel, name: a, algorithm: A, mlHyperParameters: [&p {name: p, value: 1}]}
- {<<: *base, name: b, mlHyperParameters: [&q {<<: *p, value: 2}]}
- {<<: *base, name: c, mlHyperParameters: [*q]}
"""
    assert [line.split()[0] for line in shell.lines("apply", "-f", "-", stdin=text)] == [
        "created"
    ] * 3


def test_a_file_without_a_document_is_mentioned(shell: Shell) -> None:
    file = shell.file("empty.yaml", "# nothing yet\n")
    result = shell("apply", "-f", file, "-o", "json")
    assert result.stderr == f"headwater: there is no document in {file}\n"
    assert json.loads(result.stdout) == []


def test_a_folder_without_a_file_is_a_mistake(shell: Shell) -> None:
    shell.file("shop/notes.txt", "not for us")
    shell.file("shop/.hidden.yaml", A)
    result = shell("apply", "-f", str(shell.folder / "shop"), code=2)
    assert "there is no .json, .yaml, .yml file in" in result.stderr
