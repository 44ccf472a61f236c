"""Uses a model registry as people do; run by the environment that has MLflow.

Usage: ``python mlflow_registry.py REGISTRY TRACKING FOLDER``. What is not as MLflow's own registry
has it fails an assertion.
"""

from __future__ import annotations

import sys
from pathlib import Path

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression

NEWER = int(mlflow.__version__.split(".")[0]) >= 3
FRAME = pd.DataFrame({"age": [31, 45, 22, 60], "income": [1.5, 2.5, 0.5, 4.0]})
SOURCE = "s3://bucket/model"


def refused(code: str, call: object, *args: object, **kwargs: object) -> None:
    """Check that a call is refused, and for what."""
    found = None
    try:
        call(*args, **kwargs)  # type: ignore[operator]  # any callable of the client
    except MlflowException as error:
        found = error
    assert found is not None, f"{call} was not refused"
    assert found.error_code == code, found


def models(client: MlflowClient) -> None:
    """Register, describe, tag, find, rename, and delete models."""
    made = client.create_registered_model("fraud", tags={"team": "risk"}, description="Old.")
    assert (made.name, made.description, made.tags) == ("fraud", "Old.", {"team": "risk"})
    assert made.creation_timestamp == made.last_updated_timestamp
    assert client.update_registered_model("fraud", description="New.").description == "New."
    client.set_registered_model_tag("fraud", "tier", "1")
    client.delete_registered_model_tag("fraud", "team")
    assert client.get_registered_model("fraud").tags == {"tier": "1"}
    refused("RESOURCE_ALREADY_EXISTS", client.create_registered_model, "fraud")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, "nobody")
    refused("INVALID_PARAMETER_VALUE", client.create_registered_model, "a/b")
    client.rename_registered_model("fraud", "fraud 2")
    assert client.get_registered_model("fraud 2").description == "New."
    for name in ("a", "b", "c"):
        client.create_registered_model(name)
    found, token = [], None
    while True:
        page = client.search_registered_models(
            filter_string="name != 'fraud 2'",
            max_results=2,
            order_by=["name DESC"],
            page_token=token,
        )
        found += [each.name for each in page]
        token = page.token
        if not token:
            break
    assert found == ["c", "b", "a"], found
    by_tag = client.search_registered_models(filter_string="tags.tier = '1'")
    assert [each.name for each in by_tag] == ["fraud 2"]
    client.delete_registered_model("a")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, "a")
    assert client.create_registered_model("a").name == "a"


def versions(client: MlflowClient) -> None:
    """Register, move, name, find, copy and delete versions."""
    client.create_registered_model("price")
    for number in range(1, 5):
        made = client.create_model_version(
            "price", f"{SOURCE}/{number}", run_id=f"run{number}", tags={"n": str(number)}
        )
        assert (str(made.version), made.status, made.current_stage) == (
            str(number),
            "READY",
            "None",
        )
        assert (made.source, made.run_id) == (f"{SOURCE}/{number}", f"run{number}")
    assert client.get_model_version_download_uri("price", "2") == f"{SOURCE}/2"
    assert client.update_model_version("price", "2", "Second.").description == "Second."
    client.set_model_version_tag("price", "2", "validated", "yes")
    client.set_model_version_tag("price", key="late", value="yes", version="4")
    client.delete_model_version_tag("price", "4", "late")
    assert client.get_model_version("price", "2").tags == {"n": "2", "validated": "yes"}
    assert client.get_model_version("price", "4").tags == {"n": "4"}
    found = client.search_model_versions("tags.validated = 'yes' AND run_id = 'run2'")
    assert [str(each.version) for each in found] == ["2"]
    found = client.search_model_versions("name='price'", order_by=["version_number ASC"])
    assert [str(each.version) for each in found] == ["1", "2", "3", "4"]
    refused("INVALID_PARAMETER_VALUE", client.search_model_versions, "colour = 'red'")
    refused("INVALID_PARAMETER_VALUE", client.create_model_version, "price", "/etc/passwd")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, "price", "9")
    stages(client)
    aliases(client)
    copy = client.copy_model_version("models:/price@blue", "copied")
    assert (copy.name, str(copy.version)) == ("copied", "1")
    assert client.get_model_version_download_uri("copied", "1") == f"{SOURCE}/1"
    client.delete_model_version("price", "4")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, "price", "4")
    assert str(client.create_model_version("price", SOURCE).version) == "5"


