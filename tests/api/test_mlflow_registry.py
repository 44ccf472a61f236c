"""MLflow's registry protocol over both engines: what its clients are answered, and refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from headwater.app import InProcessTransport
from headwater.settings import Settings
from headwater.store import Store, open_store

NATIVE = "http://localhost/api/v1"
Json = dict[str, Any]


class Client:
    """Asks as MLflow's clients do."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def ask(self, method: str, path: str, **asked: Any) -> httpx.Response:
        url = f"http://localhost/api/2.0/mlflow/{path}"
        if method == "GET":
            return self.http.get(url, params=asked)
        return self.http.request(method, url, json=asked)

    def get(self, path: str, **asked: Any) -> Any:
        return self._sound(self.ask("GET", path, **asked))

    def post(self, path: str, **asked: Any) -> Any:
        return self._sound(self.ask("POST", path, **asked))

    def patch(self, path: str, **asked: Any) -> Any:
        return self._sound(self.ask("PATCH", path, **asked))

    def delete(self, path: str, **asked: Any) -> Any:
        return self._sound(self.ask("DELETE", path, **asked))

    def model(self, name: str, **more: Any) -> Json:
        model: Json = self.post("registered-models/create", name=name, **more)["registered_model"]
        return model

    def version(self, name: str, source: str = "s3://bucket/model", **more: Any) -> Json:
        made = self.post("model-versions/create", name=name, source=source, **more)
        version: Json = made["model_version"]
        return version

    def move(self, name: str, version: str, stage: str, *, archive: bool = False) -> Json:
        moved: Json = self.post(
            "model-versions/transition-stage",
            name=name,
            version=version,
            stage=stage,
            archive_existing_versions=archive,
        )["model_version"]
        return moved

    def alias(self, name: str, alias: str, version: str) -> None:
        self.post("registered-models/alias", name=name, alias=alias, version=version)

    def stages(self, name: str) -> dict[str, str]:
        found = self.get("model-versions/search", filter=f"name='{name}'")
        return {v["version"]: v["current_stage"] for v in found.get("model_versions", ())}

    def aliases(self, name: str) -> dict[str, str]:
        model = self.get("registered-models/get", name=name)["registered_model"]
        return {each["alias"]: each["version"] for each in model.get("aliases", ())}

    def names(self, **asked: Any) -> list[str]:
        found = self.get("registered-models/search", **asked)
        return [each["name"] for each in found.get("registered_models", ())]

    def numbers(self, filter_: str, **asked: Any) -> list[tuple[str, str]]:
        found = self.get("model-versions/search", filter=filter_, **asked)
        return [(v["name"], v["version"]) for v in found.get("model_versions", ())]

    def _sound(self, answer: httpx.Response) -> Any:
        assert answer.status_code == 200, answer.text
        return answer.json()


