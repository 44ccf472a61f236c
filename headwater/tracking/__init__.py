"""Tracking: where the results of runs are stored, and what they are made from.

Speaks the SDK. Light: what stores and reads values (fsspec, pandas, scikit-learn …) is loaded when
it is used.
"""

from headwater.tracking.artifact_store import ArtifactStore, StoredArtifact, open_artifact_store
from headwater.tracking.capture import Read, Recorder, read_sql, read_table, recording
from headwater.tracking.feature import features_of
from headwater.tracking.hash import cache_key, code_hash, value_hash
from headwater.tracking.materializer import Materializer, Reading
from headwater.tracking.materializers import PickleMaterializer, register_materializer

__all__ = [
    "ArtifactStore",
    "Materializer",
    "PickleMaterializer",
    "Read",
    "Reading",
    "Recorder",
    "StoredArtifact",
    "cache_key",
    "code_hash",
    "features_of",
    "open_artifact_store",
    "read_sql",
    "read_table",
    "recording",
    "register_materializer",
    "value_hash",
]
