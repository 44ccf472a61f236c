"""Tracking: where the results of runs are stored, and what they are made from.

Speaks the SDK. Light: what stores and reads values (fsspec, pandas, scikit-learn …) is loaded when
it is used.
"""

from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.artifact_calls import load_artifact, save_artifact
from headwater.tracking.artifact_store import ArtifactStore, StoredArtifact, open_artifact_store
from headwater.tracking.capture import Read, Recorder, read_of, read_sql, read_table, recording
from headwater.tracking.client import Client
from headwater.tracking.connection import connect, disconnect
from headwater.tracking.context import (
    PipelineContext,
    StepContext,
    get_pipeline_context,
    get_step_context,
)
from headwater.tracking.feature import features_of
from headwater.tracking.hash import cache_key, code_hash, value_hash
from headwater.tracking.log import log_artifact_metadata, log_metadata, log_model_metadata
from headwater.tracking.materializer import Materializer, Reading
from headwater.tracking.materializers import PickleMaterializer, register_materializer
from headwater.tracking.metadata import MetadataValue
from headwater.tracking.model import Model
from headwater.tracking.outbox import send_journal
from headwater.tracking.output import ArtifactConfig
from headwater.tracking.pipeline import pipeline
from headwater.tracking.register_step import register_model_step
from headwater.tracking.stage import ModelStages
from headwater.tracking.step import step

__all__ = [
    "ArtifactConfig",
    "ArtifactHandle",
    "ArtifactStore",
    "Client",
    "Materializer",
    "MetadataValue",
    "Model",
    "ModelStages",
    "PickleMaterializer",
    "PipelineContext",
    "Read",
    "Reading",
    "Recorder",
    "StepContext",
    "StoredArtifact",
    "cache_key",
    "code_hash",
    "connect",
    "disconnect",
    "features_of",
    "get_pipeline_context",
    "get_step_context",
    "load_artifact",
    "log_artifact_metadata",
    "log_metadata",
    "log_model_metadata",
    "open_artifact_store",
    "pipeline",
    "read_of",
    "read_sql",
    "read_table",
    "recording",
    "register_materializer",
    "register_model_step",
    "save_artifact",
    "send_journal",
    "step",
    "value_hash",
]
