"""``get``, ``list``, ``lineage``, ``impact``, ``versions``, ``diff``, ``delete``, ``restore``."""

from __future__ import annotations

import json

import pytest
import yaml

from headwater import CreateMlModel, Headwater, MlModel
from headwater.cli.main import app
from tests.cli.conftest import Shell

TREE = [
    "mlmodel headwater.churn",
    "├── upstream, made from:",
    "│   └── mlFeature headwater.churn.persona",
    "│       └── column shop.main.raw.customers.age",
    "└── downstream: nothing",
]


@pytest.mark.parametrize("kind", ["mlmodel", "mlmodels", "MlModel"])
def test_a_kind_goes_by_each_of_its_names(filled: Shell, kind: str) -> None:
    found = filled.data("get", kind, "headwater.churn")
    assert (found["kind"], found["fullyQualifiedName"]) == ("mlmodel", "headwater.churn")
    assert filled.data("list", kind) == [found]
    assert filled.data("get", f"{kind}:headwater.churn") == found
    assert filled.data("get", kind, found["id"]) == found
    assert filled.data("get", "headwater.churn") == found


def test_get_shows_fields_below_each_other(filled: Shell) -> None:
    lines = filled.lines("get", "mlmodel", "headwater.churn")
    shown = dict(line.split(maxsplit=1) for line in lines)
    assert shown["algorithm"] == "XGBoost"
    assert shown["service"] == "headwater"
    assert shown["mlFeatures"] == "persona categorical from age"
    assert shown["updatedAt"].endswith("UTC")


def test_get_shows_the_past(filled: Shell) -> None:
    for words in (["mlmodel", "headwater.churn"], ["headwater.churn"]):
        found = filled.data("get", *words, "--as-of", "version:0.1")
        assert (found["version"], found["algorithm"]) == ("0.1", "RandomForest")
        assert "as of 1" in filled("get", *words, "--as-of", "1", code=3).stderr


def test_json_and_yaml_are_the_same_data(filled: Shell) -> None:
    for words in (
        ["get", "mlmodel", "headwater.churn"],
        ["list", "tables"],
        ["versions", "mlmodel", "headwater.churn"],
        ["diff", "mlmodel", "headwater.churn", "0.1", "1.0"],
        ["lineage", "headwater.churn"],
        ["impact", "shop.main.raw.customers.age"],
        ["path", "shop.main.raw.customers", "headwater.churn"],
        ["roots", "headwater.churn"],
        ["cycles", "headwater.churn"],
        ["lineage", "headwater.churn", "--since", "1"],
    ):
        assert yaml.safe_load(filled(*words, "-o", "yaml").stdout) == filled.data(*words)


def test_a_list_in_a_pipe_is_whole_and_without_colours(filled: Shell, hw: Headwater) -> None:
    long = "a very long description " * 40
    hw.create(
        CreateMlModel(name="n" * 250, algorithm="A", description=f"[red]{long}[/red]\nnext\x1b[2J")
    )
    lines = filled.lines("list", "mlmodel")
    assert lines[0].split()[:5] == ["NAME", "VERSION", "UPDATED", "BY", "ALGORITHM"]
    assert len(lines) == 3
    assert f"headwater.{'n' * 250}" in lines[2]
    assert f"[red]{long.strip()} [/red] next" in lines[2]
    assert "\x1b" not in "".join(lines)


def test_a_list_says_when_there_is_more(filled: Shell, hw: Headwater) -> None:
    hw.bulk("mlmodel", [CreateMlModel(name=f"m{n:03}", algorithm="A") for n in range(120)])
    result = filled("list", "mlmodel", "--limit", "5", "-o", "json")
    assert len(json.loads(result.stdout)) == 5
    assert "--limit 0" in result.stderr
    result = filled("list", "mlmodel", "--limit", "0")
    assert (len(result.stdout.splitlines()), result.stderr) == (122, "")


def test_a_list_shows_the_children_of_a_parent(filled: Shell) -> None:
    assert len(filled.data("list", "tables", "--parent", "shop.main.raw")) == 1
    assert filled.data("list", "databaseSchemas", "--parent", "shop.main")[0]["name"] == "raw"