def refused(answer: httpx.Response, status: int, code: str) -> str:
    assert (answer.status_code, answer.json().get("error_code")) == (status, code), answer.text
    message: str = answer.json()["message"]
    return message


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each engine."""
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("neo4j_url")
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def mlflow(store: Store) -> Iterator[Client]:
    with httpx.Client(base_url=NATIVE, transport=InProcessTransport(store)) as http:
        yield Client(http)


def test_a_model_is_answered_as_it_was_registered(mlflow: Client) -> None:
    made = mlflow.model(
        "churn", description="Who leaves.", tags=[{"key": "team", "value": "growth"}]
    )
    assert made["name"] == "churn"
    assert made["description"] == "Who leaves."
    assert made["tags"] == [{"key": "team", "value": "growth"}]
    assert made["creation_timestamp"] == made["last_updated_timestamp"] > 1_700_000_000_000
    assert mlflow.get("registered-models/get", name="churn")["registered_model"] == made
    native = mlflow.http.get("/mlmodels/name/headwater.churn").json()
    assert (native["algorithm"], native["description"]) == ("unknown", "Who leaves.")


def test_a_version_is_answered_as_it_was_registered(mlflow: Client) -> None:
    mlflow.model("churn")
    made = mlflow.version(
        "churn",
        "s3://bucket/1",
        run_id="abc",
        run_link="http://runs/abc",
        description="The first.",
        tags=[{"key": "validated", "value": "yes"}],
    )
    shown = {
        "name": "churn",
        "version": "1",
        "user_id": "local",
        "current_stage": "None",
        "description": "The first.",
        "source": "s3://bucket/1",
        "run_id": "abc",
        "status": "READY",
        "tags": [{"key": "validated", "value": "yes"}],
        "run_link": "http://runs/abc",
    }
    times = {n: made[n] for n in ("creation_timestamp", "last_updated_timestamp")}
    assert made == shown | times
    assert mlflow.get("model-versions/get", name="churn", version="1")["model_version"] == made
    assert mlflow.get("model-versions/get-download-uri", name="churn", version="1") == {
        "artifact_uri": "s3://bucket/1"
    }
    native = mlflow.http.get("/modelVersions/name/headwater.churn.1").json()
    assert (native["sourceUri"], native["number"]) == ("s3://bucket/1", 1)


def test_tags_live_as_records_that_the_native_api_shows(mlflow: Client) -> None:
    mlflow.model("churn")
    mlflow.version("churn")
    about = {"name": "churn", "version": "1"}
    mlflow.post("model-versions/set-tag", **about, key="validated", value="no")
    mlflow.post("model-versions/set-tag", **about, key="validated", value="yes")
    mlflow.post("model-versions/set-tag", **about, key="validated", value="yes")
    shown = mlflow.get("model-versions/get", **about)["model_version"]
    assert shown["tags"] == [{"key": "validated", "value": "yes"}]
    id_ = mlflow.http.get("/modelVersions/name/headwater.churn.1").json()["id"]
    found = mlflow.http.get(f"/modelVersions/{id_}/records/mlflowTag").json()["data"]
    assert [(each["key"], each["data"]["value"]) for each in found] == [
        ("validated", "yes"),
        ("validated", "no"),
    ]
    mlflow.delete("model-versions/delete-tag", **about, key="validated")
    mlflow.delete("model-versions/delete-tag", **about, key="never there")
    assert "tags" not in mlflow.get("model-versions/get", **about)["model_version"]
    mlflow.post("registered-models/set-tag", name="churn", key="a/b c", value="")
    model = mlflow.get("registered-models/get", name="churn")["registered_model"]
    assert model["tags"] == [{"key": "a/b c", "value": ""}]


def test_descriptions_are_set_and_taken_away(mlflow: Client) -> None:
    mlflow.model("churn", description="old")
    mlflow.version("churn", description="old")
    model = mlflow.patch("registered-models/update", name="churn", description="new")
    assert model["registered_model"]["description"] == "new"
    version = mlflow.patch("model-versions/update", name="churn", version="1", description="")
    assert version["model_version"]["description"] == ""


def test_versions_stand_beside_each_other_in_a_stage_unless_they_are_archived(
    mlflow: Client,
) -> None:
    mlflow.model("churn")
    for _ in range(3):
        mlflow.version("churn")
    assert mlflow.move("churn", "1", "Staging")["current_stage"] == "Staging"
    mlflow.move("churn", "2", "staging")
    assert mlflow.stages("churn") == {"1": "Staging", "2": "Staging", "3": "None"}
    mlflow.move("churn", "3", "Staging", archive=True)
    assert mlflow.stages("churn") == {"1": "Archived", "2": "Archived", "3": "Staging"}
    mlflow.move("churn", "3", "None")
    assert mlflow.stages("churn")["3"] == "None"


def test_latest_versions_are_the_newest_of_each_stage(mlflow: Client) -> None:
    mlflow.model("churn")
    for _ in range(5):
        mlflow.version("churn")
    mlflow.move("churn", "1", "Archived")
    mlflow.move("churn", "2", "Archived")
    mlflow.move("churn", "4", "Production")
    mlflow.move("churn", "3", "Production")

    def latest(method: Callable[..., Any], **asked: Any) -> dict[str, str]:
        found = method("registered-models/get-latest-versions", name="churn", **asked)
        return {v["current_stage"]: v["version"] for v in found.get("model_versions", ())}

    every = {"Archived": "2", "Production": "4", "None": "5"}
    assert latest(mlflow.post) == latest(mlflow.get) == every
    assert latest(mlflow.post, stages=["production"]) == {"Production": "4"}
    assert latest(mlflow.get, stages=["Archived", "None"]) == {"Archived": "2", "None": "5"}
    shown = mlflow.get("registered-models/search")["registered_models"][0]["latest_versions"]
    assert {v["current_stage"]: v["version"] for v in shown} == every
    unknown = mlflow.ask(
        "POST", "registered-models/get-latest-versions", name="churn", stages=["x"]
    )
    refused(unknown, 400, "INVALID_PARAMETER_VALUE")


def test_the_newest_version_goes_by_latest(mlflow: Client) -> None:
    mlflow.model("churn")
    asked = {"name": "churn", "alias": "latest"}
    gone = mlflow.ask("GET", "registered-models/alias", **asked)
    refused(gone, 400, "INVALID_PARAMETER_VALUE")
    mlflow.version("churn")
    mlflow.version("churn", run_id="newer")
    mlflow.move("churn", "1", "Production")
    assert mlflow.get("registered-models/alias", **asked)["model_version"]["version"] == "2"
    assert mlflow.version("churn", "models:/churn@latest")["run_id"] == "newer"


def test_an_alias_is_no_update_and_a_move_is_one(mlflow: Client) -> None:
    def updated() -> dict[str, int]:
        model = mlflow.get("registered-models/get", name="churn")["registered_model"]
        found = mlflow.get("model-versions/search", filter="name='churn'")["model_versions"]
        return {e.get("version", "model"): e["last_updated_timestamp"] for e in (model, *found)}

    mlflow.model("churn")
    mlflow.version("churn")
    mlflow.move("churn", "1", "Staging")
    mlflow.version("churn")
    before = updated()
    for version in ("1", "2"):
        mlflow.alias("churn", "blue", version)
        assert updated() == before
    mlflow.delete("registered-models/alias", name="churn", alias="blue")
    assert updated() == before
    mlflow.move("churn", "1", "Archived")
    mlflow.alias("churn", "blue", "1")
    later = {what for what, at in updated().items() if at > before[what]}
    assert later == {"model", "1"}


def test_aliases_are_in_every_answer(mlflow: Client) -> None:
    mlflow.model("churn")
    mlflow.version("churn")
    mlflow.version("churn")
    mlflow.alias("churn", "blue", "1")
    mlflow.alias("churn", "green", "1")
    mlflow.alias("churn", "blue", "2")
    assert mlflow.aliases("churn") == {"blue": "2", "green": "1"}
    by_alias = mlflow.get("registered-models/alias", name="churn", alias="blue")["model_version"]
    assert (by_alias["version"], by_alias["aliases"]) == ("2", ["blue"])
    assert mlflow.move("churn", "1", "Staging")["aliases"] == ["green"]
    searched = mlflow.get("model-versions/search", filter="name='churn'")["model_versions"]
    assert {v["version"]: v["aliases"] for v in searched} == {"1": ["green"], "2": ["blue"]}
    model = mlflow.get("registered-models/search")["registered_models"][0]
    assert model["aliases"] == [
        {"alias": "blue", "version": "2"},
        {"alias": "green", "version": "1"},
    ]
    assert {v["version"]: v["aliases"] for v in model["latest_versions"]} == {
        "1": ["green"],
        "2": ["blue"],
    }
    mlflow.delete("registered-models/alias", name="churn", alias="blue")
    mlflow.delete("registered-models/alias", name="churn", alias="blue")  # as in MLflow
    gone = mlflow.ask("GET", "registered-models/alias", name="churn", alias="blue")
    refused(gone, 400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("alias", ["staging", "archived", "Production", "2024"])
def test_words_that_select_otherwise_natively_are_aliases_here(mlflow: Client, alias: str) -> None:
    mlflow.model("churn")
    mlflow.version("churn")
    mlflow.alias("churn", alias, "1")
    found = mlflow.get("registered-models/alias", name="churn", alias=alias)
    assert found["model_version"]["version"] == "1"
    assert found["model_version"]["current_stage"] == "None"


def test_an_alias_that_is_a_number_hides_no_version(mlflow: Client) -> None:
    mlflow.model("churn")
    mlflow.version("churn", "s3://bucket/1")
    mlflow.version("churn", "s3://bucket/2")
    mlflow.alias("churn", "2", "1")
    mlflow.alias("churn", "3", "1")
    found = mlflow.get("model-versions/get", name="churn", version="2")["model_version"]
    assert found["source"] == "s3://bucket/2"
    gone = mlflow.ask("GET", "model-versions/get", name="churn", version="3")
    refused(gone, 404, "RESOURCE_DOES_NOT_EXIST")
    native = mlflow.http.get("/modelVersions/select?model=headwater.churn&selector=2").json()
    assert native["number"] == 2
    found = mlflow.get("registered-models/alias", name="churn", alias="2")["model_version"]
    assert found["version"] == "1"


@pytest.mark.parametrize("alias", ["latest", "LATEST", "v1", "V20", "a b", "a/b", "", "x" * 256])
def test_names_that_mlflow_reserves_are_no_aliases(mlflow: Client, alias: str) -> None:
    mlflow.model("churn")
    mlflow.version("churn")
    answer = mlflow.ask("POST", "registered-models/alias", name="churn", alias=alias, version="1")
    refused(answer, 400, "INVALID_PARAMETER_VALUE")


def test_a_reserved_alias_is_taken_away_from_nobody(mlflow: Client) -> None:
    mlflow.model("churn")
    assert mlflow.delete("registered-models/alias", name="churn", alias="latest") == {}


def test_champion_follows_the_serving_version(mlflow: Client) -> None:
    mlflow.model("churn")
    mlflow.version("churn")
    mlflow.version("churn")
    mlflow.move("churn", "1", "Production")
    assert mlflow.aliases("churn") == {"champion": "1"}
    mlflow.move("churn", "2", "Production")
    assert mlflow.aliases("churn") == {"champion": "2"}
    assert mlflow.stages("churn") == {"1": "Production", "2": "Production"}


def test_the_champion_is_promoted_and_stays_so_without_the_alias(mlflow: Client) -> None:
    mlflow.model("churn")
    mlflow.version("churn")
    mlflow.version("churn")
    mlflow.alias("churn", "champion", "1")
    assert mlflow.stages("churn")["1"] == "Production"
    mlflow.alias("churn", "champion", "2")
    assert mlflow.stages("churn") == {"1": "Archived", "2": "Production"}
    native = mlflow.http.get("/mlmodels/name/headwater.churn").json()
    assert native["lifecycle"]["serving"]["number"] == 2
    mlflow.delete("registered-models/alias", name="churn", alias="champion")
    assert mlflow.stages("churn")["2"] == "Production"
    mlflow.alias("churn", "champion", "2")
    assert mlflow.aliases("churn") == {"champion": "2"}


def test_the_champion_follows_what_is_promoted_natively(mlflow: Client) -> None:
    mlflow.model("churn")
    ids = []
    for number in ("1", "2"):
        mlflow.version("churn")
        native = mlflow.http.get(f"/modelVersions/name/headwater.churn.{number}").json()
        ids.append(native["id"])
    for id_ in ids:
        how = {"stage": "production", "force": True}
        moved = mlflow.http.post(f"/modelVersions/{id_}/stage", json=how)
        assert moved.status_code == 200, moved.text
        number = str(moved.json()["number"])
        assert mlflow.aliases("churn") == {"champion": number}
        held = mlflow.get("registered-models/alias", name="churn", alias="champion")
        assert held["model_version"]["aliases"] == ["champion"]
        found = mlflow.get("model-versions/search", filter="name='churn'")["model_versions"]
        assert {v["version"]: v.get("aliases") for v in found}[number] == ["champion"]
    assert mlflow.stages("churn") == {"1": "Archived", "2": "Production"}
    mlflow.delete("registered-models/alias", name="churn", alias="champion")
    assert mlflow.aliases("churn") == {}
    how = {"stage": "production", "force": True}
    for id_, number in ((ids[0], "1"), (ids[1], "2")):  # taken away from another, before that
        mlflow.http.post(f"/modelVersions/{id_}/stage", json=how)
        assert mlflow.aliases("churn") == {"champion": number}
    mlflow.alias("churn", "champion", "2")  # given from now on
    how = {"stage": "production", "force": True}
    moved = mlflow.http.post(f"/modelVersions/{ids[0]}/stage", json=how)
    assert moved.json()["aliases"] == ["champion"]
    assert mlflow.aliases("churn") == {"champion": "1"}
    mlflow.move("churn", "2", "Production")
    mlflow.move("churn", "1", "Production")
    mlflow.move("churn", "1", "Archived")  # what is left in production is served again
    assert mlflow.aliases("churn") == {"champion": "2"}


def test_a_protected_alias_stays(mlflow: Client) -> None:
    mlflow.model("churn")
    mlflow.version("churn")
    mlflow.version("churn")
    mlflow.alias("churn", "champion", "1")
    id_ = mlflow.http.get("/modelVersions/name/headwater.churn.1").json()["id"]
    path = f"/modelVersions/{id_}/aliases/champion"
    assert mlflow.http.put(path, params={"protected": "true"}).status_code == 200
    about = {"name": "churn", "alias": "champion"}
    answer = mlflow.ask("POST", "registered-models/alias", **about, version="2")
    refused(answer, 409, "RESOURCE_CONFLICT")
    refused(mlflow.ask("DELETE", "registered-models/alias", **about), 409, "RESOURCE_CONFLICT")
    assert mlflow.stages("churn") == {"1": "Production", "2": "None"}


def test_another_alias_may_be_the_one_that_serves(store: Store) -> None:
    settings = Settings(mlflow_alias="live")
    with httpx.Client(base_url=NATIVE, transport=InProcessTransport(store, settings)) as http:
        mlflow = Client(http)
        mlflow.model("churn")
        mlflow.version("churn")
        mlflow.alias("churn", "champion", "1")
        assert mlflow.stages("churn") == {"1": "None"}
        mlflow.alias("churn", "live", "1")
        assert mlflow.stages("churn") == {"1": "Production"}


def test_a_deleted_model_frees_its_name(mlflow: Client) -> None:
    mlflow.model("churn", tags=[{"key": "old", "value": "yes"}])
    mlflow.version("churn")
    mlflow.version("churn")
    mlflow.move("churn", "2", "Production")
    before = mlflow.http.get("/mlmodels/name/headwater.churn").json()["id"]
    mlflow.delete("registered-models/delete", name="churn")
    gone = mlflow.ask("GET", "registered-models/get", name="churn")
    refused(gone, 404, "RESOURCE_DOES_NOT_EXIST")
    assert mlflow.names() == []
    assert mlflow.numbers("") == []
    made = mlflow.model("churn")
    assert "tags" not in made
    assert mlflow.version("churn")["version"] == "1"
    assert mlflow.http.get("/mlmodels/name/headwater.churn").json()["id"] != before
    old = mlflow.http.get(f"/mlmodels/{before}", params={"include": "all"}).json()
    assert old["deleted"]
    assert old["name"].startswith("churn (deleted ")
    restored = mlflow.http.post(f"/mlmodels/{before}/restore")
    assert restored.status_code == 200, restored.text


def test_a_model_is_renamed_with_its_versions_even_to_a_freed_name(mlflow: Client) -> None:
    mlflow.model("old")
    mlflow.version("old", run_id="r1")
    mlflow.model("new")
    mlflow.delete("registered-models/delete", name="new")
    mlflow.post("registered-models/rename", name="old", new_name="new")
    assert mlflow.numbers("run_id='r1'") == [("new", "1")]
    refused(mlflow.ask("GET", "registered-models/get", name="old"), 404, "RESOURCE_DOES_NOT_EXIST")
    mlflow.model("third")
    taken = mlflow.ask("POST", "registered-models/rename", name="third", new_name="new")
    refused(taken, 400, "RESOURCE_ALREADY_EXISTS")


def test_a_version_goes_even_from_production_and_its_number_is_not_given_again(
    mlflow: Client,
) -> None:
    mlflow.model("churn")
    mlflow.version("churn")
    mlflow.version("churn")
    mlflow.move("churn", "2", "Production")
    mlflow.delete("model-versions/delete", name="churn", version="2")
    gone = mlflow.ask("GET", "model-versions/get", name="churn", version="2")
    refused(gone, 404, "RESOURCE_DOES_NOT_EXIST")
    assert mlflow.aliases("churn") == {}
    assert mlflow.version("churn")["version"] == "3"
    mlflow.move("churn", "1", "Production")
    mlflow.move("churn", "3", "Production")
    mlflow.delete("model-versions/delete", name="churn", version="3")
    assert mlflow.aliases("churn") == {"champion": "1"}  # which serves again


def test_a_copy_has_the_files_and_the_run_of_what_it_copies(mlflow: Client) -> None:
    mlflow.model("churn")
    mlflow.version("churn", "s3://bucket/1", run_id="r1")
    mlflow.alias("churn", "blue", "1")
    mlflow.model("served")
    for source in ("models:/churn/1", "models:/churn@blue", "models:/churn/latest"):
        copy = mlflow.version("served", source)
        assert (copy["source"], copy["run_id"]) == ("models:/churn/1", "r1")
        uri = mlflow.get("model-versions/get-download-uri", name="served", version=copy["version"])
        assert uri == {"artifact_uri": "s3://bucket/1"}
    gone = mlflow.ask("POST", "model-versions/create", name="served", source="models:/nothing/1")
    refused(gone, 404, "RESOURCE_DOES_NOT_EXIST")
    for other in ({"run_id": "r2"}, {"model_id": "m-" + "0" * 32}):
        named = {"name": "served", "source": "models:/churn/1", **other}
        answer = mlflow.ask("POST", "model-versions/create", **named)
        refused(answer, 400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd",
        "etc/passwd",
        "file:///etc/passwd",
        "C:\\windows",
        "s3://bucket/../other",
        "s3://bucket/a/./b",
        "mlflow-artifacts:/1/..%2f..%2fetc",
        "mlflow-artifacts://host/%252e%252e/x",
        "dbfs:/a%00b",
        "models:/churn",
        "models://host/churn/1",
        "runs:/other/model",
        "runs://host/me/model",
        "s3://bucket",
        "s3://bucket//",
        "s3:model",
        "https://host",
        "http://[half",
        "",
    ],
)
def test_a_source_that_leads_elsewhere_is_refused(mlflow: Client, source: str) -> None:
    mlflow.model("churn")
    answer = mlflow.ask("POST", "model-versions/create", name="churn", source=source, run_id="me")
    refused(answer, 400, "INVALID_PARAMETER_VALUE")
    assert mlflow.numbers("name='churn'") == []


@pytest.mark.parametrize(
    "source",
    [
        "s3://b/a",
        "s3://b//a/",
        "https://host/a",
        "runs:/me/model",
        "mlflow-artifacts:/1/me/artifacts/model",
        "gs://b/a..b",
    ],
)
def test_a_source_that_can_be_had_is_taken(mlflow: Client, source: str) -> None:
    mlflow.model("churn")
    assert mlflow.version("churn", source, run_id="me")["source"] == source


@pytest.fixture
def filled(mlflow: Client) -> Client:
    """Models that differ in name, tags and versions."""
    for name, team in (
        ("b", "x"),
        ("a", "y"),
        ("a.b", "x"),
        ("A", "y"),
        ("a b", "x"),
        ("a!c.d", ""),
    ):
        mlflow.model(name, tags=[{"key": "team", "value": team}] if team else [])
    for name, run, score in (("a", "r1", "5"), ("a", "r2", "6"), ("b", "r1", "5")):
        mlflow.version(
            name, f"s3://{name}/{run}", run_id=run, tags=[{"key": "my score", "value": score}]
        )
    return mlflow


NAMES = ["A", "a", "a b", "a!c.d", "a.b", "b"]


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ("", NAMES),
        ("name = 'a'", ["a"]),
        ('name="a"', ["a"]),
        ("name != 'a'", ["A", "a b", "a!c.d", "a.b", "b"]),
        ("name LIKE 'a%'", ["a", "a b", "a!c.d", "a.b"]),
        ("name ilike 'A%'", ["A", "a", "a b", "a!c.d", "a.b"]),
        ("name LIKE 'a_b'", ["a b", "a.b"]),
        ("name IN ('b', \"a\", 'c')", ["a", "b"]),
        ("name NOT IN ('a','b','A')", ["a b", "a!c.d", "a.b"]),
        ("tags.team = 'x'", ["a b", "a.b", "b"]),
        ("tag.`team` != 'x'", ["A", "a"]),
        ("tags.\"team\" LIKE '%' and attribute.name != 'a b'", ["A", "a", "a.b", "b"]),
        ("tags.team = 'x' AND name LIKE 'a%'", ["a b", "a.b"]),
        ("tags.nobody = 'x'", []),
        ("tags.'team' = \"x\"", ["a b", "a.b", "b"]),
        ("name = 'nobody'", []),
    ],
)
def test_models_are_found_by_filters(filled: Client, filter_: str, found: list[str]) -> None:
    assert filled.names(filter=filter_) == found


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ("name = 'a'", ["a1", "a2"]),
        ("run_id = 'r1'", ["a1", "b1"]),
        ("run_id IN ('r1','r2') and name != 'b'", ["a1", "a2"]),
        ("run_id NOT IN ('r1')", ["a2"]),
        ("source_path LIKE 's3://a/%'", ["a1", "a2"]),
        ("version_number > 1", ["a2"]),
        ("attribute.version_number <= 1 AND name IN ('a')", ["a1"]),
        ("tags.`my score` = '5'", ["a1", "b1"]),
        ("tags.`my score` != '5' AND name='a'", ["a2"]),
        ("", ["a1", "a2", "b1"]),
    ],
)
def test_versions_are_found_by_filters(filled: Client, filter_: str, found: list[str]) -> None:
    assert sorted(name + number for name, number in filled.numbers(filter_)) == found


@pytest.mark.parametrize(
    "filter_",
    [
        "nothing = 'a'",
        "name > 'a'",
        "name = a",
        "name = 'a' OR name = 'b'",
        "name = 'a' name = 'b'",
        "name = 'a' AND",
        "(name = 'a')",
        "params.a = 'b'",
        "tags.team IN ('x')",
        "name IN ()",
        "name IN ('a' 'b')",
        "name IN 'a'",
        "name = 'a",
        "AND",
    ],
)
def test_filters_that_mean_nothing_are_refused(mlflow: Client, filter_: str) -> None:
    for path in ("registered-models/search", "model-versions/search"):
        refused(mlflow.ask("GET", path, filter=filter_), 400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("given", "told"),
    [("name == 'a'", "== 'a'"), ("name = 'a' OR 1", "OR 1"), ("name = 'a' AND", "name = 'a' AND")],
)
def test_a_refused_filter_is_told_without_what_the_client_added(
    mlflow: Client, given: str, told: str
) -> None:
    sent = f"{given} AND tag.`mlflow.prompt.is_prompt` != 'true'"
    answer = mlflow.ask("GET", "registered-models/search", filter=sent)
    message = refused(answer, 400, "INVALID_PARAMETER_VALUE")
    assert message.endswith(told)


def test_pages_have_everything_once_and_in_order(filled: Client) -> None:
    for order, expected in (
        ([], NAMES),
        (["name ASC"], NAMES),
        (["name DESC"], NAMES[::-1]),
        (["timestamp asc"], ["b", "a", "a.b", "A", "a b", "a!c.d"]),
    ):
        found, token = list[str](), ""
        while True:
            asked = {
                "order_by": order,
                "max_results": 2,
                **({"page_token": token} if token else {}),
            }
            page = filled.get("registered-models/search", **asked)
            found += [each["name"] for each in page["registered_models"]]
            token = page.get("next_page_token", "")
            if not token:
                break
        assert sorted(found) == sorted(expected)
        if "timestamp asc" not in order:
            assert found == expected


def test_versions_come_newest_first_or_as_asked(filled: Client) -> None:
    assert filled.numbers("")[0] == ("b", "1")
    filled.patch("model-versions/update", name="a", version="1", description="touched")
    assert filled.numbers("")[0] == ("a", "1")
    by = ["name DESC", "version_number ASC"]
    assert filled.numbers("", order_by=by) == [("b", "1"), ("a", "1"), ("a", "2")]
    page = filled.get("model-versions/search", order_by=by, max_results=2)
    rest = filled.get("model-versions/search", order_by=by, page_token=page["next_page_token"])
    assert [v["version"] for v in rest["model_versions"]] == ["2"]
    assert "next_page_token" not in rest


@pytest.mark.parametrize(
    "asked",
    [
        {"order_by": ["nothing ASC"]},
        {"order_by": ["name", "name DESC"]},
        {"order_by": ["name SIDEWAYS"]},
        {"max_results": 0},
        {"max_results": "many"},
        {"max_results": 200_001},
        {"page_token": "nonsense"},
        {"page_token": "e30K e30K"},
        {"page_token": "eyJvZmZzZXQiOiAtMX0="},
    ],
)
def test_searches_that_mean_nothing_are_refused(mlflow: Client, asked: Json) -> None:
    for path in ("registered-models/search", "model-versions/search"):
        refused(mlflow.ask("GET", path, **asked), 400, "INVALID_PARAMETER_VALUE")


def test_prompts_are_found_only_when_they_are_asked_for(mlflow: Client) -> None:
    mlflow.model("churn")
    tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    mlflow.model("greeting", tags=tags)
    text = {"key": "mlflow.prompt.text", "value": "Hello {{ name }}"}
    made = mlflow.version("greeting", "dummy-source", tags=[*tags, text])
    assert made["version"] == "1"
    assert mlflow.names() == ["churn"]
    assert mlflow.names(filter="tags.`mlflow.prompt.is_prompt` != 'true'") == ["churn"]
    assert mlflow.names(filter="tags.`mlflow.prompt.is_prompt` = 'true'") == ["greeting"]
    assert mlflow.numbers("name='greeting'") == []
    asked = "name='greeting' AND tags.`mlflow.prompt.is_prompt` = 'true'"
    assert mlflow.numbers(asked) == [("greeting", "1")]


@pytest.mark.parametrize("name", ["a/b", "a:b", "", "  ", "..", ".", "a" * 257, "a\nb"])
def test_names_that_mlflow_has_not_are_refused(mlflow: Client, name: str) -> None:
    answer = mlflow.ask("POST", "registered-models/create", name=name)
    refused(answer, 400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("key", ["", "a=b", "../a", "a//b", "k" * 251])
def test_keys_that_mlflow_has_not_are_refused(mlflow: Client, key: str) -> None:
    mlflow.model("churn")
    answer = mlflow.ask("POST", "registered-models/set-tag", name="churn", key=key, value="v")
    refused(answer, 400, "INVALID_PARAMETER_VALUE")


def test_errors_are_mlflows(mlflow: Client) -> None:
    mlflow.model("churn")
    mlflow.version("churn")
    again = mlflow.ask("POST", "registered-models/create", name="churn")
    assert "already exists" in refused(again, 400, "RESOURCE_ALREADY_EXISTS")
    asked: Json
    for method, path, asked in (
        ("GET", "registered-models/get", {"name": "nobody"}),
        ("DELETE", "registered-models/delete", {"name": "nobody"}),
        ("POST", "model-versions/create", {"name": "nobody", "source": "s3://a/b"}),
        ("GET", "model-versions/get", {"name": "churn", "version": "2"}),
        ("POST", "registered-models/alias", {"name": "churn", "alias": "a", "version": "2"}),
        ("POST", "registered-models/set-tag", {"name": "nobody", "key": "a", "value": "b"}),
    ):
        refused(mlflow.ask(method, path, **asked), 404, "RESOURCE_DOES_NOT_EXIST")
    for method, path, asked in (
        ("GET", "registered-models/get", {}),
        ("POST", "registered-models/create", {"name": 5}),
        ("POST", "registered-models/create", {"name": "x", "tags": "a"}),
        ("POST", "registered-models/create", {"name": "x", "tags": [{"value": "a"}]}),
        ("GET", "model-versions/get", {"name": "churn", "version": "one"}),
        ("POST", "model-versions/transition-stage", {"name": "churn", "version": "1"}),
        (
            "POST",
            "model-versions/transition-stage",
            {"name": "churn", "version": "1", "stage": "Live"},
        ),
        (
            "POST",
            "model-versions/transition-stage",
            {
                "name": "churn",
                "version": "1",
                "stage": "None",
                "archive_existing_versions": True,
            },
        ),
    ):
        refused(mlflow.ask(method, path, **asked), 400, "INVALID_PARAMETER_VALUE")
    for method, path in (
        ("GET", "registered-models/create"),
        ("GET", "registered-models/nothing"),
        ("POST", "model-versions/nothing/at/all"),
    ):
        refused(mlflow.ask(method, path), 404, "ENDPOINT_NOT_FOUND")


def test_bodies_that_are_no_json_objects_are_refused(mlflow: Client) -> None:
    path = "http://localhost/api/2.0/mlflow/registered-models/create"
    headers = {"Content-Type": "application/json"}
    for content, code in ((b"{", "INVALID_PARAMETER_VALUE"), (b"[]", "BAD_REQUEST")):
        refused(mlflow.http.post(path, content=content, headers=headers), 400, code)
    form = mlflow.http.post(path, data={"name": "churn"})
    refused(form, 415, "BAD_REQUEST")
    assert mlflow.names() == []


def test_pages_ask_under_a_prefix_of_their_own(mlflow: Client) -> None:
    mlflow.model("churn")
    answer = mlflow.http.get("http://localhost/ajax-api/2.0/mlflow/registered-models/search")
    assert [each["name"] for each in answer.json()["registered_models"]] == ["churn"]


def test_models_that_were_made_natively_are_seen_with_all_their_versions(mlflow: Client) -> None:
    body = {"name": "native", "algorithm": "Forest"}
    assert mlflow.http.post("/mlmodels", json=body).status_code == 201
    for name in ("one", "1.0.5"):
        body = {"name": name, "mlmodel": "headwater.native"}
        assert mlflow.http.post("/modelVersions", json=body).status_code == 201
    other = {"name": "other", "serviceType": "CustomMlModel"}
    assert mlflow.http.post("/mlmodelServices", json=other).status_code == 201
    body = {"name": "elsewhere", "service": "other", "algorithm": "Forest"}
    assert mlflow.http.post("/mlmodels", json=body).status_code == 201
    assert mlflow.names() == ["native"]
    found = mlflow.get("model-versions/get", name="native", version="2")["model_version"]
    assert found["creation_timestamp"] > 0
    assert mlflow.version("native")["version"] == "3"
    assert len(mlflow.numbers("name='native'")) == 3


def test_models_live_in_the_service_that_is_set(store: Store) -> None:
    settings = Settings(mlflow_service="my registry")
    with httpx.Client(base_url=NATIVE, transport=InProcessTransport(store, settings)) as http:
        mlflow = Client(http)
        mlflow.model("churn")
        assert http.get("/mlmodels/name/my registry.churn").status_code == 200
        assert mlflow.names() == ["churn"]


def test_writers_of_one_model_get_numbers_of_their_own(mlflow: Client) -> None:
    mlflow.model("churn")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda i: mlflow.version("churn", f"s3://b/{i}"), range(16)))
    assert sorted(int(each["version"]) for each in made) == list(range(1, 17))
