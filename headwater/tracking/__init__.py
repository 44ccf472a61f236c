"""Tracking: where the results of runs are stored, and what they are made from.

Speaks the SDK. Light: what stores and reads values (fsspec, pandas, scikit-learn …) is loaded when
it is used.
"""

from headwater.tracking.artifact_store import ArtifactStore, StoredArtifact, open_artifact_store
from headwater.tracking.materializer import Materializer, Reading
from headwater.tracking.materializers import PickleMaterializer, register_materializer

__all__ = [
    "ArtifactStore",
    "Materializer",
    "PickleMaterializer",
    "Reading",
    "StoredArtifact",
    "open_artifact_store",
    "register_materializer",
]
