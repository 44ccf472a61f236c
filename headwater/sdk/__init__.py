"""The Python SDK: one client class, over HTTP or in process, and what it answers."""

from headwater.sdk.analysis import LineageCycles, LineageRoots
from headwater.sdk.bulk import BulkFailure, BulkResult
from headwater.sdk.client import Headwater
from headwater.sdk.diff import Change, Diff
from headwater.sdk.event import Events
from headwater.sdk.impact import Impact, ImpactedEntity, ImpactedModel, ReachedNode
from headwater.sdk.in_process import register_in_process
from headwater.sdk.kind import KindClient
from headwater.sdk.lineage import Lineage, LineageEdge, LineageNode
from headwater.sdk.lineage_diff import LineageDiff
from headwater.sdk.own_kind import OwnEntity
from headwater.sdk.path import LineagePath
from headwater.sdk.search import SearchResult
from headwater.sdk.tagged import TaggedSource, TaggedSources
from headwater.sdk.trained import TrainedOn, TrainedVersion

__all__ = [
    "BulkFailure",
    "BulkResult",
    "Change",
    "Diff",
    "Events",
    "Headwater",
    "Impact",
    "ImpactedEntity",
    "ImpactedModel",
    "KindClient",
    "Lineage",
    "LineageCycles",
    "LineageDiff",
    "LineageEdge",
    "LineageNode",
    "LineagePath",
    "LineageRoots",
    "OwnEntity",
    "ReachedNode",
    "SearchResult",
    "TaggedSource",
    "TaggedSources",
    "TrainedOn",
    "TrainedVersion",
    "register_in_process",
]
