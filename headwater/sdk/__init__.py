"""The Python SDK: one client class, over HTTP or in process, and what it answers."""

from headwater.sdk.analysis import LineageCycles, LineageRoots
from headwater.sdk.bulk import BulkFailure, BulkResult
from headwater.sdk.client import Headwater
from headwater.sdk.diff import Change, Diff
from headwater.sdk.event import Events
from headwater.sdk.impact import Impact, ImpactedModel
from headwater.sdk.in_process import register_in_process
from headwater.sdk.kind import KindClient
from headwater.sdk.lineage import Lineage, LineageEdge, LineageNode
from headwater.sdk.lineage_diff import LineageDiff
from headwater.sdk.own_kind import OwnEntity
from headwater.sdk.path import LineagePath
from headwater.sdk.search import SearchResult

__all__ = [
    "BulkFailure",
    "BulkResult",
    "Change",
    "Diff",
    "Events",
    "Headwater",
    "Impact",
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
    "SearchResult",
    "register_in_process",
]