def test_a_list_is_filtered_and_shows_chosen_fields(filled: Shell, hw: Headwater) -> None:
    hw.create({"name": "anna"}, kind="user")
    hw.create({"name": "bob"}, kind="user")
    anna = {"type": "user", "fullyQualifiedName": "anna"}
    hw.create({"name": "b", "algorithm": "SVM", "owners": [anna]}, kind="mlmodel")
    owned = ["list", "mlmodels", "--owner", "bob", "--owner", "anna"]
    assert filled.data("list", "mlmodels", "--owner", "team:anna") == []
    assert len(filled.data("list", "mlmodels", "--owner", "user:anna")) == 1
    lines = filled.lines(*owned, "--fields", "updated_by, algorithm,owners")
    assert [line.split() for line in lines] == [
        ["NAME", "BY", "ALGORITHM", "OWNERS"],
        ["headwater.b", "local", "SVM", "anna"],
    ]
    (row,) = filled.data(*owned, "--fields", "ml_features, algorithm", "--service", "headwater")
    assert row.keys() == {"id", "name", "fullyQualifiedName", "version", "algorithm"}
    assert filled.data("list", "tables", "--owner", "anna", "--service", "shop") == []
    assert "has no field 'x'" in filled("list", "tables", "--fields", "x", code=2).stderr
    assert "stage" in filled("list", "tables", "--stage", "production", code=2).stderr
    assert "deleted" in filled("list", "tables", "--deleted", "--tag", "a.b", code=2).stderr


def test_lineage_is_a_tree(filled: Shell) -> None:
    assert filled.lines("lineage", "mlmodel:headwater.churn", "--level", "column") == TREE
    assert filled.lines("lineage", "headwater.churn", "--downstream", "0") == [
        "mlmodel headwater.churn",
        "└── upstream, made from:",
        "    └── table shop.main.raw.customers",
    ]


def test_lineage_as_of_a_commit_before_the_model(filled: Shell) -> None:
    first = filled.lines("lineage", "shop.main.raw.customers", "--as-of", "5")
    assert first[-1] == "└── downstream: nothing"


def test_lineage_of_a_column_is_of_columns(filled: Shell) -> None:
    assert filled.lines("lineage", "shop.main.raw.customers.age", "--upstream", "0") == [
        "column shop.main.raw.customers.age",
        "└── downstream, used by:",
        "    └── mlFeature headwater.churn.persona",
        "        └── mlmodel headwater.churn",
    ]


def test_lineage_tells_what_changed_since_a_moment(filled: Shell, hw: Headwater) -> None:
    model = hw.get(MlModel, "headwater.churn")
    model.ml_features = []
    hw.update(model)
    name = "mlmodel:headwater.churn"
    lines = filled.lines("lineage", name, "--since", "version:1.0")
    assert lines[1:] == [
        "- table shop.main.raw.customers",
        "- table shop.main.raw.customers → mlmodel headwater.churn",
    ]
    same = filled.lines(
        "lineage", name, "--since", "version:0.1", "--until", "version:1.0", "--level", "column"
    )
    assert same[1:] == ["no difference"]
    filled("lineage", name, "--until", "1", code=2)
    filled("lineage", name, "--since", "1", "--as-of", "1", code=2)


def test_a_path_is_shown_or_ends_in_a_code(filled: Shell) -> None:
    ends = ["shop.main.raw.customers.age", "mlmodel:headwater.churn"]
    assert filled.lines("path", *ends)[1:] == [
        "  column shop.main.raw.customers.age",
        "→ mlFeature headwater.churn.persona",
        "→ mlmodel headwater.churn",
    ]
    coarse = filled.data("path", *ends, "--level", "entity")
    assert [node["kind"] for node in coarse["nodes"]] == ["table", "mlmodel"]
    assert filled("path", *ends[::-1], code=3).stdout.startswith("no lineage leads from mlmodel")
    assert filled("path", ends[0], "nobody", code=3).stdout == ""


