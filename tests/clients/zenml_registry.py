"""Uses a model registry through ZenML's MLflow flavor; run by the environment that has ZenML.

Usage: ``python zenml_registry.py ADDRESS``. The stack is a local one: ZenML's own artifact store
and orchestrator, and MLflow's experiment tracker and model registry at the address.
"""

from __future__ import annotations

import sys

from mlflow import MlflowClient
from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.integrations.mlflow.model_registries import MLFlowModelRegistry
from zenml.model_registries.base_model_registry import (
    ModelRegistryModelMetadata,
    ModelVersionStage,
)

SOURCE = "s3://bucket/model"


def registry_of(address: str) -> MLFlowModelRegistry:
    """The registry of a stack that is active from now on."""
    client = Client()
    default = client.active_stack_model
    client.create_stack_component(
        name="tracker",
        flavor="mlflow",
        component_type=StackComponentType.EXPERIMENT_TRACKER,
        configuration={
            "tracking_uri": address,
            "tracking_username": "anybody",
            "tracking_password": "none",
        },
    )
    client.create_stack_component(
        name="registry",
        flavor="mlflow",
        component_type=StackComponentType.MODEL_REGISTRY,
        configuration={},
    )
    kept = (StackComponentType.ARTIFACT_STORE, StackComponentType.ORCHESTRATOR)
    components = {kind: default.components[kind][0].name for kind in kept}
    components[StackComponentType.EXPERIMENT_TRACKER] = "tracker"
    components[StackComponentType.MODEL_REGISTRY] = "registry"
    client.create_stack(name="registry", components=components)
    client.activate_stack("registry")
    registry = client.active_stack.model_registry
    assert isinstance(registry, MLFlowModelRegistry)
    return registry


def main() -> None:
    """Register, list, promote and delete."""
    address = sys.argv[1]
    registry = registry_of(address)
    registry.register_model("churn", description="Who leaves.", metadata={"team": "growth"})
    assert [each.name for each in registry.list_models(metadata={"team": "growth"})] == ["churn"]
    registry.update_model("churn", metadata={"tier": "1"}, remove_metadata=["team"])
    assert registry.get_model("churn").metadata == {"tier": "1"}
    for number in ("1", "2", "3"):
        made = registry.register_model_version(
            "churn",
            model_source_uri=f"{SOURCE}/{number}",
            description=f"Number {number}.",
            metadata=ModelRegistryModelMetadata(zenml_pipeline_name="training", gamma=number),
        )
        assert (made.version, made.model_source_uri) == (number, f"{SOURCE}/{number}")
    listed = registry.list_model_versions("churn", order_by_date="asc")
    assert [each.version for each in listed] == ["1", "2", "3"]
    for version, stage in (
        ("1", ModelVersionStage.ARCHIVED),
        ("2", ModelVersionStage.STAGING),
        ("3", ModelVersionStage.PRODUCTION),
    ):
        registry.update_model_version("churn", version, stage=stage)
    mlflow = MlflowClient(tracking_uri=address, registry_uri=address)
    aliases = mlflow.get_registered_model("churn").aliases
    assert aliases == {"archived": "1", "staging": "2", "champion": "3"}, aliases
    assert registry.get_model_version("churn", "3").stage == ModelVersionStage.PRODUCTION
    registry.update_model_version("churn", "2", stage=ModelVersionStage.PRODUCTION)
    stages = {each.version: each.stage.value for each in registry.list_model_versions("churn")}
    assert stages == {"1": "None", "2": "Production", "3": "Archived"}, stages
    registry.delete_model_version("churn", "2")
    assert {each.version for each in registry.list_model_versions("churn")} == {"1", "3"}
    registry.delete_model("churn")
    assert registry.list_models() == []


main()
