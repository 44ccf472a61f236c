"""The public names, and how little importing them loads."""

from __future__ import annotations

import importlib
import subprocess
import sys

import headwater
from headwater import generated
from headwater.schemas import kinds

NAMES = {
    "AccessError",
    "AlreadyExistsError",
    "ArtifactConfig",
    "ArtifactHandle",
    "BulkFailure",
    "BulkResult",
    "Client",
    "ClientError",
    "ConflictError",
    "Diff",
    "Events",
    "EventsGoneError",
    "Headwater",
    "HeadwaterError",
    "Impact",
    "ImpactedEntity",
    "ImpactedModel",
    "InvalidInputError",
    "KindClient",
    "Lineage",
    "LineageCycles",
    "LineageDiff",
    "LineageEdge",
    "LineageNode",
    "LineagePath",
    "LineageRoots",
    "MetadataValue",
    "Model",
    "ModelStages",
    "NotFoundError",
    "NotInstalledError",
    "NotSignedInError",
    "OwnEntity",
    "PreconditionError",
    "ReachedNode",
    "SearchResult",
    "SourceError",
    "StaleWriteError",
    "StoreError",
    "TaggedSource",
    "TaggedSources",
    "TrainedOn",
    "TrainedVersion",
    "__version__",
    "connect",
    "get_pipeline_context",
    "get_step_context",
    "load_artifact",
    "log_artifact_metadata",
    "log_metadata",
    "log_model_metadata",
    "pipeline",
    "read_sql",
    "read_table",
    "register_model_step",
    "save_artifact",
    "step",
}
HEAVY = {
    "duckdb",
    "fastapi",
    "fsspec",
    "jsonschema",
    "neo4j",
    "networkx",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "skops",
    "sklearn",
    "sqlalchemy",
    "sqlglot",
    "starlette",
    "typer",
    "uvicorn",
    "yaml",
}


def test_the_package_exports_these_names_and_the_generated_ones() -> None:
    assert set(headwater.__all__) - set(generated.__all__) == NAMES
    assert len(headwater.__all__) == len(set(headwater.__all__))
    for name in headwater.__all__:
        assert getattr(headwater, name) is not None


def test_every_kind_has_its_classes_among_them() -> None:
    for kind in kinds().values():
        assert {kind.title, f"Create{kind.title}"} <= set(headwater.__all__)


def test_the_page_of_the_seed_finds_its_classes() -> None:
    page = "CreateMlModel EntityReference FeatureSource FeatureSourceDataType FeatureType MlFeature"
    assert {*page.split(), "Headwater"} <= set(headwater.__all__)


def test_the_sdk_exports_what_the_package_does() -> None:
    sdk = importlib.import_module("headwater.sdk")
    assert set(sdk.__all__) - NAMES == {"Change", "register_in_process"}


def loaded_by(*modules: str) -> set[str]:
    """What a fresh interpreter has loaded after importing some modules."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_it_loads_httpx_and_pydantic_and_nothing_heavier() -> None:
    # httpx itself loads rich for its own command, where that is installed with click.
    new = loaded_by("headwater") - loaded_by("httpx", "pydantic")
    assert {name.partition(".")[0] for name in new} & HEAVY == set()
    assert not [name for name in new if name.startswith(("headwater.app", "headwater.store"))]