def stages(client: MlflowClient) -> None:
    """Move versions, beside each other and in place of each other."""
    client.transition_model_version_stage("price", "1", "Production")
    client.transition_model_version_stage("price", "2", "Production")
    latest = client.get_latest_versions("price", ["Production"])
    assert [str(each.version) for each in latest] == ["2"]
    both = client.search_model_versions("name='price'")
    assert sum(each.current_stage == "Production" for each in both) == 2
    moved = client.transition_model_version_stage(
        "price", "3", "Production", archive_existing_versions=True
    )
    assert moved.current_stage == "Production"
    stages_ = {
        str(v.version): v.current_stage for v in client.search_model_versions("name='price'")
    }
    assert stages_ == {"1": "Archived", "2": "Archived", "3": "Production", "4": "None"}
    refused("INVALID_PARAMETER_VALUE", client.transition_model_version_stage, "price", "1", "Live")


def aliases(client: MlflowClient) -> None:
    """Name versions; the champion is the one that serves."""
    assert str(client.get_model_version_by_alias("price", "champion").version) == "3"
    client.set_registered_model_alias("price", "blue", "1")
    client.set_registered_model_alias("price", "champion", "4")
    assert client.get_model_version("price", "4").current_stage == "Production"
    assert client.get_registered_model("price").aliases == {"blue": "1", "champion": "4"}
    found = client.search_model_versions("name='price'")
    assert {str(each.version): each.aliases for each in found}["1"] == ["blue"]
    client.delete_registered_model_alias("price", "champion")
    assert client.get_model_version("price", "4").current_stage == "Production"
    refused("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, "price", "champion")


def trained(tracking: str) -> None:
    """Log models to the tracking server and the registry, and load one again."""
    mlflow.set_tracking_uri(tracking)
    mlflow.set_experiment("churn")
    where = {"name": "model"} if NEWER else {"artifact_path": "model"}
    for c in (0.1, 1.0):
        with mlflow.start_run() as run:
            model = LogisticRegression(C=c).fit(FRAME, [0, 1, 0, 1])
            mlflow.log_metric("c", c)
            mlflow.sklearn.log_model(
                model, **where, pip_requirements=[], registered_model_name="churn"
            )
    client = MlflowClient()
    second = client.get_model_version("churn", "2")
    # MLflow 3 tells its logged model alone; of which run that is, the tracking server knows.
    asked = not NEWER or tracking == mlflow.get_registry_uri()
    assert second.run_id == (run.info.run_id if asked else ""), second.run_id
    client.set_registered_model_alias("churn", "champion", "2")
    loaded = mlflow.pyfunc.load_model("models:/churn@champion")
    assert list(loaded.predict(FRAME)) == list(model.predict(FRAME))
    staged = mlflow.pyfunc.load_model("models:/churn/Production")
    assert list(staged.predict(FRAME)) == list(model.predict(FRAME))
    registered = mlflow.register_model(f"runs:/{run.info.run_id}/model", "churn")
    assert str(registered.version) == "3"


def prompts() -> None:
    """Keep prompts as MLflow 3 does."""
    mlflow.genai.register_prompt("greeting", "Hello {{ name }}")
    mlflow.genai.set_prompt_alias("greeting", "live", 1)
    prompt = mlflow.genai.load_prompt("prompts:/greeting@live")
    assert prompt.format(name="Ada") == "Hello Ada"
    names = [each.name for each in MlflowClient().search_registered_models()]
    assert "greeting" not in names
    assert [each.name for each in mlflow.genai.search_prompts()] == ["greeting"]


def main() -> None:
    """Do all of it."""
    registry, tracking, folder = sys.argv[1:]
    Path(folder).mkdir(exist_ok=True)
    mlflow.set_registry_uri(registry)
    client = MlflowClient(tracking_uri=tracking, registry_uri=registry)
    models(client)
    versions(client)
    trained(tracking)
    if NEWER:
        prompts()


main()
