"""Headwater: know where every model's data comes from.

The public names: the client, the classes of every kind, and the errors. Light: importing it loads
httpx and pydantic and nothing heavier.
"""

from headwater import generated
from headwater.errors import (
    AccessError,
    AlreadyExistsError,
    ClientError,
    ConflictError,
    EventsGoneError,
    HeadwaterError,
    InvalidInputError,
    NotFoundError,
    NotInstalledError,
    NotSignedInError,
    PreconditionError,
    SourceError,
    StaleWriteError,
    StoreError,
)
from headwater.generated import *  # noqa: F403  (every kind's classes, those of later kinds too)
from headwater.sdk import (
    BulkFailure,
    BulkResult,
    Diff,
    Events,
    Headwater,
    Impact,
    ImpactedModel,
    KindClient,
    Lineage,
    LineageCycles,
    LineageDiff,
    LineageEdge,
    LineageNode,
    LineagePath,
    LineageRoots,
    OwnEntity,
    SearchResult,
)
from headwater.version import __version__

__all__ = [
    "AccessError",
    "AlreadyExistsError",
    "BulkFailure",
    "BulkResult",
    "ClientError",
    "ConflictError",
    "Diff",
    "Events",
    "EventsGoneError",
    "Headwater",
    "HeadwaterError",
    "Impact",
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
    "NotFoundError",
    "NotInstalledError",
    "NotSignedInError",
    "OwnEntity",
    "PreconditionError",
    "SearchResult",
    "SourceError",
    "StaleWriteError",
    "StoreError",
    "__version__",
]
__all__ += generated.__all__