def test_a_column_s_path_that_only_its_table_takes_says_so(filled: Shell) -> None:
    ends = ["shop.main.raw.customers.city", "mlmodel:headwater.churn"]
    lines = filled.lines("path", *ends)
    assert lines[0].endswith("1 step, entity by entity")
    assert lines[-1].startswith("note: this way leads between whole entities; it does not say")
    assert "column shop.main.raw.customers.city" in filled.data("path", *ends)["note"]
    strict = filled("path", *ends, "--level", "column", code=3)
    assert strict.stdout.startswith("no lineage leads from column shop.main.raw.customers.city")


def test_roots_and_cycles(filled: Shell) -> None:
    assert filled.lines("roots", "headwater.churn", "--level", "column") == [
        "mlmodel headwater.churn begins at:",
        "  column shop.main.raw.customers.age",
    ]
    assert filled.lines("cycles", "headwater.churn") == [
        "no circles in what mlmodel headwater.churn reaches"
    ]


def test_an_edge_is_linked_and_taken_away(filled: Shell) -> None:
    ends = ["headwater.churn", "table:shop.main.raw.customers"]
    said = "mlmodel headwater.churn → table shop.main.raw.customers"
    assert filled.lines("link", *ends, "--description", "scores") == [f"linked: {said}"]
    assert filled.lines("cycles", "headwater.churn") == [f"{said} → mlmodel headwater.churn"]
    assert filled.data("link", *ends)["toEntity"]["kind"] == "table"
    assert filled.lines("link", *ends, "--delete") == [f"taken away: {said}"]
    filled("link", *ends, "--delete", code=3)
    filled("link", *ends, "--delete", "--sql", "SELECT 1", code=2)


def test_impact_names_the_models(filled: Shell) -> None:
    assert filled.lines("impact", "shop.main.raw.customers.age") == [
        "column shop.main.raw.customers.age reaches 1 model",
        "└── mlFeature headwater.churn.persona",
        "    └── mlmodel headwater.churn",
    ]
    found = filled.data("impact", "shop.main.raw.customers", "--kind", "table", "--depth", "1")
    assert [model["name"] for model in found["models"]] == ["churn"]
    staged = filled.lines("impact", "shop.main.raw.customers.age", "--stage", "production")
    assert staged == ["column shop.main.raw.customers.age reaches no models"]


def test_versions_say_what_each_changed(filled: Shell) -> None:
    lines = filled.lines("versions", "mlmodel", "headwater.churn")
    assert [line.split()[0] for line in lines] == ["VERSION", "1.0", "0.1"]
    assert lines[1].endswith("algorithm")


def test_a_diff_has_one_line_a_field(filled: Shell) -> None:
    assert filled.lines("diff", "mlmodel", "headwater.churn", "0.1", "1.0") == [
        "mlmodel headwater.churn 0.1 → 1.0 (major)",
        "  algorithm: RandomForest → XGBoost",
    ]
    assert len(filled.lines("diff", "mlmodel:headwater.churn", "0.1", "1.0")) == 2


def test_delete_and_restore(filled: Shell) -> None:
    name = ["mlmodel", "headwater.churn"]
    assert filled.lines("delete", *name) == ["deleted mlmodel headwater.churn 1.1"]
    filled("get", *name, code=3)
    assert filled.data("get", *name, "--deleted")["deleted"] is True
    assert [each["name"] for each in filled.data("list", "mlmodel", "--deleted")] == ["churn"]
    assert filled.lines("restore", *name) == ["restored mlmodel headwater.churn 1.2"]
    assert filled.data("list", "mlmodel", "--deleted") == []


def test_commands_go_over_http_too(shell: Shell, server_url: str) -> None:
    shell.where = ["--url", server_url]
    assert shell.lines("lineage", "headwater.churn", "--level", "column") == TREE
    shell.where = []
    result = shell.runner.invoke(app, ["list", "tables"], env={"HEADWATER_URL": server_url})
    assert result.stdout.splitlines()[1].startswith("shop.main.raw.customers")


def test_a_store_that_is_named_goes_before_the_environment_s_server(filled: Shell) -> None:
    words = ["get", "mlmodel", "headwater.churn", *filled.where]
    result = filled.runner.invoke(app, words, env={"HEADWATER_URL": "http://127.0.0.1:9"})
    assert result.exit_code == 0
