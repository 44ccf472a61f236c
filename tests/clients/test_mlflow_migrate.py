"""``headwater migrate mlflow`` from real servers of MLflow 2 and 3: both then answer the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools.headwater_server import headwater
from tools.mlflow_server import Server, server

Json = dict[str, Any]
_PROMPT = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]


def fill(own: Server) -> None:
    """Models with versions in every stage, a gap, aliases and tags."""
    for name in ("churn", "a.dotted name", "empty"):
        tags = [{"key": "team", "value": "growth"}, {"key": "none", "value": ""}]
        own.post("registered-models/create", name=name, description="What.", tags=tags)
    for number in range(1, 6):
        own.post(
            "model-versions/create",
            name="churn",
            source=f"s3://bucket/{number}",
            run_id=f"run{number}",
            run_link="http://runs",
            description=f"Number {number}.",
            tags=[{"key": "number", "value": str(number)}],
        )
    own.post("model-versions/create", name="a.dotted name", source="s3://bucket/x")
    own.delete("model-versions/delete", name="churn", version="4")
    for version, stage in (("1", "Archived"), ("2", "Staging"), ("3", "Production")):
        own.post("model-versions/transition-stage", name="churn", version=version, stage=stage)
    for alias, version in (("champion", "3"), ("staging", "2"), ("7", "1")):
        own.post("registered-models/alias", name="churn", alias=alias, version=version)
    own.post("registered-models/create", name="copied")
    own.post("model-versions/create", name="copied", source="models:/churn/3", run_id="run3")
    own.post("registered-models/create", name="greeting", tags=_PROMPT)
    own.post("model-versions/create", name="greeting", source="dummy-source", tags=_PROMPT)


def registry(url: str) -> tuple[list[Json], list[Json]]:
    """All that a registry answers of models and versions, in an order of its own."""
    found: tuple[list[Json], list[Json]] = ([], [])
    for listed, path, name in (
        (found[0], "registered-models", "registered_models"),
        (found[1], "model-versions", "model_versions"),
    ):
        for asked in ("", "tags.`mlflow.prompt.is_prompt` = 'true'"):
            page = httpx.get(f"{url}/api/2.0/mlflow/{path}/search", params={"filter": asked})
            assert page.status_code == 200, page.text
            listed += [plain(each) for each in page.json().get(name, ())]
    return found


def plain(raw: Json) -> Json:
    """What both answer of a thing: MLflow leaves aliases out of some answers, and users of all."""
    kept = {n: v for n, v in raw.items() if n not in ("latest_versions", "user_id") and v != ""}
    if "version" in raw:
        kept.pop("aliases", None)
    if "tags" in kept:
        kept["tags"] = sorted(kept["tags"], key=lambda tag: str(tag["key"]))
    if isinstance(kept.get("aliases"), list):
        kept["aliases"] = sorted(kept["aliases"], key=lambda alias: str(alias["alias"]))
    return kept


def migrate(source: str, target: str, *options: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "headwater", "migrate", "mlflow", "--from", source]
    done = subprocess.run(
        [*command, "--url", target, *options],
        env={**os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("generation", [2, 3])
def test_a_registry_moves_whole_and_once(generation: int, tmp_path: Path) -> None:
    with server(tmp_path, generation) as own, headwater(tmp_path) as url:
        fill(own)
        migrate(own.url, url, "--preview")
        assert registry(url) == ([], [])
        migrate(own.url, url)
        assert registry(url) == registry(own.url)
        copied = {"name": "copied", "version": "1"}
        copy = httpx.get(f"{url}/api/2.0/mlflow/model-versions/get-download-uri", params=copied)
        assert copy.json() == {"artifact_uri": "s3://bucket/3"}
        churn = httpx.get(f"{url}/api/v1/mlmodels/name/headwater.churn").json()
        assert churn["lifecycle"]["serving"]["number"] == 3
        last = httpx.get(f"{url}/api/v1/events", params={"limit": 1000}).json()["data"][-1]
        api = f"{url}/api/2.0/mlflow/"
        changed = {"name": "churn", "version": "2", "key": "number", "value": "two"}
        assert httpx.post(api + "model-versions/set-tag", json=changed).status_code == 200
        before = registry(url)
        migrate(own.url, url)
        assert registry(url) == before
        events = httpx.get(f"{url}/api/v1/events", params={"after": last["number"]}).json()["data"]
        assert [e for e in events if e["entity"]["type"] in ("mlmodel", "modelVersion")] == []
        made = httpx.post(
            api + "model-versions/create", json={"name": "churn", "source": "s3://bucket/6"}
        )
        assert made.json()["model_version"]["version"] == "6"


def test_a_model_of_another_registry_is_not_written_over(tmp_path: Path) -> None:
    with server(tmp_path, 3) as own, headwater(tmp_path) as url:
        own.post("registered-models/create", name="churn", description="The first.")
        own.post("model-versions/create", name="churn", source="s3://bucket/first")
        migrate(own.url, url)
        moved = registry(url)
        own.delete("registered-models/delete", name="churn")
        own.post("registered-models/create", name="churn", description="Another.")
        own.post("model-versions/create", name="churn", source="s3://bucket/another")
        own.post("registered-models/create", name="other")

        # The same server elsewhere: what tells its models apart is when they were registered.
        elsewhere = own.url.replace("127.0.0.1", "localhost")
        said = migrate(elsewhere, url, code=1)
        assert "failed: mlmodel headwater.churn: a model that did not come from this" in said
        models, versions = registry(url)
        assert [each for each in models if each["name"] != "other"] == moved[0]
        assert versions == moved[1]
        assert "0 created, 0 changed" in migrate(elsewhere, url, "--preview", code=1)
